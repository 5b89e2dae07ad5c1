# SPDX-License-Identifier: MIT
"""The Textual front end: draws what view/ says, and decides nothing."""
