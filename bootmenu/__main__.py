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
    import gc

    # what is imported stays: looking for what could be freed took a thirtieth of the time to the first verdict
    gc.set_threshold(10_000, 20, 20)
    from bootmenu import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
