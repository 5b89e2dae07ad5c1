# SPDX-License-Identifier: MIT
"""Messages, their translations, and the choice of the language."""
