# SPDX-License-Identifier: MIT
"""How much of what could be tried is tried: all in `make test-all`, which CI runs, and a part otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from hypothesis import settings

T = TypeVar("T")

ALL = "BOOTMENU_ALL_EXAMPLES" in os.environ
FULL = "BOOTMENU_ALL_SUITES" in os.environ
"""Whether `make test-full` runs, with the tests that are marked `full`."""


def examples(count: int, **more: Any) -> settings:
    """Return the settings of a test that takes `count` examples, however slow the machine is."""
    return settings(max_examples=count if ALL else max(3, count // 8), deadline=None, **more)


def part(items: Iterable[T], every: int = 5) -> Sequence[T]:
    """Return all items in `make test-all`, and otherwise one in `every`."""
    return list(items)[:: 1 if ALL else every]


def rarely(*values: Any) -> list[Any]:
    """Return parameters of a test that only `make test-all` tries: the rest of a grid."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


class Offenders:
    """Many small cases as one test that names all that fail: a test of its own for each would cost more than it.

    with Offenders() as offenders:
        for case in CASES:
            with offenders.among(case): ...
    """

    def __init__(self) -> None:
        self._found: list[str] = []

    def __enter__(self) -> Offenders:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None and self._found:
            raise AssertionError(f"{len(self._found)} offenders:\n" + "\n".join(self._found))

    @contextmanager
    def among(self, case: object) -> Iterator[None]:
        """Keep an assertion that fails in this block, and go on."""
        try:
            yield
        except AssertionError as error:
            self._found.append(f"{case}: {error}")
