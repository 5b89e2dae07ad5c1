# SPDX-License-Identifier: MIT
"""What the screens say, as lines for a width: pure functions of what the session told."""
