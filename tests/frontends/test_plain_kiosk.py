# SPDX-License-Identifier: MIT
"""Test the kiosk of the plain menu: it offers the same as the one on the screen, and nothing else."""

from __future__ import annotations

import io
import string
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from bootmenu.bootstate.state import Attempt
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Settings
from bootmenu.config.settings_layers import parse
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump, Quit
from bootmenu.frontends.plain_kiosk import PlainKiosk
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.kernel_errors import LoadError, SimulatedJump
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.system.power import Power
from bootmenu.terminal.line_input import Idle
from bootmenu.terminal.teletype import Teletype
from bootmenu.view import actions
from bootmenu.view.key_help import essential
from bootmenu.view.policy import Policy
from tests.builders import fakes
from tests.frontends.test_plain_menu import sit
from tests.frontends.tui.driving import running
from tests.frontends.tui.test_kiosk import TECHNICAL, screen

KIOSK = fakes.KIOSK
CONTACT = "Help: 0800 123 456"


def kiosk(
    *typed: str, session: fakes.FakeSession | None = None, used: Settings = KIOSK, **context: object
) -> tuple[str, object]:
    """Run the kiosk with typed lines; return its output and the outcome."""
    return sit(session or fakes.FakeSession(), *typed, settings=used, policy=Policy.of(used), **context)  # type: ignore[arg-type]


def test_it_says_what_the_screen_says() -> None:
    said, outcome = kiosk()
    assert said.splitlines()[-8:] == [
        "This terminal can start in three ways.",
        " 1  Start normally  recommended",
        " 2  Start the previous version  may work only in part",
        " 3  Repair",
        " 4  Service  asks for the PIN",
        "Type a number, then Enter.",
        "Help: 0800 123 456 - device 4711",
        "> ",
    ]
    assert not [word for word in TECHNICAL if word in said]
    assert outcome == Quit()


@pytest.mark.parametrize("actions", [(), ("rescan", "details", "help", "power")])
@pytest.mark.parametrize("lost", [False, True])
async def test_its_rows_are_those_of_the_screen(actions: tuple[str, ...], *, lost: bool) -> None:
    used = replace(KIOSK, kiosk_actions=actions, kiosk_locked=("debian-47",))
    session = fakes.FakeSession()
    if lost:
        session.state_store.update(lambda state: state.booting(Attempt.now(fakes.DEBIAN.entry)).on_menu_start())
    async with running(session, settings=used) as menu:
        await menu.until(lambda: bool(screen(menu).rows) and screen(menu)._state is not None)
        rows = screen(menu).rows
    said, _ = kiosk(session=session, used=used)
    for number, row in enumerate(rows, 1):
        assert f" {number}  {row.name}  {row.note}".rstrip() in said.splitlines()
    assert f" {len(rows) + 1}  " not in said


def test_a_row_is_started_by_its_number_in_plain_words() -> None:
    session = fakes.FakeSession()
    said, outcome = kiosk("2", session=session)
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == "debian-47"
    assert "Starting. Please do not switch off." in said
    assert not [word for word in TECHNICAL if word in said]


def test_what_fails_is_told_in_plain_words_and_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "log"))
    error = LoadError("It said no.", "Ask again.", stage=Stage.LOAD, call="kexec_load", errno=16)
    session = fakes.FakeSession(load_error=error)
    said, outcome = kiosk("1", session=session)
    assert "This did not work: Start normally." in said
    assert "If none of them works, please call for help." in said
    assert said.rindex(CONTACT) > said.index("This did not work")
    assert " 1  Repair  recommended" in said.splitlines() or " 1  Repair" in said.splitlines(), (
        "what repairs is first"
    )
    assert "could not be started just now" in said
    assert not [word for word in (*TECHNICAL, "It said no.") if word in said]
    assert "It said no." in (tmp_path / "log").read_text()
    assert outcome == Quit()
    assert "unload" in session.calls


