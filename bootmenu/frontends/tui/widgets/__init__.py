# SPDX-License-Identifier: MIT
"""What the screens are made of."""
