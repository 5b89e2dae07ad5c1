# SPDX-License-Identifier: MIT
"""One small registry: a package whose files each register what they add.

Adding a format, a check, a method or a theme is one new file; no list is edited elsewhere.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind, registered by the files of one package, in an explicit order.

    package: dotted name; every module in it is imported before the first look-up.
    Raises ValueError at registration when a name or an order is taken: both are mistakes in the source.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._items: dict[str, tuple[int, T]] = {}
        self._in_order: tuple[dict[str, tuple[int, T]], int, tuple[tuple[str, T], ...]] = ({}, 0, ())
        """The items of which this is the order, how many they were, and their order."""
        self._loaded = False
        self._lock = threading.RLock()

    def register(self, name: str, *, order: int) -> Callable[[T], T]:
        """Decorator: add the thing below it under `name`; look-ups are sorted by `order`."""

        def add(item: T) -> T:
            if name in self._items:
                raise ValueError(f"{self._package}: {name!r} is registered twice")
            if order in (other for other, _ in self._items.values()):
                raise ValueError(f"{self._package}: order {order} of {name!r} is taken")
            self._items[name] = (order, item)
            return item

        return add

    def _load(self) -> None:
        with self._lock:  # the menu scans in one thread and asks in another
            if self._loaded:
                return
            self._loaded = True
            try:
                package = importlib.import_module(self._package)
                for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
                    importlib.import_module(module.name)
            except BaseException:
                self._loaded = False  # or the next one to ask would get a part for the whole
                raise

    def items(self) -> Iterator[tuple[str, T]]:
        """(name, thing) in order."""
        return iter(self._ordered())

    def _ordered(self) -> tuple[tuple[str, T], ...]:
        self._load()
        items, number, ordered = self._in_order
        if items is not self._items or number != len(items):
            items = self._items
            ordered = tuple((name, item) for name, (_, item) in sorted(items.items(), key=lambda pair: pair[1][0]))
            self._in_order = (items, len(ordered), ordered)
        return ordered

    def values(self) -> list[T]:
        """The things, in order."""
        return [item for _, item in self._ordered()]

    def names(self) -> list[str]:
        """The names, in order."""
        return [name for name, _ in self.items()]

    def get(self, name: str) -> T | None:
        """The thing of that name, or None."""
        self._load()
        found = self._items.get(name)
        return None if found is None else found[1]
