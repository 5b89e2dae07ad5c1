# SPDX-License-Identifier: MIT
"""Test that no line of the plain menu is wider than the terminal, in every language."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootmenu import i18n
from bootmenu.bootstate.state import Attempt
from bootmenu.config.settings import Profile, Settings
from bootmenu.demo import demonstration
from bootmenu.demo.demo_kiosk import PIN, demonstrated
from bootmenu.discovery.scan_events import DeviceDone, DeviceFound, EntryFound, ProblemFound, ScanEvent, ScanFinished
from bootmenu.errors import BootmenuError
from bootmenu.frontends.outcome import Jump
from bootmenu.frontends.plain_kiosk import PlainKiosk
from bootmenu.frontends.plain_menu import PlainMenu
from bootmenu.frontends.ui_context import UiContext
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.model.entry import Problem
from bootmenu.model.progress import Stage
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.session_protocol import Session
from bootmenu.terminal.capabilities import columns_of
from bootmenu.terminal.cells import cells, clean, fold
from bootmenu.terminal.teletype import Teletype
from bootmenu.view.policy import Policy
from tests.builders import fakes
from tests.frontends.pseudo_terminal import on_a_line
from tests.properties import examples, part, rarely

LANGUAGES = ["de", *rarely("en", "es", "fr", "pt")]
DETAILS = [f"d {number}" for number in range(1, 12)]
EVERYTHING = (
    *("", "?", *DETAILS, "t 1", "t 3", "e 1", "2", "/other", "3", "-", "4", "1", "b", "n", "", "e 3", "b", "n", ""),
    *(
        "D 1",
        "y",
        "o 2",
        "",
        "D 99",
        "/alpine",
        "1",
        "d 1",
        "/xyz",
        "/日本語のとても長い言葉",
        "/",
        "r",
        "l",
        "p",
        "",
        "p",
        "1",
    ),
    *("k", "x" * 90, "3", "y", "7", "n"),
)


widths = st.integers(min_value=20, max_value=240)
"""Columns of a terminal."""


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    i18n.use("en", {})


@pytest.fixture(scope="module")
def demo() -> Iterator[MachineSession]:
    with demonstration(pace=None) as session:
        yield session


def printed(
    session: Session, typed: tuple[str, ...], width: int, *, ascii_only: bool, error: BootmenuError, **context: object
) -> str:
    """Return the whole output; after a jump the menu starts again, as after a jump that failed."""
    sink = io.StringIO()

    class Source(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            sink.write("\n")  # Enter
            return super().readline()

    source = Source("".join(f"{line}\n" for line in typed))
    made = UiContext(session=session, **context)  # type: ignore[arg-type]
    while True:
        teletype = Teletype(source, sink, ascii_only=ascii_only, columns=lambda: width)
        outcome = (PlainKiosk if made.policy.kiosk else PlainMenu)(made, teletype).run(error)
        if not isinstance(outcome, Jump):
            break
        session.unload(outcome.plan)
    return sink.getvalue()


def too_wide(said: str, width: int) -> list[str]:
    """Return the lines that are too wide."""
    return [line for line in said.split("\n") if cells(line) > width]


BACK = LoadError(
    "Debian cannot be read: 日本語のとても長い名前のファイルがここにあります is not there.",
    "Look at /a/very/long/path/that/has/no/blank/in/it/and/goes/on/and/on/until/no/terminal/has/room/for/it.",
    stage=Stage.LOAD,
    call="kexec_load",
    errno=16,
    kernel_log=("kexec_core: " + "x" * 300,),
)


@pytest.mark.parametrize("code", LANGUAGES)
@examples(6)
@example(20, True)
@example(80, False)
@given(widths, st.booleans())
def test_nothing_is_wider_than_the_terminal(demo: MachineSession, code: str, width: int, ascii_only: bool) -> None:
    i18n.use(code, {})
    trouble = "A setting makes no sense: " + "word " * 30
    said = printed(
        demo, EVERYTHING, width, ascii_only=ascii_only, error=BACK, warning=trouble, offer_demo=True, may_quit=False
    )
    assert not too_wide(said, width)
    assert said.isascii() or not ascii_only
    assert said.count("\n") > 300, "every command has said something"


@pytest.mark.parametrize("code", LANGUAGES)
@examples(5)
@example(20)
@given(widths)
def test_nothing_of_the_kiosk_is_wider_either(demo: MachineSession, code: str, width: int) -> None:
    i18n.use(code, {})
    actions = ("rescan", "details", "help", "power")
    used, pin = demonstrated(Settings(profile=Profile.KIOSK, kiosk_actions=actions))
    typed = ("", "?", "x", "1", "4", "5", "6", "7", "8", "9", "111", PIN, "?", "L", "2")
    said = printed(
        demo,
        typed,
        width,
        ascii_only=False,
        error=BACK,
        settings=used,
        policy=Policy.of(used),
        simulated_pin=pin,
    )
    assert not too_wide(said, width)
    words = said.split()
    assert all(word in words for word in used.kiosk_contact.split()), "a number that is cut cannot be called"


def hostile() -> tuple[ScanEvent, ...]:
    """Return events with wide, combining, right-to-left and very long names."""
    names = (
        *(
            "日本語 Linux 漢字のとても長い題名がここにあります",
            "日本語 Linux 漢字のとても長い題名がここにありました",
            "한국어 리눅스 " * 20,
        ),
        *(
            "x" * 400,
            "x" * 399 + "y",
            "é\u0301\u0302 a\u200b\u202eb",
            "\U0001f600" * 30,
            "Ａ" * 50,
            "",
            "a\tb\nc",
            "ﬁ" * 60,
        ),
    )
    found = [
        EntryFound(fakes.listing(f"id{index}", name, version="漢" * 30, source="s" * 40, cmdline="漢字" * 300))
        for index, name in enumerate(names)
    ]
    device = replace(fakes.BOOT, label="漢字" * 20)
    problem = Problem(
        device=fakes.BOOT.name, path="/漢字" * 40, message="line 4: “" + "漢" * 90 + "” makes no sense here"
    )
    return (DeviceFound(device), *found, ProblemFound(problem), DeviceDone(device, len(found)), ScanFinished(0.1))


@example(20, True)
@given(widths, st.booleans())
def test_what_a_disk_says_makes_no_line_wider(width: int, ascii_only: bool) -> None:
    session = fakes.FakeSession(events=hostile(), kernel_lines=["漢字" * 90, "x" * 300])
    said = printed(session, EVERYTHING, width, ascii_only=ascii_only, error=BACK)
    assert not too_wide(said, width)


@pytest.mark.parametrize("width", [*part(range(20, 90)), 132, 240])
def test_entries_that_differ_never_look_equal_and_have_one_line_each(width: int) -> None:
    title = "Debian GNU/Linux 13 (trixie), with Linux 6.12.57+deb13-arm64"
    titles = [
        title,
        f"{title} (recovery mode)",
        title.replace("57", "43"),
        f"{title.replace('57', '43')} (recovery mode)",
    ]
    found = [EntryFound(fakes.listing(f"id{index}", name, version="")) for index, name in enumerate([*titles, title])]
    session = fakes.FakeSession(
        events=(DeviceFound(fakes.BOOT), *found, DeviceDone(fakes.BOOT, 5), ScanFinished(0.1))
    )
    session.state_store.update(lambda state: state.booting(Attempt.now(found[1].listing.entry)).on_menu_start())
    said = printed(session, (), width, ascii_only=True, error=BACK)
    rows = [line for line in said.split("\n") if line[:4].strip(" !*>").isdigit() and line.startswith(" ")]
    assert len(rows) == len(found)
    assert len({row[4:] for row in rows}) == len(found)
    assert ("!" in rows[1][:4]) is ("last boot failed" not in rows[1]), "what did not come back is marked"
    if width >= 40:
        assert ["recovery" in row or "mode" in row for row in rows] == [False, True, False, True, False]


words = st.text(alphabet="ab/漢, \n", max_size=200)


@given(st.text(alphabet=" a!:漢", max_size=40), words, st.integers(min_value=19, max_value=240))
def test_only_what_is_longer_than_a_line_is_broken_within_a_word(head: str, text: str, width: int) -> None:
    head, text = clean(head), clean(text)
    lines = fold(head, text, width)
    assert lines
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join((head + text).split()), "nothing is lost"
    whole = {word for line in lines for word in line.split()}
    for word in text.split()[1:]:
        assert word in whole or cells(word) > width // 2


@pytest.mark.parametrize(
    ("charset", "shown"), [("utf-8", "é · 漢\n"), ("latin-1", "e - ??\n"), ("ascii", "e - ??\n")]
)
def test_a_terminal_whose_charset_is_another_one_gets_ascii(charset: str, shown: str) -> None:
    sent = io.BytesIO()
    sink = io.TextIOWrapper(sent, charset, write_through=True)
    Teletype(io.StringIO(), sink, ascii_only=False).say("é · 漢")
    assert sent.getvalue().decode(charset) == shown


def test_the_text_hangs_under_the_end_of_its_head() -> None:
    assert fold("  FAIL  ", "one two three four", 16) == ["  FAIL  one two", "        three", "        four"]
    assert fold("          a long head  ", "one two", 24) == ["   a long head one two"]
    assert fold(" 1  ", "as it is,  two  blanks", 40) == [" 1  as it is,  two  blanks"]


@pytest.mark.parametrize(
    ("size", "environ", "columns"),
    [(33, {}, 33), (33, {"COLUMNS": "50"}, 33), (0, {"COLUMNS": "50"}, 50), (0, {}, 80), (0, {"COLUMNS": "0"}, 80)]
    + [(0, {"COLUMNS": wrong}, 80) for wrong in ("", "x", "-5", "1e9", "٣٣")]
    + [(1, {}, 20), (65535, {}, 512)],
)
def test_the_width_is_the_terminal_s_own(size: int, environ: dict[str, str], columns: int) -> None:
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, size, 0, 0))
        assert columns_of(theirs, environ) == columns
    finally:
        os.close(ours)
        os.close(theirs)
    assert columns_of(-1, environ) == columns_of(theirs, environ)


def test_a_terminal_that_becomes_narrower_is_followed() -> None:
    with on_a_line(["-m", "bootmenu", "--demo", "--plain"], "linux", size=(40, 24)) as line:
        line.until(lambda: line.text.rstrip().endswith(">"), 40)
        assert max(map(len, line.sent.decode().splitlines())) in range(30, 40)
        line.resize(24, 24)
        line.settle()
        sent = len(line.sent)
        line.answer(b"")
        line.until(lambda: line.sent[sent:].count(b">") > 0 and line.text.rstrip().endswith(">"), 40)
        assert max(map(len, line.sent[sent:].decode().splitlines())) in range(18, 24)


def test_a_serial_line_without_a_size_has_80_columns_or_those_of_the_environment() -> None:
    for environ, columns in (({}, 80), ({"COLUMNS": "50"}, 50)):
        with on_a_line(["-m", "bootmenu", "--demo", "--plain"], "linux", size=None, **environ) as line:
            line.until(lambda: b"(help)" in line.sent and line.sent.rstrip().endswith(b">"), 40)
            assert max(map(len, line.sent.decode().splitlines())) in range(columns - 12, columns)
