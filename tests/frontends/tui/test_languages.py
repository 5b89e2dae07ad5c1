# SPDX-License-Identifier: MIT
"""Test the main screens in every language: nothing overflows, is cut, or stays English."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bootmenu import i18n
from bootmenu.bootstate.state import Attempt, State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.frontends import first_frame
from bootmenu.frontends.tui.widgets.text_view import TextView
from bootmenu.i18n import _
from bootmenu.model.finding import Severity
from bootmenu.model.progress import Stage, StageState
from bootmenu.system.power import Power
from bootmenu.terminal.cells import cells
from bootmenu.view import entry_summary, kiosk_pages, load_progress, page_edges, refusal
from bootmenu.view.entry_editor import EntryPart
from bootmenu.view.entry_texts import Mark
from bootmenu.view.help_page import help_page
from bootmenu.view.key_help import actions_of, key_names, labelled
from bootmenu.view.screen_ids import ScreenId
from bootmenu.view.styled_text import Line
from bootmenu.view.welcome import Trial
from bootmenu.view.wording import POWER_WORDS, WORDS, verdict, verdict_width
from scripts.messages import msgids
from tests.builders import fakes
from tests.frontends.tui.driving import Menu, running
from tests.properties import rarely

LANGUAGES = ["de", "es", "fr", "pt"]
SIZES = [*rarely((80, 24)), (60, 20)]


@pytest.fixture(params=LANGUAGES, autouse=True)
def code(request: pytest.FixtureRequest) -> Iterator[str]:
    """Use each language in turn."""
    i18n.use(request.param, {})
    yield request.param
    i18n.use("en", {})


def english() -> list[str]:
    """Return English messages that must not be shown, if they are too long to be part of another text."""
    texts = (key[0] for key in msgids() if "{" not in key[0])
    return [text for text in texts if len(text) > 12 and " " in text and _(text) != text]


def check(menu: Menu) -> None:
    """Check that every line fits, and no message is English."""
    for view in menu.app.screen.query(TextView):
        for line in view.lines:
            assert line.width <= view.size.width, f"{line.text!r} is wider than {view.size.width}"
    shown = menu.text
    left = [text for text in english() if text in shown]
    assert not left, f"{left} in\n{shown}"


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_fits_and_speaks_the_language(size: tuple[int, int]) -> None:
    memory = StateStore(None)
    memory.state = State(default="alpine", lost=(Attempt(entry="debian-49", at="2026-11-14T09:30:00Z"),))
    session = fakes.stuck_session(state_store=memory)
    async with running(session, size=size) as menu:
        check(menu)
        tried = _("The boot on {day} at {time} UTC did not complete.")
        await menu.press("1")
        await menu.sees(tried.format(day="2026-11-14", time="09:30")[:20])
        titles = [row.find("GNU/Linux") for row in menu.rows if row[2:3].isdigit()]
        assert set(titles) - {-1} == {5 + verdict_width() + 1 + len("Debian ")}, "the titles stand in one column"
        await menu.press("3")
        assert _(WORDS[Severity.FAIL].sentence) in menu.text
        for key in (*"de/pl", "f1", "enter"):
            await menu.press(key)
            check(menu)
            await menu.press("escape")


@pytest.mark.parametrize("size", SIZES)
async def test_a_colon_stands_as_the_language_writes_it(code: str, size: tuple[int, int]) -> None:
    async with running(fakes.stuck_session(), size=size) as menu:
        title = next(row for row in menu.rows if row.startswith("─ 5 "))
        assert re.search(r"[^\W\d]\xa0: 5 ÉCHEC" if code == "fr" else r"[^\W\d]: 5 \w", title), title


@pytest.mark.parametrize("size", SIZES)
def test_the_line_of_keys_has_the_essential_ones(size: tuple[int, int]) -> None:
    shown = page_edges.footer(labelled(ScreenId.MENU, {"unfilter", "lock", "unlock", "demo", "unfold"}), size[0])
    assert shown.width <= size[0]
    for label in ("boot", "edit", "details", "help"):
        assert _(label) in shown.text
    for screen in (
        ScreenId.EDIT,
        ScreenId.CONFIRM,
        ScreenId.CHOICE,
        ScreenId.FILTER,
        ScreenId.PASSPHRASE,
        ScreenId.PROGRESS,
    ):
        *labels, (*_key, last, _press) = labelled(screen)
        assert last == _("help"), "the last, which goes where there is no room"
        shown = page_edges.footer(labelled(screen), size[0])
        assert all(f"{key} {label}" in shown.text for key, label, _press in labels), screen


def test_words_fit_their_columns() -> None:
    assert verdict_width() <= 10, "more than that is missing to the titles"
    for severity in Severity:
        shown = verdict(severity)
        assert cells(shown.text) == verdict_width()
        assert WORDS[severity].sign in shown.text
        assert _(WORDS[severity].word) in shown.text
        assert cells(_(WORDS[severity].sentence)) <= 36, "beside a title of 20 columns, in 60"
    assert len({_(WORDS[severity].word) for severity in Severity}) == len(Severity)
    assert max(cells(_(part)) for part in EntryPart) < 24
    assert entry_summary.label_width() <= 24
    assert Mark.width() <= 8


def test_the_choices_of_dialogs_and_the_notes_of_the_kiosk_fit_60_columns() -> None:
    choices = [*POWER_WORDS.values(), *(trial.value for trial in Trial)]
    assert [_(text) for text in choices if cells(_(text)) > 46] == []
    day = max((kiosk_pages._day(Attempt(entry="", at=f"2026-{month:02}-14")) for month in range(1, 13)), key=cells)
    notes = ("did not start on {day}", "worked on {day}", "may work only in part", "asks for the PIN")
    assert [_(note) for note in notes if cells(_(note).format(day=day)) > 30] == []
    rows = (
        "nothing to start here: no boot configuration, no kernel",
        "No partition was found. Plug a medium in and press r.",
    )
    assert [_(row) for row in rows if cells(_(row)) > 55] == []


def test_every_stage_and_state_has_its_word() -> None:
    assert {(str(name),) for name in (*Stage, *StageState)} <= set(msgids())
    plan = fakes.plan_for(fakes.DEBIAN)
    told = {progress.stage: progress for progress in (*fakes.LOADING, *fakes.LEAVING)}
    for width in (80, 60):
        lines = load_progress.loading(fakes.DEBIAN, plan, told, "", width, 24)
        assert all(line.width <= width for line in lines)
        shown = "\n".join(line.text for line in lines)
        assert all(_(stage) in shown for stage in plan.stages)
        assert all(
            f"{i18n.number(progress.seconds, '.1f')} s" in shown for progress in told.values() if progress.seconds
        )


def fits(lines: list[Line], width: int) -> None:
    """Check that no line is too wide or cut."""
    for line in lines:
        assert line.width <= width, line.text
        assert "»" not in line.text, line.text


@pytest.mark.parametrize("size", SIZES)
def test_pages_without_a_screen_of_their_own(size: tuple[int, int]) -> None:
    width, height = size
    fits(refusal.refusal(fakes.BUSY, "Debian", width), width)
    fits(refusal.arrival("Debian", "Starting Debian.", "kexec_load", width), width)
    fits(kiosk_pages.refusal("Debian", width, height), width)
    fits(kiosk_pages.waiting(width, height), width)
    for few in (True, False):
        fits(kiosk_pages.pin(3, 11, "", width, height, few_buttons=few), width)
    row = kiosk_pages.KioskRow(name=_("Service"), note=_("asks for the PIN"))
    power = kiosk_pages.KioskRow(name=_(POWER_WORDS[Power.REBOOT]))
    fits(kiosk_pages.start([row, power], 0, _(kiosk_pages.KEYS), width, height), width)
    wheel = next(line for line in kiosk_pages.pin(0, 0, "", width, height, few_buttons=False) if "OK" in line.text)
    assert wheel.width <= width


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [80, 60])
def test_the_help_shows_every_name_of_a_key(code: str, width: int, ascii_only: bool) -> None:
    i18n.use(code, {}, ascii_only=ascii_only)
    for screen in ScreenId:
        lines = [line.text for line in help_page(screen, frozenset(), width)]
        fits(help_page(screen, frozenset(), width), width)
        for action in actions_of(screen):
            assert any(line.startswith(f" {key_names(action.shown)} ") for line in lines), action


@pytest.mark.parametrize("columns", [80, 60, 40, 20])
def test_the_countdown_is_a_whole_sentence_where_there_is_room(columns: int) -> None:
    row = first_frame._countdown_text("300", columns)
    assert cells(row) < columns
    assert "300 s" in row
    assert row.endswith("." if columns >= 40 else "s")
