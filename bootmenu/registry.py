# SPDX-License-Identifier: MIT
"""A registry: a package whose files each register what they add, so that adding a thing is adding one file.

What one file registers keeps the order in which it stands there. Across files, `after` and `before` name neighbours.
Files that name nobody, and that nobody names, come last, in the order of their names.
"""

from __future__ import annotations

import graphlib
import importlib
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType

from bootmenu.typed import Any, Generic, TypeVar

T = TypeVar("T")

Names = str | tuple[str, ...]
"""The name of one thing, or the names of several."""


class _Registration:
    """One thing, with the names of those that it comes after and before. file: dotted name of the module that
    registered it. last: it comes after everything else."""

    __slots__ = ("after", "before", "file", "item", "last")  # a NamedTuple takes as long as half of this module

    def __init__(self, item: Any, file: str, after: tuple[str, ...], before: tuple[str, ...], last: bool) -> None:
        self.item, self.file, self.after, self.before, self.last = item, file, after, before, last


def modules_in(package: ModuleType) -> list[str]:
    """Return the dotted names of the modules in a package, sorted. pkgutil imports inspect for the same."""
    names = {name.partition(".") for folder in package.__path__ for name in os.listdir(folder)}  # noqa: PTH208
    stems = {stem for stem, dot, suffix in names if suffix in ("py", "pyc") or not dot}
    stems -= {"__init__", "__pycache__"}
    return [f"{package.__name__}.{stem}" for stem in sorted(stems) if stem.isidentifier()]


class Registry(Generic[T]):
    """Things of one kind, registered by the files of one package.

    package: dotted name; every module in it is imported before the first look-up.
    Raises ValueError for mistakes in the source: at registration when a name is taken, at the first look-up when a
    neighbour does not exist or neighbours contradict each other.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._registered: dict[str, _Registration] = {}
        self._ordered: dict[str, T] | None = None
        """None if something was registered since they were put in order."""
        self._loaded = False
        self._lock = threading.RLock()

    def register(
        self, name: str, *, after: Names = (), before: Names = (), last: bool = False, file: str = ""
    ) -> Callable[[T], T]:
        """Return a decorator that adds the thing below it under `name`.

        after, before: names of things in other files between which it comes. last: it comes after everything else.
        file: dotted name of the module that registers it; by default the one that calls.
        """
        where = file or str(sys._getframe(1).f_globals["__name__"])

        def add(item: T) -> T:
            if name in self._registered:
                raise ValueError(f"{self._package}: {name!r} is registered twice")
            self._registered[name] = _Registration(item, where, _names(after), _names(before), last)
            self._ordered = None
            return item

        return add

    def _load(self) -> None:
        with self._lock:  # the menu scans in one thread and asks in another
            if self._loaded:
                return
            self._loaded = True
            try:
                package = importlib.import_module(self._package)
                for name in modules_in(package):
                    importlib.import_module(name)
            except BaseException:
                self._loaded = False  # or the next one to ask would get a part for the whole
                raise

    def _in_order(self) -> dict[str, T]:
        self._load()
        if self._ordered is None:
            self._ordered = {name: self._registered[name].item for name in self._sorted()}
        return self._ordered

    def _sorted(self) -> Iterator[str]:
        """Yield the names, each after those it has to follow; of several that may be next, one of the same file."""
        # not in the order of registration: which file is imported first depends on who imports what
        names = sorted(self._registered, key=lambda name: self._registered[name].file)
        place = {name: number for number, name in enumerate(names)}
        placed = self._files_with_neighbours()
        sorter = graphlib.TopologicalSorter(self._predecessors(names))
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            circle = " before ".join(error.args[1])
            raise ValueError(f"{self._package}: these cannot be put in order: {circle}") from None
        ready: list[str] = []
        last_file = ""
        while sorter.is_active():
            ready += sorter.get_ready()
            files = {name: self._registered[name].file for name in ready}
            name = min(ready, key=lambda name: (files[name] not in placed, files[name] != last_file, place[name]))
            ready.remove(name)
            sorter.done(name)
            last_file = files[name]
            yield name

    def _files_with_neighbours(self) -> set[str]:
        found = set()
        for registration in self._registered.values():
            neighbours = (*registration.after, *registration.before)
            if neighbours:
                found.add(registration.file)
            found.update(self._registered[name].file for name in neighbours if name in self._registered)
        return found

    def _predecessors(self, names: list[str]) -> dict[str, set[str]]:
        """Return which others each has to follow."""
        graph: dict[str, set[str]] = {name: set() for name in names}
        for earlier, name in itertools.pairwise(names):
            if self._registered[earlier].file == self._registered[name].file:
                graph[name].add(earlier)
        for name, registration in self._registered.items():
            for other in (*registration.after, *registration.before):
                if other not in graph:
                    raise ValueError(
                        f"{self._package}: {name!r} is to come beside {other!r}, which is not registered"
                    )
            graph[name].update(registration.after)
            for other in registration.before:
                graph[other].add(name)
            if registration.last:
                graph[name].update(other for other in names if not self._registered[other].last)
        return graph

    def items(self) -> Iterator[tuple[str, T]]:
        """Iterate over (name, thing), in order."""
        return iter(self._in_order().items())

    def values(self) -> list[T]:
        """Return the things, in order."""
        return list(self._in_order().values())

    def names(self) -> list[str]:
        """Return the names, in order."""
        return list(self._in_order())

    def get(self, name: str) -> T | None:
        """Return the thing of that name, or None."""
        return self._in_order().get(name)


def _names(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names
