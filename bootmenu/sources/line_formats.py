# SPDX-License-Identifier: MIT
"""Configurations that are read line by line: finding the files, their lines, and what is wrong with them, bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.value import Record, field
from bootmenu.sources.tree import Tree, TreeError, Trouble, read_text

MAX_ENTRIES = 1000
"""Entries of one configuration; more are left out, and that is said."""
LINE_LIMIT = 64 * 1024
"""Characters. A longer line is left out, and that is said."""
MAX_TEXT = 1024 * 1024
"""Characters of the titles and command lines of one configuration: a thousand labels may inherit a long one."""
_MAX_PROBLEMS = 50


class LineConfiguration(Record):
    """One configuration file. What it includes shares its `problems`, so that they are counted together."""

    tree: Tree
    path: str
    problems: list[Problem] = field(default_factory=list)
    """In the order they were found, at most 50."""
    unreadable: bool = False
    """It has its problem, and no text."""

    @property
    def folder(self) -> str:
        """Where the file is."""
        return self.path.rpartition("/")[0] or "/"

    @property
    def ref(self) -> FileRef:
        """The file, as an entry says where it comes from."""
        return FileRef(device=self.tree.device, path=self.path, exists=True)

    def problem(self, message: str, line: int = 0) -> None:
        """Note what is wrong; `line` counts from 1, 0 = the file as a whole."""
        if len(self.problems) < _MAX_PROBLEMS:
            message = f"line {line}: {message}" if line else message
            self.problems.append(Problem(device=self.tree.device, path=self.path, message=message))

    def text(self) -> str:
        """The whole file; empty, and a problem, when it cannot be read."""
        try:
            return "" if self.unreadable else read_text(self.tree, self.path)
        except TreeError as error:
            self.problem(error.detail)
            return ""

    def lines(self, text: str | None = None, comments: str = "#") -> Iterator[tuple[int, str]]:
        """(number, line) of the file, or of the text that was made of it, without the space around them, blank
        lines, and lines that begin with one of `comments`."""
        text = self.text() if text is None else text
        # not str.splitlines(): U+2028 and its like may be part of a title
        for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
            line = raw.strip()
            if len(line) > LINE_LIMIT:
                self.problem(f"longer than {LINE_LIMIT:,} characters, it is left out", number)
            elif line and line[0] not in comments:
                yield number, line

    def too_many(self, what: str, line: int) -> None:
        """Note that MAX_ENTRIES is reached."""
        self.problem(f"more than {MAX_ENTRIES:,} {what}, the rest is left out", line)


def configurations(tree: Tree, paths: Iterable[str]) -> Iterator[LineConfiguration]:
    """Those of `paths` that are there, each file once, and those in trouble, which are unreadable."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            info = tree.stat(path)
        except TreeError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.OUTSIDE, Trouble.NOT_A_FOLDER):
                broken = LineConfiguration(tree, path, unreadable=True)
                broken.problem(error.detail)
                yield broken
            continue
        if info.identity not in seen:
            seen.add(info.identity)
            yield LineConfiguration(tree, path)


def read_each(
    found: Iterable[LineConfiguration], entries: Callable[[LineConfiguration], Iterator[BootEntry]]
) -> Iterator[BootEntry | Problem]:
    """What is wrong with each configuration, and then its entries."""
    for config in found:
        good: list[BootEntry] = []
        left = MAX_TEXT
        for entry in entries(config):
            left -= len(entry.cmdline.text) + len(entry.title) + len(entry.id)
            if left < 0:
                config.problem("has entries that grow too long: the rest is left out")
                break
            good.append(entry)
        yield from config.problems
        yield from good


def short(text: str) -> str:
    """Text of a disk as a message quotes it."""
    return f"“{text}”" if len(text) <= 40 else f"“{text[:37]}...”"
