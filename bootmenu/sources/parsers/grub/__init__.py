# SPDX-License-Identifier: MIT
"""GRUB: grub.cfg, a small shell that is interpreted within bounds, and what it keeps between boots."""

from __future__ import annotations
