# SPDX-License-Identifier: MIT
"""Test the plain menu: its output, its commands, and how it ends."""

from __future__ import annotations

import io
from pathlib import Path
from time import monotonic

import pytest

from bootmenu import i18n
from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.demo.builders import board_tree
from bootmenu.discovery import own_entries
from bootmenu.discovery.dtb_candidates import DtbChoice, Fit
from bootmenu.discovery.file_choices import FileChoices
from bootmenu.discovery.scan_events import DeviceDone, DeviceFound, EntryFound, Listing, ScanFinished
from bootmenu.discovery.scan_feed import Subscription
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb_head import DtbHead
from bootmenu.frontends.outcome import Demo, Jump, Outcome, Quit
from bootmenu.frontends.plain_kiosk import PlainKiosk
from bootmenu.frontends.plain_menu import PlainMenu
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.dtb_builder import PlanDtbs
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.plan import PlannedFile
from bootmenu.model.entry import FileRef
from bootmenu.model.own_entry import MOST
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from bootmenu.terminal.teletype import Teletype
from bootmenu.view.boot_plan import plan_lines
from bootmenu.view.entry_editor import EntryEditor, EntryPart
from bootmenu.view.key_help import plain_commands
from bootmenu.view.policy import Policy
from bootmenu.view.wording import word
from tests.builders import fakes
from tests.frontends.pseudo_terminal import on_a_line


def sit(
    session: fakes.FakeSession, *typed: str, error: BootmenuError | None = None, **context: object
) -> tuple[str, Outcome]:
    """Run the plain menu with typed lines; return its output and the outcome. After them the input ends."""
    sink = io.StringIO()
    source = io.StringIO("".join(f"{line}\n" for line in typed))
    clock, columns = context.pop("clock", monotonic), context.pop("columns", 80)

    def secret(question: str) -> str:
        sink.write(question)
        return source.readline().removesuffix("\n")

    teletype = Teletype(source, sink, secret, clock=clock, columns=lambda: columns)  # type: ignore[arg-type, return-value]
    made = UiContext(session=session, **context)  # type: ignore[arg-type]
    outcome = (PlainKiosk if made.policy.kiosk else PlainMenu)(made, teletype).run(error)
    return sink.getvalue(), outcome


def test_the_list_has_every_entry_with_its_verdict_and_what_was_skipped() -> None:
    said, outcome = sit(fakes.FakeSession())
    assert outcome == Quit()
    rows = [line for line in said.splitlines() if line.strip()[:1].isdigit()]
    assert [row.split()[1] for row in rows] == [word(found.report.verdict) for found in _listings()]
    assert "  1* ok    Debian GNU/Linux 12 (bookworm), 6.1.0-49-arm64  (bls)" in said
    assert "skip  sdb1" in said
    assert said.isascii()
    assert max(map(len, said.splitlines())) < 100


def test_a_number_starts_that_entry() -> None:
    session = fakes.FakeSession()
    said, outcome = sit(session, "1")
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == fakes.DEBIAN.entry.id
    assert f"load {fakes.DEBIAN.entry.id}" in session.calls
    assert "read kernel" in said


def test_an_entry_that_cannot_be_started_is_asked_about() -> None:
    session = fakes.FakeSession()
    number = str([found.entry.id for found in _listings()].index(fakes.PAGES.entry.id) + 1)
    said, outcome = sit(session, number, "")
    assert "IMG-PAGE" in said
    assert outcome == Quit()
    assert not any(call.startswith("load") for call in session.calls)
    assert isinstance(sit(fakes.FakeSession(), number, "y")[1], Jump)


def test_a_question_is_in_one_language() -> None:
    number = str([found.entry.id for found in _listings()].index(fakes.PAGES.entry.id) + 1)
    i18n.use("de", {}, ascii_only=True)
    try:
        said, outcome = sit(fakes.FakeSession(), number, "j")
    finally:
        i18n.use("en", {})
    assert "Trotzdem versuchen? (j, oder Enter fuer Nein)" in " ".join(said.split())
    assert isinstance(outcome, Jump)


