# SPDX-License-Identifier: MIT
"""Plain frozen values that every floor shares. No I/O."""
