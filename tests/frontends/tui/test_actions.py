# SPDX-License-Identifier: MIT
"""Test the menu's other actions: test, filter, defaults, power, log, shell."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bootmenu.bootstate.state import Attempt, State, encode
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.demo.builders import board_tree, cells
from bootmenu.discovery.scan_events import EntryFound
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import Node
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.dtb_screen import DtbScreen
from bootmenu.frontends.tui.screens.log_screen import LogScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.kexec.dtb_builder import PlanDtbs
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.kexec.load_test import LoadTestPermission, LoadTestRefusedError
from bootmenu.model.finding import Severity
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from bootmenu.view.dtb_page import DtbText
from bootmenu.view.entry_details import plan_section
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import running

# --- test load


@pytest.mark.parametrize("fails", [False, True])
async def test_a_test_load_ends_with_the_kernel_s_answer_in_the_verdict(fails: bool) -> None:
    session = FakeSession(load_error=fakes.BUSY if fails else None)
    async with running(session, size=(100, 40)) as menu:
        await menu.press("t")
        if fails:
            await menu.at(RefusalScreen)
            await menu.press("enter")
        else:
            await menu.sees("Test passed; nothing is loaded now")
            assert session.calls[-1] == "unload"
        await menu.at(MenuScreen)
        assert "leave" not in session.calls
        assert ("■ FAIL" if fails else "• ok") in menu.selected
        await menu.press("d")
        await menu.sees("LOAD-TEST")
        if fails:
            assert "EBUSY" in menu.text
            await menu.press("enter")
            assert "CPUs are stuck" in menu.text
        await menu.press("escape", "r")
        await menu.scanned()
        assert "• ok" in menu.selected, "until the next scan"


async def test_a_test_that_would_do_harm_is_refused_with_the_reason() -> None:
    session = FakeSession(
        load_test=LoadTestPermission(refused=LoadTestRefusedError("Every load counts here.", "Start it."))
    )
    async with running(session) as menu:
        await menu.press("t")
        await menu.at(RefusalScreen)
        for text in ("This entry was not tested", "Every load counts here.", "Start it."):
            assert text in menu.text
        assert not [call for call in session.calls if call.startswith("load")]


@pytest.mark.parametrize("yes", [False, True])
async def test_a_test_that_takes_a_loaded_kernel_out_is_asked_for(yes: bool) -> None:
    session = FakeSession(load_test=LoadTestPermission(replaces=True))
    async with running(session) as menu:
        await menu.press("t")
        await menu.at(ChoiceScreen)
        await menu.press(*(["down"] if yes else []), "enter")
        await menu.at(MenuScreen) if not yes else await menu.sees("Test passed")
        assert ("load debian-49" in session.calls) is yes


async def test_a_test_can_be_cancelled() -> None:
    session = FakeSession()
    session.load_gate.clear()
    async with running(session) as menu:
        await menu.pilot.press("t")
        await menu.sees("Esc cancel")
        assert "jump" not in menu.text
        await menu.until(session.load_reached.is_set)
        await menu.pilot.press("escape")
        session.load_gate.set()
        await menu.at(MenuScreen)
        assert "load undone" in session.calls


# --- filter


async def test_a_filter_follows_every_key_and_is_kept_or_not() -> None:
    async with running(FakeSession()) as menu:
        await menu.press("slash", *"debian")
        await menu.sees("3 of 5 entries with “debian”")
        assert "Alpine" not in menu.text
        await menu.press("space", *"FAIL")
        await menu.sees("1 of 5 entries")
        await menu.press("enter")
        await menu.at(MenuScreen)
        assert "16K pages" in menu.selected
        assert "Esc show all" in menu.text
        await menu.press("escape")
        assert "Alpine" in menu.text
        assert "16K pages" in menu.selected or "Debian" in menu.selected
        await menu.press("f", *"rootfs", "down")
        await menu.sees("2 of 5")
        assert "Image-test" in menu.selected
        await menu.press("escape")
        assert "5 entries" in menu.text


async def test_a_filter_without_a_match_says_so_and_nothing_can_be_started() -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press("slash", *"zzz", "enter")
        assert "No entry has these words." in menu.text
        await menu.press("enter", "e", "t", "D", "o")
        assert "there is nothing here to" in menu.text
        assert not [call for call in session.calls if not call.startswith("scan")]


# --- what is remembered

TO_DEFAULT = ("D", "down", "enter")
TO_NEXT = ("o", "down", "enter")
"""The keys that make an entry the default, or undo that."""


def remembering(folder: Path, state: State | None = None) -> StateStore:
    (folder / "state.json").write_bytes(encode(state or State()))
    return StateStore(FolderBackend(folder))


async def test_the_default_is_made_and_taken_back(tmp_path: Path) -> None:
    async with running(FakeSession(state_store=remembering(tmp_path))) as menu:
        await menu.press("2", "D")
        await menu.at(ChoiceScreen)
        await menu.press("enter")
        assert StateStore(FolderBackend(tmp_path)).state.default is None, "a key alone changes nothing"
        await menu.press(*TO_DEFAULT)
        await menu.sees("the default from now on")
        assert StateStore(FolderBackend(tmp_path)).state.default == "debian-47"
        assert "2*" in menu.selected
        assert menu.text.count("* ") == 1, "what really starts"
        await menu.press(*TO_DEFAULT)
        await menu.sees("no longer set as the default")
        assert StateStore(FolderBackend(tmp_path)).state.default is None
        assert "2*" not in menu.selected
        assert "1*" in menu.text, "its configuration's own"


@pytest.mark.parametrize("keys", [TO_DEFAULT, TO_NEXT])
async def test_a_default_that_cannot_be_started_is_made_with_a_warning(tmp_path: Path, keys: Sequence[str]) -> None:
    assert fakes.PAGES.report.verdict is Severity.FAIL
    async with running(FakeSession(state_store=remembering(tmp_path))) as menu:
        await menu.press("3", *keys)
        await menu.sees("the default, but it cannot be started here")
        await menu.sees("It is skipped as long as it cannot be started.")
        assert ("4*" if keys == TO_DEFAULT else "1*") in menu.text, "what starts in its place, and after it"
        await menu.press(*keys)
        await menu.sees("no longer")
        assert "passed over" not in menu.text


async def test_the_next_boot_only_is_chosen_and_taken_back(tmp_path: Path) -> None:
    async with running(FakeSession(state_store=remembering(tmp_path))) as menu:
        await menu.press("4", "o")
        await menu.sees("Start it automatically the next time only")
        await menu.press("escape", "o", "enter")
        await menu.at(MenuScreen)
        assert StateStore(FolderBackend(tmp_path)).state == State()
        await menu.press(*TO_NEXT)
        await menu.sees("the default of the next boot only")
        assert "4→" in menu.selected
        await menu.pilot.resize_terminal(160, 40)
        await menu.until(lambda: " next" in menu.selected)
        assert StateStore(FolderBackend(tmp_path)).state.once == "alpine"
        await menu.press(*TO_NEXT)
        await menu.sees("no longer chosen")
        assert StateStore(FolderBackend(tmp_path)).state.once is None


@pytest.mark.parametrize(
    ("keys", "said"), [(("4", *TO_DEFAULT), "no longer set as the default"), (("2", *TO_NEXT), "no longer chosen")]
)
async def test_what_another_console_does_is_seen_at_once_and_only_what_is_seen_is_taken_back(
    tmp_path: Path, keys: Sequence[str], said: str
) -> None:
    memory = remembering(tmp_path)
    async with running(FakeSession(state_store=memory)) as menu:
        memory.update(lambda state: state.with_default(fakes.ALPINE).with_once(fakes.OLDER))
        await menu.until(lambda: "4*" in menu.text and "2→" in menu.text)
        assert isinstance(menu.menu, MenuScreen)
        menu.menu._stop_listening()  # as if what comes now were still on its way
        memory.update(lambda state: state.with_default(fakes.DEBIAN).with_once(fakes.DEBIAN))
        await menu.press(*keys)
        await menu.sees(said)
        assert (memory.state.default, memory.state.once) == ("debian-49", "debian-49"), "the other one's choice"
        assert StateStore(FolderBackend(tmp_path)).state == memory.state


async def test_keys_that_come_while_the_disk_is_slow_count_in_their_order() -> None:
    backend = Slow()
    memory = StateStore(backend)
    async with running(FakeSession(state_store=memory)) as menu:
        await menu.press("2", *TO_DEFAULT * 3, *TO_NEXT * 2, "4", *TO_NEXT, *TO_DEFAULT)
        assert (memory.state.default, memory.state.once) == ("alpine", "alpine")
        assert backend.state == State(), "nothing is on the disk yet"
        backend.gate.set()
        await menu.sees("the default from now on")
        await menu.until(lambda: backend.state == memory.state)


async def test_before_the_state_has_been_opened_nothing_is_changed() -> None:
    session = Opening(state_store=StateStore(fakes.Kept()))
    async with running(session) as menu:
        await menu.press("2", "D")
        await menu.sees("One moment, please.")
        session.opened.set()
        await menu.until(lambda: menu.menu._state_store is not None)  # type: ignore[attr-defined]
        await menu.press(*TO_DEFAULT)
        await menu.sees("the default from now on")


async def test_a_menu_that_is_left_hears_nothing_more(tmp_path: Path) -> None:
    memory = remembering(tmp_path)
    for _ in range(2):
        async with running(FakeSession(state_store=memory)) as menu:
            await menu.press("down")
    assert memory._listeners == []


class Slow(fakes.Kept):
    """A backend that saves only while its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def write(self, state: State) -> None:
        assert self.gate.wait(30)
        super().write(state)


