# SPDX-License-Identifier: MIT
"""What the terminal shows, cell by cell, so that only cells that differ are sent. A slow line is slow in bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_TOKEN = re.compile(
    r"\x1b\[(?P<row>\d*);(?P<column>\d*)H"
    r"|\x1b\[(?P<sgr>[\d;:]*)m"
    r"|(?P<newline>\r?\n)"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<other>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|.)",
    re.DOTALL,
)

_MODE = re.compile(r"\x1b\[[<=>?][0-9;$]*[a-z]|\x07")

_Cell = tuple[str, str]
"""Character and the parameters of its style. The right half of a wide character has no character."""

_BLANK: _Cell = (" ", "")


class Glass:
    """A filter for what Textual writes: cursor positions, styles and text. Anything else passes as it is."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._shown: list[list[_Cell | None]] = [[None] * width for _ in range(height)]
        """None = not known."""
        self._x = 0
        self._y = 0
        self._style = ""
        self._sent_style = ""
        self._sent_at: tuple[int, int] | None = None
        """Where the terminal's cursor stands; None = not known."""

    def forget(self) -> None:
        """The terminal may show anything: every cell is sent when it is written next."""
        self._shown = [[None] * self.width for _ in range(self.height)]
        self._sent_at = None

    def filter(self, data: str) -> str:
        """What has to be sent for the terminal to look as if it had been sent `data`."""
        sent: list[str] = []
        wanted: dict[int, dict[int, _Cell]] = {}
        for token in _TOKEN.finditer(data):
            kind = token.lastgroup
            if kind == "column":
                self._y = int(token["row"] or 1) - 1
                self._x = int(token["column"] or 1) - 1
            elif kind == "sgr":
                self._restyle(token["sgr"])
            elif kind == "newline":
                self._x, self._y = 0, self._y + 1
            elif kind == "text":
                self._put(token["text"], wanted)
            else:
                sent += self._flush(wanted)
                sent.append(self._pass(token["other"]))
        sent += self._flush(wanted)
        return "".join(sent)

    def _restyle(self, parameters: str) -> None:
        # what stands before the last reset has no effect
        parts = parameters.split(";") if parameters else ["0"]
        if parts[0] in ("", "0"):
            self._style = ";".join(parts[1:])
        elif not self._style and "38" not in parts and "48" not in parts:
            # the default colours are what there is after a reset
            self._style = ";".join(part for part in parts if part not in ("39", "49"))
        else:
            self._style = f"{self._style};{parameters}" if self._style else parameters

    def _put(self, text: str, wanted: dict[int, dict[int, _Cell]]) -> None:
        if not 0 <= self._y < self.height:
            return
        row = wanted.setdefault(self._y, {})
        for char in text:
            size = 1 if char.isascii() else cell_len(char)
            if size == 0 or self._x + size > self.width:
                continue
            row[self._x] = (char, self._style)
            if size == 2:
                row[self._x + 1] = ("", self._style)
            self._x += size

    def _pass(self, sequence: str) -> str:
        """Sequences that only set a mode leave the cells alone; after any other one nothing is known."""
        if not _MODE.fullmatch(sequence):
            self.forget()
        return sequence

    def _flush(self, wanted: dict[int, dict[int, _Cell]]) -> Iterator[str]:
        for y in sorted(wanted):
            yield from self._flush_row(y, wanted[y])
        wanted.clear()
        if self._sent_style:
            self._sent_style = ""
            yield "\x1b[m"

    def _flush_row(self, y: int, cells: dict[int, _Cell]) -> Iterator[str]:
        shown = self._shown[y]
        if any(_is_wide(cell) for cell in (*cells.values(), *shown)):
            # terminals differ about halves of wide characters: such a row is sent as it was written
            changed = sorted(cells)
            for x in changed:
                for beside in (x - 1, x + 1):
                    if beside not in cells and 0 <= beside < self.width and _is_wide(shown[beside]):
                        shown[beside] = None
        else:
            changed = sorted(x for x, cell in cells.items() if shown[x] != cell)
        for x, cell in cells.items():
            shown[x] = cell
        end = self.width
        while end > 0 and shown[end - 1] == _BLANK:
            end -= 1
        erase = sum(1 for x in changed if x >= end) > _ERASE_COST
        for start, stop in _runs([x for x in changed if x < end or not erase], shown):
            yield from self._move(start, y)
            for known in shown[start:stop]:
                assert known is not None, "a run has known cells only"
                yield from self._send(known)
            # behind the last column the terminals differ about where the cursor is
            self._sent_at = (stop, y) if stop < self.width else None
        if erase:
            yield from self._move(end, y)
            yield from self._send(("\x1b[K", ""))

    def _send(self, cell: _Cell) -> Iterator[str]:
        char, style = cell
        if style != self._sent_style:
            if not style:
                yield "\x1b[m"
            elif self._sent_style:
                yield f"\x1b[0;{style}m"
            else:
                yield f"\x1b[{style}m"
            self._sent_style = style
        yield char

    def _move(self, x: int, y: int) -> Iterator[str]:
        at = self._sent_at
        if at != (x, y):
            if at is not None and at[1] == y and at[0] < x:
                yield f"\x1b[{x - at[0]}C" if x - at[0] > 1 else "\x1b[C"
            else:
                yield f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
        self._sent_at = (x, y)


_ERASE_COST = 6
"""Bytes of moving somewhere and erasing to the end of the line."""


def _is_wide(cell: _Cell | None) -> bool:
    return cell is not None and (not cell[0] or (not cell[0].isascii() and cell_len(cell[0]) == 2))


def _runs(changed: list[int], row: list[_Cell | None]) -> Iterator[tuple[int, int]]:
    """(start, stop) of what to send; small gaps in the same style are cheaper sent than jumped over."""
    start = stop = -1
    for x in changed:
        if start >= 0 and x - stop <= _GAP and _same_style(row[stop - 1 : x]):
            stop = x + 1
            continue
        if start >= 0:
            yield start, stop
        start, stop = x, x + 1
    if start >= 0:
        yield start, stop


_GAP = 3
"""Cells: a move forward takes four bytes."""


def _same_style(cells: list[_Cell | None]) -> bool:
    return None not in cells and len({cell[1] for cell in cells if cell}) == 1
