# SPDX-License-Identifier: MIT
"""The values of a running script, all of them bounded: steps, variables, menus, and the files an entry loads."""

from __future__ import annotations

from bootmenu.model.entry import FileRef
from bootmenu.model.value import Record, field
from bootmenu.sources.parsers.grub.syntax import Command

MAX_ITEMS = 2000
"""Items in all menus of one configuration: 200 snapshots of btrfs have 1,600."""
MAX_VALUE = 64 * 1024
"""Characters of a variable's value."""
MAX_TEXT = 256 * 1024
"""Characters of one command. Four times as many are allowed for all variables, and for all titles and arguments of
entries."""
MAX_VARIABLES = 2000


class StepsError(Exception):
    """Raised if a script takes too many steps."""


class Budget(Record):
    """The number of steps that are left; steps of a part also count for the whole."""

    left: int
    whole: Budget | None = None

    def spend(self, steps: int) -> None:
        """Take that many steps. Raise StepsError if not enough are left."""
        self.left -= steps
        if self.left < 0:
            raise StepsError
        if self.whole is not None:
            self.whole.spend(steps)


class Context(Record):
    """GRUB's environment: a submenu and a `configfile` only see exported variables (normal/context.c)."""

    values: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    size: int = 0
    """Characters of all names and values."""

    def get(self, name: str) -> str:
        """Return the value of a variable, empty if it is unset."""
        return self.values.get(name, "")

    def set(self, name: str, value: str) -> bool:
        """Set a variable; return False and change nothing if a limit is exceeded."""
        old = self.values.get(name)
        size = self.size + len(value) - len(old or "") + (len(name) if old is None else 0)
        if len(value) > MAX_VALUE or size > 4 * MAX_TEXT or (old is None and len(self.values) >= MAX_VARIABLES):
            return False
        self.values[name] = value
        self.size = size
        return True

    def unset(self, name: str) -> None:
        """Unset a variable if it is set."""
        if name in self.values:
            self.size -= len(name) + len(self.values.pop(name))
        self.exported.discard(name)

    def copy(self) -> Context:
        """Return a copy for one entry, so that it does not affect others."""
        return Context(dict(self.values), set(self.exported), self.size)

    def inner(self) -> Context:
        """Return a new context with the exported variables of this one."""
        context = Context(exported=set(self.exported))
        for name in self.exported:
            if name in self.values:
                context.set(name, self.values[name])
        return context


class LoadedFiles(Record):
    """The files that an entry has loaded at the end of its body."""

    kernel: FileRef | None = None
    arguments: list[str] = field(default_factory=list)
    unset: list[tuple[str, str]] = field(default_factory=list)
    """(parameter, unset variable) for the unset variables in the arguments, as for variables.needed."""
    initrds: list[FileRef] = field(default_factory=list)
    dtb: FileRef | None = None


class Item(Record):
    """An entry, a submenu, or a placeholder for an entry that another format lists (body None)."""

    title: str
    id: str
    given_id: bool
    """Whether the configuration gives the id; otherwise it is the title."""
    arguments: list[str]
    body: tuple[Command, ...] | str | None
    is_submenu: bool
    context: Context
    config: FileRef
    """The file that defines it."""
    listed_by: str
    """The partition that lists it; see ShellState.listed_by."""
    active: tuple[tuple[int, int], ...]
    """Identities of the files that were being read when it was defined."""
    loopbacks: dict[str, str]
    """The image files of its menu; see ShellState.loopbacks."""


class Menu(Record):
    """Items in order. nested: the menus that `configfile` shows before this one."""

    context: Context
    items: list[Item] = field(default_factory=list)
    nested: list[Menu] = field(default_factory=list)
