# SPDX-License-Identifier: MIT
"""Test a load from Enter to the outcome: the question, the stages, the ways back."""

from __future__ import annotations

import asyncio
import re
from time import monotonic

import pytest

from bootmenu.demo import demonstration
from bootmenu.discovery.scan_events import EntryFound, EntryGone
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump, Quit
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.loading_screen import LoadingScreen
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen, SimulationEndScreen
from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
from bootmenu.model.progress import Stage, StageState
from bootmenu.session.shared_session import SharedSession
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import Menu, running


def started(session: FakeSession) -> list[str]:
    """Return the calls of the session, without those for scanning."""
    return [call for call in session.calls if not call.startswith("scan")]


DONE = ["plan debian-49", "load debian-49", "loaded", "leave"]


@pytest.mark.parametrize("enter", ["enter", "ctrl+j"])
async def test_enter_on_a_sound_entry_loads_it_and_ends_with_the_jump(enter: str) -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press(enter)
        await menu.until(lambda: menu.app.return_value is not None)
    done = (
        "69.2 MB were read in 0.6 s and loaded (loading method: kexec_file_load). The disks are synced and unmounted."
    )
    assert menu.app.return_value == Jump(fakes.plan_for(fakes.DEBIAN), done)
    assert started(session) == DONE


@pytest.mark.parametrize(
    ("keys", "boots"),
    [
        (["y"], True),
        (["down", "enter"], True),
        (["tab", "enter"], True),
        (["enter"], False),
        (["escape"], False),
        (["n"], False),
        (["down", "up", "enter"], False),
        (["tab", "tab", "enter"], False),
    ],
)
async def test_a_fail_verdict_is_asked_about_once(keys: list[str], boots: bool) -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press("3", "enter")
        assert isinstance(menu.app.screen, ConfirmScreen)
        assert "This kernel uses 16 KiB pages." in menu.text
        assert "▶ No, back to the menu" in menu.text
        assert started(session) == []
        await menu.press(*keys)
        if boots:
            await menu.until(lambda: menu.app.return_value is not None)
            assert started(session)[0] == "plan debian-16k"
        else:
            assert isinstance(menu.app.screen, MenuScreen)
            assert "16K pages" in menu.selected
            assert started(session) == []


async def test_the_machines_reason_is_named_when_the_entry_has_none() -> None:
    async with running(fakes.stuck_session()) as menu:
        await menu.press("1", "enter")
        assert isinstance(menu.app.screen, ConfirmScreen)
        assert menu.text.count("The CPUs cannot be handed over") == 2


@pytest.mark.parametrize("number", ["1", "2", "5"])
async def test_on_a_running_system_every_entry_is_asked_about(number: str) -> None:
    session = FakeSession()
    async with running(session, confirm_always=True) as menu:
        await menu.press(number, "enter")
        assert isinstance(menu.app.screen, ConfirmScreen)
        assert "The running system ends at once" in menu.text
        await menu.press("enter")
        assert started(session) == []


async def test_the_stages_are_shown_with_bytes_rate_and_time() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.press("enter")
        await menu.sees("12.1 / 34.1 MB")
        rows = menu.rows
        kernel = next(row for row in rows if "read kernel" in row)
        assert re.search(r" • ok +read kernel +█+ +35.1 MB +117 MB/s +0.3 s +$", kernel)
        initramfs = next(row for row in rows if "read initramfs" in row)
        assert re.search(r" ▶ now +read initramfs +█+░+ +12.1 / 34.1 MB +121 MB/s +1 s left +$", initramfs)
        assert initramfs.count("█") == int(kernel.count("█") * 12.1 / 34.1)
        order = [rows.index(next(row for row in rows if row.strip() == stage)) for stage in ("load", "sync", "jump")]
        assert order == sorted(order)
        assert "prepare device tree" not in menu.text
        assert "56 %" in menu.text
        session.load_gate.set()
        await menu.until(lambda: menu.app.return_value is not None)