def _listings() -> list[Listing]:
    return [event.listing for event in fakes.FULL if isinstance(event, EntryFound)]


def test_on_a_system_that_runs_every_start_is_asked_about() -> None:
    assert sit(fakes.FakeSession(), "1", "n", confirm_always=True)[1] == Quit()
    assert isinstance(sit(fakes.FakeSession(), "1", "y", confirm_always=True)[1], Jump)


def test_a_load_that_fails_is_told_with_what_the_kernel_said_and_the_menu_stays() -> None:
    error = LoadError("It said no.", "Ask again.", stage=Stage.LOAD, call="kexec_load", errno=16, kernel_log=("x y",))
    session = fakes.FakeSession(load_error=error)
    said, outcome = sit(session, "1", "?")
    call = "call: kexec_load failed with EBUSY"
    for part in ("! It said no.", call, "kernel log: x y", "> Ask again.", "start entry N"):
        assert part in said
    assert outcome == Quit()
    assert "unload" in session.calls


def test_what_came_back_is_told_first() -> None:
    said, _ = sit(fakes.FakeSession(), error=BootmenuError("It came back."), warning="Nothing is remembered.")
    assert said.index("Nothing is remembered.") < said.index("It came back.") < said.index("Debian")


def test_details_have_the_findings_and_the_plan() -> None:
    said, _ = sit(fakes.FakeSession(), "d 3", "d1")
    assert "Choose a kernel with 4 KiB pages." in said
    assert "method        kexec_file_load" in said


def test_a_small_file_has_its_size() -> None:
    small = replace(fakes.LOADING[1], done=12)
    session = fakes.FakeSession(steps=(small, replace(small, done=1200)))
    said, _ = sit(session, "t 1")
    assert " 12 B " in said
    assert " 1.2 kB " in said
    assert "0.0 MB" not in said
    plan = replace(fakes.plan_for(fakes.DEBIAN), dtb=PlannedFile(ref=fakes.DEBIAN.entry.kernel, size=45))
    assert any(", 45 B" in line for line in plan_lines(plan))


def test_a_test_load_is_made_and_taken_out_again() -> None:
    session = fakes.FakeSession()
    said, outcome = sit(session, "t 1")
    assert "LOAD-TEST" in said
    assert session.calls.index("unload") > session.calls.index(f"load {fakes.DEBIAN.entry.id}")
    assert outcome == Quit()


def test_a_kernel_that_stays_loaded_is_told() -> None:
    left = "A kernel stays loaded, as unloading it failed: no."
    assert f"! {left}" in sit(fakes.FakeSession(left=left), "t 1")[0]
    assert f"! {left}" in sit(fakes.FakeSession(left=left, load_error=fakes.busy()), "1")[0]
    interrupted = fakes.FakeSession(left=left, load_error=KeyboardInterrupt())  # type: ignore[arg-type]
    said = sit(interrupted, "1")[0]
    assert f"! {left}" in said
    assert "nothing is loaded" not in said


def test_another_command_line_is_judged_and_started_for_this_boot() -> None:
    _, outcome = sit(fakes.FakeSession(), "e 1", "1", "root=/dev/x quiet", "b")
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.cmdline.text == "root=/dev/x quiet"
    _, outcome = sit(fakes.FakeSession(), "e 1", "1", "-", "b")
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.cmdline.text == ""
    assert sit(fakes.FakeSession(), "e 1", "1", "", "")[1] == Quit()


def test_every_answer_is_answered() -> None:
    said, _ = sit(fakes.FakeSession(can_do=(Power.OFF,)), "", "p", "", "p", "9", "3", "", "e 1", "99", "1", "", "")
    assert said.count("Nothing was typed; here is the list again.") == 1
    assert said.count("Nothing was chosen.") == 2
    assert said.count("No: nothing was done.") == 1
    for text in ("That is none of the lines 1 to 7, and not b or s.", "It stays as it was.", "The editor is left."):
        assert text in said


def test_what_can_be_typed_is_said_in_words() -> None:
    said, _ = sit(fakes.FakeSession())
    hint = " ".join(said[said.index("A number starts") :].split())
    assert hint.startswith("A number starts that entry. Also: e N (edit), d N (details), ")
    assert "? (help). Press Enter after each. >" in hint


