# SPDX-License-Identifier: MIT
"""Buttons: hostile bytes, what keys mean, long presses, and devices that come and go. Pipes are the devices."""

from __future__ import annotations

import errno
import os
import select
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.system import buttons
from bootmenu.system.buttons import (
    BTN_0,
    EV_KEY,
    KEY_1,
    KEY_A,
    KEY_DOWN,
    KEY_ENTER,
    KEY_POWER,
    KEY_SPACE,
    KEY_UP,
    KEY_VOLUMEDOWN,
    KEY_VOLUMEUP,
    KEY_Z,
    LONG,
    ButtonReader,
    Buttons,
    KeyEvent,
    Press,
    codes,
    is_buttons,
    parse,
)
from bootmenu.system.host import Host

PHONE = frozenset({KEY_VOLUMEUP, KEY_VOLUMEDOWN, KEY_POWER})
SIZE = struct.calcsize("@llHHi")


def event(code: int, value: int, kind: int = EV_KEY) -> bytes:
    return struct.pack("@llHHi", 1_764_000_000, 5, kind, code, value)


def click(code: int) -> bytes:
    return event(code, 1) + event(0, 0, kind=0) + event(code, 0) + event(0, 0, kind=0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


# ---- bytes


@given(st.binary(max_size=SIZE * 5))
def test_any_bytes_are_events_and_a_rest(data: bytes) -> None:
    events, rest = parse(data)
    assert len(rest) == len(data) % SIZE
    assert len(events) <= len(data) // SIZE
    assert all(found.value in (0, 1, 2) for found in events)


@given(st.lists(st.sampled_from([KEY_UP, KEY_ENTER, KEY_A, 0, 0xFFFF])), st.integers(1, 60))
def test_it_does_not_matter_how_the_bytes_are_cut(keys: list[int], step: int) -> None:
    data = b"".join(map(click, keys))
    found: list[KeyEvent] = []
    rest = b""
    for start in range(0, len(data), step):
        events, rest = parse(rest + data[start : start + step])
        found += events
    assert rest == b""
    assert found == [KeyEvent(key, value) for key in keys for value in (1, 0)]


@given(st.sets(st.integers(0, 0x2FF)))
def test_the_bits_of_a_device_are_its_keys(keys: set[int]) -> None:
    word = struct.calcsize("@L") * 8
    words = [sum(1 << bit for bit in range(word) if start + bit in keys) for start in range(0, 0x300, word)]
    assert codes(struct.pack(f"@{len(words)}L", *words)) == keys


def test_a_keyboard_and_a_mouse_are_no_buttons() -> None:
    assert is_buttons(PHONE)
    assert is_buttons(frozenset({BTN_0}))
    assert not is_buttons(PHONE | {KEY_ENTER, KEY_A, KEY_Z, KEY_SPACE})
    assert not is_buttons(frozenset({0x110, 0x111}))  # BTN_LEFT, BTN_RIGHT
    assert not is_buttons(frozenset())


# ---- meanings


def taken(reader: ButtonReader, *events: tuple[int, int, float]) -> list[Press]:
    return [press for code, value, now in events for press in reader.take(KeyEvent(code, value), now)]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (PHONE, {KEY_VOLUMEUP: Press.UP, KEY_VOLUMEDOWN: Press.DOWN, KEY_POWER: Press.ENTER}),
        ({KEY_UP, KEY_DOWN, KEY_ENTER}, {KEY_UP: Press.UP, KEY_DOWN: Press.DOWN, KEY_ENTER: Press.ENTER}),
        ({BTN_0, BTN_0 + 1, BTN_0 + 2}, {BTN_0: Press.UP, BTN_0 + 1: Press.DOWN, BTN_0 + 2: Press.ENTER}),
        ({KEY_1, KEY_1 + 1, KEY_1 + 2}, {KEY_1: Press.UP, KEY_1 + 1: Press.DOWN, KEY_1 + 2: Press.ENTER}),
        ({KEY_UP, KEY_DOWN, BTN_0}, {KEY_UP: Press.UP, KEY_DOWN: Press.DOWN, BTN_0: Press.ENTER}),
    ],
)
def test_three_keys_are_up_down_and_enter(keys: set[int], expected: dict[int, Press]) -> None:
    reader = ButtonReader(frozenset(keys))
    assert not reader.few
    for code, press in expected.items():
        assert taken(reader, (code, 1, 0.0), (code, 0, 0.1)) == [press]


