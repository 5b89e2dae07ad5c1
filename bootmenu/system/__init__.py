# SPDX-License-Identifier: MIT
"""The only floor that touches the machine."""
