# SPDX-License-Identifier: MIT
"""Test the editor of an entry, and the entries of one's own that it makes."""

from __future__ import annotations

from threading import Event

import pytest
from textual import events

from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery import own_entries
from bootmenu.discovery.dtb_candidates import Fit
from bootmenu.discovery.file_choices import FileChoices
from bootmenu.discovery.scan_events import EntryFound
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.tui.screens.choice_screen import ChoiceScreen
from bootmenu.frontends.tui.screens.confirm_screen import ConfirmScreen
from bootmenu.frontends.tui.screens.edit_screen import EditScreen
from bootmenu.frontends.tui.screens.menu_screen import MenuScreen
from bootmenu.frontends.tui.screens.name_screen import NameScreen
from bootmenu.frontends.tui.screens.refusal_screen import RefusalScreen
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.own_entry import MOST
from bootmenu.model.value import replace
from bootmenu.view.entry_editor import EntryPart
from tests.builders import fakes
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import Menu, running
from tests.frontends.tui.test_menu import choice
from tests.properties import rarely


async def editing(menu: Menu) -> EditScreen:
    await menu.press("e")
    await menu.at(EditScreen)
    screen = menu.app.screen
    assert isinstance(screen, EditScreen)
    return screen


async def test_the_verdict_follows_what_is_typed() -> None:
    session = FakeSession()
    async with running(session) as menu:
        screen = await editing(menu)
        assert "• can be started here" in menu.text
        await menu.press("ctrl+u", *"root=x")
        await menu.until(lambda: screen.settled)
        assert "CMD-CONSOLE" in menu.text
        assert "▲ can be started, with a warning" in menu.text
        await menu.press(*" console=ttyAMA0")
        await menu.until(lambda: screen.settled)
        assert "• can be started here" in menu.text
        asked = [call for call in session.calls if call.startswith("recheck")]
        assert asked[-1] == "recheck debian-49: root=x console=ttyAMA0"
        assert len(asked) < 20, "not with every key"


async def test_the_device_tree_is_edited_for_one_boot() -> None:
    session = FakeSession()
    async with running(session, size=(80, 30)) as menu:
        screen = await editing(menu)
        while screen.editor.current.part is not EntryPart.EDIT:
            await menu.press("down")
        assert "none, or one more: disable /NODE" in menu.text
        await menu.press(*"disable /soc/uart@1")
        await menu.press("down")
        menu.app.post_message(events.Paste('/soc/i2c@0 label = "sensors"'))
        await menu.until(lambda: "sensors" in screen.line.text)
        await menu.until(lambda: screen.settled)
        assert screen.checked is not None
        assert screen.checked.entry.dtb_edits == ("disable /soc/uart@1", '/soc/i2c@0 label = "sensors"')
        await menu.press("escape", "3", "enter")
        await menu.at(MenuScreen)
        screen = await editing(menu)
        assert screen.editor.edited().dtb_edits == (), "for one boot only"


async def test_nothing_of_it_is_left_in_the_menu_or_a_rescan() -> None:
    session = FakeSession()
    async with running(session) as menu:
        screen = await editing(menu)
        await menu.press("ctrl+u", *"single", "down", *"/wrong")
        await menu.until(lambda: screen.settled)
        assert "FILE-THERE" in menu.text
        await menu.press("escape", "3", "enter")
        await menu.at(MenuScreen)
        assert "root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 quiet" in menu.text
        assert "• ok" in menu.selected
        await menu.press("r")
        await menu.scanned()
        assert "single" not in menu.text
        await editing(menu)
        assert "single" not in menu.text


async def test_the_edited_entry_is_started_when_it_has_been_judged() -> None:
    session = FakeSession()
    async with running(session) as menu:
        await editing(menu)
        session.recheck_gate.clear()
        await menu.press(*" single", "enter")
        await menu.sees("starts as soon as it is checked")
        session.recheck_gate.set()
        await menu.until(lambda: not menu.app.is_running or menu.app.return_value)
    outcome = menu.app.return_value
    assert isinstance(outcome, Jump)
    assert outcome.plan.command_line.endswith("quiet single")


async def test_an_edited_entry_that_fails_asks_first_and_comes_back() -> None:
    session = FakeSession()
    async with running(session) as menu:
        screen = await editing(menu)
        await menu.press("down", *"/wrong")
        await menu.until(lambda: screen.settled)
        await menu.press("enter")
        await menu.at(ConfirmScreen)
        await menu.press("escape")
        await menu.at(EditScreen)
        assert "quiet" in menu.text
        assert "/wrong" in menu.text
        await menu.press("ctrl+r")
        assert "/wrong" not in menu.text
        assert "• can be started here" in menu.text


async def test_a_load_of_an_edited_entry_that_fails_comes_back_to_the_edit() -> None:
    session = FakeSession(load_error=fakes.BUSY)
    async with running(session) as menu:
        await editing(menu)
        await menu.press(*" single", "enter")
        await menu.at(RefusalScreen)
        assert "Enter back to the editor" in menu.rows[-1]
        await menu.press("enter")
        await menu.at(EditScreen)
        assert "quiet single" in menu.text


