# SPDX-License-Identifier: MIT
"""What the terminal shows, cell by cell, so that only changed cells are sent: on a slow line every byte counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from bootmenu.model.regex import regex
from bootmenu.terminal.widths import char_width, width

_TOKEN = regex(
    r"\x1b\[(?P<row>\d*);(?P<column>\d*)H"
    r"|\x1b\[(?P<sgr>[\d;:]*)m"
    r"|(?P<newline>\r?\n)"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?P<other>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|.)",
    re.DOTALL,
)

_MODE = regex(r"\x1b\[[<=>?][0-9;$]*[a-z]|\x07")

_Cell = tuple[str, str]
"""A character and its canonical style. The right half of a wide character is empty."""

_Row = list[_Cell | None]
"""A row of cells; None if it is unknown what a cell shows."""

_BLANK: _Cell = (" ", "")

_Style = tuple[frozenset[str], str, str]
"""Attributes, and the parameters of foreground and background; empty for the terminal's default colour."""

# ECMA-48, 8.3.117 SGR: what resets an attribute, and all attributes that this resets
_UNDO = {
    "22": frozenset({"1", "2"}),
    "23": frozenset({"3"}),
    "24": frozenset({"4", "21"}),
    "25": frozenset({"5", "6"}),
    "27": frozenset({"7"}),
    "28": frozenset({"8"}),
    "29": frozenset({"9"}),
}
_SEEN_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
"""Attributes that are visible on blanks: lines and reverse video."""

_DARK = ("31", "34")
"""Background colours that are so dark on the VT (170 of 255) that white letters are more readable than black."""


@lru_cache(maxsize=512)
def _parse(style: str) -> _Style:
    """Return the style that a sequence of SGR parameters sets."""
    attributes: set[str] = set()
    ground = {"3": "", "4": ""}
    parts = iter(style.split(";") if style else ())
    for part in parts:
        if part in ("", "0"):
            attributes.clear()
            ground = {"3": "", "4": ""}
        elif part in _UNDO:
            attributes -= _UNDO[part]
        elif part in ("39", "49"):
            ground[part[0]] = ""
        elif part in ("38", "48"):
            kind = next(parts, "")
            count = {"5": 1, "2": 3}.get(kind, 0)
            ground[part[0]] = ";".join([part, kind, *(next(parts, "") for _ in range(count))])
        elif len(part) in (2, 3) and part.isdigit() and part[:-1] in ("3", "4", "9", "10"):
            ground["3" if part[:-1] in ("3", "9") else "4"] = part
        else:
            attributes.add(part)
    return frozenset(attributes), ground["3"], ground["4"]


@lru_cache(maxsize=512)
def _canonical(style: str) -> str:
    """Return the same parameters for all styles that look the same."""
    attributes, foreground, background = _parse(style)
    return ";".join([*sorted(attributes), *filter(None, (foreground, background))])


@lru_cache(maxsize=512)
def _unseen(style: str) -> bool:
    """Return whether a blank in this style looks like any other blank."""
    attributes, _, background = _parse(style)
    return not background and not attributes & _SEEN_ON_BLANKS


@lru_cache(maxsize=512)
def _readable(style: str) -> str:
    """Return a style that the Linux VT shows readably. build_attr (drivers/tty/vt/vt.c) swaps the colours first and
    then brightens the letters, so that bold letters in reverse video would be dark grey. Black on red or blue is
    unreadable, too: bright white is written as one parameter, which the VT takes for bold and white."""
    attributes, foreground, background = _parse(style)
    if "7" not in attributes:
        return style
    attributes -= {"1"}
    if foreground in _DARK and not background:
        attributes -= {"7"}
        foreground, background = "97", f"4{foreground[1:]}"
    return ";".join([*sorted(attributes), *filter(None, (foreground, background))])


@lru_cache(maxsize=512)
def _turn(was: str, now: str, basic: bool) -> str:
    """Return the shortest sequence from one style to another. basic: the terminal can only reset all attributes."""
    if was == now:
        return ""
    if not now:
        return "\x1b[m"
    anew = f"\x1b[;{now}m" if was else f"\x1b[{now}m"
    (old, *old_ground), (new, *new_ground) = _parse(was), _parse(now)
    gone = set(old - new)
    steps: list[str] = []
    for undo, undone in _UNDO.items():
        if gone & undone:
            steps.append(undo)
            old, gone = old - undone, gone - undone
    for default, before, after in zip(("39", "49"), old_ground, new_ground, strict=True):
        if before != after:
            steps.append(after or default)
    steps += sorted(new - old)
    only_adds = not any(step in _UNDO or step in ("39", "49") for step in steps)
    if gone or (basic and not only_adds):
        return anew
    return min(f"\x1b[{';'.join(steps)}m", anew, key=len)


