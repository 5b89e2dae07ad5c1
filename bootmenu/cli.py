# SPDX-License-Identifier: MIT
"""The command line: options in, exit codes out. The only file that exits.

0 done (for `check`: no fail) · 1 the answer is no · 2 the call was wrong, or nothing could be read.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from bootmenu import __version__
from bootmenu.errors import BootmenuError, UsageError

# Imports stand in the commands: each costs time on a slow board, and most commands need few of them.
if TYPE_CHECKING:
    from bootmenu.commands import cli_reference
    from bootmenu.config.settings import Settings
    from bootmenu.discovery.devices import Device
    from bootmenu.model.machine import MachineFacts
    from bootmenu.session.machine_session import FilesSession
    from bootmenu.system.host import Host
    from bootmenu.view import output

EPILOG = """\
exit status:
  0  done (check: no finding is a fail)
  1  the answer is no: check found a fail, boot refused or failed, settings has a problem
  2  the call was wrong, or nothing could be read

Data is written to standard output, everything else to standard error.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. `bootmenu` without a command is `bootmenu menu`."""
    _prepare_output()
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _parser()
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words.insert(0, "menu")
    as_json = any(len(word) > 2 and "--json".startswith(word) for word in words)  # as argparse takes them
    try:
        arguments = parser.parse_args(words)
        as_json = getattr(arguments, "json", False)
        with contextlib.nullcontext() if words[0] == "menu" else _ended_by_signals():
            code: int = arguments.run(arguments)
        sys.stdout.flush()  # while an error can still be told
    except SystemExit as leaving:  # argparse has printed what was asked for
        return leaving.code if isinstance(leaving.code, int) else 2
    except UsageError as error:
        return _complain(error, 2, as_json=as_json)
    except BootmenuError as error:
        return _complain(error, 1, as_json=as_json)
    except BrokenPipeError:
        _drop_output()  # whoever read it has gone
        return 0
    except OSError as error:
        told = BootmenuError(f"{error.strerror}{f': {error.filename}' if error.filename else ''}")
        _complain(told, 2, as_json=as_json and error.filename is not None)  # else it is the output that failed
        _drop_output()
        return 2
    except KeyboardInterrupt as error:
        number = error.number if isinstance(error, _Ended) else signal.SIGINT
        if as_json:
            _print_error(BootmenuError(f"ended by {signal.Signals(number).name}"), 128 + number)
        return 128 + number
    return code


class _Ended(KeyboardInterrupt):
    """A signal wants this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Until the end SIGTERM and SIGHUP do what Ctrl+C does: what was loaded or mounted is taken back."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise _Ended(number)

    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread: then there are none
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores SIGHUP
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepare_output() -> None:
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    codecs.register_error("likeness", _likeness)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="likeness")


def _likeness(error: UnicodeError) -> tuple[str | bytes, int]:
    from bootmenu.terminal.character_sets import likeness

    return likeness(error)


def _drop_output() -> None:
    """Nothing more must be written, not even at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(error: BootmenuError, code: int, *, as_json: bool = False) -> int:
    from bootmenu.model.text import printable

    if as_json:
        _print_error(error, code)
    first, *more = error.message.splitlines() or [""]
    print(f"bootmenu: {printable(first)}", file=sys.stderr)
    for line in more:
        print(printable(line), file=sys.stderr)
    if error.hint:
        print(f"  → {printable(error.hint)}", file=sys.stderr)
    return code


def _print_error(error: BootmenuError, code: int) -> None:
    """Print what a program reads in place of what it asked for, or after the lines of a boot that failed."""
    from bootmenu.view.output import json_text

    try:
        print(json_text({"error": {**error.to_json(), "exit_code": code}}), flush=True)
    except OSError:  # nobody reads it, or there is no room; the exit code is left
        _drop_output()


class _Parser(argparse.ArgumentParser):
    """Tells of a wrong call as of any other error."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, f"{self.prog} --help says what it takes.")


