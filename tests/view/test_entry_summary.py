# SPDX-License-Identifier: MIT
"""What the summary of an entry shows of its files and command line."""

from __future__ import annotations

from bootmenu.model.value import replace
from bootmenu.view.entry_summary import files
from tests.builders import fakes, machines


def test_what_was_added_and_why_it_waits_for_a_hand_are_shown() -> None:
    plain = fakes.listing("a", "A")
    changed = replace(plain, entry=replace(plain.entry, notes=("findiso=/a.iso was added",), manual="no path"))

    def text(listing: object) -> str:
        return "\n".join("".join(span.text for span in line.spans) for line in files(listing, machines.virt(), 80))  # type: ignore[arg-type]

    assert "note" not in text(plain)
    shown = text(changed)
    assert "findiso=/a.iso was added" in shown
    assert "Never starts automatically." in shown
    assert "no path" in shown
