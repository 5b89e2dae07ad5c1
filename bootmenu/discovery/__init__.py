# SPDX-License-Identifier: MIT
"""Which partitions are there, mounted read-only, scanned into entries with their reports."""