@pytest.mark.parametrize("key", ["escape", "ctrl+c", "q"])
async def test_esc_takes_a_load_back(key: str) -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.press("4", "enter")
        await menu.until(session.load_reached.is_set)
        await menu.press(key)
        assert "Cancelling" in menu.text
        session.load_gate.set()
        await menu.at(MenuScreen)
        assert started(session) == ["plan alpine", "load alpine", "load undone", "unload"]
        await menu.sees("cancelled: nothing is loaded")
        assert "Alpine" in menu.selected
        assert menu.app.return_value is None


async def test_in_the_demonstration_an_entry_with_a_tree_of_its_own_is_started_as_often_as_one_likes() -> None:
    """Try it after a jump that failed, and right after `r`."""
    with demonstration(pace=None) as session:
        shared = SharedSession(session)
        async with running(shared.console(), size=(110, 45)) as menu:
            for _ in range(20):
                if "own device tree" not in menu.selected:
                    await menu.press("down")
            assert "own device tree" in menu.selected, menu.text
            for before in ((), (), ("r",)):
                for key in (*before, "enter"):
                    await menu.pilot.press(key)
                await menu.until(lambda: isinstance(menu.app.screen, SimulationEndScreen | RefusalScreen))
                assert isinstance(menu.app.screen, SimulationEndScreen), menu.text
                await menu.press("enter")
                await menu.at(MenuScreen)
                await menu.scanned()
                assert "own device tree" in menu.selected
        shared.close()


async def test_what_is_refused_while_another_console_loads_leaves_this_one_listening() -> None:
    session = FakeSession()
    shared = SharedSession(session)
    other = shared.console()
    async with running(shared.console()) as menu:
        plan = other.plan(fakes.DEBIAN)
        with other.holding(fakes.DEBIAN):
            assert list(other.load(plan)) == list(fakes.LOADING)
        await menu.press("r")
        await menu.sees("Another console is starting Debian")
        assert not menu.menu.results.scanning
        assert "Alpine" in menu.text, "what is known stays"
        other.unload(plan)
        session.later.put(EntryFound(fakes.listing("late", "Came later", device="sda2")))
        await menu.sees("Came later")
        session.later.put(EntryGone("sda2", "alpine"))
        await menu.until(lambda: "Alpine" not in menu.text)
        await menu.press("r")
        await menu.scanned()
        assert "Alpine" in menu.text
    shared.close()


LEFT = "A kernel stays loaded, as unloading it failed: kexec_load: no. Only a reboot is sure to unload it."


async def test_a_load_that_cannot_be_taken_back_says_so() -> None:
    session = FakeSession(left=LEFT)
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.press("4", "enter")
        await menu.until(session.load_reached.is_set)
        await menu.press("escape")
        session.load_gate.set()
        await menu.at(MenuScreen)
        await menu.sees("A kernel stays loaded")
        assert "nothing is loaded" not in menu.text


async def test_a_failure_that_leaves_something_loaded_says_so() -> None:
    async with running(FakeSession(left=LEFT, load_error=fakes.busy())) as menu:
        await menu.press("enter")
        await menu.at(RefusalScreen)
        assert "This entry was not started, and a kernel stays loaded." in menu.text
        assert "Nothing was changed" not in menu.text
        assert " ".join(menu.text.split()).count("unloading it failed") == 1


async def test_a_test_load_that_cannot_be_taken_out_says_so() -> None:
    async with running(FakeSession(left=LEFT)) as menu:
        await menu.press("t")
        await menu.sees("A kernel stays loaded")
        assert "nothing is loaded" not in menu.text


async def test_a_menu_that_is_told_to_leave_while_it_loads_leaves_nothing_loaded() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.press("enter")
        await menu.until(session.load_reached.is_set)
        menu.app.exit(Quit(signal=15))
        await menu.until(lambda: not menu.app.is_running)
        session.load_gate.set()
        end = monotonic() + 10
        while session.calls[-1] != "unload":
            assert monotonic() < end, session.calls
            await asyncio.sleep(0.01)
    assert "leave" not in session.calls
    assert menu.app.return_value == Quit(signal=15)


