# SPDX-License-Identifier: MIT
"""What the commands print: the JSON of the public contract, and text for people."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from bootmenu.config.settings import OPTIONS, Loaded, Option
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import _, told
from bootmenu.model.entry import Problem
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.text import printable as printable

WORDS = {Severity.PASS: "ok", Severity.UNKNOWN: "?", Severity.WARN: "warn", Severity.FAIL: "FAIL"}
"""One word a severity, wherever people read it."""

_COLOURS = {Severity.PASS: "32", Severity.UNKNOWN: "36", Severity.WARN: "33", Severity.FAIL: "31;1"}
_WIDTH = 100


def scan_to_json(listings: Iterable[Listing], problems: Iterable[Problem]) -> dict[str, object]:
    """The object of `scan --json`."""
    return {
        "entries": [entry_to_json(listing) for listing in listings],
        "problems": [problem.to_json() for problem in problems],
    }


def entry_to_json(listing: Listing) -> dict[str, object]:
    """One element of `entries`."""
    entry, facts = listing.entry, listing.facts
    architecture = entry.architecture or (facts.kernel.architecture if facts.kernel else None)
    return {
        "id": entry.id,
        "title": entry.title,
        "version": entry.version,
        "source": entry.source,
        "config": entry.config.to_json() if entry.config else None,
        "also": [origin.to_json() for origin in entry.also],
        "device": entry.device,
        "kernel": entry.kernel.to_json(),
        "initrds": [ref.to_json() for ref in entry.initrds],
        "dtb": entry.dtb.to_json() if entry.dtb else None,
        "overlays": [ref.to_json() for ref in entry.overlays],
        "cmdline": entry.cmdline.text,
        "architecture": str(architecture) if architecture else None,
        "default": entry.default,
        **report_to_json(listing.report),
    }


def report_to_json(report: Report) -> dict[str, object]:
    """The object of `check --json`: verdict and findings, worst first."""
    return {"verdict": str(report.verdict), "findings": [finding.to_json() for finding in report.findings]}


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON in ASCII: whatever the names on a disk are, it can be printed, and steers no terminal."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def scan_lines(listings: list[Listing]) -> Iterator[str]:
    """One line an entry: verdict, id, title; below it the worst finding, where the verdict is not ok."""
    said: set[str] = set()
    width = max((len(listing.entry.id) for listing in listings), default=0)
    for listing in listings:
        mark = "*" if listing.entry.default else " "
        word = WORDS[listing.report.verdict]
        title = " ".join(part for part in (listing.entry.title, listing.entry.version) if part)
        name, where = printable(listing.entry.id), printable(f"{listing.entry.device}: {title}")
        yield f"{word:<4} {mark} {name:<{width}}  {where}"
        if listing.report.verdict is not Severity.PASS:
            worst = next(found for found in listing.report.findings if not found.ignored)
            line = f"{worst.code}: {worst.message}"
            yield f"{'':<7}{f'{worst.code}, as above' if line in said else printable(line)}"
            said.add(line)


def report_lines(report: Report, *, colour: bool = False) -> Iterator[str]:
    """Findings, worst first, the hint under each; the verdict at the end."""
    width = max((len(finding.code) for finding in report.findings), default=0)
    for finding in report.findings:
        yield from _finding_lines(finding, width, colour)
    yield _("verdict: {word}").format(word=_word(report.verdict, colour))


def _finding_lines(finding: Finding, width: int, colour: bool) -> Iterator[str]:
    room = word_width()
    word = _word(finding.severity, colour) + " " * (room - len(_(WORDS[finding.severity])))
    indent = " " * (room + 2 + width + 2)
    ignored = _("(ignored)") + " " if finding.ignored else ""
    message = textwrap.wrap(ignored + printable(told(finding.message)), _WIDTH - len(indent)) or [""]
    yield f"{word}  {finding.code:<{width}}  {message[0]}"
    yield from (indent + line for line in message[1:])
    if finding.hint:
        hint = textwrap.wrap(printable(told(finding.hint)), _WIDTH - len(indent) - 2)
        yield f"{indent}→ {hint[0]}"
        yield from (f"{indent}  {line}" for line in hint[1:])


def word_width() -> int:
    """Columns of the longest verdict, in the language in use."""
    return max(len(_(word)) for word in WORDS.values())


def _word(severity: Severity, colour: bool) -> str:
    word = _(WORDS[severity])
    return f"\033[{_COLOURS[severity]}m{word}\033[0m" if colour else word


def facts_lines(machine: MachineFacts) -> Iterator[str]:
    """The facts that people ask for first; `--json` has them all."""

    kexec = machine.kexec
    possible = machine.possible_cpus
    tree = machine.tree
    methods = sorted({cpu.enable_method or "none" for cpu in tree.cpus}) if tree else []
    psci = f" ({tree.psci_method})" if tree and tree.psci_method else ""
    rows = (
        ("machine", machine.title),
        (
            "architecture",
            f"{machine.machine}, {machine.byte_order}-endian, {machine.page_size or 'unknown'} byte pages",
        ),
        ("kernel", machine.kernel_release),
        ("CPUs", "not known" if possible is None else str(len(possible))),
        ("enable-method", ", ".join(methods) + psci if methods else "not known"),
        ("device tree", machine.tree_source or machine.tree_problem or "none"),
        ("may load", _yes(machine.cap_sys_boot)),
        ("kexec_load", _yes(kexec.kexec_load)),
        ("kexec_file_load", _yes(kexec.kexec_file_load)),
        ("switched off", _yes(kexec.load_disabled)),
        ("loaded", _yes(kexec.loaded)),
        ("kexec-tools", kexec.tools_version or "not installed"),
    )
    for name, value in rows:
        yield f"{name:<16}{printable(value)}"


Applied = Mapping[str, tuple[object, str]]
"""What applies of the settings that nobody has made, and why, by Option.name."""
NOTHING_APPLIED: Applied = MappingProxyType({})


def settings_lines(loaded: Loaded, applied: Applied = NOTHING_APPLIED) -> Iterator[str]:
    """The settings as a settings file has them, where each came from behind it. Secrets are comments."""
    rows: list[tuple[str, str, str]] = []
    for option, value, origin in _settings_rows(loaded, applied):
        if value is None:
            rows.append((f"# {option.name} is not set", "", origin))
        elif option.secret:
            rows.append((f"# {option.name} is set, and not shown", "", origin))
        elif isinstance(value, dict) and value:  # a line each: there may be thousands
            rows += [(f"{option.name}.{toml(key)}", toml(inner), origin) for key, inner in value.items()]
        else:
            rows.append((option.name, toml(value), origin))
    names = max(len(option.name) for option in OPTIONS)
    values = min(max(len(value) for _name, value, _origin in rows), 40)
    for name, value, origin in rows:
        setting = f"{name:<{names}} = {value}" if value else name
        yield printable(f"{setting:<{names + 3 + values}}  # {origin}")


def settings_to_json(loaded: Loaded, applied: Applied = NOTHING_APPLIED) -> dict[str, object]:
    """The object of `settings --json`: `{NAME: {"value": ..., "origin": ...}}`, and the problems."""
    values = {
        option.name: {"value": "set" if option.secret and value is not None else value, "origin": origin}
        for option, value, origin in _settings_rows(loaded, applied)
    }
    return {"settings": values, "problems": list(loaded.problems)}


def _settings_rows(loaded: Loaded, applied: Applied) -> Iterator[tuple[Option, object, str]]:
    """(option, value as a settings file has it, origin)."""
    for option, value, origin in loaded.rows():
        if option.name in applied and option.name not in loaded.origins:
            value, why = applied[option.name]
            origin = f"{origin}, {why}"
        yield option, option.written(value), origin


def toml(value: object) -> str:
    """A value of TOML. Texts of the settings have no control characters, so JSON's escapes are TOML's."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _yes(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
