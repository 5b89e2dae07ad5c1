# SPDX-License-Identifier: MIT
"""The Textual front end: it draws what view/ renders, and makes no decisions."""
