# SPDX-License-Identifier: MIT
"""The ways to show the menu: first frame, plain lines and Textual."""
