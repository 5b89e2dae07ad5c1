# SPDX-License-Identifier: MIT
"""Builds a first-stage initramfs that starts the menu."""

SUITE = "trixie"
"""The Debian suite that images are made of: today's stable."""
AUTO = "auto"
"""Stands for the suite with the Python of this process, which can make bytecode for it."""
