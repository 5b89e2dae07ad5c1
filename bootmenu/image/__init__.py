# SPDX-License-Identifier: MIT
"""Builds a first-stage initramfs that starts the menu."""

SUITE = "trixie"
"""The Debian suite that images are made of: today's stable."""
