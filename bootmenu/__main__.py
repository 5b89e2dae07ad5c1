# SPDX-License-Identifier: MIT
"""``python -m bootmenu``, and the program `bootmenu`."""

import os
import sys


def main() -> int:
    """Run the subcommand that the arguments name and return the exit code."""
    # signal itself imports enum, for which mark-good has no time
    from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]

    try:
        return _run()
    except KeyboardInterrupt:  # before there was anything to undo, as when the rest was imported
        return 128 + int(SIGINT)
    finally:
        if getsignal(SIGINT) is default_int_handler:
            signal(SIGINT, SIG_DFL)  # Python is about to end, and would print where it was interrupted


def _run() -> int:
    if sys.argv[1:] == ["mark-good"]:
        from bootmenu.commands import mark_good_command

        code = mark_good_command.run_quickly()
        if code is not None:
            return code
    import gc

    # what is imported stays: looking for what could be freed took a thirtieth of the time to the first verdict
    gc.set_threshold(10_000, 20, 20)
    if "BOOTMENU_GATE" in os.environ:
        from bootmenu.frontends import gate

        gate.wait(os.environ)
    from bootmenu import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
