# SPDX-License-Identifier: MIT
"""Test the first frame on pseudo-terminals: what it shows and sends, what stops it; it must not import Textual."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.frontends.pseudo_terminal import Line, on_a_line
from tests.properties import rarely

PROGRAM = """
import os, sys
from bootmenu.frontends import launcher as menu
late = {{"bootmenu.session.machine_session", "bootmenu.discovery.scan_events", "textual", "rich"}}
assert not late & set(sys.modules)

class SessionStartup(menu.SessionStartup):
    def _prepare(self):
        from tests.builders import fakes
        session = {session}
        self._create = lambda: session

def show(run_):
    from bootmenu.frontends.outcome import Quit
    error = run_.error.message if run_.error else ""
    print(f"SAID <{{run_.notice}}> ERROR <{{error}}> OUTCOME <{{run_.outcome}}> CALLS", end=" ")
    print(*(call.replace(" ", "-") for call in run_.shared.session.calls), end=" ")
    if os.environ.get("LEFT"):
        import select, tty
        tty.setcbreak(0, 0)
        left = os.read(0, 64) if select.select([0], [], [], 0)[0] else b""
        print(f"LEFT <{{left!r}}>", end=" ")
    if "RESULT" in os.environ:
        with open(os.environ["RESULT"], "w") as result:
            print(*run_.shared.session.calls, file=result)
    print("TEXTUAL" if "textual" in sys.modules else "NO-TEXTUAL", "END")
    return Quit()