def test_every_file_of_an_entry_can_be_another_one() -> None:
    said, outcome = sit(fakes.FakeSession(), "e 1", "2", "/other", "3", "-", "5", "sdb1:/x.dtbo", "b")
    assert "kernel: /other" in said
    assert isinstance(outcome, Jump)
    entry = outcome.plan.entry
    assert entry.kernel.path == "/other"
    assert entry.initrds == fakes.DEBIAN.entry.initrds[1:]
    changed = [ref for ref in (entry.dtb, *entry.initrds, *entry.overlays) if ref is not None]
    assert ("sdb1", "/x.dtbo") in [(ref.device, ref.path) for ref in changed]


def test_a_device_tree_is_chosen_by_its_number() -> None:
    head = DtbHead(b"maker,board\0", None)
    refs = [FileRef(device="sda1", path=f"/{name}.dtb") for name in ("one", "two", "other")]
    fits = (Fit.EXACT, Fit.RELATED, Fit.OTHER)
    trees = [DtbChoice(ref=ref, fits=fit, head=head) for ref, fit in zip(refs, fits, strict=True)]
    editor = EntryEditor.of(fakes.DEBIAN.entry)
    number = str(1 + [slot.part for slot in editor.slots].index(EntryPart.TREE))
    said, outcome = sit(fakes.FakeSession(trees=trees), "e 1", number, "2", "b")
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.dtb is not None
    assert outcome.plan.entry.dtb.path == "/two.dtb"
    assert "other.dtb" not in said
    said, outcome = sit(fakes.FakeSession(), "e 1", number, "2", "b")
    assert "no device tree for this board found" in said
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.dtb == fakes.DEBIAN.entry.dtb


def test_every_file_is_chosen_by_its_number_and_a_changed_line_is_marked() -> None:
    kernels = tuple(FileRef(device="mmcblk0p1", path=f"/vmlinuz-{number}") for number in (1, 2))
    files = fakes.FakeEntryFiles(FileChoices(kernels=kernels), ())
    said, outcome = sit(fakes.FakeSession(entry_files=files), "e 1", "2", "9", "2", "2", "b")
    assert "A number selects one of these. Tab completes a path." in said
    assert "That is the number of none of these files." in said
    assert "| 2  kernel: /vmlinuz-2" in said
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.kernel.path == "/vmlinuz-2"


def test_changes_are_kept_as_an_entry_of_ones_own_and_deleted() -> None:
    session = fakes.FakeSession()
    said, _ = sit(session, "e 1", "1", "single", "s", "", "s", "my test entry", "R 1")
    assert said.count("Nothing is saved.") == 1
    assert "saved as an entry of your own: my test entry" in said
    (own,) = session.state_store.state.own
    assert (own.entry.title, own.entry.cmdline.text) == ("my test entry", "single")
    assert "R 1 is not a command" in said, "there is none in the list"
    placed = EntryFound(replace(fakes.DEBIAN, entry=replace(own.entry, device="mmcblk0p1")), 99)
    session.events = (*fakes.FULL[:1], placed, *fakes.FULL[1:])
    said, _ = sit(session, "R 1", "R 4", "", "R 4", "y")
    assert "Only entries of your own can be deleted." in said
    assert said.count("Delete my test entry") == 2
    assert session.state_store.state.own == ()


def test_where_there_is_no_room_for_one_it_is_said() -> None:
    session = fakes.FakeSession()
    for number in range(MOST):
        own = own_entries.stored(fakes.DEBIAN.entry, f"t{number}", {})
        session.state_store.update(lambda state, own=own: state.with_own(own))  # type: ignore[misc]
    said, _ = sit(session, "e 1", "s", "one more", "")
    assert "there are 20 entries of your own already" in said
    assert "Delete one of them first." in said


