# SPDX-License-Identifier: MIT
"""How much of what could be tried is tried: all in `make test-all`, which CI runs, and a part otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import settings

T = TypeVar("T")

ALL = "BOOTMENU_ALL_EXAMPLES" in os.environ


def examples(count: int, **more: Any) -> settings:
    """Return the settings of a test that takes `count` examples, however slow the machine is."""
    return settings(max_examples=count if ALL else max(3, count // 5), deadline=None, **more)


def part(items: Sequence[T]) -> Sequence[T]:
    """Return all items in `make test-all`, and otherwise every fifth."""
    return items if ALL else items[::5]


def rarely(*values: Any) -> list[Any]:
    """Return parameters of a test that only `make test-all` tries: the rest of a grid."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]
