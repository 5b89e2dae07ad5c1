# SPDX-License-Identifier: MIT
"""The snapshots of a system are one row, which keys unfold and fold."""

from __future__ import annotations

from time import process_time

import pytest

from bootmenu import i18n
from bootmenu.bootstate.state import State
from bootmenu.discovery.scan_events import EntryFound
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.i18n import available
from bootmenu.model.value import replace
from bootmenu.session.scan_results import ScanResults
from bootmenu.view.entry_list import Columns, EntryList, row_line
from bootmenu.view.policy import Access, Policy
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.builders.places import INSIDE
from tests.frontends.test_plain_menu import sit
from tests.frontends.tui.driving import running


async def test_a_row_is_unfolded_and_folded_with_the_arrows_or_enter() -> None:
    for nested in (False, True):
        session = FakeSession(events=fakes.snapshot_events(3, 2, nested=nested))
        async with running(session, size=(80, 24)) as menu:
            await menu.scanned()
            assert "+ 6" in menu.text
            assert "upgrade" not in menu.text
            assert "Arch Linux" in menu.selected
            await menu.press("down")
            assert "3 snapshots, the newest of 2026-01-03" in menu.selected
            assert "Enter or → shows them" in menu.text
            assert "→ show" in menu.rows[-1]
            for key in ("right", "enter"):
                await menu.press(key)
                assert "- 6" in menu.selected
                assert menu.text.count("kernel 1") >= 3
                await menu.press("down", "down")
                assert "upgrade 0" in menu.selected
                await menu.press("left")
                assert "+ 6" in menu.selected
                assert "upgrade" not in menu.text
            assert session.calls == ["scan", "scanned"], "nothing was started"


async def test_enter_folds_and_unfolds_a_row_and_boots_what_is_below_it() -> None:
    session = FakeSession(events=fakes.snapshot_events(2))
    async with running(session, size=(80, 24)) as menu:
        await menu.scanned()
        await menu.press("down", "enter")
        assert "- 2" in menu.selected
        await menu.press("enter")
        assert "+ 2" in menu.selected
        await menu.press("a", "A", "a", "down", "enter")
        await menu.until(lambda: not menu.app.is_running or menu.app.return_value)
    assert any("s0-0" in call for call in session.calls)


async def test_a_filter_unfolds_what_matches() -> None:
    async with running(FakeSession(events=fakes.snapshot_events(30)), size=(80, 24)) as menu:
        await menu.scanned()
        await menu.press("/", *"upgrade 17", "enter")
        assert "upgrade 17" in menu.text
        assert "snapshots" not in menu.rows[4]
        await menu.press("escape")
        assert "+ 30" in menu.text


async def test_a_default_among_the_snapshots_is_not_folded() -> None:
    results = ScanResults()
    for event in fakes.snapshot_events(3):
        results.add(event)
    shown = EntryList().rows(results, State(default="s1-0"))
    assert [row.listing.entry.id for row in shown if row.listing] == ["arch", "s1-0"]
    assert [row.fold.entries for row in shown if row.fold] == [2]
    assert len([row for row in EntryList().rows(results, unfolded=None) if row.listing]) == 4


def test_the_plain_menu_folds_them_too_and_lists_them_on_demand() -> None:
    said, _ = sit(FakeSession(events=fakes.snapshot_events(3)), "", "+", "+")
    folded, unfolded, again = said.split("+ 3")[0], said, said.rpartition("upgrade 2")[2]
    assert "upgrade" not in folded
    assert "3 snapshots, the newest of 2026-01-03 09:30" in unfolded
    assert "upgrade 2" in unfolded
    assert "+ 3" in again
    assert "upgrade" not in again


def test_a_kiosk_offers_no_snapshot_unless_it_is_named() -> None:
    (listing,) = (
        event.listing for event in fakes.snapshot_events(1) if isinstance(event, EntryFound) and event.index
    )
    placed = replace(listing, places=(INSIDE,))
    for entries, wanted in ((("*",), Access.ABSENT), (("s0*",), Access.ABSENT), (("*", "s0-0"), Access.FREE)):
        assert Policy(kiosk=True, entries=entries).access_to(placed) is wanted
    assert Policy().access_to(placed) is Access.FREE


async def test_a_key_answers_at_once_among_300_entries() -> None:
    async with running(FakeSession(events=fakes.snapshot_events(50, 6)), size=(80, 24)) as menu:
        await menu.scanned()
        await menu.press("down")
        screen = menu.menu
        assert isinstance(screen, MenuScreen)
        for action in (
            screen.action_unfold,
            screen.action_down,
            screen.action_last,
            screen.action_up,
            screen.action_fold,
        ):
            began = process_time()
            action()
            screen._show_summary()
            assert process_time() - began < 0.1, action
            await menu.settle()


@pytest.mark.parametrize("code", available())
def test_a_row_of_snapshots_is_cut_nowhere(code: str) -> None:
    i18n.use(code, {})
    try:
        results = ScanResults()
        for event in fakes.snapshot_events(12, 2):
            results.add(event)
        (row,) = [row for row in EntryList().rows(results) if row.fold is not None]
        for width in (40, 60, 74, 80):
            text = row_line(row, Columns.of([row], width), width, selected=False).text
            assert "12" in text
            assert "»" not in text
            assert "2026-01" in text or width == 40
    finally:
        i18n.use("en", {})
