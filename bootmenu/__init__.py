# SPDX-License-Identifier: MIT
"""bootmenu: start Linux from Linux, and know beforehand whether it will work."""

__version__ = "0.1.0"