async def test_a_device_tree_is_chosen_among_those_that_lie_ready() -> None:
    trees = (
        choice("/dtbs/this.dtb", Fit.EXACT),
        choice("/dtbs/relative.dtb", Fit.RELATED),
        choice("/dtbs/other.dtb", Fit.OTHER),
    )
    async with running(FakeSession(trees=trees)) as menu:
        screen = await editing(menu)
        await menu.press("down", "down", "down", "down")
        await menu.sees("this machine's own (Raspberry Pi 3 Model B)")
        await menu.sees("/dtbs/this.dtb")
        assert "related" in menu.text
        assert "/dtbs/other.dtb" not in menu.text
        await menu.press("tab")
        assert screen.editor.edited().dtb is not None
        await menu.press("tab", "shift+tab", "shift+tab")
        assert not screen.editor.changed


async def test_a_choice_is_offered_in_the_lines_of_files() -> None:
    async with running(FakeSession()) as menu:
        screen = await editing(menu)
        for _ in screen.editor.slots:
            await menu.until(lambda: ("Tab choose" in menu.rows[-1]) is screen.editor.current.part.is_file)
            await menu.press("down")


async def test_kernels_and_initramfs_are_chosen_and_paths_completed() -> None:
    kernels = tuple(FileRef(device="mmcblk0p1", path=f"/vmlinuz-{version}") for version in ("6.12", "6.1"))
    files = fakes.FakeEntryFiles(FileChoices(kernels=kernels), ("/boot/", "/boot/a", "/boot/abc", "/vmlinuz-6.12"))
    async with running(FakeSession(entry_files=files)) as menu:
        screen = await editing(menu)
        await menu.press("down")
        await menu.sees("/vmlinuz-6.12")
        await menu.press("ctrl+u", "tab")
        await menu.until(lambda: screen.line.text in ("/boot/", "/"))
        await menu.press("ctrl+u", *"/vmlinuz-6.12", "tab")
        assert screen.line.text == "/vmlinuz-6.1", "the next of the kernels"
        assert "▶│kernel" in menu.text
        await menu.press("ctrl+u", *"/bo", "tab")
        await menu.until(lambda: screen.line.text == "/boot/")
        await menu.press("a", "tab")
        await menu.until(lambda: screen.editor.completions == ("/boot/a", "/boot/abc"))
        await menu.press("tab")
        await menu.until(lambda: screen.line.text == "/boot/abc")
        await menu.press("tab")
        await menu.until(lambda: screen.line.text == "/boot/a")
        await menu.press(*"zz", "tab")
        await menu.sees("no file begins like this")
        await menu.press("x")
        await menu.until(lambda: "no file begins" not in menu.text)


async def test_what_was_typed_meanwhile_is_not_completed() -> None:
    asked = Event()

    class Slow(fakes.FakeEntryFiles):
        def completions(self, entry: BootEntry, text: str) -> tuple[str, ...]:
            assert asked.wait(60)
            return super().completions(entry, text)

    files = Slow(FileChoices(), ("/boot/",))
    async with running(FakeSession(entry_files=files)) as menu:
        screen = await editing(menu)
        await menu.press("down", "ctrl+u", *"/b", "tab", "x")
        asked.set()
        await menu.press("y")
        await menu.pilot.pause(0.1)
        assert screen.line.text == "/bxy"


async def test_a_key_that_cannot_act_says_why() -> None:
    async with running(FakeSession()) as menu:
        await editing(menu)
        for key, said in (("ctrl+z", "nothing to undo"), ("ctrl+y", "nothing was undone"), ("tab", "names no file")):
            await menu.press(key)
            await menu.sees(said)
        await menu.press("end")
        await menu.until(lambda: "names no file" not in menu.text)


async def test_changes_are_undone_and_dropped_only_when_asked() -> None:
    async with running(FakeSession()) as menu:
        screen = await editing(menu)
        assert "save" not in menu.rows[-1]
        before = screen.line.text
        await menu.press(*" single")
        assert "Ctrl+S save" in menu.rows[-1]
        assert "▶│command line" in menu.text
        await menu.press("ctrl+z", "ctrl+z")
        assert screen.line.text == before
        await menu.press("ctrl+y", "ctrl+y", "ctrl+r")
        assert screen.line.text == before
        await menu.press("ctrl+z")
        assert screen.line.text == f"{before} single", "what was undone all at once comes back, too"
        await menu.press("escape")
        await menu.at(ChoiceScreen)
        await menu.press("enter")
        await menu.at(EditScreen)
        assert screen.line.text == f"{before} single"
        await menu.press("ctrl+r", "escape")
        await menu.at(MenuScreen)


