# SPDX-License-Identifier: MIT
"""`bootmenu boot`: plan, load and jump as the menu does, printed line by line."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from bootmenu.commands import shared_options
from bootmenu.commands.printing import print_note
from bootmenu.errors import BootmenuError, FormatError, UsageError
from bootmenu.model.suggestion import with_suggestion
from bootmenu.model.text import printable
from bootmenu.model.value import Value, replace

# Imported inside the functions: each import costs time on a slow board, and --help needs none of these.
if TYPE_CHECKING:
    from bootmenu.discovery.scan_events import Listing
    from bootmenu.formats.dtb import DeviceTree
    from bootmenu.kexec.dtb_builder import PlanDtbs
    from bootmenu.kexec.kernel_errors import LoadError
    from bootmenu.kexec.plan import LoadPlan
    from bootmenu.model.finding import Report
    from bootmenu.model.progress import Digest, Progress
    from bootmenu.session.session_protocol import Session

HELP = "load and start an entry without the menu"
FOLLOWS = "check"
EXAMPLES = (
    ("bootmenu boot ENTRY-ID", "start an entry, as the menu would; bootmenu scan lists the ids"),
    ("bootmenu boot --dry-run --kernel vmlinuz --machine board.json", "print what a recorded machine would load"),
    ("bootmenu boot --load-only --kernel vmlinuz --initrd initrd.img", "load, and let systemctl kexec jump later"),
)

_MOST_DIFFERENCES = 2000
"""Most differences of device trees that are printed."""


class BootOptions(Value, kw_only=True):
    """Options of a boot: how far to go, and how to print it."""

    load_only: bool = False
    dry_run: bool = False
    force: bool = False
    json: bool = False
    ignored: frozenset[str] = frozenset()
    """Codes of findings that are overridden."""


class RefusedError(BootmenuError):
    """The verdict is fail, and --force was not given."""


class FailedError(BootmenuError):
    """A load or a jump failed; printed for people with the kernel's log."""

    def __init__(self, error: LoadError) -> None:
        from bootmenu.view.refusal import refusal_lines

        (message, _most), *more = refusal_lines(error)
        super().__init__("\n  ".join([message, *(printable(text) for text, _most in more)]), error.hint)
        self.error = error

    def to_json(self) -> dict[str, object]:
        """Return the error as JSON, with the kernel's log in its own field."""
        return self.error.to_json()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("entry", metavar="ENTRY-ID", nargs="?", help="id of an entry, from bootmenu scan")
    parser.add_argument("--kernel", metavar="F", help="start these files instead of an entry")
    shared_options.add_files(parser)
    shared_options.add_method(parser)
    shared_options.add_machine(parser)
    shared_options.add_tree(parser, "read this folder as one partition, with --dry-run (repeatable)")
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--load-only", action="store_true", help="load, but do not jump")
    until.add_argument("--dry-run", action="store_true", help="print the plan and do nothing")
    parser.add_argument(
        "--skip-hook", action="append", metavar="NAME", help="do not run this hook before the jump (repeatable)"
    )
    shared_options.add_ignore(parser)
    parser.add_argument("--force", action="store_true", help="continue although the verdict is fail")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: plan, progress, result")


def run(arguments: argparse.Namespace) -> int:
    """Boot an entry, or the files that are named. Raise BootmenuError, UsageError."""
    from bootmenu.session.machine_session import MachineSession

    if (arguments.entry is None) == (arguments.kernel is None):
        raise UsageError("boot takes an ENTRY-ID or --kernel F", "bootmenu scan lists the ids.")
    if arguments.entry is not None and (
        arguments.dtb is not None or arguments.overlay or arguments.initrd or arguments.cmdline
    ):
        raise UsageError("--dtb, --overlay, --initrd and --cmdline go with --kernel, not with an ENTRY-ID")
    if not arguments.dry_run and (arguments.machine is not None or arguments.tree):
        raise UsageError("--machine and --tree go with --dry-run: nothing is started on another machine")
    method = shared_options.chosen_method(arguments)
    host, machine = shared_options.host_and_machine(arguments.machine)
    trees = shared_options.folders(arguments.tree)
    local = arguments.machine is None
    options = BootOptions(
        load_only=arguments.load_only,
        dry_run=arguments.dry_run,
        force=arguments.force,
        json=arguments.json,
        ignored=shared_options.ignored_codes(arguments),
    )
    skipped = {} if arguments.skip_hook is None else {"skip-hooks": arguments.skip_hook}
    settings = shared_options.settings_in_force(host, {**skipped, **shared_options.carry_over(arguments)})
    if arguments.kernel is not None:
        with contextlib.closing(
            shared_options.files_session(arguments, arguments.kernel, host, machine, settings)
        ) as files:
            return boot(files, files.listing, options)
    with contextlib.closing(
        MachineSession(
            host, machine, (lambda: trees) if trees else None, method=method, settings=settings, local=local
        )
    ) as session:
        listing = find_entry(session, arguments.entry)
        if edits := shared_options.dtb_edits(arguments):
            listing = session.recheck(replace(listing.entry, dtb_edits=edits))
        return boot(session, listing, options)


