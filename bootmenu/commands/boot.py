# SPDX-License-Identifier: MIT
"""`bootmenu boot`: the same plan, load and jump as the menu's, told line by line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.formats.dtb_text import differences
from bootmenu.kexec.dtb_fixups import HandedTrees
from bootmenu.kexec.kernel_errors import LoadError, leave_note, left_loaded
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.finding import Report, Severity
from bootmenu.model.progress import Digest, Progress, StageState
from bootmenu.model.text import megabytes
from bootmenu.session.machine_session import Session, collect
from bootmenu.system import signals
from bootmenu.view import output
from bootmenu.view.plan import plan_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How far to go, and how to tell of it."""

    load_only: bool = False
    dry_run: bool = False
    force: bool = False
    json: bool = False
    ignored: frozenset[str] = frozenset()
    """Codes that were overridden."""


_MOST = 2000
"""Differences of device trees that are told."""


class RefusedError(BootmenuError):
    """The verdict is fail and nobody forced it."""


class FailedError(BootmenuError):
    """A load or a jump failed; told to people with what the kernel said of it."""

    def __init__(self, error: LoadError) -> None:
        said = [f"{error.call}: {error.errno_text}"] if error.errno_text else []
        said += [f"kernel: {line}" for line in error.kernel_log]
        said += left_loaded(error)
        super().__init__("\n  ".join([error.message, *map(output.printable, said)]), error.hint)
        self.error = error

    def to_json(self) -> dict[str, object]:
        """Return what a program is told: each thing in a field of its own."""
        return self.error.to_json()


def find_entry(session: Session, entry_id: str) -> Listing:
    """The entry of that id, after a scan. Raises UsageError."""
    listings, problems = collect(session)
    for listing in listings:
        if listing.entry.id == entry_id:
            return listing
    for problem in problems:
        print(f"bootmenu: {output.printable(str(problem))}", file=sys.stderr)
    raise UsageError(f"no entry is called {entry_id}", "bootmenu scan lists them.")


def boot(session: Session, listing: Listing, options: Options) -> int:
    """Print the plan, then run it as far as asked. Returns 0, or does not return. Raises BootmenuError."""
    with session.holding(listing):
        return _boot(session, listing, options, _Teller(options.json))


def _boot(session: Session, listing: Listing, options: Options, teller: _Teller) -> int:
    plan = session.plan(listing)
    report = listing.report.overriding(options.ignored)
    teller.plan(plan, report)
    if options.dry_run:
        if plan.own_tree:
            teller.trees(session.handed_trees(plan))
        return 0
    if report.verdict is Severity.FAIL and not options.force:
        worst = next(finding for finding in report.of(Severity.FAIL) if not finding.ignored)
        raise RefusedError(
            f"refused: {worst.message} ({worst.code})", f"{worst.hint} Or go on regardless: --force.".strip()
        )
    if options.load_only and not options.force:
        refused = session.preflight().refused
        if refused is not None:
            raise RefusedError(refused.message, f"{refused.hint} Or load it regardless: --force.")
    try:
        for progress in session.load(plan):
            teller.progress(progress)
    except LoadError as error:
        raise FailedError(error) from None
    if options.load_only:
        teller.result("loaded", "The kernel is loaded. Start it with: systemctl kexec, or kexec -e.")
        return 0
    try:
        for progress in session.leave(plan):
            teller.progress(progress)
        teller.result("jump", plan.last_line)
        signals.let_them_kill()  # systemd, which may make the jump, ends this process with one
    except LoadError as error:
        leave_note(error, session.unload(plan))
        raise FailedError(error) from None
    except BaseException as error:
        leave_note(error, session.unload(plan))
        raise
    if session.memory.healed:
        print(f"bootmenu: {session.memory.healed}", file=sys.stderr)
    try:
        session.jump(plan)
    except LoadError as error:
        raise FailedError(error) from None


class _Teller:
    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._digests: tuple[Digest, ...] = ()

    def _line(self, value: dict[str, object]) -> None:
        print(output.json_text(value), flush=True)

    def plan(self, plan: LoadPlan, report: Report) -> None:
        if self._json:
            self._line({"plan": plan.to_json(), **output.report_to_json(report)})
            return
        for line in plan_lines(plan):
            print(line)
        for finding in report.findings:
            if finding.severity in (Severity.FAIL, Severity.WARN):
                word = output.WORDS[finding.severity] + (" ignored" if finding.ignored else "")
                print(f"{word:<14}{finding.code}: {output.printable(finding.message)}")
        sys.stdout.flush()

    def trees(self, trees: HandedTrees) -> None:
        """How the tree that would be handed on differs from the entry's own, and from the running one."""
        told = {
            name: list(map(str, islice(differences(before, trees.handed), _MOST)))
            if before and trees.handed
            else None
            for name, before in (("file", trees.named), ("running", trees.running))
        }
        if self._json:
            self._line({"device_tree": told})
            return
        for name, title in (("file", "the entry's own"), ("running", "the running one")):
            lines = told[name]
            if lines is not None:
                print(f"\nthe device tree differs from {title} in {len(lines) or 'nothing'}")
                for line in lines:
                    print(f"  {output.printable(line)}")

    def progress(self, progress: Progress) -> None:
        if self._json:
            self._digests += progress.digests
            self._line({"progress": progress.to_json()})
        elif progress.state is not StageState.RUNNING:
            size = f"{megabytes(progress.done) if progress.done else '':>11}"
            detail = f"  {output.printable(progress.detail)}" if progress.detail else ""
            print(f"{progress.stage:<22}{progress.state:<8}{size}  {progress.seconds:5.1f} s{detail}", flush=True)
            for digest in progress.digests:
                print(f"{'':<14}{output.printable(str(digest))}", flush=True)

    def result(self, result: str, text: str) -> None:
        if self._json:
            digests = [digest.to_json() for digest in self._digests]
            self._line({"result": result, "message": text, "digests": digests})
        else:
            print(output.printable(text), flush=True)
