# SPDX-License-Identifier: MIT
"""Test the passphrase prompt: typing, what is shown, and what follows."""

from __future__ import annotations

import pytest
from textual import events

from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.passphrase_screen import MAX_TYPED, PassphraseScreen
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import Menu, running

RIGHT = ["o", "p", "e", "n", "space", "s", "e", "s", "a", "m", "e"]


def locked(**changes: object) -> FakeSession:
    return FakeSession(events=fakes.LOCKED, **changes)  # type: ignore[arg-type]


async def asked(menu: Menu) -> PassphraseScreen:
    await menu.press("u")
    await menu.at(PassphraseScreen)
    screen = menu.app.screen
    assert isinstance(screen, PassphraseScreen)
    return screen


async def test_the_key_is_named_only_where_something_is_locked() -> None:
    async with running(FakeSession()) as menu:
        assert "unlock" not in menu.rows[-1]
        await menu.press("u")
        assert "nothing here is locked" in menu.text
    async with running(locked()) as menu:
        assert "u unlock" in menu.rows[-1]
        assert "the key u in the menu unlocks it" in menu.text


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_the_right_passphrase_reads_the_partition(size: tuple[int, int]) -> None:
    session = locked()
    async with running(session, size=size) as menu:
        await asked(menu)
        await menu.press(*RIGHT)
        assert "Passphrase: ***********_" in menu.text
        assert "sesame" not in menu.text
        await menu.press("enter")
        await menu.at(MenuScreen)
        await menu.sees("Alpine")
        assert session.calls.count("scan") == 2
        assert "unlock sda3" in session.calls


async def test_keys_of_the_menu_are_letters_here_and_corrections_correct() -> None:
    async with running(locked(passphrase="jkq?")) as menu:
        await asked(menu)
        await menu.press("x", "ctrl+u", "j", "k", "q", "d", "backspace", "question_mark")
        assert "Passphrase: ****_" in menu.text
        await menu.press("enter")
        await menu.at(MenuScreen)
        await menu.sees("Alpine")


async def test_a_wrong_passphrase_is_said_and_forgotten_and_another_may_be_tried() -> None:
    session = locked()
    async with running(session) as menu:
        screen = await asked(menu)
        await menu.press("enter")
        assert "unlock sda3" not in session.calls
        await menu.press("n", "o", "enter")
        await menu.sees("This is not its passphrase. Try again.")
        assert "Passphrase: _" in menu.text
        await menu.press(*RIGHT, "enter")
        await menu.until(lambda: menu.app.screen is not screen)
        assert session.calls.count("unlock sda3") == 2


async def test_while_one_is_tried_nothing_else_is_taken() -> None:
    session = locked()
    session.unlock_gate.clear()
    async with running(session) as menu:
        screen = await asked(menu)
        await menu.press("n", "o", "enter")
        await menu.sees("deriving the key")
        await menu.press("x", "escape", "enter", "backspace", "ctrl+u")
        assert menu.app.screen is screen
        session.unlock_gate.set()
        await menu.sees("not its passphrase")
        await menu.press("escape")
        await menu.at(MenuScreen)
        assert session.calls.count("unlock sda3") == 1
        assert session.calls.count("scan") == 1


async def test_a_mistake_of_the_program_s_own_is_no_dead_end() -> None:
    session = locked()
    async with running(session) as menu:
        await asked(menu)
        session.unlocked_events = ()
        session.unlock = lambda device, passphrase: 1 / 0  # type: ignore[method-assign,assignment]
        await menu.press("x", "enter")
        await menu.sees("The passphrase could not be checked.")
        await menu.press("escape")
        await menu.at(MenuScreen)


async def test_a_paste_is_typing_without_its_line_end_and_there_is_a_limit() -> None:
    async with running(locked()) as menu:
        screen = await asked(menu)
        menu.app.post_message(events.Paste("open sesame\r\n"))
        await menu.sees("Passphrase: ***********_")
        menu.app.post_message(events.Paste("x" * 2 * MAX_TYPED))
        await menu.until(lambda: len(screen.line.text) == MAX_TYPED)
        assert all(len(row) <= 80 for row in menu.rows)