@pytest.mark.parametrize("error", [ZeroDivisionError("a mistake"), OSError(5, "Input/output error")])
def test_a_mistake_of_its_own_is_told_in_plain_words(error: Exception, tmp_path: Path) -> None:
    said, _ = kiosk("1", "2", session=fakes.FakeSession(load_error=error))
    assert said.count("This did not work") == 2
    assert str(error) not in said
    session = fakes.FakeSession(scan_error=error)
    said, outcome = kiosk("1", session=session)
    assert str(error) not in said
    assert isinstance(outcome, Jump), "what was found is there"


def test_a_mistake_that_comes_again_and_again_makes_no_noise() -> None:
    said, outcome = sit(fakes.FakeSession(), "1", settings=fakes.faulty_kiosk(99), policy=Policy.of(KIOSK))
    assert said.count("This did not work.") <= 3
    assert "ZeroDivision" not in said
    assert outcome == Quit()


def test_what_came_back_and_what_else_is_wrong_is_for_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "log"))
    said, _ = sit(
        fakes.FakeSession(),
        error=BootmenuError("It came back."),
        warning="Nothing is remembered.",
        settings=KIOSK,
        policy=Policy.of(KIOSK),
    )
    assert "This did not work." in said
    for text in ("It came back.", "Nothing is remembered."):
        assert text not in said
        assert text in (tmp_path / "log").read_text()


def test_the_end_of_a_simulation() -> None:
    session = fakes.FakeSession(simulated=True)
    said, outcome = kiosk("1", session=session, simulated_pin="The PIN is 4711.")
    assert "SIMULATION  The PIN is 4711." in said
    assert "Here this would happen: Start normally." in said
    assert outcome == Quit()
    assert "unload" in session.calls


def test_nothing_that_needs_the_pin_can_be_reached_without_it() -> None:
    """Try every letter and number, alone and with the number of an entry."""
    used = replace(KIOSK, kiosk_locked=("alpine",))
    session = fakes.FakeSession()
    signs = [sign for sign in string.printable if sign.isprintable() and not sign.isspace() and not sign.isdigit()]
    numbers = ["3", "", "4", "", "0", *map(str, range(5, 40)), "-1", "99999", "1.5", "1 2", "\u0661"]
    typed = [text for sign in signs for text in (sign, f"{sign}1", f"{sign} 1", f"{sign} 3")]
    said, outcome = kiosk(*typed, *numbers, session=session, used=used, may_quit=True, offer_demo=True)
    assert outcome == Quit()
    assert session.calls == ["scan", "scanned"]
    assert "start entry N" not in said
    assert said.count("The PIN (Enter for none)") == 2, "the locked entry and the service"
    assert "the list again" not in said, "no help either"
    assert not [word for word in TECHNICAL if word in said]


@pytest.mark.parametrize("allowed", sorted({action.name for action in actions.TABLE} - essential()))
def test_an_action_that_is_given_away_gives_no_other_away(allowed: str) -> None:
    used = replace(KIOSK, kiosk_actions=(allowed,), kiosk_pin=None)
    session = fakes.FakeSession()
    said, outcome = kiosk(*"qsdteDomlukrpL/?h", *map(str, range(4, 9)), session=session, used=used)
    assert outcome == Quit()
    done = {call for call in session.calls if not call.startswith(("scan", "plan"))}
    assert done == ({"power reboot", "power poweroff"} if allowed == "power" else set())
    assert (session.calls.count("scan") > 1) is (allowed == "rescan")
    assert any(call.startswith("plan") for call in session.calls) is (allowed == "details")
    assert "start entry N" not in said


def test_allowed_actions_are_rows() -> None:
    used = replace(KIOSK, kiosk_actions=("rescan", "details", "help", "power"))
    session = fakes.FakeSession()
    said, _ = kiosk("4", "5", "6", "?", "7", session=session, used=used)
    assert session.calls.count("scan") == 2
    assert "command line" in said
    assert said.count("the list again") == 2
    assert "power reboot" in session.calls
    assert said.index("The machine is restarting.") < said.index("This did not work: Restart.")
    session = fakes.FakeSession(can_do=(Power.OFF,), power_error=SimulatedJump("Here."))
    assert "Here this would happen: Switch off." in kiosk("7", session=session, used=used)[0]
    session = fakes.FakeSession()
    assert "Restart" not in kiosk("7", session=session, used=used, confirm_always=True)[0]


