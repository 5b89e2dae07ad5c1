# SPDX-License-Identifier: MIT
"""Tests of what is shown take nothing from the environment of the machine on which they run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import textual

from bootmenu.image.python_runtime import is_left_out
from tests.builders import fakes
from tests.environment import plain_environment as plain_environment

_FOR_TESTS = ("platformdirs.pytest_plugin",)


@pytest.fixture(autouse=True)
def no_scan_goes_on() -> Iterator[None]:
    """End the scans of the sessions that a test has made: hundreds of threads would wait for nothing."""
    before = set(fakes.SCANNERS)
    yield
    for scanner in set(fakes.SCANNERS) - before:
        scanner.close()


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_out_of_an_image() -> Iterator[None]:
    """What of Textual and rich is imported while its screens are shown is packed into an image."""
    yield
    folder = Path(textual.__file__).parent.parent
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] in ("textual", "rich", "platformdirs") and getattr(module, "__file__", None):
            path = str(Path(str(module.__file__)).relative_to(folder))
            assert not is_left_out(path) or name in _FOR_TESTS, f"{name} is imported, and no image has it"
