# SPDX-License-Identifier: MIT
"""The menu's log, and internal errors: the traceback is in the log, one sentence on the screen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bootmenu.frontends.tui.app import BootmenuApp
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.model.progress import Stage
from bootmenu.session import menu_log
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import running


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"BOOTMENU_LOG": "/a/log", "HOME": "/root"}, "/a/log"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/root"}, "/state/bootmenu/menu.log"),
        ({"HOME": "/root"}, "/root/.local/state/bootmenu/menu.log"),
        ({}, "/run/bootmenu/menu-app.log"),
    ],
)
def test_where_it_is_written(environ: dict[str, str], path: str) -> None:
    assert str(menu_log.log_file(environ)) == path


def test_a_file_that_cannot_be_written_is_no_second_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", "/proc/nowhere/log")
    error = menu_log.internal_error(ValueError("seven"))
    assert "ValueError: seven" in error.message
    assert "could not be written" in error.hint


def test_what_a_simulation_notes_is_in_its_own_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "log"))
    menu_log.write("before")
    with menu_log.in_memory():
        told: list[bool] = []
        stop = menu_log.listen(lambda: told.append(True))
        assert menu_log.write("one\ntwo") is None
        stop()
        assert (menu_log.last_lines(9), told) == (["one", "two"], [True])
        for number in range(3000):
            menu_log.write(str(number))
        assert len(menu_log.last_lines(9999)) == 1000
        menu_log.internal_error(ValueError("a real mistake"))
    assert menu_log.last_lines(9)[0] == "before"
    assert "ValueError: a real mistake" in menu_log.last_lines(9)


async def test_a_fault_in_a_handler_ends_the_app_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(self: MenuScreen) -> None:
        raise ZeroDivisionError("a fault\nof two lines")

    monkeypatch.setattr(MenuScreen, "action_details", broken)
    app = BootmenuApp(FakeSession())

    async def pressed() -> None:
        async with app.run_test() as pilot:
            await pilot.press("d")
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await pressed()
    assert app.return_code == 1
    assert app.fault is not None
    assert app.fault.message.endswith("“ZeroDivisionError: a fault of two lines”")
    assert not app.exit_renderables
    log = (tmp_path / "menu.log").read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError" in log


async def test_a_badge_says_that_something_was_logged(tmp_path: Path) -> None:
    session = FakeSession(scan_error=ValueError("seven"))
    session.scan_gate.clear()
    async with running(session, scanned=False) as menu:
        assert "! log" not in menu.text
        session.scan_gate.set()
        await menu.sees("! log")
        assert menu.rows[0].endswith(" ! log ")
        assert "ValueError: seven" in (tmp_path / "menu.log").read_text()
        await menu.press("f1")
        assert menu.rows[0].endswith(" ! log "), "on every screen"
    async with running(FakeSession()) as menu:
        assert "! log" not in menu.text, "a new menu begins anew"


async def test_a_fault_in_a_thread_is_logged_without_what_draws_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(self: DetailsScreen, listing: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(DetailsScreen, "_find_trees", broken)
    async with running(FakeSession()) as menu:
        await menu.press("d")
        await menu.sees("! log")
    assert "ZeroDivisionError: a fault" in (tmp_path / "menu.log").read_text()
    assert "rich.traceback" not in sys.modules, "no image has it"


async def test_what_is_wrong_with_the_theme_is_in_the_log_too(tmp_path: Path) -> None:
    async with running(FakeSession(), theme="no-such") as menu:
        await menu.sees("! log")
        assert "there is no theme no-such" in (tmp_path / "menu.log").read_text()


def test_an_expected_error_is_written_as_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the kiosk the log is where the reason stands. A traceback would look like a mistake of the menu's."""
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "log"))
    error = LoadError("the kernel refused it", "Take it out.", stage=Stage.LOAD, kernel_log=("kexec: busy",))
    error.add_note("A kernel stays loaded.")
    try:
        raise error from OSError(16, "busy")
    except LoadError as caught:
        menu_log.write_error(caught)
    said = "the kernel refused it\n  Take it out.\n  A kernel stays loaded.\n  kexec: busy\n"
    assert (tmp_path / "log").read_text() == said
    menu_log.write_error(ZeroDivisionError("a mistake"))
    assert "ZeroDivisionError: a mistake" in (tmp_path / "log").read_text()