def test_the_device_tree_is_edited_for_one_boot() -> None:
    editor = EntryEditor.of(fakes.DEBIAN.entry)
    number = 1 + [slot.part for slot in editor.slots].index(EntryPart.EDIT)
    edits = ("disable /soc/uart@1", '/ note = "x"')
    said, outcome = sit(fakes.FakeSession(), "e 1", str(number), edits[0], str(number + 1), edits[1], "b")
    assert f"{number}  tree edit: disable /soc/uart@1" in said
    assert "none, or one more: disable /NODE" in said
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.dtb_edits == edits
    _, outcome = sit(fakes.FakeSession(), "e 1", str(number), edits[0], str(number), "-", "b")
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.dtb_edits == ()


def test_an_edited_entry_that_cannot_be_loaded_can_be_changed_on() -> None:
    session = fakes.FakeSession(load_error=LoadError("It said no.", stage=Stage.LOAD))
    said, _ = sit(session, "e 1", "1", "first", "b", "1", "second", "")
    assert said.index("It said no.") < said.index("second")


def test_details_have_what_is_changed_in_the_device_tree() -> None:
    before, after = (board_tree((name,), memory=()) for name in ("acme,old", "acme,new"))
    session = fakes.FakeSession(handed=PlanDtbs(running=after, own=before, final=after))
    said, _ = sit(session, "d 1")
    assert "acme,new" in said
    assert "No differences." in said, "against the running one"
    session = fakes.FakeSession(trees_error=fakes.NO_ROOT)
    said, outcome = sit(session, "d 1", "?")
    assert "Start it with sudo." in said
    assert outcome == Quit()


def test_a_filter_leaves_the_entries_that_have_its_words_with_their_numbers() -> None:
    ids = [found.entry.id for found in _listings()]
    number = str(ids.index(fakes.ALPINE.entry.id) + 1)
    said, outcome = sit(fakes.FakeSession(), "/ ALPINE", number)
    assert f" {number}  ok    Alpine" in said.rpartition("bootmenu ")[2]
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == fakes.ALPINE.entry.id
    said, outcome = sit(fakes.FakeSession(), "/ ALPINE", "1", "d 2")
    assert said.count(f"That needs the number of an entry that is shown: {number}.") == 2, "nobody sees what it is"
    assert outcome == Quit()
    said, _ = sit(fakes.FakeSession(), "/ no such words", "/")
    assert "No entry has these words." in said
    assert said.rindex("Debian") > said.index("No entry has these words.")


def test_a_filter_is_in_sight_until_it_is_taken_back() -> None:
    said, _ = sit(fakes.FakeSession(), "/ Alpine", "?", "/", "?")
    shown = f'1 of {len(_listings())} entries with "Alpine". / alone shows all of them.'
    assert said.count("/Alpine > ") == 2
    assert said.count(shown) == 1
    before, filtered = said.split("/Alpine > ")[:2]
    assert before.rindex(shown) > before.rindex("Alpine Linux edge"), "below the list, where it is not scrolled away"
    assert "start entry N" in filtered


def test_the_default_and_the_next_boot_are_remembered_and_taken_back(tmp_path: Path) -> None:
    session = fakes.FakeSession(state_store=StateStore(FolderBackend(tmp_path)))
    said, _ = sit(session, "D 1", "y", "o 2", "y")
    first, second = _listings()[:2]
    kept = FolderBackend(tmp_path).read()
    assert kept == State().with_default(first, kept.disks).with_once(second)
    assert set(kept.disks) == {device.place.disk for device in (fakes.BOOT, fakes.ROOT, fakes.STICK)}
    assert "next boot" in said
    sit(session, "D 1", "y", "o 2", "y")
    assert FolderBackend(tmp_path).read() == State()
    said, _ = sit(fakes.FakeSession(state_store=StateStore(None, "There is no place.")), "D 1", "y")
    assert "! There is no place." in said


@pytest.mark.parametrize("answer", ["n", "", "d 1"])
@pytest.mark.parametrize(
    ("key", "question"), [("D", "Make {name} the default?"), ("o", "Start {name} at the next boot only?")]
)
def test_only_a_yes_makes_a_default(key: str, question: str, answer: str) -> None:
    session = fakes.FakeSession()
    said, _ = sit(session, f"{key} 1", answer)
    assert question.format(name="Debian GNU/Linux 12 (bookworm), 6.1.0-49-arm64") in " ".join(said.split())
    assert session.state_store.state == State()