async def test_a_load_cancelled_while_leaving_is_taken_back_and_looked_for_again() -> None:
    session = FakeSession()
    async with running(session) as menu:
        gate = session.load_gate
        prepare_jump = session.prepare_jump

        def slow_leave(plan: object) -> object:
            steps = prepare_jump(plan)  # type: ignore[arg-type]
            yield next(steps)
            gate.clear()
            session.load_reached.clear()
            session.load_reached.set()
            gate.wait(10)
            yield from steps

        session.prepare_jump = slow_leave  # type: ignore[method-assign, assignment]
        await menu.press("enter")
        await menu.until(lambda: "leave" in session.calls and not gate.is_set())
        await menu.press("escape")
        gate.set()
        await menu.at(MenuScreen)
        assert started(session)[-1] == "unload"
        await menu.until(lambda: session.calls.count("scanned") == 2)


async def test_a_refused_load_tells_what_the_kernel_logged_and_what_to_do() -> None:
    session = FakeSession(load_error=fakes.BUSY)
    async with running(session) as menu:
        await menu.press("4", "enter")
        await menu.at(RefusalScreen)
        for text in (
            "The kernel refused this entry. Nothing was changed.",
            "Alpine Linux edge, 6.12.1-0-lts",
            "EBUSY, device or resource busy",
            "CPUs are stuck in the kernel",
            "Put nr_cpus=1",
        ):
            assert text in menu.text
        assert session.calls[-1] == "unload"
        await menu.press("enter")
        await menu.at(MenuScreen)
        assert "Alpine" in menu.selected


@pytest.mark.parametrize(("key", "screen"), [("d", DetailsScreen), ("e", EditScreen)])
async def test_from_a_refusal_the_entry_can_be_looked_at_and_edited(key: str, screen: type) -> None:
    async with running(FakeSession(load_error=fakes.BUSY)) as menu:
        await menu.press("4", "enter")
        await menu.at(RefusalScreen)
        assert " Enter other entries   d details   e edit   l log" in menu.rows[-1]
        await menu.press("l")
        await menu.at(LogScreen)
        await menu.press("escape", key)
        await menu.at(screen)
        assert "Alpine" in menu.text
        await menu.press("escape")
        await menu.at(MenuScreen)


async def test_without_an_entry_a_refusal_offers_nothing_to_do_with_it() -> None:
    async with running(FakeSession(), error=BootmenuError("it failed"), scanned=False) as menu:
        await menu.at(RefusalScreen)
        assert menu.rows[-1].split() == ["Enter", "other", "entries", "l", "log", "F1", "help"]
        await menu.press("d", "e")
        assert isinstance(menu.app.screen, RefusalScreen)


async def test_an_entry_without_a_plan_ends_on_the_error_screen() -> None:
    session = FakeSession(plan_error=fakes.NO_ROOT)
    async with running(session) as menu:
        await menu.press("enter")
        await menu.at(RefusalScreen)
        assert "not running as root" in menu.text
        assert "Start it with sudo." in menu.text
        assert started(session) == ["plan debian-49"]
        await menu.press("escape")
        assert isinstance(menu.app.screen, MenuScreen)


async def test_a_failure_while_leaving_unloads_the_kernel() -> None:
    session = FakeSession(leave_error=LoadError("sync failed", stage=Stage.SYNC))
    async with running(session) as menu:
        await menu.press("enter")
        await menu.at(RefusalScreen)
        assert "sync failed" in menu.text
        assert session.calls[-1] == "unload"
        await menu.press("enter")
        await menu.until(lambda: session.calls.count("scanned") == 2)


async def test_a_mistake_of_our_own_is_told_and_written_down() -> None:
    session = FakeSession(load_error=ValueError("seven"))
    async with running(session) as menu:
        await menu.press("enter")
        await menu.at(RefusalScreen)
        assert "ValueError: seven" in menu.text
        assert session.calls[-1] == "unload"


