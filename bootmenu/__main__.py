# SPDX-License-Identifier: MIT
"""``python -m bootmenu``, and the program `bootmenu`."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


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

    from bootmenu import prepared

    prepared.use()
    # what is imported stays: looking for what could be freed took a thirtieth of the time to the first verdict. The
    # menu sets a lower threshold when it opens (frontends/menu_run.py).
    gc.set_threshold(200_000, 20, 20)
    if "BOOTMENU_GATE" in os.environ:
        from bootmenu.frontends import gate

        gate.wait(os.environ)
    from bootmenu import cli

    return cli.main()


def _end(code: int) -> NoReturn:
    """End this process at once: Python would free all objects first, which takes as long as starting."""
    if "threading" in sys.modules:
        import threading

        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads as at every other end
    import atexit

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main())
