# SPDX-License-Identifier: MIT
"""Match wildcards and extended regular expressions in time proportional to pattern times text.

A pattern on a disk must not make a backtracking matcher run forever.
"""

from __future__ import annotations

from collections.abc import Callable

from bootmenu.errors import FormatError
from bootmenu.model.closed_set import Enum, auto
from bootmenu.model.value import Record

MAX_PATTERN = 255
"""Characters of a regular expression."""
MAX_PROGRAM = 2000
"""Instructions of a program, in which repetitions such as {3,9} are expanded."""
_MAX_WRITTEN = 4 * MAX_PROGRAM
"""Instructions that are emitted in total, including those that nested repetitions emit and drop."""
_BATCH = 16  # emitted instructions that are reported together
MAX_SUBJECT = 4096
"""Characters of a text that are searched."""
_MAX_NESTING = 16


class Wildcard:
    """A pattern with the wildcards * and ?, in which a backslash escapes the next character."""

    def __init__(self, pattern: str) -> None:
        tokens: list[str | None] = []  # None stands for *, "" for ?
        at = 0
        while at < len(pattern):
            char = pattern[at]
            if char == "\\" and at + 1 < len(pattern):
                at += 1
                tokens.append(pattern[at])
            elif char != "*" or tokens[-1:] != [None]:
                tokens.append(None if char == "*" else "" if char == "?" else char)
            at += 1
        self._tokens = tokens
        self._shortest = sum(token is not None for token in tokens)
        self.steps = 0
        """Steps that all matching took so far."""

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches the whole text."""
        tokens, i, j = self._tokens, 0, 0
        self.steps += 1
        if len(text) < self._shortest:
            return False
        # backtracking to the last * is sufficient, so the work is at most pattern times text
        star, mark = -1, 0
        while i < len(text):
            self.steps += 1
            token = tokens[j] if j < len(tokens) else text[i] + "x"
            if token is None:
                star, mark = j, i
                j += 1
            elif token in ("", text[i]):
                i += 1
                j += 1
            elif star >= 0:
                mark += 1
                i, j = mark, star + 1
            else:
                return False
        return all(token is None for token in tokens[j:])


class _Op(Enum):
    CHAR = auto()
    SPLIT = auto()
    JUMP = auto()
    SAVE = auto()
    BEGIN = auto()
    END = auto()
    MATCH = auto()


class _Instruction(Record):
    op: _Op
    test: Callable[[str], bool] | None = None
    first: int = 0
    second: int = 0


_CLASSES: dict[str, Callable[[str], bool]] = {
    "alpha": str.isalpha,
    "digit": lambda char: char in "0123456789",
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda char: char in " \t",
    "punct": lambda char: char.isprintable() and not char.isalnum() and char != " ",
    "print": str.isprintable,
    "graph": lambda char: char.isprintable() and char != " ",
    "cntrl": lambda char: ord(char) < 32 or ord(char) == 127,
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
}


class Regex:
    """A POSIX extended regular expression. Raises FormatError if it is invalid or too large.

    spend: called with the number of emitted instructions; may raise an exception to stop.
    """

    def __init__(self, pattern: str, spend: Callable[[int], None] = lambda _: None) -> None:
        if len(pattern) > MAX_PATTERN:
            raise FormatError(f"the regular expression is longer than {MAX_PATTERN} characters")
        self._spend = spend
        self._written = 0
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self.groups = 0
        self._program: list[_Instruction] = []
        self._emit(_Op.SAVE, first=0)
        self._alternatives()
        if self._at < len(pattern):
            raise FormatError("the regular expression has an unmatched )", self._at)
        self._emit(_Op.SAVE, first=1)
        self._emit(_Op.MATCH)

    def cost(self, text: str) -> int:
        """Return the maximum number of instructions for a search in this text; saving a group's position costs more
        with more groups."""
        kept = sum(instruction.op is _Op.SAVE for instruction in self._program)
        once = len(self._program) + kept * self.groups // 4
        return once * (min(len(text), MAX_SUBJECT) + 1)

    def search(self, text: str) -> list[str | None] | None:
        """Return the match and its groups, with None for a group that did not take part; or None without a match.

        The leftmost match is returned, preferring earlier alternatives and greedy repetitions; POSIX prefers the
        longest one, which is a difference for alternatives only.
        """
        text = text[:MAX_SUBJECT]
        best: tuple[int, ...] | None = None
        blank = (-1,) * (2 * self.groups + 2)
        threads: list[tuple[int, tuple[int, ...]]] = []
        for position in range(len(text) + 1):
            seen: set[int] = set()
            ready: list[tuple[int, tuple[int, ...]]] = []
            for counter, saved in threads:
                self._follow(counter, saved, position, len(text), seen, ready)
            if best is None:
                self._follow(0, blank, position, len(text), seen, ready)
            threads = []
            for counter, saved in ready:
                instruction = self._program[counter]
                if instruction.op is _Op.MATCH:
                    best = saved
                    break  # the remaining threads have lower priority
                if position < len(text) and instruction.test is not None and instruction.test(text[position]):
                    threads.append((counter + 1, saved))
            if not threads and best is not None:
                break
        if best is None:
            return None
        spans = zip(best[::2], best[1::2], strict=True)
        return [text[start:end] if start >= 0 and end >= 0 else None for start, end in spans]

    def _follow(
        self,
        counter: int,
        saved: tuple[int, ...],
        position: int,
        end: int,
        seen: set[int],
        ready: list[tuple[int, tuple[int, ...]]],
    ) -> None:
        """Add all threads that are reachable without reading a character, in order of priority."""
        stack = [(counter, saved)]
        while stack:
            counter, saved = stack.pop()
            if counter in seen:
                continue
            seen.add(counter)
            instruction = self._program[counter]
            match instruction.op:
                case _Op.JUMP:
                    stack.append((instruction.first, saved))
                case _Op.SPLIT:
                    stack.append((instruction.second, saved))
                    stack.append((instruction.first, saved))
                case _Op.SAVE:
                    at = instruction.first
                    stack.append((counter + 1, (*saved[:at], position, *saved[at + 1 :])))
                case _Op.BEGIN | _Op.END:
                    if position == (0 if instruction.op is _Op.BEGIN else end):
                        stack.append((counter + 1, saved))
                case _Op.CHAR | _Op.MATCH:
                    ready.append((counter, saved))

    def _emit(
        self, op: _Op, test: Callable[[str], bool] | None = None, first: int = 0, second: int = 0
    ) -> _Instruction:
        # also count instructions that are dropped later, as in {999}{0}
        self._written += 1
        if len(self._program) >= MAX_PROGRAM or self._written > _MAX_WRITTEN:
            raise FormatError("the regular expression is too large")
        if self._written % _BATCH == 0:
            self._spend(_BATCH)
        instruction = _Instruction(op, test, first, second)
        self._program.append(instruction)
        return instruction

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _alternatives(self) -> None:
        began = len(self._program)
        self._sequence()
        jumps: list[_Instruction] = []
        while self._peek() == "|":
            self._at += 1
            branch = self._cut(began)
            split = self._emit(_Op.SPLIT, first=began + 1)
            self._paste(branch, 1)
            jumps.append(self._emit(_Op.JUMP))
            split.second = began = len(self._program)
            self._sequence()
        for jump in jumps:
            jump.first = len(self._program)

    def _cut(self, began: int) -> list[_Instruction]:
        piece = self._program[began:]
        del self._program[began:]
        return piece

    def _paste(self, piece: list[_Instruction], shift: int) -> None:
        """Append a piece of the program, with its jumps moved by `shift`."""
        for each in piece:
            moves = each.op in (_Op.SPLIT, _Op.JUMP)
            self._emit(each.op, each.test, each.first + shift * moves, each.second + shift * moves)

    def _sequence(self) -> None:
        while self._at < len(self._pattern) and self._peek() not in ("|", ")"):
            began = len(self._program)
            self._atom()
            while self._peek() in ("*", "+", "?", "{") and self._at < len(self._pattern):
                bounds = self._bounds()
                if bounds is None:
                    break
                self._repeat(began, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        char = self._peek()
        if char != "{":
            self._at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        close = self._pattern.find("}", self._at)
        low, comma, high = self._pattern[self._at + 1 : max(close, 0)].partition(",")
        numbers = [text for text in (low, high) if text]
        if close < 0 or not low or any(not text.isdecimal() or len(text) > 3 for text in numbers):
            raise FormatError("the regular expression has an invalid repetition", self._at)
        self._at = close + 1
        return int(low), (int(high) if high else None) if comma else int(low)

    def _repeat(self, began: int, low: int, high: int | None) -> None:
        piece = self._cut(began)
        length = len(piece)
        for _ in range(low):
            self._paste(piece, len(self._program) - began)
        if high is None:
            start = len(self._program)
            self._emit(_Op.SPLIT, first=start + 1, second=start + length + 2)
            self._paste(piece, start + 1 - began)
            self._emit(_Op.JUMP, first=start)
            return
        splits: list[_Instruction] = []
        for _ in range(high - low):
            splits.append(self._emit(_Op.SPLIT, first=len(self._program) + 1))
            self._paste(piece, len(self._program) - began)
        for split in splits:
            split.second = len(self._program)

    def _atom(self) -> None:
        char = self._peek()
        self._at += 1
        match char:
            case "(":
                self._depth += 1
                if self._depth > _MAX_NESTING:
                    raise FormatError("the regular expression is nested too deeply", self._at)
                self.groups += 1
                group = self.groups
                self._emit(_Op.SAVE, first=2 * group)
                self._alternatives()
                if self._peek() != ")":
                    raise FormatError("the regular expression has an unmatched (", self._at)
                self._at += 1
                self._depth -= 1
                self._emit(_Op.SAVE, first=2 * group + 1)
            case ".":
                self._emit(_Op.CHAR, lambda _: True)
            case "^":
                self._emit(_Op.BEGIN)
            case "$":
                self._emit(_Op.END)
            case "[":
                self._emit(_Op.CHAR, self._set())
            case "\\" if self._at < len(self._pattern):
                wanted = self._peek()
                self._at += 1
                self._emit(_Op.CHAR, wanted.__eq__)
            case _:
                self._emit(_Op.CHAR, char.__eq__)

    def _set(self) -> Callable[[str], bool]:
        pattern, at = self._pattern, self._at
        negated = pattern.startswith("^", at)
        at += negated
        singles: set[str] = set()
        tests: list[Callable[[str], bool]] = []
        first = True
        while first or not pattern.startswith("]", at):
            first = False
            if at >= len(pattern):
                raise FormatError("the regular expression has an unmatched [", self._at)
            close = pattern.find(":]", at)
            if pattern.startswith("[:", at) and close > 0:
                name = pattern[at + 2 : close]
                if name not in _CLASSES:
                    raise FormatError("the regular expression has an unknown character class", at)
                tests.append(_CLASSES[name])
                at = close + 2
            elif pattern[at + 1 : at + 2] == "-" and pattern[at + 2 : at + 3] not in ("", "]"):
                low, high = pattern[at], pattern[at + 2]
                tests.append(lambda char, low=low, high=high: low <= char <= high)  # type: ignore[misc]
                at += 3
            else:
                singles.add(pattern[at])
                at += 1
        self._at = at + 1
        return lambda char: (char in singles or any(test(char) for test in tests)) != negated
