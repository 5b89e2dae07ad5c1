# SPDX-License-Identifier: MIT
"""A mistake of the menu itself: the traceback in a file, one sentence for the person."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootmenu.ui import faults
from bootmenu.ui.app import BootmenuApp
from bootmenu.ui.screens.menu import MenuScreen
from tests.ui.fakes import FakeSession


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
    assert str(faults.log_file(environ)) == path


def test_a_file_that_cannot_be_written_is_no_second_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", "/proc/nowhere/log")
    error = faults.fault(ValueError("seven"))
    assert "ValueError: seven" in error.message
    assert "could not be written" in error.hint


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
    assert app.fault.message.endswith("ZeroDivisionError: a fault of two lines")
    assert not app._exit_renderables
    log = (tmp_path / "menu.log").read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError" in log
