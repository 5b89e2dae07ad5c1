# SPDX-License-Identifier: MIT
"""Everything that front ends show, without Textual: pure functions that render values as lines of a given width."""
