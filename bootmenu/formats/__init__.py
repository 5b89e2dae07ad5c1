# SPDX-License-Identifier: MIT
"""Bytes in, values out: opens no file, never logs, never trusts a length."""
