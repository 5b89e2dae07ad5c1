# SPDX-License-Identifier: MIT
"""The PIN: what is stored, what is compared, and the pauses after wrong ones, also over a power cut."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bootstate.pin import PAUSES, TRIES_BEFORE_PAUSE, Guard, PinError, StoredPin, guard, pause
from bootmenu.bootstate.state import State, StateError
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.cli import main
from bootmenu.config.settings_layers import load
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from tests.properties import examples

QUICK = StoredPin.new("4711", n=2)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def asking(folder: Path, clock: Clock) -> Guard:
    return Guard(QUICK, StateStore(FolderBackend(folder)), clock)


def test_what_is_printed_is_what_the_settings_take(tmp_path: Path) -> None:
    stored = StoredPin.new("2580")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/bootmenu.toml").write_text(f'[kiosk]\npin = "{stored}"\n')
    found = load(Host(root=tmp_path))
    assert not found.problems
    again = StoredPin.parse(found.settings.kiosk_pin or "")
    assert again == stored
    assert again.matches("2580")
    assert not again.matches("2581")
    assert StoredPin.new("2580") != stored, "another salt every time"


def test_it_is_scrypt_as_rfc_7914_has_it() -> None:
    # RFC 7914, 12: the second test vector is scrypt("password", "NaCl", 1024, 8, 16)
    known = "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    salt = b"NaCl" * 2
    other = hashlib.scrypt(b"4711", salt=salt, n=1024, r=8, p=16, dklen=32).hex()
    assert hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=32).hex() == known
    assert StoredPin.parse(f"scrypt$1024$8$16${salt.hex()}${other}").matches("4711")


@pytest.mark.parametrize("pin", ["", "123", "1" * 33, "12a4", "12 4", "１２３４", "-123"])
def test_a_pin_is_digits(pin: str) -> None:
    with pytest.raises(PinError):
        StoredPin.new(pin)


@pytest.mark.parametrize(
    "numbers",
    [
        "0$8$1",
        "1$8$1",
        "3$8$1",
        "16384$0$1",
        "16384$8$0",
        "4194304$8$1",
        "65536$8$99",
        "1048576$1$99",
        "2$99$99999999",
    ],
)
def test_parameters_that_take_too_much_are_refused_before_anything_is_computed(
    numbers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashlib, "scrypt", lambda *_args, **_words: pytest.fail("was computed"))
    with pytest.raises(PinError):
        StoredPin.parse(f"scrypt${numbers}${'00' * 16}${'00' * 32}")


@examples(300)
@given(
    st.text(max_size=80)
    | st.builds(
        "scrypt${}${}${}${}${}".format,
        st.integers(0, 10**8),
        st.integers(0, 200),
        st.integers(0, 200),
        st.binary(max_size=70).map(bytes.hex),
        st.binary(max_size=70).map(bytes.hex),
    )
)
def test_any_text_is_a_stored_pin_or_an_error(text: str) -> None:
    try:
        stored = StoredPin.parse(text)
    except PinError:
        return
    assert stored.memory <= 64 * 1024 * 1024
    assert StoredPin.parse(str(stored)) == stored


def test_pauses_grow() -> None:
    assert [pause(wrong) for wrong in range(TRIES_BEFORE_PAUSE + 1)] == [0] * (TRIES_BEFORE_PAUSE + 1)
    assert [pause(TRIES_BEFORE_PAUSE + 1 + index) for index in range(len(PAUSES))] == list(PAUSES)
    assert pause(10_000) == PAUSES[-1]


def test_wrong_ones_bring_a_pause_in_which_even_the_right_one_is_not_looked_at(tmp_path: Path) -> None:
    clock = Clock()
    asked = asking(tmp_path, clock)
    for _ in range(TRIES_BEFORE_PAUSE):
        assert not asked.opens("0000")
        assert asked.wait == 0
    assert not asked.opens("0000")
    assert asked.wait == 5
    assert not asked.opens("4711")
    assert asked.wrong == TRIES_BEFORE_PAUSE + 1, "a try in the pause is none"
    clock.now += 4.5
    assert asked.wait == 1
    clock.now += 0.6
    assert asked.opens("4711")
    assert asked.wrong == 0
    assert asking(tmp_path, clock).wrong == 0


def test_a_restart_begins_with_the_whole_pause(tmp_path: Path) -> None:
    clock = Clock()
    asked = asking(tmp_path, clock)
    for wrong in range(1, 9):
        assert not asked.opens("0000")
        clock.now += 1
        asked = asking(tmp_path, clock)
        assert asked.wrong == wrong
        assert asked.wait == pause(wrong)
        clock.now += 400
    assert asked.opens("4711")


def test_the_count_is_on_the_disk_before_the_pin_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut between trying and answering must not give the try back."""
    seen: list[int] = []

    def look(self: StoredPin, pin: str) -> bool:
        seen.append(StateStore(FolderBackend(tmp_path)).state.wrong_pins)
        return False

    asked = asking(tmp_path, Clock())
    monkeypatch.setattr(StoredPin, "matches", look)
    asked.opens("0000")
    asked.opens("0000")
    assert seen == [1, 2]


