# SPDX-License-Identifier: MIT
"""GRUB's language and what it keeps between boots."""