@pytest.mark.parametrize("key", ["D", "o"])
def test_a_default_that_cannot_be_started_is_made_with_a_warning(tmp_path: Path, key: str) -> None:
    session = fakes.FakeSession(state_store=StateStore(FolderBackend(tmp_path)))
    said, _ = sit(session, f"{key} 3", "y")
    assert "the default, but it cannot be started here" in " ".join(said.split())
    assert FolderBackend(tmp_path).read() != State(), "all the same"
    said, _ = sit(session, f"{key} 3", "y")
    assert "but it cannot be started" not in " ".join(said.split())
    said, _ = sit(session, f"{key} 1", "y")
    assert "but it cannot be started" not in " ".join(said.split())


@pytest.mark.parametrize("key", ["D", "o"])
def test_what_another_console_has_chosen_since_the_list_was_printed_is_not_taken_back(key: str) -> None:
    session = fakes.FakeSession()
    first, second = _listings()[:2]
    session.state_store.update(lambda state: state.with_default(first).with_once(first))

    class Source:
        def __init__(self) -> None:
            self.lines = ["y\n", f"{key} 1\n"]

        def isatty(self) -> bool:
            return False

        def readline(self) -> str:
            if not self.lines:
                return ""
            # another console, while this one types
            session.state_store.update(lambda state: state.with_default(second).with_once(second))
            return self.lines.pop()

    PlainMenu(UiContext(session=session), Teletype(Source(), io.StringIO())).run()
    assert session.state_store.state == State().with_default(second).with_once(second)


def test_a_rescan_and_a_passphrase_look_again() -> None:
    session = fakes.FakeSession()
    sit(session, "r")
    assert session.calls.count("scan") == 2
    locked = fakes.FakeSession(events=fakes.LOCKED)
    said, _ = sit(locked, "u", "wrong", locked.passphrase)
    assert "This is not its passphrase." in said
    assert locked.calls.count("scan") == 2


def two_locked() -> fakes.FakeSession:
    other = replace(fakes.SECRET, name="sdc1", label="backup", uuid="D")
    events = (*fakes.LOCKED[:-1], DeviceFound(other), DeviceDone(other, 0), ScanFinished(0.1))
    return fakes.FakeSession(events=events)


def test_any_of_the_encrypted_partitions_can_be_unlocked() -> None:
    session = two_locked()
    said, _ = sit(session, "u", "2", session.passphrase)
    assert [call for call in session.calls if call.startswith("unlock")] == ["unlock sdc1"]
    assert said.index("1  sda3") < said.index("2  sdc1") < said.index("Passphrase of sdc1")
    assert session.calls.count("scan") == 2
    for answer in ("", "3", "0", "sdc1"):
        session = two_locked()
        said, _ = sit(session, "u", answer, "?")
        assert "Passphrase of" not in said
        assert "start entry N" in said, "the menu is there"


def test_after_a_wrong_passphrase_the_same_partition_is_asked_about_until_enter_alone() -> None:
    session = two_locked()
    said, _ = sit(session, "u", "1", "wrong", "wrong", session.passphrase)
    assert session.calls.count("unlock sda3") == 3
    assert said.count("This is not its passphrase.") == 2
    assert said.count("Passphrase of sda3") == 3
    session = two_locked()
    said, _ = sit(session, "u", "2", "wrong", "", "?")
    assert session.calls.count("unlock sdc1") == 1
    assert "start entry N" in said
    session = two_locked()
    session.unlock = refuse  # type: ignore[method-assign]
    said, _ = sit(session, "u", "2", "typed", "?")
    assert "There is not enough memory" in said
    assert said.count("Passphrase of") == 1, "another one would not help"
    assert "start entry N" in said


def refuse(device: str, passphrase: str) -> None:
    raise UnlockError("There is not enough memory to derive the key.")


def test_a_shell_is_there_where_the_terms_want_one() -> None:
    session = fakes.FakeSession()
    said, _ = sit(session, "s", may_quit=False)
    assert "shell" in session.calls
    assert said.count("A number starts that entry.") == 2
    said, _ = sit(session, "s")
    assert "s is not a command" in said


