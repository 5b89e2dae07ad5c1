# SPDX-License-Identifier: MIT
"""What is shown, without Textual: pure functions that render values as lines for a width."""
