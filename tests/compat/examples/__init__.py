# SPDX-License-Identifier: MIT
"""For every check code: facts under which it passes, warns or fails, and does not know. One row a sub-rule.

Each file has the examples of one file of bootmenu/compat/checks, in functions that yield them.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from tests.compat.examples.base import Example, Silent, Unreachable


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(__path__, f"{__name__}."):
        yield importlib.import_module(found.name)


def examples() -> Iterator[Example]:
    """Yield all of them: what every function of this package yields that says it yields examples."""
    for module in _modules():
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__annotations__.get("return") == "Iterator[Example]":
                yield from function()


def unreachable() -> Unreachable:
    """Return the rows that cannot exist, and why: what every file calls UNREACHABLE."""
    return {row: why for module in _modules() for row, why in getattr(module, "UNREACHABLE", {}).items()}


def silent() -> Silent:
    """Return where a check never says anything, and why that is right: what every file calls SILENT."""
    return {code: where for module in _modules() for code, where in getattr(module, "SILENT", {}).items()}


def information() -> frozenset[str]:
    """Return the codes on which nothing depends, so that what they could not read is not told: INFORMATION."""
    return frozenset(code for module in _modules() for code in getattr(module, "INFORMATION", ()))


__all__ = ["Example", "examples", "information", "silent", "unreachable"]
