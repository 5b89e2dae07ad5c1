# SPDX-License-Identifier: MIT
"""The words of bootmenu's own facts and findings, read from the program, so that a new check needs no list."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from types import CodeType, FunctionType

from bootmenu.compat import CHECKS
from bootmenu.model.machine import MachineFacts


def words_of_facts(facts: MachineFacts) -> Iterator[str]:
    """Yield the words in the names of all facts."""
    for key in _keys(facts.to_json()):
        yield from key.split("_")


@cache
def words_of_checks() -> frozenset[str]:
    """Return every word in the code of the checks: of their messages and hints, and of the keys of their evidence."""
    words = set(CHECKS.names())
    for module in sorted({check.function.__module__ for check in CHECKS.values()}):
        for value in vars(sys.modules[module]).values():
            own = isinstance(value, FunctionType) and value.__module__ == module
            for text in _texts(value.__code__ if isinstance(value, FunctionType) and own else value):
                words.update(text.split())
    return frozenset(words)


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a constant, or in the code of a function and its inner functions."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, CodeType):
        yield from _texts(value.co_consts)
    elif isinstance(value, (tuple, frozenset)):
        for item in value:
            yield from _texts(item)
