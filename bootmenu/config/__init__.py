# SPDX-License-Identifier: MIT
"""Settings from files, the kernel command line and flags, and what they permit."""