async def test_changes_are_kept_as_an_entry_of_ones_own_and_deleted() -> None:
    session = FakeSession()
    async with running(session) as menu:
        await editing(menu)
        await menu.press(*" single", "f3")
        await menu.at(NameScreen)
        assert "Debian GNU/Linux 12 (bookworm), changed" in menu.text
        await menu.press("ctrl+u", "enter")
        await menu.at(NameScreen)
        await menu.press(*"my test entry", "enter")
        await menu.at(MenuScreen)
        await menu.sees("saved as an entry of your own: my test entry")
        (own,) = session.state_store.state.own
        assert (own.entry.title, own.entry.cmdline.text.endswith("quiet single")) == ("my test entry", True)
        placed = replace(own.entry, device="mmcblk0p1")
        session.later.put(EntryFound(replace(fakes.DEBIAN, entry=placed), 99))
        await menu.until(lambda: "my test entry" in menu.selected)
        await menu.until(lambda: "Del delete" in menu.rows[-1])
        await menu.press("e")
        await menu.at(EditScreen)
        assert "Your own entry: my test entry" in menu.text
        await menu.press("x", "ctrl+s")
        await menu.at(NameScreen)
        assert "It takes the place of your entry" in menu.text
        await menu.press("enter")
        await menu.at(MenuScreen)
        assert [one.entry.cmdline.text[-7:] for one in session.state_store.state.own] == ["singlex"]
        await menu.press("R")
        await menu.at(ChoiceScreen)
        await menu.press("enter")
        assert session.state_store.state.own, "the first answer keeps it"
        await menu.press("delete", "2", "enter")
        await menu.at(MenuScreen)
        await menu.until(lambda: not session.state_store.state.own)
        await menu.press("home", "R")
        await menu.sees("only entries of your own can be deleted")


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (StateStore(fakes.Kept(), keeps_own=False), "until power-off: an EFI variable has no room for it"),
        (StateStore(None, "Nothing is remembered here."), "until power-off: Nothing is remembered here."),
    ],
)
async def test_where_it_is_not_kept_that_is_said(store: StateStore, said: str) -> None:
    async with running(FakeSession(state_store=store), size=(120, 40)) as menu:
        await editing(menu)
        await menu.press("x", "ctrl+s")
        await menu.at(NameScreen)
        await menu.press("ctrl+u", *"mine", "enter")
        await menu.at(MenuScreen)
        await menu.sees(said)
        assert store.state.own, "it is there as long as the menu is"


async def test_where_there_is_no_room_it_says_so_and_the_editor_stays() -> None:
    full = State()
    for number in range(MOST):
        full = full.with_own(own_entries.stored(fakes.DEBIAN.entry, f"t{number}", {}))
    store = StateStore(fakes.Kept())
    store.keep(full)
    async with running(FakeSession(state_store=store)) as menu:
        screen = await editing(menu)
        await menu.press("x", "escape", "2", "enter")
        await menu.at(EditScreen)
        await menu.sees("There are 20 entries of your own already. Delete one of them first.")
        assert screen.line.text.endswith("x")


async def test_keys_of_the_menu_are_letters_while_typing() -> None:
    async with running(FakeSession()) as menu:
        screen = await editing(menu)
        await menu.press("ctrl+u", *"qjkdD1", "slash", "question_mark", "left", "delete", "home", "x")
        assert screen.line.text == "xqjkdD1/"
        menu.app.post_message(events.Paste("a\x1b[2J\nb\r\n"))
        await menu.until(lambda: "b" in screen.line.text)
        assert screen.line.text == "xa [2J bqjkdD1/"


async def test_text_does_not_overtake_the_keys_before_it() -> None:
    async with running(FakeSession()) as menu:
        screen = await editing(menu)
        for event in (
            events.Key("ctrl+u", None),
            *(events.Key(letter, letter) for letter in "quiet"),
            events.Key("backspace", None),
            events.Paste("x y"),
            events.Key("ctrl+a", None),
            events.Paste("z"),
        ):
            menu.app.post_message(event)
        await menu.until(lambda: len(screen.line.text) == 8)
        assert screen.line.text == "zquiex y"


@pytest.mark.parametrize("size", [(60, 20), *rarely((80, 24), (120, 40))])
async def test_a_hostile_entry_stays_within_its_lines(size: tuple[int, int]) -> None:
    evil = "\x1b[2J\x07\u202e" * 300
    found = fakes.listing("evil", f"t{evil}", cmdline=f"a{evil}日本" * 3)
    more = tuple(replace(found.entry.kernel, path=f"/i{n}{evil}") for n in range(60))
    found = replace(found, entry=replace(found.entry, initrds=more))
    session = FakeSession(events=(fakes.FULL[0], EntryFound(found), *fakes.FULL[-1:]))
    async with running(session, size=size) as menu:
        await editing(menu)
        await menu.press(*["down"] * 70, "left", "ctrl+a", "ctrl+e")
        assert all(len(row) <= size[0] for row in menu.rows)
        assert "\x1b" not in menu.text
        assert "▶ tree edit" in menu.text, "the line being typed is in sight"
