# SPDX-License-Identifier: MIT
"""The state of a running script: variables, menus, loaded files, and access to the files of partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from bootmenu.errors import FormatError
from bootmenu.model.entry import FileRef, Problem
from bootmenu.sources import Platform, neighbours, patterns, references
from bootmenu.sources.parsers.grub.grub_target import own_name, own_variables
from bootmenu.sources.parsers.grub.script_values import MAX_ITEMS, MAX_TEXT, Budget, Context, Item, LoadedFiles, Menu
from bootmenu.sources.parsers.grub.syntax import Command
from bootmenu.sources.tree import Stat, Tree, TreeError, normal

STEPS_OF_A_FILE = 5
_YES = ("1", "y")
_MAX_PROBLEMS = 20
_MAX_EXPRESSIONS = 64


def quoted(text: str) -> str:
    """Return a quoted, shortened title for a message."""
    return f"“{text}”" if len(text) <= 60 else f"“{text[:57]}...”"


class ShellState:
    """The state of a running configuration.

    tree: GRUB's home, which has its first file. config: the path of that file, whose directory is GRUB's `prefix`.
    """

    def __init__(self, tree: Tree, config: str, budget: Budget, platform: Platform) -> None:
        self.tree = tree
        self.platform = platform
        self.budget = budget
        self.config = config
        """Path of the file that is being read."""
        self.config_device = tree.device
        """The partition of that file."""
        self.listed_by = tree.device
        """The partition that lists the entries defined now: the home, or the one whose own configuration led here."""
        self.context = Context()
        self.menu = Menu(self.context)
        self.loaded = LoadedFiles()
        self.problems: list[Problem] = []
        self.visited: set[tuple[int, int]] = set()
        self.bls: dict[str, Context] = {}
        """The variables at the last call of `blscfg` for each partition."""
        self.loopbacks: dict[str, str] = {}
        """Image files, as references.py writes devices, by the names that `loopback` gave to them."""
        self.scope: list[str] | None = None
        """Positional parameters; None outside of functions and entries."""
        self.in_body = False
        self.items = 0
        self.exiting = False
        self.unset: list[tuple[int, str, str]] = []
        """Unset variables of the current command: (number of the word, its parameter, variable)."""
        self.unread = False
        """Whether a file on a partition that could not be read may have set variables."""
        self.active: tuple[tuple[int, int], ...] = ()
        """Identities of the files that are being read, the outermost first."""
        self._text = 0
        self._expressions: dict[str, patterns.Regex | FormatError] = {}
        own = own_name(tree)
        self._names = tree.names | {tree.device, own, re.sub(",(gpt|msdos)", ",", own)}
        self._others: dict[str, Tree | None] = {}
        self._meant: dict[str, str] = {}
        """References by the names that GRUB has for those partitions."""
        for name, value in own_variables(tree, config, platform).items():
            self.context.set(name, value)
            self.context.exported.add(name)
        # SUSE's, grub2-btrfs-02-export-subvolume-envvars.patch
        self.context.exported.add("btrfs_subvol")

    def problem(self, message: str, path: str = "") -> None:
        """Report a problem, each only once."""
        found = Problem(device=self.config_device, path=path or self.config, message=message)
        if len(self.problems) < _MAX_PROBLEMS and found not in self.problems:
            self.problems.append(found)

    def set(self, name: str, value: str) -> int:
        """Set a variable; return 0, or 1 if the name is invalid or a limit is exceeded."""
        # execute.c:grub_script_env_set: positional parameters are not variables
        if not name or name[0].isdigit() or name in ("#", "*", "@"):
            return 1
        if not self.context.set(name, value):
            self.problem("has too many variables, or one that is too long")
            return 1
        return 0

    def is_own(self, device: str) -> bool:
        """Return whether this names the partition that is being read."""
        return references.canonical(device) in self._names

    def resolve(self, path: str) -> FileRef:
        """Return the file of `(device)/path`, or of a path on $root."""
        device, place = self.context.get("root"), path
        if path.startswith("("):
            device, _, place = path[1:].partition(")")
        device, place = self.device(device), normal(place)
        if self.context.get("btrfs_relative_path")[:1] in _YES and (subvolume := self.context.get("btrfs_subvol")):
            place = self._in_subvolume(device, subvolume, place)
        return FileRef(device=device, path=place)

    def _in_subvolume(self, device: str, subvolume: str, path: str) -> str:
        """Return the path of a file in a subvolume, as SUSE's GRUB has it (grub2-btrfs-01-add-ability-to-boot-from-
        subvolumes.patch), or the path itself if there is no such file. A partition is read from its default
        subvolume, and what is above that in the subvolume's path is left out."""
        parts = normal(subvolume)[1:].split("/")
        if (tree := self.tree_of(device)) is not None:
            for start in range(min(len(parts), 3)):
                self.budget.spend(STEPS_OF_A_FILE)
                found = f"/{'/'.join(parts[start:])}{path}"
                with suppress(TreeError):
                    tree.stat(found)
                    return found
        return path

    def device(self, name: str) -> str:
        """Return GRUB's name of a device in the form of references.py, or this partition's kernel name."""
        # the manual, Device syntax: LVM is (lvm/VOLUME), with the dashes of the device mapper, RAID is (md/0)
        name = name.strip().removeprefix("(").removesuffix(")")
        if name in self.loopbacks:
            return self.loopbacks[name]
        if not name or self.is_own(name):
            return self.tree.device
        if name.startswith("lvm/"):
            return name.removeprefix("lvm/")
        if name.startswith("md/"):
            return f"md{name[3:]}" if name[3:].isdecimal() else f"md_{name[3:]}"
        name = references.canonical(name)
        return self._meant.get(name, name)

    def grub_name(self, device: str) -> str:
        """Return the name that GRUB would give to a partition of this name (see `device`)."""
        tree = self.tree_of(device)
        name = own_name(tree) if tree is not None else device
        if tree is not None and tree is not self.tree:
            self._meant[name] = device
        return name

    def tree_of(self, device: str) -> Tree | None:
        """Return the partition of a name as returned by `device`, or None if it cannot be read here."""
        if device == self.tree.device:
            return self.tree
        if device not in self._others:
            self.budget.spend(STEPS_OF_A_FILE)
            self._others[device] = neighbours.find(self.tree, device)
        return self._others[device]

    def trees(self) -> Iterator[Tree]:
        """Yield the home, then the other partitions of its disk."""
        yield self.tree
        yield from neighbours.beside(self.tree)

    def stat(self, path: str) -> Stat | None:
        """Return the status of a path, or None if it does not exist or cannot be read here."""
        self.budget.spend(STEPS_OF_A_FILE)
        file = self.resolve(path)
        try:
            tree = self.tree_of(file.device)
            return tree.stat(file.path) if tree is not None else None
        except TreeError:
            return None

    def names(self, folder: FileRef) -> tuple[str, ...]:
        """Return the names in a directory, or nothing if it cannot be listed."""
        self.budget.spend(STEPS_OF_A_FILE)
        try:
            tree = self.tree_of(folder.device)
            names = tree.list(folder.path) if tree is not None else ()
        except TreeError:
            return ()
        self.budget.spend(len(names) // 10)
        return names

    def add(self, item: Item) -> int:
        """Add an item to the current menu; return 0, or 1 if a limit is exceeded."""
        self._text += len(item.title) + len(item.id) + sum(map(len, item.arguments))
        if self.items >= MAX_ITEMS or self._text > 4 * MAX_TEXT:
            self.problem(f"has too many entries: only the first {self.items:,} are read")
            return 1
        self.items += 1
        self.menu.items.append(item)
        return 0

    def item(
        self,
        arguments: list[str],
        *,
        given_id: str = "",
        body: tuple[Command, ...] | str | None,
        is_submenu: bool = False,
    ) -> Item:
        """Return a new item of the current menu; arguments[0] is its title."""
        title = arguments[0]
        return Item(
            title=title,
            id=given_id or title,
            given_id=bool(given_id),
            arguments=arguments,
            body=body,
            is_submenu=is_submenu,
            context=self.context,
            config=FileRef(device=self.config_device, path=self.config, exists=True),
            listed_by=self.listed_by,
            active=self.active,
            loopbacks=self.loopbacks,
        )

    def shift(self, count: int) -> int:
        """Remove the first positional parameters, as `shift` does; return 0, or 1 if there are fewer."""
        if self.scope is None:
            return 0
        if count > len(self.scope):
            return 1
        self.scope = self.scope[count:]
        return 0

    def regex(self, expression: str) -> patterns.Regex:
        """Return the compiled regular expression, from a cache since loops repeat them. Raise FormatError."""
        known = self._expressions.get(expression)
        if known is None:
            try:
                known = patterns.Regex(expression, self.budget.spend)
            except FormatError as error:
                known = error
            if len(self._expressions) >= _MAX_EXPRESSIONS:
                del self._expressions[next(iter(self._expressions))]
            self._expressions[expression] = known
        if isinstance(known, FormatError):
            raise known.with_traceback(None)
        return known
