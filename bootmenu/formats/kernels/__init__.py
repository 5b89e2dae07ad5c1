# SPDX-License-Identifier: MIT
"""One file per kernel format; `identify` asks them all."""