class Opening(FakeSession):
    """A session whose state store opens slowly, as if its partition had to be found."""

    def __init__(self, state_store: StateStore) -> None:
        self.opened = threading.Event()
        super().__init__(state_store=state_store)

    @property
    def state_store(self) -> StateStore:
        assert threading.current_thread() is not threading.main_thread(), "the screen must not wait for a disk"
        assert self.opened.wait(30)
        return self._kept

    @state_store.setter
    def state_store(self, kept: StateStore) -> None:
        self._kept = kept


async def test_what_cannot_be_remembered_is_told() -> None:
    async with running(
        FakeSession(state_store=StateStore(None, "Nothing is remembered: no place.")), size=(120, 40)
    ) as menu:
        await menu.press(*TO_DEFAULT)
        await menu.sees("until power-off: Nothing is remembered")


async def test_an_entry_that_never_came_back_is_marked_and_told(tmp_path: Path) -> None:
    lost = Attempt(entry="debian-49", at="2026-11-14T09:30:00Z")
    counted = replace(fakes.OLDER, entry=replace(fakes.OLDER.entry, tries_left=2))
    out = replace(fakes.ALPINE, entry=replace(fakes.ALPINE.entry, tries_left=0))
    events_told = tuple(
        EntryFound({"debian-47": counted, "alpine": out}.get(event.listing.entry.id, event.listing))
        if isinstance(event, EntryFound)
        else event
        for event in fakes.FULL
    )
    memory = remembering(tmp_path, State(lost=(lost,), good=(Attempt(entry="alpine", at=""),)))
    async with running(FakeSession(events=events_told, state_store=memory)) as menu:
        await menu.sees("1!")
        await menu.until(lambda: "2*" in menu.selected)  # what starts in its place
        await menu.press("1")
        await menu.sees("! The boot on 2026-11-14 at 09:30 UTC did not complete.")
        await menu.press("2")
        assert "Boot counting: 2 tries left." in menu.text
        await menu.press("4")
        assert "Boot counting: no try left." in menu.text