def test_the_rest_of_the_state_is_kept(tmp_path: Path) -> None:
    memory = StateStore(FolderBackend(tmp_path))
    memory.keep(State(default="debian"))
    asked = Guard(QUICK, memory, Clock())
    asked.opens("0000")
    memory.keep(replace(memory.state, once="other"))
    asked.opens("0000")
    assert StateStore(FolderBackend(tmp_path)).state == State(default="debian", once="other", wrong_pins=2)


class Unreadable:
    """A place that cannot be read any more, nor written to where `full`."""

    def __init__(self, *, full: bool) -> None:
        self.full = full

    def read(self) -> State:
        raise StateError("the remembered state is damaged")

    def write(self, state: State) -> None:
        if self.full:
            raise StateError("no space is left")


@pytest.mark.parametrize(
    "memory", [StateStore(None), StateStore(Unreadable(full=True)), StateStore(Unreadable(full=False))]
)
def test_where_nothing_is_remembered_even_the_first_try_waits_the_longest_pause(memory: StateStore) -> None:
    """Or a restart would be the way around it."""
    clock = Clock()
    asked = Guard(QUICK, memory, clock)
    for _ in range(2):
        assert asked.wait == PAUSES[-1]
        assert not asked.opens("4711")
        clock.now += PAUSES[-1] - 0.5
        assert asked.wait == 1
        asked = Guard(QUICK, memory, clock)  # a restart
    clock.now += PAUSES[-1] + 1
    assert not asked.opens("0000")
    assert asked.wait == PAUSES[-1], "how many were wrong before is not known"
    assert not asked.opens("4711")
    clock.now += PAUSES[-1] + 1
    assert asked.opens("4711")
    assert memory.state.wrong_pins == 0


def test_a_place_that_holds_nothing_yet_makes_nobody_wait(tmp_path: Path) -> None:
    assert asking(tmp_path / "new", Clock()).wait == 0


def test_the_command_reads_it_twice_and_prints_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers = ["2580", "2580", "2580", "2581", "12", "never asked for"]
    monkeypatch.setattr("getpass.getpass", lambda _prompt: answers.pop(0))
    assert main(["pin"]) == 0
    said = capsys.readouterr()
    assert "2580" not in said.out + said.err
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/bootmenu.toml").write_text("[kiosk]\n" + said.out)
    assert StoredPin.parse(load(Host(root=tmp_path)).settings.kiosk_pin or "").matches("2580")
    assert main(["pin"]) == 1
    assert "bootmenu: the two are not the same" in capsys.readouterr().err
    assert main(["pin"]) == 1
    assert "bootmenu: a PIN has 4 to 32 digits" in capsys.readouterr().err
    assert answers == ["never asked for"]


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (b"", 2, b"bootmenu: there was no PIN to read\n"),
        (b"4711\n", 2, b"bootmenu: there was no PIN to read\n"),
        (b"4711\n4711\n", 0, b"bootmenu: this line belongs into the table [kiosk]"),
    ],
)
def test_without_a_terminal_it_is_read_from_standard_input_without_a_warning(
    typed: bytes, code: int, said: bytes
) -> None:
    command = [sys.executable, "-m", "bootmenu", "pin"]
    done = subprocess.run(
        command, input=typed, capture_output=True, timeout=60, check=False, start_new_session=True
    )  # of its own: there is no /dev/tty then
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert done.stdout.startswith(b'pin = "scrypt$') == (code == 0)


def test_every_console_and_the_menu_after_a_fault_have_the_same_pauses() -> None:
    memory = StateStore(None)
    first = guard(QUICK, memory)
    assert first.wait
    assert not first.opens("4711")
    assert guard(QUICK, memory) is first
    assert guard(QUICK, StateStore(None)) is not first