def test_every_command_of_the_table_is_carried_out() -> None:
    letters = [action.plain[0] for action in plain_commands()]
    assert len(letters) == len(set(letters)) == 19
    for action in plain_commands():
        assert hasattr(PlainMenu, f"do_{action.name}"), action.name


def test_power_is_asked_about() -> None:
    said, _ = sit(fakes.FakeSession(), "p", "", "p", "1")
    assert "restart" in said
    assert said.index("The machine is restarting.") < said.index("The kernel refused."), "nothing is seen afterwards"


@pytest.mark.parametrize("typed", ["99", "0", "d", "d x", "xyz", "t 9", "١", "²", "9" * 5000])
def test_what_makes_no_sense_is_told(typed: str) -> None:
    said, outcome = sit(fakes.FakeSession(), typed)
    assert outcome == Quit()
    assert "That needs the number of an entry" in said or "is not a command; ? lists them." in said


def test_a_log_without_messages_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    session = fakes.FakeSession()
    for lines, answer in (((), "The kernel has no messages."), (None, "The kernel's messages cannot be read.")):
        monkeypatch.setattr(session, "kernel_log", lambda lines=lines: lines)
        said = sit(session, "l")[0]
        assert said.count("The kernel") == 1
        assert answer in said


def test_two_entries_are_compared() -> None:
    said = sit(fakes.FakeSession(), "= 1", "= 3", "= 2", "= 2", "= 2", "= 1")[0]
    assert "Marked. Type = and another number." in said
    assert said.index("- ok") < said.index("+ FAIL IMG-PAGE"), "the first is what the second is compared with"
    assert said.count("No longer marked.") == 1
    assert said.index("No longer marked.") < said.index("- warn CMD-CONSOLE")


def test_what_the_machine_is_is_told() -> None:
    said = sit(fakes.FakeSession(), "i")[0]
    assert "Raspberry Pi 3 Model B" in said
    assert said.index("This machine") < said.index("kexec_file_load: not known") < said.index("Nothing yet.")


def test_leaving_and_the_demonstration_exist_where_they_are_allowed() -> None:
    assert sit(fakes.FakeSession(), "m", offer_demo=True)[1] == Demo()
    said, _ = sit(fakes.FakeSession(), "q", "m", may_quit=False)
    assert "q is not a command" in said
    assert "m is not a command" in said


@pytest.mark.parametrize(
    "mistake",
    [
        RecursionError("deep"),
        OSError(5, "Input/output error"),
        MemoryError(),
        UnicodeEncodeError("a", "b", 0, 1, "c"),
    ],
)
def test_a_mistake_of_its_own_is_told_and_the_menu_stays(
    mistake: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "log"))
    session = fakes.FakeSession(load_error=mistake)
    said, outcome = sit(session, "1", "r", "l")
    assert type(mistake).__name__ in said
    assert session.calls.count("scan") == 2, "the next command is obeyed"
    assert "Booting Linux" in said
    assert outcome == Quit()
    assert session.calls.count("unload") == 1
    assert "Traceback" in (tmp_path / "log").read_text()


