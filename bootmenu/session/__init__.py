# SPDX-License-Identifier: MIT
"""One machine with its scan, shared by several consoles."""
