# SPDX-License-Identifier: MIT
"""Run the hooks: programs of the first stage that run before a jump. One that fails stops the jump."""

from __future__ import annotations

import contextlib
import json
import stat
import time
from collections.abc import Callable, Collection, Generator, Iterator
from functools import partial
from pathlib import Path

from bootmenu.i18n import N_, joined
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.regex import regex
from bootmenu.model.text import printable, quoted
from bootmenu.model.value import Value
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError, Completed

FOLDER = "/etc/bootmenu/hooks/before-jump.d"
_NAME = regex(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LEFT_OVERS = (".dpkg-old", ".dpkg-new", ".dpkg-dist", ".rpmnew", ".rpmsave", ".bak", ".disabled")
_SECONDS = 60.0  # of one hook
_SAID = 300  # characters of what it wrote that are shown


class Hooks(Value):
    """The hooks that would run, and notes about those that would not."""

    names: tuple[str, ...] = ()
    """Names in the order in which they run: sorted, as run-parts does."""
    notes: tuple[str, ...] = ()
    """Why files in the folder do not run, a sentence each."""


def find(host: Host, skip: Collection[str] = ()) -> Hooks:
    """Return the hooks of this machine. skip: names that the settings leave out. Never raise."""
    names: list[str] = []
    notes: list[str] = []
    try:
        found = sorted(host.path(FOLDER).iterdir())
    except OSError:
        return Hooks()
    for path in found:
        if not _NAME.fullmatch(path.name) or path.name.endswith(_LEFT_OVERS):
            continue
        if path.name in skip:
            notes.append(N_("The hook {name} is skipped, as the settings want.", name=path.name))
        elif why_not := _unfit(_mode(path)):
            notes.append(N_("The hook {name} is left out: it is {reason}.", name=path.name, reason=why_not))
        else:
            names.append(path.name)
    return Hooks(tuple(names), tuple(notes))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _unfit(mode: int) -> str | None:
    if not stat.S_ISREG(mode):
        return N_("no file")
    if mode & stat.S_IWOTH:
        return N_("writable by everybody")
    return None if mode & stat.S_IXUSR else N_("not executable")


def run(host: Host, plan: LoadPlan) -> Iterator[Progress]:
    """Run one after the other, each with the plan in its environment. Raise LoadError for the first that fails.

    Yield several times a second while one runs; closing the iterator ends it.
    """
    began = time.monotonic()
    environment = describe(plan)

    def event(state: StageState, detail: str) -> Progress:
        return Progress(stage=Stage.HOOKS, state=state, seconds=time.monotonic() - began, detail=detail)

    for name in plan.hooks:
        yield event(StageState.RUNNING, name)
        remedy = N_(
            "Fix {path}, or skip it: bootmenu.skip-hooks={name} on the first stage's command line.",
            path=f"{FOLDER}/{name}",
            name=name,
        )
        try:
            program = [str(host.path(f"{FOLDER}/{name}"))]
            steps = host.commands.stepwise(program, timeout=_SECONDS, env=environment)
            with contextlib.closing(steps):
                done = yield from _with_progress(steps, partial(event, StageState.RUNNING, name))
        except CommandError as error:
            raise LoadError(
                N_("The hook {name} failed: {reason}.", name=name, reason=error.message),
                remedy,
                stage=Stage.HOOKS,
                call=name,
            ) from None
        if done.returncode != 0:
            said = printable(" ".join((done.error_text or done.stdout.decode("utf-8", "replace")).split()))[-_SAID:]
            how = N_("exit status {number}", number=done.returncode)
            if done.returncode < 0:
                how = N_("signal {number}", number=-done.returncode)
            message = N_("The hook {name} stopped the jump ({how}).", name=name, how=how)
            if said:
                words = N_("It said: {said}.", said=quoted(said))
                message = joined(" ", [message, words])
            raise LoadError(message, remedy, stage=Stage.HOOKS, call=name)
    yield event(StageState.DONE, ", ".join(plan.hooks))


def _with_progress(
    steps: Generator[None, None, Completed], progress: Callable[[], Progress]
) -> Generator[Progress, None, Completed]:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            done: Completed = end.value
            return done
        yield progress()


def describe(plan: LoadPlan) -> dict[str, str]:
    """Return the environment of a hook, which describes the plan. Texts come from a disk: a hook must quote them."""
    entry = plan.entry
    values = {
        "BOOTMENU_ENTRY": entry.id,
        "BOOTMENU_TITLE": entry.title,
        "BOOTMENU_VERSION": entry.version,
        "BOOTMENU_METHOD": plan.method,
        "BOOTMENU_KERNEL": _file(plan.kernel),
        "BOOTMENU_INITRDS": "\n".join(map(_file, plan.initrds)),
        "BOOTMENU_DTB": _file(plan.dtb) if plan.dtb else "",
        "BOOTMENU_CMDLINE": plan.command_line,
        "BOOTMENU_PLAN": json.dumps(plan.to_json()),
    }
    return {name: value.replace("\0", "").encode("utf-8", "replace").decode() for name, value in values.items()}


def _file(file: PlannedFile) -> str:
    return f"{file.ref.device}:{file.ref.path}"