def test_a_look_that_cannot_begin_is_told_and_the_menu_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan cannot start while another console loads."""
    session = fakes.FakeSession()
    real, looks = session.scan, iter([True])

    def scan() -> Subscription:
        if next(looks, False):
            raise BootmenuError("Another console is starting Debian.")
        return real()

    monkeypatch.setattr(session, "scan", scan)
    said, outcome = sit(session, "r", "1")
    assert "Another console is starting Debian." in said
    assert isinstance(outcome, Jump)


def test_a_terminal_that_takes_nothing_ends_the_menu() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    for menu in (PlainMenu, PlainKiosk):
        teletype = Teletype(io.StringIO("1\n"), Gone())
        assert menu(UiContext(session=fakes.FakeSession()), teletype).run() == Quit()
        assert teletype.hung_up


@pytest.mark.parametrize(
    ("menu", "context"), [(PlainMenu, {"may_quit": False}), (PlainKiosk, {"policy": Policy.of(fakes.KIOSK)})]
)
def test_ctrl_d_leaves_neither_a_kiosk_nor_a_first_stage(menu: type[PlainMenu], context: dict[str, object]) -> None:
    class LineEditor(io.StringIO):
        ends = 2

        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            self.ends -= 1
            return "" if self.ends >= 0 else super().readline()

        def isatty(self) -> bool:
            return True

    made = UiContext(session=fakes.FakeSession(), settings=fakes.KIOSK, **context)  # type: ignore[arg-type]
    assert isinstance(menu(made, Teletype(LineEditor("1\n"), io.StringIO())).run(), Jump)


def test_what_a_disk_says_does_not_steer_the_terminal() -> None:
    evil = replace(fakes.DEBIAN, entry=replace(fakes.DEBIAN.entry, title="a\x1b[2Jb\nc"))
    events = (DeviceFound(fakes.BOOT), EntryFound(evil), ScanFinished(0.1))
    said, _ = sit(fakes.FakeSession(events=events), "d 1", "1")
    assert "\x1b" not in said


def test_on_a_dumb_terminal_it_is_this_menu_and_the_end_of_the_line_ends_it() -> None:
    with on_a_line(["-m", "bootmenu", "--demo"], "dumb") as line:
        line.until(lambda: line.text.rstrip().endswith(">"), 40)
        assert b"\x1b" not in line.sent
        line.type(b"\x1a\x1c\x03")
        line.read(0.3)
        line.type(b"\x04")
        assert line.wait() == 0


def test_plain_is_an_option_of_its_own_and_needs_no_textual() -> None:
    program = "import sys; sys.modules['textual'] = sys.modules['rich'] = None; from bootmenu import cli; cli.main()"
    with on_a_line(["-c", program, "--demo", "--plain", "--timeout", "60"], "xterm") as line:
        line.until(lambda: "Any key opens the menu" in line.text, 40)
        line.type(b"x")
        line.until(lambda: line.text.rstrip().endswith(">"), 40)
        assert "Debian GNU/Linux 12" in line.text
        assert b"\x1b" not in line.sent
        line.answer(b"q")
        assert line.wait() == 0


@pytest.mark.parametrize(("locale", "word"), [("de_DE.UTF-8", "Ändern"), ("de_DE", "Aendern")])
def test_letters_of_the_language_do_not_need_its_locale(locale: str, word: str) -> None:
    """The C library need not have the locale that names the charset."""
    with on_a_line(["-m", "bootmenu", "--demo", "--plain"], "xterm", LC_ALL=locale) as line:
        line.until(lambda: line.text.rstrip().endswith(">"), 40)
        line.answer(b"?")
        line.until(lambda: word in line.text, 40)
        line.answer(b"q")
        assert line.wait() == 0


def test_the_help_has_its_commands_in_the_groups_of_the_help_page() -> None:
    said, _ = sit(fakes.FakeSession(), "?")
    rows = said[said.index("Move\n") if "Move\n" in said else said.index("Start\n") :].splitlines()
    titles = [row for row in rows if row and not row.startswith(" ")]
    assert titles[:4] == ["Start", "Change", "Look", "System"], "Move has no command here"
    below = {title: rows[rows.index(title) + 1 :] for title in titles[:4]}
    assert below["Start"][0].split() == ["N", "start", "entry", "N"]
    assert below["Change"][0].startswith("  e N ")
    assert any(row.startswith("  q ") for row in below["System"])


def test_the_values_that_one_check_compared_are_printed() -> None:
    said, _ = sit(fakes.FakeSession(), "d 3 img-page", "d 3 no\x1b-such", "d 3")
    one, unknown, every = said.split("\n> ")[1:4]
    assert "IMG-PAGE: This kernel uses 16 KiB pages." in one
    assert "page_size: 16384" in one
    assert "IMG-ARCH" not in one
    assert "has no check no" in unknown
    assert "\x1b" not in unknown
    assert "IMG-PAGE" in " ".join(unknown.split())
    assert "page_size: 16384" not in every