# --- power, log, shell


@pytest.mark.parametrize(("keys", "call"), [(["down"], "reboot"), (["3"], "poweroff"), (["4"], "firmware")])
async def test_power(keys: list[str], call: str) -> None:
    session = FakeSession(can_do=tuple(Power))
    async with running(session) as menu:
        await menu.press("p")
        await menu.at(ChoiceScreen)
        assert "Restart into the firmware setup" in menu.text
        await menu.press(*keys)
        assert not [call for call in session.calls if call.startswith("power")], "marked, not taken"
        await menu.press("enter")
        await menu.at(RefusalScreen)
        assert f"power {call}" in session.calls
        assert "The machine keeps running." in menu.text
        assert "Run as root." in menu.text
        await menu.press("enter")
        await menu.at(MenuScreen)
        await menu.scanned()


@pytest.mark.parametrize("keys", [["enter"], ["escape"], ["down", "up", "enter"], ["down", "q"]])
async def test_power_does_nothing_unless_an_answer_is_marked_and_taken(keys: list[str]) -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press("p", *keys)
        await menu.at(MenuScreen)
        assert not [call for call in session.calls if call.startswith("power")]


async def test_a_simulation_says_that_it_would_go_down() -> None:
    error = SimulatedJump("Here the machine would go down.", "This is a simulation.")
    async with running(FakeSession(power_error=error, simulated=True)) as menu:
        await menu.press("p", "2", "enter")
        await menu.sees("Here the machine would go down.")