def test_on_a_running_system_a_start_is_asked_about() -> None:
    assert kiosk("1", "", confirm_always=True)[1] == Quit()
    assert isinstance(kiosk("1", "y", confirm_always=True)[1], Jump)


def test_nothing_to_start_is_said() -> None:
    said, outcome = kiosk("1", session=fakes.FakeSession(events=fakes.EMPTY))
    assert "This terminal cannot start at the moment. Please call for help." in said
    assert CONTACT in said
    assert outcome == Quit()


def test_a_kiosk_without_patterns_has_its_default_entry_and_the_contact() -> None:
    used = parse(b'[kiosk]\ncontact = "Call 0800"\nentires = ["*"]\n', "file").settings
    said, outcome = kiosk("2", "1", used=used)
    assert "Call 0800" in said
    assert "Alpine" not in said
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == fakes.DEBIAN.entry.id


# ---- the PIN


def stored(tmp_path: Path, *typed: str, used: Settings = KIOSK, clock: Callable[[], float] = monotonic) -> str:
    session = fakes.FakeSession(state_store=StateStore(FolderBackend(tmp_path)))
    return kiosk(*typed, session=session, used=used, clock=clock)[0]


def test_the_pin_opens_what_is_behind_it_until_it_is_locked_again(tmp_path: Path) -> None:
    said = stored(tmp_path, "4", "4711", "d 1", "L", "d 1")
    before, after = said.split("The PIN (Enter for none)", 1)
    opened, locked = after.rsplit("This terminal can start in three ways.", 1)
    assert fakes.DEBIAN.entry.title not in before + locked
    assert opened.count(fakes.DEBIAN.entry.title) == 3
    assert "L" in opened.partition("Also: ")[2].partition("?")[0].split()
    assert locked.count("Type a number, then Enter.") == 2, "d is nothing here"


def test_what_is_made_the_default_behind_the_pin_is_recommended_and_taken_back() -> None:
    def recommended(*typed: str) -> str:
        rows = kiosk("4", "4711", *typed, "L")[0].splitlines()
        return next(row for row in reversed(rows) if "recommended" in row).split("  ")[1]

    again = ("L", "4", "4711", "D 2", "y")
    assert recommended() == "Start normally"
    assert recommended("D 2", "y") == "Start the previous version"
    assert recommended("D 2", "y", *again) == "Start normally"


def test_the_locked_kiosk_has_its_own_patience_again() -> None:
    times = iter([0, 0, 0, 0, 0, *[IDLE] * 9])
    outcome = kiosk("4", "4711", "L", "1", clock=lambda: float(next(times)))[1]
    assert isinstance(outcome, Jump), "a kiosk is used at any time"


def test_the_open_menu_is_left_where_it_may_be() -> None:
    assert kiosk("q", "4", "4711", "q", may_quit=True)[1] == Quit()
    said, _ = kiosk("4", "4711", "q", may_quit=False)
    assert "q is not a command" in said


def test_an_entry_asks_for_the_pin_and_opens_nothing_else() -> None:
    used = replace(KIOSK, kiosk_locked=("alpine",))
    session = fakes.FakeSession()
    said, outcome = kiosk("3", "", "3", "4711", session=session, used=used)
    assert " 3  Repair  asks for the PIN" in said.splitlines()
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == "alpine"
    assert session.calls.count("load alpine") == 1


def test_wrong_pins_are_counted_and_paused_after(tmp_path: Path) -> None:
    said = stored(tmp_path, "4", "", "4", "1", "2", "x", "4", "3", "4", "4", "4")
    assert said.count("That was not the PIN. Please try again.") == 3
    assert said.count("That was not the PIN. Please wait 5 s.") == 1
    assert said.count("Please wait 5 s.") == 3
    assert "Also:" not in said
    assert FolderBackend(tmp_path).read().wrong_pins == 4, "letters are no PIN"
    assert "Please wait 5 s." in stored(tmp_path, "4"), "after a restart, too"


