# SPDX-License-Identifier: MIT
"""What two entries have not in common."""

from __future__ import annotations

import pytest

from bootmenu.discovery.scan_events import EntryFound, Listing
from bootmenu.model.entry import CommandLine
from bootmenu.model.value import replace
from bootmenu.view.comparison import EntryDifference, comparison, differences
from tests.builders import fakes

ONE = fakes.DEBIAN


def with_line(text: str) -> Listing:
    return replace(ONE, entry=replace(ONE.entry, cmdline=CommandLine(text)))


def test_an_entry_does_not_differ_from_itself() -> None:
    assert list(differences(ONE, ONE)) == []
    text = "".join(span.text for row in comparison(ONE, ONE, 80) for span in row.spans)
    assert "Nothing that can be seen here." in text


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("root=/dev/sda1 quiet", "root=/dev/sda2 quiet", ("root=/dev/sda1", "root=/dev/sda2")),
        ("a b", "a b c", ("", "c")),
        ("console=tty0 console=ttyS0", "console=ttyS0 console=tty0", None),
    ],
    ids=["another word", "one more", "another order"],
)
def test_only_the_words_that_differ_are_told(first: str, second: str, told: tuple[str, str] | None) -> None:
    (found,) = differences(with_line(first), with_line(second))
    assert found == EntryDifference("command line", *(told or (first, second)))


def test_files_come_with_their_sizes_and_verdicts_with_their_codes() -> None:
    listings = [event.listing for event in fakes.FULL if isinstance(event, EntryFound)]
    other = next(each for each in listings if "16k" in each.entry.kernel.path)
    found = {each.label: (each.first, each.second) for each in differences(ONE, other)}
    assert found["kernel"][1] == "/vmlinuz-6.12.107-arm64-16k · 35.1 MB"
    assert found["verdict"] == ("ok", "FAIL IMG-PAGE")


def test_what_comes_from_a_disk_cannot_write_to_the_terminal() -> None:
    hostile = with_line("quiet\x1b[2J")
    text = "".join(span.text for row in comparison(ONE, hostile, 60) for span in row.spans)
    assert "\x1b" not in text