def _parser() -> argparse.ArgumentParser:
    from bootmenu.commands import image_build as image

    parser = _Parser(
        prog="bootmenu",
        description="A full-screen boot menu that starts Linux from Linux, and says beforehand whether it can.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bootmenu {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

    menu = commands.add_parser("menu", help="the menu (also without any command)")
    menu.add_argument("--demo", action="store_true", help="the demonstration machine: everything but the jump")
    menu.add_argument("--plain", action="store_true", help="a numbered list in plain text, for any terminal")
    menu.add_argument(
        "--timeout", metavar="SECONDS", help="start the default entry by itself after so long; 0 at once, off never"
    )
    menu.add_argument("--profile", metavar="NAME", help="standard, or kiosk: only what is allowed exists")
    menu.add_argument("--theme", metavar="NAME", help="colours, by the name of a theme; bootmenu themes lists them")
    menu.add_argument(
        "--console", action="append", metavar="TTY", help="show the menu on this terminal, such as tty1 (repeatable)"
    )
    menu.set_defaults(run=_menu)

    scan = commands.add_parser("scan", help="list what can be booted, with verdicts")
    scan.add_argument("--json", action="store_true", help="one JSON object: entries and problems")
    _add_tree(scan, "read this folder as one partition, instead of this machine's (repeatable)")
    _add_machine(scan)
    scan.set_defaults(run=_scan)

    check = commands.add_parser("check", help="say whether a kernel can be started from here, and why not")
    check.add_argument("kernel", metavar="KERNEL", help="kernel file")
    _add_files(check)
    _add_method(check)
    _add_machine(check)
    check.add_argument("--scan", action="store_true", help="look for root= on this machine's partitions")
    _add_tree(check, "look for root= in this folder, as one partition (repeatable)")
    _add_ignore(check)
    check.add_argument("--json", action="store_true", help="one JSON object: verdict and findings")
    check.set_defaults(run=_check)

    boot = commands.add_parser("boot", help="load and start an entry without the menu")
    boot.add_argument("entry", metavar="ENTRY-ID", nargs="?", help="id of an entry, from bootmenu scan")
    boot.add_argument("--kernel", metavar="F", help="start these files instead of an entry")
    _add_files(boot)
    _add_method(boot)
    until = boot.add_mutually_exclusive_group()
    until.add_argument("--load-only", action="store_true", help="load, and leave the jump to somebody else")
    until.add_argument("--dry-run", action="store_true", help="print the plan and do nothing")
    boot.add_argument(
        "--skip-hook", action="append", metavar="NAME", help="do not run this hook before the jump (repeatable)"
    )
    _add_ignore(boot)
    boot.add_argument("--force", action="store_true", help="go on although the verdict is fail")
    boot.add_argument("--json", action="store_true", help="one JSON object a line: plan, progress, result")
    boot.set_defaults(run=_boot)

    facts = commands.add_parser("facts", help="what is known of this machine; --machine reads it back")
    facts.add_argument("--json", action="store_true", help="one JSON object")
    facts.set_defaults(run=_facts)

    settings = commands.add_parser(
        "settings", help="every setting with its value, and where that came from; 1 for any problem"
    )
    settings.add_argument("--json", action="store_true", help="one JSON object")
    settings.set_defaults(run=_settings)

    pin = commands.add_parser("pin", help="ask for a new PIN of the kiosk, and print its line of the settings file")
    pin.set_defaults(run=_pin)

    report = commands.add_parser("report", help="pack what a bug report needs, without secrets")
    report.add_argument(
        "--output", metavar="FILE", help="where to; - is standard output (default: bootmenu-report-DATE.tar.gz here)"
    )
    report.set_defaults(run=_report)

    themes = commands.add_parser("themes", help="list the themes, or show the colours of one")
    themes.add_argument("name", metavar="NAME", nargs="?", help="show this one")
    themes.set_defaults(run=_themes)

    good = commands.add_parser("mark-good", help="in the system that was started: say that it came up well")
    good.set_defaults(run=_mark_good)

    completion = commands.add_parser("completion", help="print the completion script of a shell")
    completion.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    completion.set_defaults(run=_completion)

    image_parser = commands.add_parser("image", help="build a first-stage initramfs that starts the menu")
    image.add_arguments(image_parser)
    image_parser.set_defaults(run=image.run)
    return parser


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dtb", metavar="F", help="device tree; without one the running machine's is handed on")
    parser.add_argument(
        "--overlay", action="append", default=[], metavar="F", help="device-tree overlay (repeatable)"
    )
    parser.add_argument("--initrd", action="append", default=[], metavar="F", help="initramfs (repeatable)")
    parser.add_argument("--cmdline", default="", metavar="S", help="kernel command line")
    parser.add_argument(
        "--no-carry-over",
        action="store_true",
        help="hand the device tree on without what this machine's own has to add, such as its memory",
    )


def _add_method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", metavar="METHOD", help="loading method (default: the first that can)")


def _add_ignore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="override one check on purpose; its finding stays in the report (repeatable)",
    )