class CellDiff:
    """A filter for what Textual writes: cursor positions, styles and text. Other sequences pass unchanged.

    basic: the terminal has no scrolling region and cannot reset single attributes (`vt100`, `ansi`). brightens: the
    terminal shows bold as a brighter colour (`linux`).
    """

    def __init__(self, width: int, height: int, *, basic: bool = False, brightens: bool = False) -> None:
        self.width = width
        self.height = height
        self._basic = basic
        self._brightens = brightens
        self._shown: list[_Row] = [[None] * width for _ in range(height)]
        self._x = 0
        self._y = 0
        self._style = ""
        self._sent_style = ""
        self._sent_at: tuple[int, int] | None = None
        """Position of the terminal's cursor, or None if unknown."""

    def forget(self) -> None:
        """Forget what the terminal shows, so that every cell is sent when it is next written."""
        self._shown = [[None] * self.width for _ in range(self.height)]
        self._sent_at = None

    def filter(self, data: str) -> str:
        """Return what to send so that the terminal looks as if it had received `data`."""
        sent: list[str] = []
        wanted: dict[int, dict[int, _Cell]] = {}
        for token in _TOKEN.finditer(data):
            kind = token.lastgroup
            if kind == "column":
                self._y = int(token["row"] or 1) - 1
                self._x = int(token["column"] or 1) - 1
            elif kind == "sgr":
                self._style = _canonical(f"{self._style};{token['sgr'] or '0'}")
            elif kind == "newline":
                self._x, self._y = 0, self._y + 1
            elif kind == "text":
                self._put(token["text"], wanted)
            else:
                sent += self._flush(wanted)
                sent.append(self._pass(token["other"]))
        sent += self._flush(wanted)
        return "".join(sent).replace(_NOTHING, "")

    def _put(self, text: str, wanted: dict[int, dict[int, _Cell]]) -> None:
        if not 0 <= self._y < self.height:
            return
        row = wanted.setdefault(self._y, {})
        style = _readable(self._style) if self._brightens else self._style
        blank = _BLANK if _unseen(style) else (" ", style)
        for char in text:
            size = 1 if char.isascii() else char_width(char)
            if size == 0 or self._x + size > self.width:
                continue
            row[self._x] = blank if char == " " else (char, style)
            if size == 2:
                row[self._x + 1] = ("", style)
            self._x += size

    def _pass(self, sequence: str) -> str:
        """Return a sequence unchanged. Forget what the terminal shows, unless the sequence only sets a mode."""
        if not _MODE.fullmatch(sequence):
            self.forget()
        return sequence

    def _flush(self, wanted: dict[int, dict[int, _Cell]]) -> Iterator[str]:
        if len(wanted) >= _FEWEST_ROWS and not self._basic:
            yield from self._scroll(wanted)
        for y in sorted(wanted):
            yield self._flush_row(y, wanted[y])
        wanted.clear()
        if self._sent_style:
            self._sent_style = ""
            yield "\x1b[m"

    def _scroll(self, wanted: dict[int, dict[int, _Cell]]) -> Iterator[str]:
        """Let the terminal scroll rows that have moved up or down by one."""
        target = [list(row) for row in self._shown]
        for y, cells in wanted.items():
            for x, cell in cells.items():
                target[y][x] = cell
        if any(None in row for row in target):
            return
        blank: _Row = [_BLANK] * self.width
        costs = [_differences(row, shown) for row, shown in zip(target, self._shown, strict=True)]
        best, (first, last, step) = _SCROLL_COST, (0, 0, 0)
        for step_now in (1, -1):
            order = range(self.height) if step_now == 1 else range(self.height - 1, -1, -1)
            gain, start = 0, order[0]
            for y in order[:-1]:
                if gain <= 0:
                    gain, start = 0, y
                gain += costs[y] - _differences(target[y], self._shown[y + step_now])
                end = y + step_now
                whole = gain + costs[end] - _differences(target[end], blank)
                if whole > best:
                    best, (first, last, step) = whole, (min(start, end), max(start, end), step_now)
        if not step:
            return
        rows = self._shown[first : last + 1]
        self._shown[first : last + 1] = [*rows[1:], blank] if step == 1 else [blank, *rows[:-1]]
        for y in range(first, last + 1):
            # cells that should have stayed have moved, too
            wanted[y] = {x: cell for x, cell in enumerate(target[y]) if cell is not None}
        self._sent_at = None
        edge = f"\x1b[{last + 1}H\n" if step == 1 else f"\x1b[{first + 1}H\x1bM"
        yield f"\x1b[{first + 1};{last + 1}r{edge}\x1b[r"

    def _flush_row(self, y: int, cells: dict[int, _Cell]) -> str:
        shown = self._shown[y]
        if any(_is_wide(cell) for cell in (*cells.values(), *shown)):
            # terminals disagree about halves of wide characters: such a row is sent as it was written
            changed = sorted(cells)
            for x in changed:
                for beside in (x - 1, x + 1):
                    if beside not in cells and 0 <= beside < self.width and _is_wide(shown[beside]):
                        shown[beside] = None
        else:
            changed = sorted(x for x, cell in cells.items() if shown[x] != cell)
        before = list(shown)
        for x, cell in cells.items():
            shown[x] = cell
        if not changed:
            return ""
        began = self._sent_at, self._sent_style
        patched = self._written_over(y, changed, list(before))
        first = changed[0]
        if sum(shown[x] == _BLANK for x in changed) <= _ERASE_COST:
            return patched
        if None in shown[first:] or any(map(_is_wide, (*before, *shown))):
            return patched
        # where much of a row becomes blank, it is shorter to erase it first
        ended = self._sent_at, self._sent_style
        self._sent_at, self._sent_style = began
        erased = self._move(first, y, before) + self._erase()
        blank: _Row = [*before[:first], *[_BLANK] * (self.width - first)]
        erased += self._written_over(y, [x for x in range(first, self.width) if shown[x] != _BLANK], blank)
        if len(erased.encode()) < len(patched.encode()):
            return erased
        self._sent_at, self._sent_style = ended
        return patched

    def _written_over(self, y: int, changed: list[int], before: _Row) -> str:
        """Return what turns a row that shows `before` into the wanted one, by writing these columns."""
        shown, sent = self._shown[y], list[str]()
        end = self.width
        while end > 0 and shown[end - 1] == _BLANK:
            end -= 1
        there = bool(end) and end - 1 in changed
        erase = sum(1 for x in changed if x >= end) > (_ERASE_COST if there else _ERASE_COST + _MOVE_COST)
        for x in changed:
            cell = shown[x]
            if cell is None or (erase and x >= end):
                break
            sent.append(self._move(x, y, before))
            sent.append(self._send(cell))
            # after the last column, terminals disagree about where the cursor is
            self._sent_at = (x + 1, y) if x + 1 < self.width else None
            before[x] = cell
        if erase:
            sent += [self._move(end, y, before), self._erase()]
        return "".join(sent)

    def _erase(self) -> str:
        """Return what erases from the cursor to the end of the line, without a colour."""
        sequence = _turn(self._sent_style, "", self._basic) + "\x1b[K"
        self._sent_style = ""
        return sequence

    def _send(self, cell: _Cell) -> str:
        text, self._sent_style = _written([cell], self._sent_style, self._basic)
        return text

    def _move(self, x: int, y: int, row: _Row) -> str:
        """Return the shortest way from the cursor to a cell, which may be writing known cells again."""
        at, self._sent_at = self._sent_at, (x, y)
        if at == (x, y):
            return ""
        absolute = f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
        if at is None:
            return absolute
        if at[1] == y:
            if x < at[0]:
                back = at[0] - x
                return min("\b" * back, f"\x1b[{back}D", absolute, key=len)
            return self._onward(at[0], x, row)
        if at[1] + 1 == y:
            # a terminal takes a vertical tab for a line feed, and the line discipline puts no \r before it
            down = ("\r\n" if self._basic else "\r\v") + self._onward(0, x, row)
            return min(down, absolute, key=lambda way: len(way) + (self._basic and way is down))
        return absolute

    def _onward(self, start: int, stop: int, row: _Row) -> str:
        """Return the shortest way from one column to another of the same row."""
        count = stop - start
        if count == 0:
            return ""
        jump = f"\x1b[{count}C" if count > 1 else "\x1b[C"
        known = [cell for cell in row[start:stop] if cell is not None]
        if len(known) < count or count >= _LONGEST_GAP or any(_is_wide(cell) for cell in known):
            return jump
        again, style = _written(known, self._sent_style, self._basic)
        if style == self._sent_style and len(again.encode()) < len(jump):
            return again
        return jump


_NOTHING = "\x1b[?2026h\x1b[?2026l"
"""An empty synchronised update."""

_ERASE_COST = 3
"""Bytes of the sequence that erases to the end of the line."""

_MOVE_COST = 4
"""Bytes of moving the cursor there first."""

_SCROLL_COST = 30
"""Cells that scrolling has to save, because its sequences take about 20 bytes."""

_FEWEST_ROWS = 3
"""Changed rows from which on scrolling is considered."""

_LONGEST_GAP = 5
"""Largest gap, in cells, for which rewriting can be shorter than a jump."""


def _written(cells: list[_Cell], style: str, basic: bool) -> tuple[str, str]:
    """Return what writes the cells if the terminal is in `style`, and its style afterwards."""
    text = ""
    for char, wanted in cells:
        if (char, wanted) != _BLANK or not _unseen(style):
            text += _turn(style, wanted, basic)
            style = wanted
        text += char
    return text, style


def _differences(wanted: _Row, shown: _Row) -> int:
    return sum(1 for one, other in zip(wanted, shown, strict=True) if one != other)


def _is_wide(cell: _Cell | None) -> bool:
    return cell is not None and (not cell[0] or (not cell[0].isascii() and width(cell[0]) == 2))
