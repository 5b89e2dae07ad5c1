# SPDX-License-Identifier: MIT
"""`bootmenu menu`: from a terminal to the screens, and from their outcome to the jump."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.kexec.errors import LoadError, SimulatedJump
from bootmenu.ui.outcome import Demo, Jump, Quit

if TYPE_CHECKING:
    from bootmenu.session import MachineSession


def run(*, demo: bool, theme: str | None) -> int:
    """Show the menu until somebody leaves it, or until the machine jumps. Returns the exit code."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("the menu needs a terminal", "For scripts there are bootmenu scan, check and boot.")
    _prepare_terminal(os.ttyname(sys.stdin.fileno()))
    with contextlib.ExitStack() as open_sessions:
        while True:
            session = open_sessions.enter_context(_demo_session() if demo else _real_session())
            outcome = _show(session, theme)
            if isinstance(outcome, Quit):
                return 128 + outcome.signal if outcome.signal else 0
            demo = True


def _prepare_terminal(name: str) -> None:
    """Before Textual is imported: it looks at the environment then."""
    from bootmenu.ui.terminal import prepare_environment, settle

    prepare_environment(os.environ, name)
    with contextlib.suppress(OSError):  # a terminal that cannot be asked is taken as it is
        # stdin may have been opened for reading only
        descriptor = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            settle(descriptor, os.environ)
        finally:
            os.close(descriptor)


def _real_session() -> contextlib.AbstractContextManager[MachineSession]:
    from bootmenu.discovery.hotplug import Hotplug
    from bootmenu.discovery.machine import gather
    from bootmenu.session import MachineSession
    from bootmenu.settings import load
    from bootmenu.system.host import Host

    host = Host()
    settings = load(host).settings
    changes = None
    with contextlib.suppress(OSError):  # then a new medium is found by r
        changes = Hotplug()
    return contextlib.closing(MachineSession(host, gather(host), settings=settings, changes=changes))


def _demo_session() -> contextlib.AbstractContextManager[MachineSession]:
    from bootmenu.demo import demonstration

    return demonstration()


def first_stage() -> bool:
    """Whether this is the first stage's own menu: started by its init, on a machine that is there for nothing
    else. Elsewhere nothing is executed without a confirmation, and the menu may be left."""
    return os.getppid() == 1 and "BOOTMENU_PRINTK" in os.environ


def _show(session: MachineSession, theme: str | None) -> Demo | Quit:
    """Run the screens until they are left, and make the jumps they ask for."""
    from bootmenu.ui import app

    error: BootmenuError | None = None
    ours = first_stage()
    while True:
        outcome = app.run(
            session,
            theme=theme,
            error=error if isinstance(error, LoadError) else None,
            offer_demo=not session.simulated,
            may_quit=not ours,
            confirm_always=not ours and not session.simulated,
        )
        if not isinstance(outcome, Jump):
            return outcome
        print(outcome.plan.last_line, file=sys.stderr, flush=True)
        with contextlib.suppress(termios.error):
            termios.tcdrain(sys.stderr)  # a slow line must have said it before the jump
        _restore_kernel_messages()
        try:
            session.jump(outcome.plan)
        except (LoadError, SimulatedJump) as back:
            error = back


def _restore_kernel_messages() -> None:
    """The second kernel's first words, and a failed jump's, belong on the console again."""
    saved = os.environ.get("BOOTMENU_PRINTK")
    if saved:
        with contextlib.suppress(OSError):
            Path("/proc/sys/kernel/printk").write_text(Path(saved).read_text().split()[0])
