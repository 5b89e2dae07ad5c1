# SPDX-License-Identifier: MIT
"""``python -m bootmenu``, and the program `bootmenu`."""

import sys


def main() -> int:
    """Run the subcommand that the arguments name and return the exit code."""
    if sys.argv[1:] == ["mark-good"]:
        from bootmenu.commands import mark_good_command

        code = mark_good_command.run_quickly()
        if code is not None:
            return code
    from bootmenu import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
