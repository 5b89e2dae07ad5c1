# SPDX-License-Identifier: MIT
"""What may come in from a terminal: keys, clicks, pasted text, and the one answer that was asked for.

This is the only list of accepted input, for the screens, the plain menu and the first frame. Anything else is
dropped: reports of sizes, focus, modes, positions, names and colours. A sequence is kept in a few bytes however long
it is, and a pause ends one that is incomplete, so that it cannot swallow keys that are typed later.

A *burst* is input without a pause of QUIET. Pasted text is one burst, and so is what a script sends; each key that a
person presses is a burst of its own. Within a burst only keys that cannot be pasted, such as arrows, keep their
meaning:

- a character or control character counts as a key press if nothing follows it in its burst, and only arrow and
  function keys (and clicks) came before it. It is then `alone`: `Down Down Enter`, typed while the menu was busy,
  still starts an entry.
- elsewhere in a burst a character is text, which is not `alone`: it goes into a line that is being typed or moves a
  selection, but it starts, changes and leaves nothing.
- elsewhere in a burst an Enter is dropped. At the end of text it is an Enter that is not `alone`: a keypad or a
  scanner sends the digits of a PIN like that, and only a field for a secret or a filter accepts it.

Line feed, and carriage return followed by line feed or NUL, are Enter too.
"""

from __future__ import annotations

from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

QUIET = 0.05
"""Seconds without a byte that end a burst. People do not type a word and Enter faster than that; a held key repeats
about every 0.033 s and still moves. At 9600 baud a byte takes 0.001 s, and a USB adapter adds up to 0.016 s."""
PATIENCE = 0.1
"""Default seconds to wait for the rest of a sequence."""
_PASTE_PATIENCE = 1.0
"""Seconds to wait for the rest of a pasted text."""
LONGEST_PASTE = 16384
"""Bytes of a pasted text, twice what any field accepts. The rest of a longer text is dropped."""
_LONGEST_SEQUENCE = 32
"""Bytes after ESC; clicks have the longest accepted sequences."""

_ESC = 0x1B
_PASTE_END = b"\x1b[201~"
_STRING_END = regex(rb"[\x07\x18\x1a\x1b]")

_NAMED = {
    **{
        f"[{letter}": name
        for letter, name in zip("ABCDHFZ", "up down right left home end shift+tab".split(), strict=True)
    },
    **{f"O{letter}": name for letter, name in zip("ABCDHFP", "up down right left home end f1".split(), strict=True)},
    "[1~": "home",
    "[3~": "delete",
    "[4~": "end",
    "[5~": "pageup",
    "[6~": "pagedown",
    "[7~": "home",
    "[8~": "end",
    "[11~": "f1",
    "[15~": "f5",
    "[[A": "f1",  # the Linux console's
    "[[E": "f5",
}
"""Sequences after ESC of the keys that are used somewhere."""
_OTHER_KEY = regex(r"\[(?:[A-HPQSZ]|\[[A-E]|\d{1,2}(?:;\d{1,2})?[~^$@]|1;\d{1,2}[A-HPQS])|O[A-Za-z]")
"""Other keys, which only show that somebody is there. Not R, which would make a position report look like a key."""
_ENTER_OF_KEYPAD = "OM"
_CLICK = regex(r"\[<(\d{1,3});(\d{1,4});(\d{1,4})([Mm])")
_SYNCHRONISED = regex(r"\[\?2026;[1-4]\$y")
_CONTROLS = {0x09: "tab", 0x0A: "enter", 0x0D: "enter", 0x7F: "backspace"}


class Key(Value):
    """A key. character: what it types, or empty. alone: it counts as a key press (see above)."""

    name: str
    """Name like `enter`, `up` or `ctrl+c`; empty for a character, or for a key that is not used."""
    character: str = ""
    alone: bool = True


class Paste(Value):
    """Text that the terminal marked as pasted: printable characters, line ends and tabs."""

    text: str


class Click(Value):
    """A button of the mouse, or its wheel, in SGR coordinates from 0."""

    code: int
    column: int
    row: int
    pressed: bool


class Synchronised(Value):
    """The answer of a terminal that supports synchronised updates."""