def test_a_pin_that_cannot_be_compared_opens_nothing() -> None:
    said, _ = kiosk("4", used=replace(KIOSK, kiosk_pin="scrypt$x"))
    assert "Service" not in said


IDLE = KIOSK.kiosk_idle + 1


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        (("d 1", "d 2"), "details"),
        (("u", "typed"), "a passphrase"),
        (("e 1", "1"), "a line that is edited"),
        (("e 1", "b", "y"), "a question in an editor"),
        (("p", "1"), "a choice"),
    ],
)
def test_what_is_typed_after_a_long_idle_time_is_not_done(typed: tuple[str, ...], left: str) -> None:
    """Test that input after the idle time is ignored. left: where the user with the PIN was."""
    # the clock is looked at before an answer, and in the open menu after it as well
    times = iter([*[0] * (2 + 2 * len(typed) - 1), *[IDLE] * 50])
    session = fakes.FakeSession(events=fakes.LOCKED)
    said, _ = kiosk(
        *("2", "4711", *typed), *"byd", session=session, clock=lambda: float(next(times)), confirm_always=True
    )
    locked = said.rpartition("This terminal can start")[2]
    assert said.count("This terminal can start") == 2, f"{left}\n{said}"
    assert not [call for call in session.calls if call.startswith(("load", "unlock", "power", "recheck"))], left
    assert "Also:" not in locked


# ---- without input


def left_alone(*typed: str | None, session: fakes.FakeSession | None = None, **context: object) -> tuple[str, object]:
    """Run the kiosk; return its output and the outcome. typed: None for no key during the idle time."""
    lines = iter(typed)

    class Source:
        def isatty(self) -> bool:
            return False

        def readline(self) -> str:
            patience.append(teletype.patience)
            for line in lines:
                if line is None:
                    raise Idle
                return f"{line}\n"
            return ""

    source, sink, patience = Source(), io.StringIO(), []  # type: ignore[var-annotated]
    teletype = Teletype(source, sink, lambda _question: source.readline().strip())
    made = UiContext(session=session or fakes.FakeSession(), settings=KIOSK, policy=Policy.of(KIOSK), **context)  # type: ignore[arg-type]
    outcome = PlainKiosk(made, teletype).run()
    assert patience[0] == (KIOSK.kiosk_idle if "countdown" in context else None)
    return sink.getvalue(), outcome


def test_a_kiosk_that_is_left_starts_what_is_recommended() -> None:
    said, outcome = left_alone(None, None, countdown=12)
    assert "Starts automatically in 12 s." in said
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == "debian-49"
    assert "Starts automatically in 5 s." in left_alone(None, countdown=0)[0]
    said, outcome = left_alone(None, "", countdown=12)
    assert said.count("This terminal can start in three ways.") == 2
    assert outcome == Quit(), "somebody is there"
    said, outcome = left_alone(None, "2", countdown=12)
    assert isinstance(outcome, Jump)
    assert outcome.plan.entry.id == "debian-47"


def test_where_there_is_nothing_to_start_it_only_waits() -> None:
    said, outcome = left_alone(None, None, session=fakes.FakeSession(events=fakes.EMPTY), countdown=12)
    assert "Starts automatically" not in said
    assert said.count("This terminal cannot start") == 1
    assert outcome == Quit()
    left_alone("")


@pytest.mark.parametrize("typed", [("4", "4711"), ("4", "4711", "e 1"), ("4", "4711", "p")])
def test_what_is_open_is_locked_when_nobody_is_there(typed: tuple[str, ...]) -> None:
    session = fakes.FakeSession()
    said, outcome = left_alone(*typed, None, "d 1", "p", "1", session=session)
    assert said.count("This terminal can start in three ways.") == 2
    assert isinstance(outcome, Jump)
    assert not [call for call in session.calls if call.startswith("power")]


def test_a_start_on_a_running_system_that_nobody_confirms_is_none() -> None:
    said, outcome = left_alone(None, None, None, "", countdown=12, confirm_always=True)
    assert "This did not work" not in said
    assert outcome == Quit()
