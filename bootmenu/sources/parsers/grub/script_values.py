# SPDX-License-Identifier: MIT
"""The values of a script that runs: its steps, variables, menus, and what an entry loads. All of them are bounded."""

from __future__ import annotations

from bootmenu.model.entry import FileRef
from bootmenu.model.value import Record, field
from bootmenu.sources.parsers.grub.syntax import Command

MAX_ITEMS = 1000
"""Things in all menus of one configuration."""
MAX_VALUE = 64 * 1024
"""Characters of a variable."""
MAX_TEXT = 256 * 1024
"""Characters of one command; also of all variables, and of all titles and arguments of entries, times four."""
MAX_VARIABLES = 2000


class StepsError(Exception):
    """The steps of a script are used up."""


class Budget(Record):
    """Steps that may be taken; those of a part are also the whole's."""

    left: int
    whole: Budget | None = None

    def spend(self, steps: int) -> None:
        """Raises StepsError when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise StepsError
        if self.whole is not None:
            self.whole.spend(steps)


class Context(Record):
    """GRUB's environment: a submenu and a `configfile` see only what was exported (normal/context.c)."""

    values: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    size: int = 0
    """Characters of all names and values."""

    def get(self, name: str) -> str:
        """Empty when it is not set."""
        return self.values.get(name, "")

    def set(self, name: str, value: str) -> bool:
        """False when it would be too much, and nothing has changed."""
        old = self.values.get(name)
        size = self.size + len(value) - len(old or "") + (len(name) if old is None else 0)
        if len(value) > MAX_VALUE or size > 4 * MAX_TEXT or (old is None and len(self.values) >= MAX_VARIABLES):
            return False
        self.values[name] = value
        self.size = size
        return True

    def unset(self, name: str) -> None:
        """Nothing when it is not set."""
        if name in self.values:
            self.size -= len(name) + len(self.values.pop(name))
        self.exported.discard(name)

    def copy(self) -> Context:
        """For one entry, so that it changes nothing for the others."""
        return Context(dict(self.values), set(self.exported), self.size)

    def inner(self) -> Context:
        """What a context that is opened in this one begins with."""
        context = Context(exported=set(self.exported))
        for name in self.exported:
            if name in self.values:
                context.set(name, self.values[name])
        return context


class LoadedFiles(Record):
    """What an entry has put into memory by the end of its body."""

    kernel: FileRef | None = None
    arguments: list[str] = field(default_factory=list)
    unset: list[tuple[str, str]] = field(default_factory=list)
    """Of the arguments: (parameter, variable that nothing set), as variables.needed takes them."""
    initrds: list[FileRef] = field(default_factory=list)
    dtb: FileRef | None = None


class Item(Record):
    """An entry, a submenu, or the place of an entry that another format lists (body None)."""

    title: str
    id: str
    given_id: bool
    """Whether the configuration names it; else the id is the title."""
    arguments: list[str]
    body: tuple[Command, ...] | str | None
    is_submenu: bool
    context: Context
    config: str
    active: tuple[tuple[int, int], ...]
    """The files that were being read when it was defined."""


class Menu(Record):
    """Items in order; `nested` are the menus that were shown before this one, by `configfile`."""

    context: Context
    items: list[Item] = field(default_factory=list)
    nested: list[Menu] = field(default_factory=list)