def test_the_kernel_s_repetition_moves_and_never_starts_anything() -> None:
    reader = ButtonReader(PHONE)
    assert taken(reader, (KEY_VOLUMEDOWN, 1, 0), (KEY_VOLUMEDOWN, 2, 0.3)) == [Press.DOWN, Press.DOWN]
    assert taken(reader, (KEY_POWER, 1, 0), (KEY_POWER, 2, 0.3), (KEY_POWER, 2, 0.4)) == [Press.ENTER]


@pytest.mark.parametrize("keys", [{KEY_POWER}, {KEY_VOLUMEUP, KEY_POWER}, {BTN_0}, {BTN_0, BTN_0 + 1}])
def test_with_one_or_two_keys_short_is_next_and_long_is_choose(keys: set[int]) -> None:
    for code in keys:
        reader = ButtonReader(frozenset(keys))
        assert reader.few
        assert taken(reader, (code, 1, 0.0), (code, 0, LONG - 0.1)) == [Press.DOWN]
        assert taken(reader, (code, 1, 10.0), (code, 0, 10 + LONG)) == [Press.ENTER]
        # it is told while the key is held, and once
        assert taken(reader, (code, 1, 20.0)) == []
        assert reader.until(20.25) == pytest.approx(LONG - 0.25)
        assert list(reader.passed(20 + LONG - 0.01)) == []
        assert list(reader.passed(20 + LONG)) == [Press.ENTER]
        assert list(reader.passed(20 + 2 * LONG)) == []
        assert reader.until(23) is None
        assert taken(reader, (code, 2, 23.0), (code, 0, 24.0)) == []


@given(
    st.lists(st.tuples(st.integers(0, 0x300), st.integers(0, 2), st.floats(0, 100))), st.sets(st.integers(0, 0x300))
)
def test_any_events_give_presses_and_hold_little(events: list[tuple[int, int, float]], keys: set[int]) -> None:
    reader = ButtonReader(frozenset(keys))
    taken(reader, *events)
    list(reader.passed(200.0))
    assert len(reader._held) <= 0x30


# ---- devices


class Board:
    """A /dev/input whose devices are named pipes."""

    def __init__(self, root: Path) -> None:
        self.host = Host(root=root)
        self.folder = root / "dev/input"
        self.folder.mkdir(parents=True)
        self.keys: dict[str, frozenset[int]] = {}
        self.writers: list[int] = []

    def plug(self, name: str, keys: frozenset[int]) -> Callable[[bytes], None]:
        path = self.folder / name
        os.mkfifo(path)
        self.keys[os.path.realpath(path)] = keys
        # for reading, too: a pipe without a reader cannot be opened for writing only
        writer = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.writers.append(writer)

        def write(data: bytes) -> None:
            os.write(writer, data)

        return write

    def keys_of(self, descriptor: int) -> frozenset[int]:
        try:
            return self.keys[os.path.realpath(f"/proc/self/fd/{descriptor}")]
        except KeyError:
            raise OSError(errno.ENOTTY, "not a device") from None

    def buttons(self, clock: Clock) -> Buttons:
        return Buttons(self.host, keys_of=self.keys_of, clock=clock)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    found = Board(tmp_path)
    yield found
    for descriptor in found.writers:
        os.close(descriptor)


def test_presses_of_several_devices_and_nothing_of_keyboards(board: Board) -> None:
    board.plug("event0", frozenset({KEY_A, KEY_Z, KEY_SPACE, KEY_ENTER}))
    volume = board.plug("event1", frozenset({KEY_VOLUMEUP, KEY_VOLUMEDOWN}))
    power = board.plug("event10", frozenset({KEY_POWER}))
    (board.folder / "event3").write_bytes(b"no device")
    (board.folder / "mouse0").write_bytes(b"")
    read = board.buttons(Clock())
    presses = read.presses()
    read._find()
    assert len(read._devices) == 2
    assert not read.few
    volume(click(KEY_VOLUMEDOWN) + click(KEY_A) + click(KEY_POWER))
    assert next(presses) is Press.DOWN
    power(click(KEY_POWER)[:5])
    power(click(KEY_POWER)[5:])
    assert next(presses) is Press.ENTER
    read.stop()
    assert list(presses) == []
    assert not read._devices


