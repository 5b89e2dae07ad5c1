# SPDX-License-Identifier: MIT
"""Test the text and JSON output of reports, facts and settings."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.commands.facts_command import facts_lines
from bootmenu.commands.settings_command import settings_lines
from bootmenu.compat import check
from bootmenu.config.settings import Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.place import PlaceRule
from bootmenu.model.text import printable
from bootmenu.view import json_output
from bootmenu.view.report_lines import report_lines
from tests.builders import machines, strategies
from tests.builders.entries import entry
from tests.properties import examples

PROPERTY = examples(100)


def report(*severities: Severity) -> Report:
    return Report.from_findings(
        Finding(code=f"C-{i}", severity=severity, message=f"Number {i}.", hint="" if severity == "pass" else "Do it.")
        for i, severity in enumerate(severities)
    )


def test_every_severity_is_a_word_and_the_worst_comes_first() -> None:
    lines = list(report_lines(report(*Severity)))
    assert [line.split()[0] for line in lines if "C-" in line] == ["FAIL", "warn", "?", "ok"]
    assert sum("→ Do it." in line for line in lines) == 3
    assert lines[-1] == "verdict: FAIL"


def test_colours_are_an_addition_and_never_the_only_sign() -> None:
    plain = "\n".join(report_lines(report(*Severity)))
    coloured = "\n".join(report_lines(report(*Severity), colour=True))
    assert "\033[" not in plain
    assert coloured.count("\033[0m") == 5
    for code in ("\033[32m", "\033[36m", "\033[33m", "\033[31;1m", "\033[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_an_empty_report_is_a_pass() -> None:
    assert list(report_lines(Report(findings=()))) == ["verdict: ok"]


@PROPERTY
@given(strategies.machine_facts)
def test_any_machine_can_be_told_of(machine: MachineFacts) -> None:
    for line in [*facts_lines(machine), *report_lines(check(machine, entry()))]:
        assert line == printable(line)
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
