# SPDX-License-Identifier: MIT
"""Judge a kernel for many recorded machines at once: `bootmenu check KERNEL --machine FOLDER`.

The kernel is read once. Recordings that are equal, byte for byte, are judged once, and many by several processes.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence

from bootmenu.commands import shared_options
from bootmenu.commands.printing import name_help, print_lines
from bootmenu.errors import UsageError
from bootmenu.model.finding import Report, Severity
from bootmenu.model.value import Value
from bootmenu.session.files_session import FilesSession
from bootmenu.view.fleet_table import Judged, fleet_lines

_SEVERAL = 200
"""Different recordings from which on more than one process judges them: to start one takes as long as to judge 20."""
_CHUNK = 50
"""Recordings that a process is given at a time."""


class _Answer(Value):
    """What is said about all recordings that are equal."""

    judged: Judged
    json: str
    """The line of JSON, from after the name of the machine; empty if it was not asked for."""


class _Job(Value, kw_only=True):
    """How recordings are judged; handed to each process when it is started."""

    session: FilesSession
    ignored: frozenset[str]
    json: bool
    verbose: bool


def recordings(named: Sequence[str]) -> list[str]:
    """Return the files that --machine names, each once: a folder stands for its *.json. Raise UsageError."""
    found: dict[str, None] = {}
    for name in named:
        if not os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises when a name is too long
            found[name] = None
            continue
        try:
            inside = sorted(entry.name for entry in os.scandir(name) if entry.name.endswith(".json"))
        except OSError as error:
            raise UsageError(f"{name}: {error.strerror}", "Name a folder that can be read.") from None
        if not inside:
            raise UsageError(f"{name}: no recording in this folder", "Record some: bootmenu facts --json > NAME.json")
        found |= dict.fromkeys(os.path.join(name, file) for file in inside)
    return list(found)


def check_fleet(arguments: argparse.Namespace, kernel: str, files: list[str], ignored: frozenset[str]) -> int:
    """Print the verdicts for recorded machines; return 1 if one is fail, else 2 if a recording cannot be read.

    Raise UsageError if no recording can be read.
    """
    from bootmenu.model.machine import MachineFacts
    from bootmenu.system.host import Host
    from bootmenu.view.terminal_text import TerminalText

    arguments.machine = files
    host = Host()
    settings = shared_options.settings_in_force(host, shared_options.carry_over(arguments))
    session = shared_options.files_session(arguments, kernel, host, MachineFacts(), settings)
    with contextlib.closing(session):
        job = _Job(session=session, ignored=ignored, json=arguments.json, verbose=arguments.verbose)
        every = list(_answers(job, files))
    if arguments.json:
        for file, answer in zip(files, every, strict=True):
            print(_json_line(file, answer.json))
    else:
        terminal = TerminalText(sys.stdout, os.environ)
        table = zip(files, (answer.judged for answer in every), strict=True)
        print_lines(terminal, fleet_lines(list(table), terminal.width))
        unsettled = (Severity.FAIL, Severity.UNKNOWN)
        asked = (one.judged for severity in unsettled for one in every if one.judged.verdict is severity)
        name_help(code for judged in asked for code in judged.codes)
    found = {answer.judged.verdict for answer in every}
    if Severity.FAIL in found:
        return 1
    return 2 if None in found else 0


def _json_line(file: str, rest: str) -> str:
    from bootmenu.view.json_output import json_text

    return f'{{"machine": {json_text(file)}, {rest[1:]}'


def _answers(job: _Job, files: Sequence[str]) -> Iterator[_Answer]:
    """Return an iterator over the answers for these files, in their order."""
    first: dict[bytes, str] = {}
    digests: list[bytes] = []
    for file in files:
        try:
            digest = hashlib.sha256(shared_options.recording(file, several=True)).digest()
        except (OSError, ValueError):
            digest = b"%d" % len(digests)  # why it cannot be read is said when it is judged
        first.setdefault(digest, file)
        digests.append(digest)
    distinct = list(first.values())
    answers = dict(zip(first, _judge_all(job, distinct), strict=True))
    return (answers[digest] for digest in digests)


def _judge_all(job: _Job, files: Sequence[str]) -> Iterable[_Answer]:
    processes = min(len(os.sched_getaffinity(0)), len(files) // _SEVERAL + 1)
    try:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
    except ImportError:  # a first stage, where nobody judges a fleet, has no room for them
        processes = 1
    if processes == 1:
        return [_judge(job, file) for file in files]
    # fork: each process has the kernel as it was read, and nothing is imported again
    executor = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _begin, (job,))
    try:
        return list(executor.map(_judge_in_process, files, chunksize=_CHUNK))
    finally:
        executor.shutdown(cancel_futures=True)


_job: _Job | None = None
"""In a process of its own: what it was started with."""


def _begin(job: _Job) -> None:
    """Begin a process: the one that started it is told of signals, and ends it."""
    global _job
    _job = job
    gc.disable()  # it ends soon, and nothing that it makes refers to itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _judge_in_process(file: str) -> _Answer:
    assert _job is not None
    return _judge(_job, file)


def _judge(job: _Job, file: str) -> _Answer:
    """Return the answer for one recording; never raise for what is wrong with it."""
    try:
        machine = shared_options.recorded_machine(file, several=True)
    except UsageError as error:
        return _Answer(Judged(None, (), error.message), _to_json({"error": error.to_json()}) if job.json else "")
    report = job.session.report_on(machine).overriding(job.ignored)
    return _Answer(Judged.from_report(report), _report_to_json(report, job.verbose) if job.json else "")


def _report_to_json(report: Report, verbose: bool) -> str:
    from bootmenu.view.json_output import report_to_json

    if not verbose:
        report = Report(findings=tuple(found for found in report.findings if found.severity is not Severity.PASS))
    return _to_json(report_to_json(report))


def _to_json(value: object) -> str:
    from bootmenu.view.json_output import json_text

    return json_text(value)
