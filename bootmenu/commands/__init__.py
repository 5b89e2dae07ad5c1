# SPDX-License-Identifier: MIT
"""The subcommands, one file `NAME_command.py` each: see subcommands.py."""
