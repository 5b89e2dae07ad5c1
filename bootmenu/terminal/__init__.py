# SPDX-License-Identifier: MIT
"""What a terminal can do, what is sent to it, and what may come in from it, without Textual."""