Token = Key | Paste | Click | Synchronised


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    """After ESC, or after ESC and the beginning of a sequence."""
    STRING = auto()
    """In a string for an operating system or device, which is dropped."""
    OLD_CLICK = auto()
    """In an old click report: three more bytes follow, which can have any value."""
    PASTE = auto()


class TokenReader:
    """Turn bytes into tokens, without reading a clock: the caller waits for `wait` seconds after the last byte, and
    calls `quiet` if none came. patience: seconds to wait for the rest of a sequence."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = max(patience, QUIET)
        self._state = _State.GROUND
        self._sequence = bytearray()
        """Bytes of the sequence after ESC."""
        self._paused = False
        """Whether there was a pause after ESC, but not long enough."""
        self._skip = 0
        self._pasted = bytearray()
        self._tail = b""
        """The last bytes of a paste, which may begin its end marker."""
        self._multibyte = bytearray()
        self._held: Key | None = None
        """A key whose meaning depends on what follows."""
        self._text = False
        """Whether the burst had anything but keys that are sequences."""
        self._last = 0
        self._out: list[Token] = []

    @property
    def wait(self) -> float | None:
        """Return the seconds to wait for the next byte before calling `quiet`, or None to wait without a limit."""
        match self._state:
            case _State.GROUND:
                return QUIET if self._text else None
            case _State.PASTE:
                return _PASTE_PATIENCE
            case _State.ESCAPE if not self._paused:
                return QUIET
            case _State.ESCAPE:
                return self._patience - QUIET
            case _:
                return self._patience

    def feed(self, data: bytes) -> list[Token]:
        """Return the tokens that are certain after these bytes, which may be split anywhere."""
        at = 0
        while at < len(data):
            match self._state:
                case _State.PASTE:
                    at = self._in_paste(data, at)
                case _State.STRING:
                    at = self._in_string(data, at)
                case _:
                    self._byte(data[at])
                    at += 1
        return self._taken()

    def quiet(self) -> list[Token]:
        """Return the tokens that are certain because nothing came for `wait` seconds."""
        if self._state is _State.ESCAPE and not self._paused and self._patience > QUIET:
            self._paused = True
            return []
        if self._state is _State.PASTE:
            self._pasted += self._tail
            self._end_paste()
        elif self._state is _State.ESCAPE and not self._sequence:
            self._sure(Key("escape"))
        elif self._state is not _State.GROUND:
            self._followed()  # by something that has no end
        self._begin()
        held, self._held, self._text, self._last = self._held, None, False, 0
        self._multibyte.clear()
        if held is not None:
            self._out.append(held)
        return self._taken()

    def _taken(self) -> list[Token]:
        out, self._out = self._out, []
        return out

    def _begin(self) -> None:
        self._state, self._paused = _State.GROUND, False
        self._sequence.clear()

    # --- what is certain, and what has to wait

    def _followed(self) -> None:
        """Emit the held key as not alone, because something follows it."""
        held, self._held = self._held, None
        if held is not None and held.name != "enter":
            self._out.append(Key(held.name, held.character, alone=False))

    def _sure(self, token: Token) -> None:
        """Emit a token that cannot be pasted, and so keeps its meaning anywhere in a burst."""
        self._followed()
        self._out.append(token)

    def _typed(self, name: str, character: str = "") -> None:
        if name == "enter" or not self._text:
            first = not self._text
            self._followed()
            self._held = Key(name, character, alone=first)
        else:
            self._followed()
            self._out.append(Key(name, character, alone=False))
        self._text = True

    def _noise(self) -> None:
        self._followed()
        self._text = True

    # --- bytes

    def _byte(self, byte: int) -> None:
        match self._state:
            case _State.ESCAPE:
                self._in_sequence(byte)
            case _State.OLD_CLICK:
                self._skip -= 1
                if not self._skip:
                    self._begin()
            case _:
                self._plain(byte)

    def _plain(self, byte: int) -> None:
        last, self._last = self._last, byte
        if self._multibyte and byte & 0xC0 != 0x80:
            self._multibyte.clear()
        if byte == 0 or (byte == 0x0A and last == 0x0D):
            return  # telnet and serial programs send it behind a carriage return; a floating line sends NUL
        if byte == _ESC:
            self._state = _State.ESCAPE
        elif byte in _CONTROLS:
            self._typed(_CONTROLS[byte])
        elif byte < 0x20:
            self._typed(f"ctrl+{chr(byte + 0x60)}" if byte < _ESC else "")
        elif byte < 0x7F:
            self._typed("", chr(byte))
        else:
            self._part_of_character(byte)

    def _part_of_character(self, byte: int) -> None:
        self._noise()
        self._multibyte.append(byte)
        try:
            character = self._multibyte.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                self._multibyte.clear()
            return
        self._multibyte.clear()
        if character.isprintable():
            self._typed("", character)

    # ECMA-48, 5.4: CSI, parameters 3/0 to 3/15, intermediates 2/0 to 2/15, and a final byte 4/0 to 7/14
    def _in_sequence(self, byte: int) -> None:
        sequence = self._sequence
        if byte == _ESC:
            self._noise()  # a sequence that was not whole, or Escape, which is one byte as a text may have
            if not sequence:
                self._out.append(Key("escape"))
            self._begin()
            self._state = _State.ESCAPE
        elif not sequence and self._paused and byte not in b"[O":
            self._begin()
            self._sure(Key("escape"))
            self._held, self._text = None, False
            self._plain(byte)
        elif not 0x20 <= byte < 0x7F:
            introduced = bool(sequence)
            self._begin()
            self._noise()
            if introduced:
                self._plain(byte)
            else:
                self._out.append(Key("", alone=False))  # with Alt
        else:
            self._paused = False
            if len(sequence) < _LONGEST_SEQUENCE:
                sequence.append(byte)
            if not _is_open(sequence, byte):
                self._end_sequence()

    def _end_sequence(self) -> None:
        text = self._sequence.decode("ascii")
        self._begin()
        if text in ("]", "P", "_", "^", "X"):
            self._noise()
            self._state = _State.STRING
        elif text == "[200~":
            self._noise()
            self._state, self._tail = _State.PASTE, b""
            self._pasted.clear()
        elif text == "[M":
            self._noise()
            self._state, self._skip = _State.OLD_CLICK, 3
        elif text == _ENTER_OF_KEYPAD:
            self._typed("enter")
        elif (name := _NAMED.get(text)) is not None:
            self._sure(Key(name))
        elif (click := _CLICK.fullmatch(text)) is not None:
            code, column, row = map(int, click.groups()[:3])
            if column and row:
                self._sure(Click(code, column - 1, row - 1, click[4] == "M"))
        elif _SYNCHRONISED.fullmatch(text):
            self._out.append(Synchronised())
        elif _OTHER_KEY.fullmatch(text):
            self._sure(Key(""))
        else:
            self._noise()
            if text[0] not in "[O\\":  # a string's end is no key
                self._out.append(Key("", alone=False))  # with Alt

    def _in_string(self, data: bytes, at: int) -> int:
        """Skip a string (ECMA-48, 5.6). BEL ends it as well (xterm), CAN and SUB cancel it, and ESC always begins
        anew."""
        end = _STRING_END.search(data, at)
        if end is None:
            return len(data)
        self._begin()
        if data[end.start()] == _ESC:
            self._state = _State.ESCAPE
        return end.end()

    def _in_paste(self, data: bytes, at: int) -> int:
        window = self._tail + data[at:]
        end = window.find(_PASTE_END)
        if end < 0:
            keep = len(_PASTE_END) - 1
            self._add(window[:-keep])
            self._tail = window[-keep:]
            return len(data)
        self._add(window[:end])
        begun = len(self._tail)
        self._end_paste()
        self._begin()
        return at + end + len(_PASTE_END) - begun

    def _add(self, pasted: bytes) -> None:
        self._pasted += pasted[: max(0, LONGEST_PASTE - len(self._pasted))]

    def _end_paste(self) -> None:
        text = self._pasted.decode("utf-8", "ignore")
        self._pasted.clear()
        self._tail = b""
        self._out.append(Paste("".join(char for char in text if char.isprintable() or char in "\r\n\t")))


def _is_open(sequence: bytearray, byte: int) -> bool:
    """Return whether the sequence is incomplete."""
    if sequence[0] == 0x5B:  # [; the function keys of a Linux console have one more
        return len(sequence) == 1 or bytes(sequence) == b"[[" or byte < 0x40
    return len(sequence) == 1 and sequence[0] == 0x4F
