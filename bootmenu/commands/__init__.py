# SPDX-License-Identifier: MIT
"""The subcommands of the command line, one file each."""
