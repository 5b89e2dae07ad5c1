# SPDX-License-Identifier: MIT
"""Builds a first-stage initramfs that starts the menu."""