def test_what_is_read_late_was_not_pressed_long(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's times count, where a device gives them by the clock that is asked for."""
    monkeypatch.setattr("bootmenu.system.buttons.fcntl.ioctl", lambda *_: 0)
    power = board.plug("event0", frozenset({KEY_POWER}))
    times = iter(range(0, 10_000, 100))
    read = Buttons(board.host, keys_of=board.keys_of, clock=lambda: float(next(times)))
    presses = read.presses()
    power(
        struct.pack("@llHHi", 1, 900_000, EV_KEY, KEY_POWER, 1)
        + struct.pack("@llHHi", 2, 100_000, EV_KEY, KEY_POWER, 0)
    )
    assert next(presses) is Press.DOWN
    power(struct.pack("@llHHi", 3, 0, EV_KEY, KEY_POWER, 1) + struct.pack("@llHHi", 5, 0, EV_KEY, KEY_POWER, 0))
    assert next(presses) is Press.ENTER
    read.stop()
    assert list(presses) == []


def test_a_device_that_is_unplugged_is_forgotten_and_another_one_found(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buttons, "RESCAN", 0.01)
    first = board.plug("event0", PHONE)
    read = board.buttons(Clock())
    presses = read.presses()
    first(click(KEY_POWER))
    assert next(presses) is Press.ENTER
    (board.folder / "event0").unlink()
    second = board.plug("event1", PHONE)
    second(click(KEY_VOLUMEUP))
    os.close(board.writers.pop(0))  # an end of file, as if it were unplugged
    assert next(presses) is Press.UP
    read.stop()
    assert list(presses) == []


def test_a_machine_without_buttons_waits_for_some_and_can_be_stopped(tmp_path: Path) -> None:
    read = Buttons(Host(root=tmp_path))
    assert not read.few
    read.stop()
    assert list(read.presses()) == []


@pytest.mark.parametrize("begun", [False, True])
def test_it_may_be_stopped_as_often_as_one_likes_and_writes_into_nothing_else(board: Board, begun: bool) -> None:
    """An app stops them at its outcome, and once more when it ends: by then their descriptors may be a file's."""
    power = board.plug("event0", PHONE)
    read = board.buttons(Clock())
    ours = {read._waker._read, read._waker._write}
    presses = read.presses()
    if begun:
        power(click(KEY_POWER))
        assert next(presses) is Press.ENTER
    read.stop()
    assert list(presses) == []
    ends = [end for _ in range(4) for end in os.pipe2(os.O_NONBLOCK)]
    assert ours <= set(ends), "they are closed, and others' by now"
    read.stop()
    assert list(read.presses()) == []
    for end in ends[::2]:
        with pytest.raises(BlockingIOError):
            os.read(end, 1)
    for end in ends:
        os.close(end)


def test_they_are_stopped_while_they_are_waited_for(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = threading.Event()
    wait = select.select

    def stopped(*arguments: Any) -> Any:
        waits.set()
        return wait(*arguments)

    monkeypatch.setattr(select, "select", stopped)
    board.plug("event0", PHONE)
    read = board.buttons(Clock())
    thread = threading.Thread(target=lambda: list(read.presses()))
    thread.start()
    assert waits.wait(10)
    for _ in range(3):
        read.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert not read._devices


def test_the_numbers_of_the_calls_are_the_kernel_s() -> None:
    # include/uapi/linux/input.h: EVIOCGBIT(EV_KEY, 96) and EVIOCGRAB
    assert buttons._eviocgbit(EV_KEY, 96) == 0x80604521
    assert buttons._EVIOCSCLOCKID == 0x400445A0
    assert buttons._EVIOCGRAB == 0x40044590