def _add_tree(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--tree",
        action="append",
        default=[],
        metavar="DIR[,name=sda1][,uuid=U][,label=L][,partuuid=P][,partlabel=Q]",
        help=what,
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", metavar="FILE", help="answer for the machine whose facts are in FILE")


# ---- commands ---------------------------------------------------------------------------------------------


def _menu(arguments: argparse.Namespace) -> int:
    from bootmenu.frontends import launcher

    given = {
        "timeout": arguments.timeout,
        "profile": arguments.profile,
        "theme": arguments.theme,
        "console": arguments.console,
    }
    flags = {name: value for name, value in given.items() if value is not None}
    return launcher.run(launcher.MenuOptions(demo=arguments.demo, plain=arguments.plain, flags=flags))


def _scan(arguments: argparse.Namespace) -> int:
    from bootmenu.model.finding import Severity
    from bootmenu.session.machine_session import MachineSession, collect
    from bootmenu.view import output

    host, machine = _host_and_machine(arguments.machine)
    trees = _folders(arguments.tree)
    local = arguments.machine is None
    settings = _settings_in_force(host, {})
    with contextlib.closing(
        MachineSession(host, machine, (lambda: trees) if trees else None, settings=settings, local=local)
    ) as session:
        listings, problems = collect(session)
    if arguments.json:
        _print_json(output.scan_to_json(listings, problems))
        return 0
    for line in output.scan_lines(listings):
        print(line)
    if any(listing.report.verdict is not Severity.PASS for listing in listings):
        print(
            "bootmenu: below an entry is its worst finding; all are in bootmenu scan --json, and those of one kernel "
            "in bootmenu check KERNEL",
            file=sys.stderr,
        )
    for problem in problems:
        print(f"bootmenu: {output.printable(str(problem))}", file=sys.stderr)
    if not listings:
        print("bootmenu: nothing was found that could be booted", file=sys.stderr)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from bootmenu.compat import check
    from bootmenu.model.finding import Severity
    from bootmenu.view import output

    host, machine = _host_and_machine(arguments.machine)
    settings = _settings_in_force(host, _carry_over(arguments))
    with contextlib.closing(_files_session(arguments, arguments.kernel, host, machine, settings)) as session:
        report = check(machine, session.listing.facts).overriding(_ignored(arguments))
    if arguments.json:
        _print_json(output.report_to_json(report))
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        for line in output.report_lines(report, colour=colour):
            print(line)
    return 1 if report.verdict is Severity.FAIL else 0


def _boot(arguments: argparse.Namespace) -> int:
    from bootmenu.commands import boot
    from bootmenu.session.machine_session import MachineSession

    if (arguments.entry is None) == (arguments.kernel is None):
        raise UsageError("boot takes an ENTRY-ID or --kernel F", "bootmenu scan lists the ids.")
    if arguments.entry is not None and (
        arguments.dtb is not None or arguments.overlay or arguments.initrd or arguments.cmdline
    ):
        raise UsageError("--dtb, --overlay, --initrd and --cmdline go with --kernel, not with an ENTRY-ID")
    host, machine = _host_and_machine(None)
    options = boot.Options(
        load_only=arguments.load_only,
        dry_run=arguments.dry_run,
        force=arguments.force,
        json=arguments.json,
        ignored=_ignored(arguments),
    )
    skipped = {} if arguments.skip_hook is None else {"skip-hooks": arguments.skip_hook}
    settings = _settings_in_force(host, {**skipped, **_carry_over(arguments)})
    if arguments.kernel is not None:
        with contextlib.closing(_files_session(arguments, arguments.kernel, host, machine, settings)) as files:
            return boot.boot(files, files.listing, options)
    with contextlib.closing(MachineSession(host, machine, method=arguments.method, settings=settings)) as session:
        return boot.boot(session, boot.find_entry(session, arguments.entry), options)


def _facts(arguments: argparse.Namespace) -> int:
    from bootmenu.view import output

    _, machine = _host_and_machine(None)
    if arguments.json:
        _print_json(machine.to_json())
    else:
        for line in output.facts_lines(machine):
            print(line)
    return 0


def _settings(arguments: argparse.Namespace) -> int:
    import dataclasses

    from bootmenu.bootstate import pin
    from bootmenu.bootstate.store import refusal
    from bootmenu.config.settings import load
    from bootmenu.discovery.devices import survey
    from bootmenu.kexec.demands import unmatched
    from bootmenu.system.host import Host
    from bootmenu.view import output

    host = Host()
    loaded = load(host)
    found = list(survey(host)) if loaded.settings.sha256 or loaded.settings.state_device else []
    more = (pin.trouble(loaded.settings), refusal(host, loaded.settings, found))
    problems = (*loaded.problems, *filter(None, more), *unmatched(loaded.settings.sha256, found))
    if arguments.json:
        _print_json(output.settings_to_json(dataclasses.replace(loaded, problems=problems), _applied()))
    else:
        for line in output.settings_lines(loaded, _applied()):
            print(line)
        for problem in problems:
            print(f"bootmenu: {output.printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


def _applied() -> output.Applied:
    """What applies of the settings that nobody has made, in this environment."""
    from bootmenu import i18n
    from bootmenu.session.autoboot import FIRST_STAGE_SECONDS
    from bootmenu.terminal.capabilities import Depth, prepare_environment

    environ = dict(os.environ)
    prepare_environment(environ)
    code, variable = i18n.chosen(None, environ)
    return {
        "timeout": (FIRST_STAGE_SECONDS, "in a first stage; off elsewhere"),
        "theme": (Depth.of(environ).theme, "by the colours of this terminal"),
        "language": (code, f"by {variable}" if variable else "LANG is not set"),
    }


def _pin(_arguments: argparse.Namespace) -> int:
    from getpass import getpass

    from bootmenu.bootstate.pin import PinError, StoredPin
    from bootmenu.config.settings import FILE

    try:
        chosen, again = getpass("New PIN: "), getpass("The same again: ")
    except EOFError:
        raise UsageError("there was no PIN to read") from None
    if chosen != again:
        raise PinError("The two are not the same.", "Nothing was changed; try again.")
    print(f'pin = "{StoredPin.new(chosen)}"')
    print(f"This line belongs into the table [kiosk] of {FILE}.", file=sys.stderr)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    import time

    from bootmenu.bugreport import bundle
    from bootmenu.config.settings import load
    from bootmenu.session import internal_errors
    from bootmenu.session.machine_session import MachineSession, collect

    host, machine = _host_and_machine(None)
    loaded = load(host)
    name = f"bootmenu-report-{time.strftime('%Y%m%d-%H%M%S')}"
    with contextlib.closing(MachineSession(host, machine, settings=loaded.settings)) as session:
        listings, problems = collect(session)
        notes = session.notices
    log, applied = internal_errors.log_file(), _applied()
    texts = bundle.parts(host, machine, listings, problems, loaded, log=log, applied=applied, notes=notes)
    data = bundle.bundle(texts, name)
    if arguments.output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    path = Path(arguments.output or f"{name}.tar.gz")
    try:
        # others need not read it, and nothing that is there is overwritten
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise BootmenuError(f"{path} is there already", "Name another file with --output.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    print(path)
    print("bootmenu: look through it before you publish it; about.txt says what is in it", file=sys.stderr)
    return 0


def _themes(arguments: argparse.Namespace) -> int:
    from bootmenu.frontends.tui import themes
    from bootmenu.model.text import printable
    from bootmenu.terminal.capabilities import Depth, prepare_environment

    environ = dict(os.environ)
    prepare_environment(environ)
    depth = Depth.of(environ) if sys.stdout.isatty() else Depth.NONE
    if arguments.name is not None:
        for line in themes.sample(themes.readable(themes.load(arguments.name, themes.folders()), depth), depth):
            print(line)
        return 0
    rows = list(themes.listed())
    width = max((len(row.name) for row in rows), default=0)
    for row in rows:
        ground = "broken" if row.trouble else "dark" if row.dark else "light"
        where = str(row.path.parent) if row.path.parent == themes.OWN else "shipped"
        print(f"{row.name:<{width}}  {ground:<6}  {where:<7}  {row.description}".rstrip())
    for row in rows:
        if row.trouble:
            print(f"bootmenu: {printable(row.trouble)}", file=sys.stderr)
    return 0


def _mark_good(_arguments: argparse.Namespace) -> int:
    from bootmenu.model.text import printable
    from bootmenu.session.machine_session import MachineSession, mark_good

    host, machine = _host_and_machine(None)
    with contextlib.closing(MachineSession(host, machine, settings=_settings_in_force(host, {}))) as session:
        said = mark_good(session)
        if session.memory.healed:
            print(f"bootmenu: {session.memory.healed}", file=sys.stderr)
        print(printable(said))
    return 0


def _completion(arguments: argparse.Namespace) -> int:
    from bootmenu.commands import cli_reference

    print(cli_reference.completion(arguments.shell, described()), end="")
    return 0


def described() -> list[cli_reference.Command]:
    """Every command with its options, for the completions and the manual page."""
    from bootmenu.commands import cli_reference
    from bootmenu.compat import CHECKS
    from bootmenu.kexec.methods import METHODS

    return cli_reference.commands(_parser(), {"CODE": CHECKS.names(), "METHOD": METHODS.names()})


# ---- what they share --------------------------------------------------------------------------------------


def _ignored(arguments: argparse.Namespace) -> frozenset[str]:
    """The codes to override. Raises UsageError for one that no check has: a typo must not look like an override."""
    from bootmenu.compat import CHECKS

    codes = frozenset(code.upper() for code in arguments.ignore)
    unknown = sorted(codes - set(CHECKS.names()))
    if unknown:
        raise UsageError(f"no check is called {', '.join(unknown)}", f"There are: {', '.join(CHECKS.names())}.")
    return codes


def _print_json(value: object) -> None:
    from bootmenu.view.output import json_text

    print(json_text(value, indent=2))


def _host_and_machine(recorded: str | None) -> tuple[Host, MachineFacts]:
    """This machine, or the one whose facts were recorded in a file."""
    from bootmenu.discovery.machine_facts import gather
    from bootmenu.model.machine import MachineFacts
    from bootmenu.system.host import Host

    host = Host()
    if recorded is None:
        return host, gather(host)
    try:
        return host, MachineFacts.from_json(json.loads(Path(recorded).read_bytes()))
    except OSError as error:
        raise UsageError(
            f"{recorded}: {error.strerror}", "--machine takes what bootmenu facts --json prints."
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{recorded}: not JSON: {error}", "Record it with: bootmenu facts --json") from None
    except BootmenuError as error:
        raise UsageError(f"{recorded}: {error.message}", error.hint) from None


def _carry_over(arguments: argparse.Namespace) -> dict[str, object]:
    return {"carry-over": False} if arguments.no_carry_over else {}


def _settings_in_force(host: Host, flags: dict[str, object]) -> Settings:
    """What is wrong with them is told, and never in the way."""
    from bootmenu.config.settings import load
    from bootmenu.model.text import printable

    loaded = load(host, flags)
    for problem in loaded.problems:
        print(f"bootmenu: {printable(problem)}", file=sys.stderr)
    return loaded.settings


def _files_session(
    arguments: argparse.Namespace,
    kernel: str,
    host: Host,
    machine: MachineFacts,
    settings: Settings,
) -> FilesSession:
    """A session about files that were named on the command line. Raises UsageError when one cannot be read."""
    from bootmenu.session.machine_session import FilesSession

    return FilesSession(
        host,
        machine,
        kernel=kernel,
        dtb=arguments.dtb,
        overlays=tuple(arguments.overlay),
        initrds=tuple(arguments.initrd),
        command_line=arguments.cmdline,
        method=arguments.method,
        settings=settings,
        local=getattr(arguments, "machine", None) is None,
        partitions=_partitions(arguments, host),
    )


def _partitions(arguments: argparse.Namespace, host: Host) -> list[Device] | None:
    """Return the partitions among which root= is looked for; None = it was not asked for. Raise UsageError."""
    from bootmenu.discovery.devices import Device, find

    scan, trees = getattr(arguments, "scan", False), getattr(arguments, "tree", [])
    if not scan and not trees:
        return None
    if scan and arguments.machine is not None:
        raise UsageError("--scan looks at this machine's partitions, and --machine names another", "Use --tree.")
    here = [found for found in find(host) if isinstance(found, Device)] if scan else []
    return here + _folders(trees)


def _folders(texts: list[str]) -> list[Device]:
    """Return the folders that --tree names. Raise UsageError for what is not a folder."""
    from bootmenu.discovery.devices import Device

    trees = Device.from_tree_options(texts)
    for tree in trees:
        if not os.path.isdir(tree.folder or ""):  # noqa: PTH112 - Path.is_dir raises when a name is too long
            raise UsageError(f"{tree.folder}: there is no such folder", "--tree takes a folder.")
    return trees
