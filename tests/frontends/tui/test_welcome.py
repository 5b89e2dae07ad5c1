# SPDX-License-Identifier: MIT
"""Test what a newcomer sees on a machine where nothing can start."""

from __future__ import annotations

from typing import Any

import pytest

from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Demo, Outcome, VmCommand
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.frontends.tui.screens.welcome_screen import WelcomeScreen
from bootmenu.model.finding import Finding, Report, Severity
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.test_plain_menu import sit
from tests.frontends.tui.driving import running

NO_KEXEC = Report(
    findings=(
        Finding(code="SYS-SYSCALL", severity=Severity.FAIL, message="It has no kexec.", hint="Take another kernel."),
        Finding(code="SYS-DISABLED", severity=Severity.UNKNOWN, message="Who knows."),
    )
)


@pytest.mark.parametrize(("keys", "outcome"), [(("enter",), Demo()), (("2", "enter"), VmCommand())])
async def test_it_says_why_and_offers_what_can_be_tried(keys: tuple[str, ...], outcome: Outcome) -> None:
    async with running(FakeSession(machine_report=NO_KEXEC), offer_demo=True, scanned=False) as menu:
        await menu.at(WelcomeScreen)
        assert "It has no kexec. Take another kernel." in menu.text
        await menu.press(*keys)
    assert menu.app.return_value == outcome


@pytest.mark.parametrize("keys", [("escape",), ("3", "enter")])
async def test_the_partitions_are_there_without_an_alarm(keys: tuple[str, ...]) -> None:
    async with running(FakeSession(machine_report=NO_KEXEC, notices=("no call",)), offer_demo=True) as menu:
        await menu.at(WelcomeScreen)
        await menu.press(*keys)
        assert isinstance(menu.app.screen, MenuScreen)
        banner = menu.text.split("─")[0]
        assert "Nothing can be started from here. It has no kexec." in banner
        assert not any(text in banner for text in ("FAIL", "SYS-", "Who knows", "no call"))
        await menu.press("r")
        await menu.scanned()
        assert isinstance(menu.app.screen, MenuScreen), "said once"


async def test_so_does_a_machine_without_anything_to_start() -> None:
    async with running(FakeSession(events=fakes.EMPTY), offer_demo=True) as menu:
        await menu.at(WelcomeScreen)
        assert "Nothing to start was found" in menu.text


@pytest.mark.parametrize(
    ("report", "context"),
    [
        (NO_KEXEC, {"offer_demo": True, "may_quit": False}),  # a first stage: that it cannot kexec is an alarm
        (NO_KEXEC, {"offer_demo": False}),
        (Report(findings=()), {"offer_demo": True}),
    ],
)
async def test_nobody_else_is_welcomed(report: Report, context: dict[str, Any]) -> None:
    async with running(FakeSession(machine_report=report), **context) as menu:
        assert isinstance(menu.app.screen, MenuScreen)
        assert ("FAIL" in menu.text.split("─")[0]) is (report is NO_KEXEC)


async def test_an_error_comes_first() -> None:
    error = BootmenuError("It was refused.")
    async with running(FakeSession(machine_report=NO_KEXEC), error=error, offer_demo=True) as menu:
        assert isinstance(menu.app.screen, RefusalScreen)
        await menu.press("escape")
        assert not isinstance(menu.app.screen, RefusalScreen)


def test_the_plain_menu_says_the_same() -> None:
    said = sit(FakeSession(machine_report=NO_KEXEC, notices=("no call",)), offer_demo=True)[0]
    assert "It has no kexec. Take another kernel." in said
    assert "bootmenu vm" in said
    assert not any(text in said for text in ("SYS-", "Who knows", "no call"))
    assert "SYS-SYSCALL" in sit(FakeSession(machine_report=NO_KEXEC), offer_demo=True, may_quit=False)[0]
    assert "bootmenu vm" not in sit(FakeSession(), offer_demo=True)[0]
