# SPDX-License-Identifier: MIT
"""Textual: draws what the floors above say, decides nothing about compatibility."""