def find_entry(session: Session, entry_id: str) -> Listing:
    """Scan and return the entry with that id. Raise UsageError if there is none."""
    from bootmenu.session.scan_collection import collect

    listings, problems = collect(session)
    for listing in listings:
        if listing.entry.id == entry_id:
            return listing
    for problem in problems:
        print_note(problem)
    known = [listing.entry.id for listing in listings]
    raise UsageError(f"no entry is called {entry_id}", with_suggestion(entry_id, known, "bootmenu scan lists them."))


def boot(session: Session, listing: Listing, options: BootOptions) -> int:
    """Print the plan, then run it as far as asked. Return 0, unless the jump succeeds. Raise BootmenuError."""
    with session.holding(listing):
        return _boot(session, listing, options, _Printer(options.json))


def _boot(session: Session, listing: Listing, options: BootOptions, printer: _Printer) -> int:
    from bootmenu.kexec.kernel_errors import LoadError, leave_note
    from bootmenu.model.finding import Severity
    from bootmenu.system import signals

    plan = session.plan(listing)
    report = listing.report.overriding(options.ignored)
    printer.plan(plan, report)
    if options.dry_run:
        printer.steps(plan)
        if plan.own_tree:
            printer.dtbs(session.plan_dtbs(plan))
        return 0
    if report.verdict is Severity.FAIL and not options.force:
        worst = next(finding for finding in report.of(Severity.FAIL) if not finding.ignored)
        raise RefusedError(
            f"refused: {worst.message} ({worst.code})", f"{worst.hint} Or go on regardless: --force.".strip()
        )
    if options.load_only and not options.force:
        refused = session.load_test_permission().refused
        if refused is not None:
            raise RefusedError(refused.message, f"{refused.hint} Or load it regardless: --force.")
    try:
        for progress in session.load(plan):
            printer.progress(progress)
    except LoadError as error:
        raise FailedError(error) from None
    if options.load_only:
        printer.result("loaded", "The kernel is loaded. Start it with: systemctl kexec, or kexec -e.")
        return 0
    try:
        for progress in session.prepare_jump(plan):
            printer.progress(progress)
        printer.result("jump", plan.last_line)
        signals.let_them_kill()  # systemd, which may make the jump, ends this process with one
    except LoadError as error:
        leave_note(error, session.unload(plan))
        raise FailedError(error) from None
    except BaseException as error:
        leave_note(error, session.unload(plan))
        raise
    if session.state_store.healed:
        print(f"bootmenu: {session.state_store.healed}", file=sys.stderr)
    try:
        session.execute(plan)
    except LoadError as error:
        raise FailedError(error) from None


class _Printer:
    """Print the progress of a boot: lines for people, or one JSON object per line."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._digests: tuple[Digest, ...] = ()

    def _line(self, value: dict[str, object]) -> None:
        from bootmenu.view.json_output import json_text

        print(json_text(value), flush=True)

    def plan(self, plan: LoadPlan, report: Report) -> None:
        from bootmenu.model.finding import Severity
        from bootmenu.view.boot_plan import plan_lines
        from bootmenu.view.findings import message
        from bootmenu.view.json_output import report_to_json
        from bootmenu.view.wording import word

        if self._json:
            self._line({"plan": plan.to_json(), **report_to_json(report)})
            return
        for line in plan_lines(plan):
            print(line)
        for finding in report.findings:
            if finding.severity in (Severity.FAIL, Severity.WARN):
                print(f"{word(finding.severity):<14}{finding.code}: {message(finding)}")
        sys.stdout.flush()

    def steps(self, plan: LoadPlan) -> None:
        """Print the steps that a boot would take; in JSON they are part of the plan."""
        if not self._json:
            print(f"{'steps':<14}{', '.join(plan.stages)}")

    def dtbs(self, dtbs: PlanDtbs) -> None:
        """Print how the tree that would be passed on differs from the entry's own and from the running one."""
        before = (("file", dtbs.own), ("running", dtbs.running))
        found = {name: _compared(tree, dtbs.final) for name, tree in before}
        if self._json:
            self._line({"device_tree": found})
            return
        for name, title in (("file", "the entry's own"), ("running", "the running one")):
            lines = found[name]
            if lines is not None:
                places = f"{len(lines)} place{'' if len(lines) == 1 else 's'}" if lines else "nothing"
                print(f"\nthe device tree differs from {title} in {places}")
                for line in lines:
                    print(f"  {printable(line)}")

    def progress(self, progress: Progress) -> None:
        from bootmenu.model.progress import StageState
        from bootmenu.view.wording import stage_line

        if self._json:
            self._digests += progress.digests
            self._line({"progress": progress.to_json()})
        elif progress.state is not StageState.RUNNING:
            print(stage_line(progress), flush=True)
            for digest in progress.digests:
                print(f"{'':<14}{printable(str(digest))}", flush=True)

    def result(self, result: str, text: str) -> None:
        if self._json:
            digests = [digest.to_json() for digest in self._digests]
            self._line({"result": result, "message": text, "digests": digests})
        else:
            print(printable(text), flush=True)


def _compared(before: DeviceTree | None, after: DeviceTree | None) -> list[str] | None:
    """Return how two trees differ; None if one is unknown or cannot be written as source."""
    from itertools import islice

    from bootmenu.formats.editable_dtb import differences

    if before is None or after is None:
        return None
    try:
        return list(map(str, islice(differences(before, after), _MOST_DIFFERENCES)))
    except FormatError as error:
        print_note(f"the device trees cannot be compared: {error.message}")
        return None