async def test_the_log_shows_its_end_and_never_steers_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "menu.log").write_text("\n".join(f"line {n} \x1b[2J" for n in range(50)))
    lines = [f"kernel {n}" for n in range(1000)]
    async with running(FakeSession(kernel_lines=lines)) as menu:
        await menu.press("l")
        await menu.at(LogScreen)
        await menu.sees("line 49 ?[2J")
        await menu.press("home")
        assert "kernel 600" in menu.text
        assert "kernel 599" not in menu.text
        await menu.press("q")
        await menu.at(MenuScreen)


async def test_a_kernel_log_that_may_not_be_read() -> None:
    async with running(FakeSession(kernel_lines=None)) as menu:
        await menu.press("l")
        await menu.sees("Only root may read them.")


async def test_a_shell_is_offered_in_a_first_stage_only() -> None:
    session = FakeSession()
    async with running(session, size=(180, 40)) as menu:
        assert "shell" not in menu.text
        await menu.press("s")
        assert "a shell is offered only in a first stage" in menu.text
        assert "shell" not in session.calls
    async with running(session, size=(180, 40), may_quit=False) as menu:
        assert "s shell" in menu.text
        await menu.press("s")
        assert "no shell can be opened on this terminal" in menu.text, "there is none in this test"


# --- the device tree


def trees() -> PlanDtbs:
    tree = board_tree(("acme,rocket",), memory=((0x4000_0000, 0x1000_0000),))
    other = board_tree(("acme,rocket",), memory=(), chosen=[("bootargs", b"evil \x1b[2J\0")])
    return PlanDtbs(running=other, own=other, final=tree)


async def test_the_device_tree_is_shown_with_its_differences() -> None:
    async with running(FakeSession(handed=trees()), size=(80, 100)) as menu:
        await menu.press("d", "v")
        await menu.at(DtbScreen)
        await menu.sees("/dts-v1/;")
        for text in (
            "Changes to the entry's device tree",
            "Differences from the running device tree",
            "/chosen bootargs: [65 76 69 6c 20 1b",
        ):
            assert text in menu.text
        assert "\x1b" not in menu.text
        await menu.press("escape", "escape")
        await menu.at(MenuScreen)


async def test_a_device_tree_that_cannot_be_read_says_why() -> None:
    async with running(FakeSession(trees_error=fakes.NO_ROOT)) as menu:
        await menu.press("d", "v")
        await menu.sees("Start it with sudo.")


async def test_an_entry_without_a_tree_says_what_is_handed_on() -> None:
    async with running(FakeSession()) as menu:
        await menu.press("d", "v")
        await menu.sees("the kernel gets the running one")
        assert "Not available" in menu.text


async def test_a_tree_of_half_a_megabyte_is_read_without_a_halt() -> None:
    uarts = [
        Node(f"serial@{number:x}", [("compatible", b"acme,uart\0ns16550a\0"), ("reg", cells(0, number, 0, 256))])
        for number in range(7000)
    ]
    huge = board_tree(("acme,rocket",), memory=())
    huge.root.children.append(Node("soc", children=uarts))
    assert len(huge.to_bytes()) > 500 * 1024
    changed = huge.copy()
    for node in changed.root.children[-1].children[::7]:
        node.set("status", b"disabled\0")
    async with running(FakeSession(handed=PlanDtbs(running=huge, own=huge, final=changed))) as menu:
        await menu.press("d", "v")
        await menu.sees("Changes to the entry")
        page = menu.app.screen
        assert isinstance(page, DtbScreen)
        assert len(page.page.lines) > 4 * 7000
        took = []
        for act in (
            page.action_last,
            page.action_up,
            page.action_page_up,
            page.action_first,
            *[page.action_down] * 20,
        ):
            began = time.perf_counter()
            act()
            for y in range(page.page.size.height):
                page.page.render_line(y)
            took.append(time.perf_counter() - began)
        assert sorted(took)[len(took) // 2] < 0.1
        await menu.press("end")
        await menu.sees("};")


def test_a_tree_that_has_no_source_says_why() -> None:
    odd = board_tree(("acme,rocket",), memory=())
    odd.root.children.append(Node("a b"))
    with pytest.raises(BootmenuError, match="cannot be shown: a name in it cannot be written"):
        DtbText.of(PlanDtbs(running=None, own=None, final=odd))


def test_the_details_say_which_digest_a_file_must_have() -> None:
    plan = fakes.plan_for(fakes.DEBIAN)
    assert not any("SHA-256" in row.text for row in plan_section(plan, 80))
    plan = replace(plan, kernel=replace(plan.kernel, sha256="0a" * 32))
    text = "".join(row.text.replace(" ", "") for row in plan_section(plan, 80))
    assert f"SHA-256{'0a' * 32}" in text