async def test_a_jump_that_came_back_is_shown_first() -> None:
    error = LoadError("the reboot call returned", "Look at the log.", stage=Stage.JUMP, call="reboot", errno=22)
    async with running(FakeSession(), error=error, scanned=False) as menu:
        await menu.at(RefusalScreen)
        assert "The jump came back." in menu.text
        assert "reboot failed with EINVAL" in menu.text
        await menu.press("enter")
        await menu.scanned()
        assert "Debian" in menu.selected


async def test_a_simulation_ends_where_the_machine_would_start() -> None:
    session = FakeSession(simulated=True)
    async with running(session) as menu:
        await menu.press("enter")
        await menu.at(SimulationEndScreen)
        assert "Here the machine would start Debian GNU/Linux 12 (bookworm), 6.1.0-49-arm64." in menu.text
        assert "SIMULATION" in menu.text
        await menu.press("enter")
        await menu.at(MenuScreen)
        assert started(session) == [*DONE, "unload"]
        assert menu.app.return_value is None


async def test_every_screen_of_a_simulation_says_so() -> None:
    session = FakeSession(simulated=True)
    session.load_gate.clear()

    async def marked(menu: Menu, screen: type) -> None:
        await menu.at(screen)
        assert "SIMULATION" in menu.text, screen

    async with running(session) as menu:
        await marked(menu, MenuScreen)
        for key in ("d", "f1"):
            await menu.press(key)
            assert "SIMULATION" in menu.rows[0]
            await menu.press("escape")
        await menu.press("3", "enter")
        await marked(menu, ConfirmScreen)
        assert menu.text.count("SIMULATION") >= 2
        await menu.press("y")
        await marked(menu, LoadingScreen)
        session.load_error = fakes.BUSY
        session.load_gate.set()
        await marked(menu, RefusalScreen)


async def test_a_simulated_jump_handed_back_is_no_error() -> None:
    async with running(FakeSession(simulated=True), error=SimulatedJump("it does not jump")) as menu:
        assert isinstance(menu.app.screen, MenuScreen)


async def test_a_load_pauses_a_scan_that_has_not_finished() -> None:
    session = FakeSession()
    session.scan_gate.clear()
    session.load_gate.clear()
    async with running(session, scanned=False) as menu:
        await menu.sees("Image-test")
        await menu.press("enter")
        await menu.until(session.load_reached.is_set)
        session.scan_gate.set()
        await menu.pilot.pause()
        assert session.scanner.is_paused
        assert "scanned" not in session.calls
        session.load_gate.set()
        await menu.until(lambda: menu.app.return_value is not None)


async def test_progress_in_small_steps_is_drawn_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [fakes.step(Stage.KERNEL, StageState.RUNNING, n * 3510, 35_100_000, n / 1e6) for n in range(10_000)]
    session = FakeSession(steps=[*fakes.LOADING[:1], *many, *fakes.LOADING[1:]])
    drawn = 0
    draw = LoadingScreen._draw

    def counted(self: LoadingScreen) -> None:
        nonlocal drawn
        drawn += 1
        draw(self)

    monkeypatch.setattr(LoadingScreen, "_draw", counted)
    began = monotonic()
    async with running(session) as menu:
        await menu.press("enter")
        await menu.until(lambda: menu.app.return_value is not None)
    assert len(fakes.LOADING) < drawn < len(fakes.LOADING) + len(fakes.LEAVING) + 3 + 10 * (monotonic() - began)


async def test_a_bootmenu_error_is_no_load_error_and_shows_its_hint() -> None:
    session = FakeSession(load_error=BootmenuError("the medium is gone", "Plug it in again."))
    async with running(session) as menu:
        await menu.press("enter")
        await menu.at(RefusalScreen)
        assert "Plug it in again." in menu.text


async def test_a_load_that_ends_closes_the_help_and_its_search() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.press("enter")
        await menu.until(session.load_reached.is_set)
        await menu.press("f1", "slash", *"esc")
        session.load_gate.set()
        await menu.until(lambda: menu.app.return_value is not None)