menu.SessionStartup, menu.menu_run.show = SessionStartup, show
sys.exit(menu.run(menu.MenuOptions(flags={flags}), lambda: 0))
"""

FAILING = """fakes.FakeSession(events=(
    fakes.DeviceFound(fakes.BOOT),
    fakes.EntryFound(fakes.listing("debian", "Debian", fakes.PAGE, default=True)),
    fakes.EntryFound(fakes.ALPINE),
    fakes.ScanFinished(0.1),
))"""
ENDLESS = "fakes.FakeSession(steps=__import__('itertools').repeat(fakes.LOADING[0]))"


@contextlib.contextmanager
def frame(
    timeout: str = "9",
    term: str = "linux",
    session: str = "fakes.FakeSession()",
    size: tuple[int, int] = (80, 24),
    **flags: str,
) -> Iterator[Line]:
    flags = {"timeout": timeout, **flags}
    with on_a_line(["-c", PROGRAM.format(session=session, flags=flags)], term, size=size) as line:
        yield line


def ended(line: Line) -> str:
    """Return what the program printed at its end, in one line."""
    line.until(lambda: b"END" in line.sent, 40)
    assert line.wait() == 0
    return " ".join(line.sent.decode()[line.sent.decode().index("SAID") :].split())


def counting(line: Line) -> bool:
    return "Debian" in line.text and "any key opens the menu" in line.text.lower()


@pytest.mark.parametrize("term", ["linux", *rarely("vt220", "xterm")])
def test_it_shows_title_entry_and_countdown_and_each_tick_is_small(term: str) -> None:
    with frame("11", term) as line:
        before = line.modes
        line.until(lambda: counting(line))
        assert line.screen.display[0].startswith(" bootmenu ")
        assert re.search(r"Pi 3 Model B [·-] arm64 [·-] 6.1.0-49-arm64 *$", line.screen.display[0])
        assert re.search(r"ok +Debian", line.screen.display[2])
        seconds = re.search(r"Starts in +(\d+) s", line.screen.display[6])
        assert seconds is not None
        now = int(seconds.group(1))
        line.read(0.1)
        sent = len(line.sent)
        # a digit is lost on the way
        line.until(lambda: f"Starts in {now - 3:2} s" in line.text)
        assert len(line.sent) - sent <= 3 * 12
        cells = len(re.findall("[█#]", line.screen.display[6]))
        assert cells == -(-30 * (now - 3) // 11)
        assert line.screen.display[7].strip() == "Any key opens the menu, Enter boots at once."
        for row, lost in zip(line.screen.display[6:8], (30 - cells, 0), strict=True):
            left, right = len(row) - len(row.lstrip()), len(row) - len(row.rstrip())
            assert abs(right - lost - left) <= 3, "in the middle, where the whole bar was"
        line.type(b"x")
        assert "SAID <> ERROR <> OUTCOME <None>" in ended(line)
        assert line.modes == before
        assert b"\x1b[?25h" in line.sent


def test_a_narrow_countdown_is_whole_and_its_number_stays_where_it_is() -> None:
    program = PROGRAM.format(session="fakes.FakeSession()", flags={"timeout": "99"})
    with on_a_line(["-c", program], "linux", size=(60, 20), LEFT="yes") as line:
        line.until(lambda: "Starts in 97 s  █" in line.screen.display[6])
        assert "Any key opens the menu, Enter boots at once." in line.screen.display[7]
        assert counting(line)
        line.type(b"x")
        ended(line)


@pytest.mark.parametrize("key", [b"x", b"\x1b[B", b" ", b"\x1b", b"\x03", "ü".encode()])
def test_any_key_opens_the_menu_and_means_nothing_else(key: bytes) -> None:
    program = PROGRAM.format(session="fakes.FakeSession()", flags={"timeout": "99"})
    with on_a_line(["-c", program], "linux", LEFT="yes") as line:
        line.until(lambda: counting(line))
        line.type(key)
        said = ended(line)
        assert "load" not in said
        assert "SAID <> ERROR <> OUTCOME <None>" in said
        assert "LEFT <b''>" in said, "the rest of an arrow key is not typed into the menu"


@pytest.mark.parametrize(
    "text", [b"\rreboot\r", b"ax", b"1\r", b"\r\r", b"\x1b[200~\r\x1b[201~", b"\x1b[200~x\x1b[201~x\r"]
)
def test_text_opens_the_menu_and_nothing_of_it_is_typed_there(text: bytes) -> None:
    program = PROGRAM.format(session="fakes.FakeSession()", flags={"timeout": "99"})
    with on_a_line(["-c", program], "xterm", LEFT="yes") as line:
        line.until(lambda: counting(line))
        assert b"\x1b[?2004h" in line.sent
        line.type(text)
        said = ended(line)
        assert "load" not in said
        assert "LEFT <b''>" in said
        assert b"\x1b[?2004l" in line.sent


def test_what_nobody_asked_for_is_no_key_and_no_size() -> None:
    with frame("99", "xterm") as line:
        line.until(lambda: counting(line))
        for report in (
            b"\x1b[48;30000;30000;0;0t",
            b"\x1b[I",
            b"\x1b[24;80R",
            b"\x1b]11;rgb:0/0/0\x07",
            b"\x1b[?1;2c",
        ):
            line.type(report)
            line.read(0.2)
        line.until(lambda: "Starts in 97 s" in line.text)
        line.type(b"\x1bOM")  # Enter of a keypad
        assert "load-debian" in ended(line)


@pytest.mark.parametrize("size", [(65535, 5000), (1, 1)])
def test_a_size_that_no_terminal_has_is_bounded(size: tuple[int, int]) -> None:
    with frame("99", size=size) as line:
        line.until(lambda: b"99 s" in line.sent)
        line.type(b"x")
        line.until(lambda: b"END" in line.sent)
        assert len(line.sent) < 8000


def test_noise_is_no_key() -> None:
    with frame("99") as line:
        line.until(lambda: counting(line))
        for noise in (b"\0", b"\xff\xfe", b"\x80\0"):
            line.type(noise)
            line.read(0.2)
        line.until(lambda: "Starts in 97 s" in line.text)
        line.type(b"\r")
        assert "load-debian" in ended(line)


def test_enter_starts_the_default_at_once_without_textual() -> None:
    with frame("99") as line:
        line.until(lambda: counting(line))
        line.type(b"\r")
        said = ended(line)
        assert "load-debian" in said
        assert "leave" in said
        assert "NO-TEXTUAL" in said
        assert "SAID <the simulated machine does not jump>" in said
        assert re.search(r"read kernel +done +35.1 MB +0.3 s", line.text)
        assert "Starting Debian GNU/Linux 12 (bookworm)" in line.text


@pytest.mark.parametrize("timeout", ["0", "1"])
def test_when_the_time_is_up_it_starts(timeout: str) -> None:
    with frame(timeout) as line:
        said = ended(line)
        assert "load-debian" in said
        assert "NO-TEXTUAL" in said


def test_without_a_countdown_the_menu_opens_at_once() -> None:
    for timeout, style in (("off", "visible"), ("9", "forced")):
        with frame(timeout, menu=style) as line:
            assert "SAID <> ERROR <> OUTCOME <None>" in ended(line)
            assert "Starts in" not in line.text


def test_hidden_is_one_line_until_a_key() -> None:
    with frame("11", menu="hidden") as line:
        line.until(lambda: " 10 s: any key opens the menu." in line.text)
        assert [row.strip() for row in line.screen.display if row.strip()] == ["10 s: any key opens the menu."]
        line.read(0.1)
        sent = len(line.sent)
        line.until(lambda: "  9 s: any key" in line.text)
        assert len(line.sent) - sent < 10
        line.type(b"x")
        assert "load" not in ended(line)


def test_a_default_that_fails_is_not_started_and_the_frame_says_why() -> None:
    with frame("2", session=FAILING) as line:
        line.until(lambda: "cannot be started here: the next one is taken." in line.text)
        assert "load-alpine" in ended(line)


def test_where_nothing_can_be_started_the_menu_stays_and_says_why() -> None:
    with frame("1", session="fakes.stuck_session()") as line:
        said = ended(line)
        assert "cannot be started here, and no other entry can start automatically.>" in said
        assert "load" not in said


def test_a_load_that_fails_is_explained_and_opens_the_menu_once() -> None:
    session = "fakes.FakeSession(load_error=fakes.BootmenuError('The disk is on fire.', 'Put it out.'))"
    with frame("0", session=session) as line:
        said = ended(line)
        assert "ERROR <The disk is on fire.>" in said
        assert said.count("load-debian") == 1
        assert "Put it out." in line.text


def test_a_mistake_while_it_loads_opens_the_menu_with_nothing_loaded(tmp_path: Path) -> None:
    """Else the machine would begin with the same countdown for ever."""
    session = "fakes.FakeSession(load_error=RecursionError('deep'))"
    with frame("0", session=session) as line:
        said = ended(line)
        assert "RecursionError: deep" in said
        assert said.count("load-debian") == said.count("unload") == 1
        assert "Traceback" not in line.text


def test_a_mistake_before_there_is_a_session_is_one_sentence() -> None:
    with frame("0", session="1 / 0") as line:
        line.until(lambda: b"InternalError" in line.sent, 40)
        line.wait()
        assert b"ZeroDivisionError: division by zero" in line.sent
        assert b"in poll" not in line.sent, "where it happened is for the log"


def test_escape_while_it_loads_takes_it_back() -> None:
    with frame("0", session=ENDLESS) as line:
        line.until(lambda: "Esc opens the menu" in line.text)
        line.type(b"\x1b")
        said = ended(line)
        assert "load-undone" in said
        assert "SAID <cancelled: nothing is loaded>" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(number: signal.Signals) -> None:
    with frame("99") as line:
        before = line.modes
        line.until(lambda: counting(line))
        os.kill(line.process.pid, number)
        assert f"OUTCOME <Quit(signal={int(number)})>" in ended(line)
        assert line.modes == before


def test_a_line_that_hangs_up_keeps_the_machine_from_nothing(tmp_path: Path) -> None:
    program = PROGRAM.format(session="fakes.FakeSession()", flags={"timeout": "3"})
    with on_a_line(["-c", program], "linux", RESULT=str(tmp_path / "calls")) as line:
        line.until(lambda: counting(line))
        ours, theirs = pty.openpty()
        os.dup2(ours, line.terminal)
        os.close(ours)
        os.close(theirs)
        assert line.process.wait(30) is not None
    assert "load debian" in (tmp_path / "calls").read_text()


def test_a_resize_draws_it_again() -> None:
    with frame("99") as line:
        line.until(lambda: counting(line))
        line.stream.feed(b"\x1b[2J")
        line.resize(60, 20)
        line.until(lambda: counting(line) and line.screen.display[0].startswith(" bootmenu "))
        assert "arm64 · 6.1.0-49-arm64" in line.screen.display[0]


def test_after_a_stop_the_terminal_is_its_own_again() -> None:
    with frame("99") as line:
        before = line.modes
        line.until(lambda: counting(line))
        raw = line.modes
        for _ in range(2):
            os.kill(line.process.pid, signal.SIGSTOP)
            termios.tcsetattr(line.terminal, termios.TCSANOW, before)  # type: ignore[arg-type]
            line.stream.feed(b"\x1b[H\x1b[J[1]+  Stopped")
            os.kill(line.process.pid, signal.SIGCONT)
            line.until(lambda: counting(line) and "Stopped" not in line.text)
            assert line.modes == raw
        os.kill(line.process.pid, signal.SIGTERM)
        assert f"OUTCOME <Quit(signal={int(signal.SIGTERM)})>" in ended(line)
        assert line.modes == before


def test_a_teletype_gets_lines_and_no_escape() -> None:
    with frame("2", term="dumb") as line:
        said = ended(line)
        assert b"\x1b" not in line.sent
        assert line.sent.count(b"Starts in") == 1
        assert b"bootmenu" in line.sent
        assert "load-debian" in said


def test_in_the_kiosk_it_speaks_plainly_and_starts_only_what_needs_no_pin() -> None:
    flags: dict[str, Any] = {
        "profile": "kiosk",
        "kiosk.contact": "Help: 0800 123 456",
        "kiosk.entries": "alpine,image-test",
    }
    with frame("3", **flags) as line:
        line.until(lambda: "Alpine Linux edge" in line.text and "Starts in" in line.text)
        shown = line.text
        assert "Help: 0800 123 456" in shown
        assert not re.search(r"bootmenu|arm64|6\.1|\bok\b|Debian", shown)
        said = ended(line)
        assert "load-alpine" in said
        assert "NO-TEXTUAL" in said
        assert "kernel" not in line.text, "no stages"


DEMONSTRATION = """
import sys
from bootmenu.frontends import launcher as menu
def show(run_):
    from bootmenu.frontends.outcome import Quit
    print("SAID", run_.notice, "TEXTUAL" if "textual" in sys.modules else "NO-TEXTUAL", "END")
    return Quit()
