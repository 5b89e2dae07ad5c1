# SPDX-License-Identifier: MIT
"""The subcommands of the command line, one file `NAME_command.py` each: see subcommands.py."""
