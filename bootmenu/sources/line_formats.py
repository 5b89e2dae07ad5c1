# SPDX-License-Identifier: MIT
"""Read line-based configuration files within bounds: find the files, split them into lines, collect problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.value import Record, field
from bootmenu.sources.tree import Tree, TreeError, read_text

MAX_ENTRIES = 1000
"""Entries per configuration; further ones are left out, with a problem."""
LINE_LIMIT = 64 * 1024
"""Characters; a longer line is left out, with a problem."""
MAX_TEXT = 1024 * 1024
"""Characters of all titles and kernel command lines of a configuration: a thousand labels may inherit a long one."""
_MAX_PROBLEMS = 50


class LineConfiguration(Record):
    """One configuration file. Included files share its `problems`, so that the limit applies to all together."""

    tree: Tree
    path: str
    problems: list[Problem] = field(default_factory=list)
    """Problems in the order they were found, at most 50."""
    unreadable: bool = False
    """Whether the file cannot be read; its problem is already recorded."""

    @property
    def folder(self) -> str:
        """Return the path of the directory that holds the file."""
        return self.path.rpartition("/")[0] or "/"

    @property
    def ref(self) -> FileRef:
        """Return the reference to the file for BootEntry.config."""
        return FileRef(device=self.tree.device, path=self.path, exists=True)

    def problem(self, message: str, line: int = 0) -> None:
        """Record a problem in a line, counted from 1, or in the file as a whole (0)."""
        if len(self.problems) < _MAX_PROBLEMS:
            message = f"line {line}: {message}" if line else message
            self.problems.append(Problem(device=self.tree.device, path=self.path, message=message))

    def text(self) -> str:
        """Return the content of the file; if it cannot be read, record a problem and return an empty text."""
        try:
            return "" if self.unreadable else read_text(self.tree, self.path)
        except TreeError as error:
            self.problem(error.detail)
            return ""

    def lines(self, text: str | None = None, comments: str = "#") -> Iterator[tuple[int, str]]:
        """Yield (number, stripped line) of the file, or of the given text; skip blank lines and lines that begin with
        one of `comments`."""
        text = self.text() if text is None else text
        # not str.splitlines(): U+2028 and its like may be part of a title
        for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
            line = raw.strip()
            if len(line) > LINE_LIMIT:
                self.problem(f"longer than {LINE_LIMIT:,} characters, left out", number)
            elif line and line[0] not in comments:
                yield number, line

    def too_many(self, what: str, line: int) -> None:
        """Record that MAX_ENTRIES is exceeded."""
        self.problem(f"more than {MAX_ENTRIES:,} {what}, the rest is left out", line)


def configurations(tree: Tree, paths: Iterable[str]) -> Iterator[LineConfiguration]:
    """Yield the files among `paths` that exist, each one once, including those that cannot be read."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            info = tree.stat(path)
        except TreeError as error:
            if not error.reason.is_absence:
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
    """Yield for each configuration first its problems and then its entries."""
    for config in found:
        good: list[BootEntry] = []
        left = MAX_TEXT
        for entry in entries(config):
            left -= len(entry.cmdline.text) + len(entry.title) + len(entry.id)
            if left < 0:
                config.problem("its entries are too large: the rest is left out")
                break
            good.append(entry)
        yield from config.problems
        yield from good


def short(text: str) -> str:
    """Return a quoted, shortened text for a message."""
    return f"“{text}”" if len(text) <= 40 else f"“{text[:37]}...”"
