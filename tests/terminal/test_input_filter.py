# SPDX-License-Identifier: MIT
"""What may come in: any bytes, however they are cut, give keys of the list, and an Enter only where it is alone."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootmenu.frontends.tui.driver import key_event, mouse_event
from bootmenu.terminal.input_filter import LONGEST_PASTE, Click, Key, Paste, Synchronised, Token, TokenReader
from tests.properties import examples

REPORTS = [
    b"\x1b[48;30000;30000;0;0t",  # in-band resize
    b"\x1b[8;30000;30000t",  # the size in cells
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b[?2048;1$y",
    b"\x1b[?1;2c",
    b"\x1b[>0;276;0c",
    b"\x1b[0n",
    b"\x1b[24;80R",
    b"\x1b[1;2R",
    b"\x1b[57441;1:3u",
    b"\x1b[27;5;13~",
    b"\x1b]11;rgb:0000/0000/0000\x07",
    b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1b_Gi=1;OK\x1b\\",
    b"\x1b^private\x1b\\",
    b"\x1bXstring\x1b\\",
    b"\x1b[99999999999999999999999999999999999999999999999999999;1A",
    b"\x1b[M !!",
    b"\xff\xfe",
    b"\xc2\x9b",
]

PIECES = st.sampled_from(
    [
        *REPORTS,
        *(
            b"\r",
            b"\n",
            b"\r\n",
            b"\0",
            b"x",
            b"y",
            b"q",
            b"3",
            b"\x1b",
            b"\x1b[",
            b"\x1bO",
            b"\x1b]",
            b"\x1bP",
            b"[",
        ),
        *(b"\x1b[A", b"\x1bOB", b"\x1b[5~", b"\x1b[24~", b"\x1bOM", b"\x1b[<0;5;5M", b"\x1b[200~", b"\x1b[201~"),
        *("ü".encode(), "日".encode(), b"\x7f", b"\x03", b"\x18", b"\x9b", b"\x1b[?2026;2$y"),
    ]
)
STREAMS = st.one_of(st.binary(max_size=80), st.lists(PIECES, max_size=12).map(b"".join))


def burst(data: bytes, reader: TokenReader | None = None) -> list[Token]:
    """All that comes of it when the line is quiet afterwards."""
    reader = reader or TokenReader()
    tokens = reader.feed(data)
    while reader.wait is not None:
        tokens += reader.quiet()
    return tokens


def key(name: str, character: str = "", *, alone: bool = True) -> Key:
    return Key(name, character, alone)


@pytest.mark.parametrize("report", REPORTS)
def test_what_nobody_asked_for_is_no_key(report: bytes) -> None:
    assert burst(report) == []
    reader = TokenReader()
    burst(report, reader)
    assert burst(b"\r", reader) == [key("enter")]


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        (b"\r", [key("enter")]),
        (b"\n", [key("enter")]),
        (b"\r\n", [key("enter")]),
        (b"\r\0", [key("enter")]),
        (b"\0\r", [key("enter")]),
        (b"\x1bOM", [key("enter")]),
        (b"x", [key("", "x")]),
        (b"\x03", [key("ctrl+c")]),
        (b"\x1b", [key("escape")]),
        (b"\x1b\x1b", [key("escape"), key("escape")]),
        (b"\x1b[B\x1bOB\r", [key("down"), key("down"), key("enter")]),
        (b"\x1b[B?", [key("down"), key("", "?")]),
        (b"\x1b[[A", [key("f1")]),
        (b"\x1b[<0;5;6M\x1b[<0;5;6m", [Click(0, 4, 5, True), Click(0, 4, 5, False)]),
        (b"\x1b[?2026;2$y", [Synchronised()]),
        (b"\x1b[200~one\r\ntwo\r\x1b[201~", [Paste("one\r\ntwo\r")]),
        (b"\x1b[200~\x1b[A\x1b]0;\x07\0\xff\x1b[201~", [Paste("[A]0;")]),
        (b"\x1b[24~", [key("")]),
        # not alone
        (b"j\r", [key("", "j", alone=False), key("enter", alone=False)]),
        (b"\rj", [key("", "j", alone=False)]),
        (b"\r\x1b[B", [key("down")]),
        (b"\r\r", [key("enter", alone=False)]),
        (b"one\rtwo", [key("", char, alone=False) for char in "onetwo"]),
        (b"12\r", [key("", "1", alone=False), key("", "2", alone=False), key("enter", alone=False)]),
        (b"\x1b[200~x\x1b[201~\r", [Paste("x"), key("enter", alone=False)]),
        (b"\xff\r", [key("enter", alone=False)]),
        (b"\x1b]0;\x07\r", [key("enter", alone=False)]),
        (b"\x1bx", [key("", alone=False)]),
        (b"\x1b[\r", [key("enter", alone=False)]),
    ],
)
def test_what_a_burst_means(data: bytes, tokens: list[Token]) -> None:
    assert burst(data) == tokens


@given(STREAMS, st.data())
def test_every_way_to_cut_a_stream_gives_the_same_keys(stream: bytes, data: st.DataObject) -> None:
    whole = burst(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader, tokens = TokenReader(), list[Token]()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        tokens += reader.feed(stream[start:end])
    tokens += burst(b"", reader)
    assert tokens == whole
    single, one_by_one = TokenReader(), list[Token]()
    for byte in stream:
        one_by_one += single.feed(bytes([byte]))
    assert one_by_one + burst(b"", single) == whole


_NEUTRAL = re.compile(
    rb"\x1b\[(?:[A-HPQSZ]|\[[A-E]|\d{1,2}(?:;\d{1,2})?[~^$@]|1;\d{1,2}[A-HPQS]|<\d{1,3};0*[1-9]\d*;0*[1-9]\d*[Mm]"
    rb"|\?2026;[1-4]\$y)|\x1bO[A-LN-Za-z]|\0"
)


@examples(1000)
@given(STREAMS)
@example(b"\r\x1b[")
@example(b"\n\x1b]+\x8b")
@example(b"x\x1bP")
def test_a_key_press_is_alone_but_for_keys_that_nobody_can_copy(stream: bytes) -> None:
    """Enter, and each character that is bound to something."""
    pressed = [token for token in burst(stream) if isinstance(token, Key) and token.alone]
    pressed = [
        token for token in pressed if token.name == "enter" or token.character or token.name.startswith("ctrl+")
    ]
    assert len(pressed) <= 1
    if pressed:
        rest = _NEUTRAL.sub(b"", stream)
        assert len(rest) == 1 or rest in (b"\r\n", b"\x1bOM"), "nothing else is in its burst"


@given(STREAMS)
def test_whatever_came_before_a_key_counts_when_the_line_was_quiet(stream: bytes) -> None:
    reader = TokenReader(0.5)
    burst(stream, reader)
    assert burst(b"\x1b[B", reader) == [key("down")]
    assert burst(b"\r", reader) == [key("enter")]


@given(STREAMS)
def test_every_token_is_an_event_or_nothing(stream: bytes) -> None:
    for token in burst(stream):
        match token:
            case Key():
                event = key_event(token)
                assert event is None or token.alone or event.key.startswith("text+")
            case Click():
                mouse_event(token)
            case _:
                pass


def test_an_escape_on_a_slow_line_waits_for_its_rest_and_a_letter_after_it_is_a_letter() -> None:
    reader = TokenReader(0.5)
    assert reader.feed(b"\x1b") == []
    assert reader.quiet() == []  # 0.05 s
    assert reader.wait is not None
    assert reader.wait > 0.4
    assert burst(b"[B", reader) == [key("down")]
    reader.feed(b"\x1b")
    reader.quiet()
    assert burst(b"q", reader) == [key("escape"), key("", "q")]


@pytest.mark.parametrize("begin", [b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b[200~", b"\x1b[", b"\x1b[<", b"", b"\x1b[M"])
@pytest.mark.parametrize("filling", [b"0", b";", b"a"])
def test_what_has_no_end_takes_no_memory_and_no_keys(begin: bytes, filling: bytes) -> None:
    reader = TokenReader()
    reader.feed(begin)
    for _ in range(32):
        reader.feed(filling * 4096)
    assert len(pickle.dumps(reader)) < 2 * LONGEST_PASTE
    burst(b"", reader)
    assert burst(b"\r", reader) == [key("enter")]


def test_a_long_paste_is_cut() -> None:
    (paste,) = burst(b"\x1b[200~" + b"a" * 3 * LONGEST_PASTE + b"\x1b[201~")
    assert paste == Paste("a" * LONGEST_PASTE)
