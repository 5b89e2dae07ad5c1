# SPDX-License-Identifier: MIT
"""Test the text and JSON output of reports, facts and settings."""

from __future__ import annotations

import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.commands.facts_command import facts_lines
from bootmenu.commands.settings_command import settings_lines
from bootmenu.compat import check
from bootmenu.config.settings import Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.frontends import theme_folders
from bootmenu.frontends.tui import themes
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.place import PlaceRule
from bootmenu.model.text import printable
from bootmenu.view import json_output
from bootmenu.view.report_lines import report_lines
from bootmenu.view.styled_text import Line, Span, Style
from bootmenu.view.terminal_text import TerminalText
from tests.builders import machines, strategies
from tests.builders.entries import entry
from tests.properties import examples

PROPERTY = examples(100)


def report(*severities: Severity | str) -> Report:
    return Report.from_findings(
        Finding(
            code=f"C-{i}",
            severity=Severity(severity),
            message=f"Number {i}.",
            hint="" if severity == Severity.PASS else "Do it.",
        )
        for i, severity in enumerate(severities)
    )


def test_every_severity_is_a_word_and_the_worst_comes_last() -> None:
    lines = [line.text for line in report_lines(report(*Severity), 80, verbose=True)]
    assert [re.findall(r"\w+|\?", line)[0] for line in lines if "C-" in line] == ["ok", "?", "warn", "FAIL"]
    assert sum("→ Do it." in line for line in lines) == 3
    assert lines[-1] == "verdict: FAIL"


def test_passes_are_folded_into_their_number() -> None:
    lines = [line.text for line in report_lines(report("pass", "warn", "pass"), 80)]
    assert lines[0] == " • ok   2 checks passed; -v shows more"
    assert sum("C-" in line for line in lines) == 1


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_report_is_as_wide_as_the_terminal(width: int) -> None:
    long = Finding(code="C-LONG", severity=Severity.FAIL, message="word " * 60, hint="advice " * 40)
    lines = list(report_lines(Report.from_findings([long]), width))
    assert max(line.width for line in lines) in range(width - 12, width)


def stream(environ: dict[str, str], *, terminal: bool) -> TerminalText:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    return TerminalText(Stream(), environ)


def test_colours_are_an_addition_and_never_the_only_sign() -> None:
    lines = list(report_lines(report(*Severity), 80))
    coloured = stream({"TERM": "xterm"}, terminal=True)
    plain = stream({"TERM": "xterm"}, terminal=False)
    for line in lines:
        assert re.sub(r"\033\[[0-9;]*m", "", coloured.text(line)) == plain.text(line) == line.text.rstrip()
    assert coloured.text(lines[-1]) == "\033[1;31mverdict: FAIL\033[0m"


@pytest.mark.parametrize(
    ("environ", "terminal", "colours"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_who_gets_colours(environ: dict[str, str], terminal: bool, colours: bool) -> None:
    assert stream(environ, terminal=terminal).colours is colours


def test_the_width_is_that_of_columns_or_80() -> None:
    assert stream({}, terminal=False).width == 80
    assert stream({"COLUMNS": "132"}, terminal=False).width == 132
    assert stream({"COLUMNS": "wide"}, terminal=False).width == 80


def test_roles_have_the_colours_of_the_menu_on_a_console() -> None:
    numbers = {"ansi_cyan": "36", "ansi_green": "32", "ansi_yellow": "33", "ansi_red": "31", "ansi_magenta": "35"}
    attributes = {"bold": "1", "reverse": "7"}
    inks = themes.inks(themes.load("vt16", theme_folders.theme_folders()))
    text = stream({"FORCE_COLOR": "1"}, terminal=False)
    for style, (colour, words) in inks.items():
        if style is Style.SELECTED:  # nothing is selected in a report
            continue
        codes = [attributes[word] for word in words.split() if word in attributes]
        codes += [numbers[colour]] if colour in numbers else []
        shown = text.text(Line((Span("x", style),)))
        assert shown == (f"\033[{';'.join(codes)}mx\033[0m" if codes else "x"), style


def test_an_empty_report_is_a_pass() -> None:
    assert [line.text for line in report_lines(Report(findings=()), 80)] == ["verdict: ok"]


@PROPERTY
@given(strategies.machine_facts)
def test_any_machine_can_be_told_of(machine: MachineFacts) -> None:
    lines = report_lines(check(machine, entry()), 80, verbose=True)
    for text in [*facts_lines(machine), *(line.text for line in lines)]:
        assert text == printable(text)
    json.loads(json_output.json_text(machine.to_json()))


@pytest.mark.parametrize("name", machines.MACHINES)
def test_facts_for_people(name: str) -> None:
    lines = dict(line.split(None, 1) for line in facts_lines(machines.recorded(name)))
    assert lines["machine"]
    assert ("spin-table" in lines["enable-method"]) == (name in ("spin-table-4", "nr-cpus-1"))


@PROPERTY
@given(st.text(max_size=40))
def test_printable_text_has_the_same_length_and_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown.isprintable()
    assert printable(shown) == shown


@PROPERTY
@given(st.text(max_size=40) | st.sampled_from(["\x1b\x9b\x7f\u202e", "\udcff"]))
def test_json_is_ascii_without_control_characters_and_says_the_same(text: str) -> None:
    line = json_output.json_text({"a": text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"a": text}


def test_places_of_the_settings_are_written_as_they_are_read() -> None:
    rules = tuple(map(PlaceRule.parse, ("internal", "PARTUUID=AB-01 on usb")))
    told = json_output.settings_to_json(Loaded(settings=Settings(kiosk_disks=rules)))
    assert isinstance(told["settings"], dict)
    assert told["settings"]["kiosk.disks"]["value"] == ["internal", "PARTUUID=ab-01 on usb"]
    (line,) = (line for line in settings_lines(Loaded(settings=Settings(kiosk_disks=rules))) if "disks" in line)
    assert ' = ["internal", "PARTUUID=ab-01 on usb"] ' in line
