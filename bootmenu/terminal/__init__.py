# SPDX-License-Identifier: MIT
"""What a terminal can do, what it is sent and what comes in from it. Textual is not imported here."""
