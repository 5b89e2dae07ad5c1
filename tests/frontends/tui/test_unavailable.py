# SPDX-License-Identifier: MIT
"""Test that a key which can do nothing says why, and that the footer does not offer it."""

from __future__ import annotations

import pytest

from bootmenu.config.settings import Profile, Settings
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.model.value import replace
from bootmenu.view.actions import TABLE
from bootmenu.view.policy import Policy
from bootmenu.view.screen_ids import Requirement
from bootmenu.view.unavailable import why_unavailable
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import running


@pytest.mark.parametrize(
    ("key", "may_quit", "reason"),
    [
        ("q", False, "this is a first stage: there is nothing to go back to"),
        ("s", True, "a shell is offered only in a first stage"),
        ("m", True, "the demonstration is offered only on a running system"),
        ("L", True, "only the service menu of a kiosk can be locked"),
        ("escape", True, "no filter is set"),
        ("right", True, "there are no snapshots here to show"),
        ("left", True, "there are no snapshots here to fold"),
        ("u", True, "nothing here is locked"),
    ],
)
async def test_a_key_that_can_do_nothing_says_why(key: str, may_quit: bool, reason: str) -> None:
    async with running(FakeSession(), may_quit=may_quit) as menu:
        await menu.scanned()
        assert reason not in menu.text
        await menu.press(key)
        assert isinstance(menu.app.screen, MenuScreen)
        await menu.sees(reason)
        await menu.press("down")
        assert reason not in menu.text


async def test_what_the_settings_forbid_says_so() -> None:
    async with running(FakeSession()) as menu:
        await menu.scanned()
        kiosk = Policy.of(Settings(profile=Profile.KIOSK))
        menu.menu.context = replace(menu.menu.context, policy=kiosk)
        await menu.press("l")
        await menu.sees("the settings do not permit this")


def test_every_condition_has_its_reason() -> None:
    reasons = [why_unavailable([action], frozenset(Requirement)) for action in TABLE if action.requires is not None]
    assert len(set(reasons)) == len(Requirement)


async def test_a_load_that_is_cancelled_does_not_offer_that_again() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.press("enter")
        await menu.until(session.load_reached.is_set)
        assert "Esc cancel" in menu.rows[-1]
        await menu.press("escape")
        assert "Esc cancel" not in menu.rows[-1]
        session.load_gate.set()