menu.menu_run.show = show
from bootmenu.session.machine_session import MachineSession
load = MachineSession.load
def holding(self, plan):
    print("HELD", *[name for name, mount in self._mounts._mounts.items() if mount.holders], "HERE")
    return load(self, plan)
MachineSession.load = holding
sys.exit(menu.run(menu.MenuOptions(demo=True, flags={"timeout": 0}), lambda: 0))
"""


def test_the_demonstration_starts_by_itself_without_textual() -> None:
    with on_a_line(["-c", DEMONSTRATION], "linux") as line:
        assert "Here the machine would start Debian GNU/Linux 12 (bookworm), 6.1.0-49-arm64. NO-TEXTUAL" in ended(
            line
        )
        assert "sync" in line.text
        assert re.search(r"HELD \S+ HERE", line.text), "its partition stays mounted from the plan on"


@pytest.mark.parametrize("sent", [100, *rarely(1, 1200)])
@pytest.mark.parametrize(("key", "shown"), [(b"?", "In the menu"), (b"\x1b[B", "▶ 2")])
def test_a_key_that_is_typed_early_counts_in_the_menu(sent: int, key: bytes, shown: str) -> None:
    with on_a_line(["-m", "bootmenu", "--demo"], "linux") as line:
        line.until(lambda: len(line.sent) >= sent, 40)
        line.type(key)
        line.until(lambda: shown in line.text, 40)


def test_what_is_typed_after_the_key_that_opens_the_menu_is_for_the_menu() -> None:
    with on_a_line(["-m", "bootmenu", "--demo", "--timeout", "99"], "linux") as line:
        line.until(lambda: counting(line), 40)
        line.type(b"\x1b[A?")
        line.until(lambda: "In the menu" in line.text, 40)


@pytest.mark.parametrize("term", ["linux", "vt220", "xterm-256color"])
def test_the_title_stays_where_it_was_when_the_menu_opens(term: str) -> None:
    with on_a_line(["-m", "bootmenu", "--demo", "--timeout", "99"], term) as line:
        line.until(lambda: counting(line), 40)
        title = line.screen.display[0]
        assert "SIMULATION" in title
        assert "linux,dummy-virt" in title
        line.type(b"\x1b[A")
        line.until(lambda: "checks passed" in line.text, 40)
        assert line.screen.display[0] == title
        line.type(b"q")
        assert line.wait() == 0
