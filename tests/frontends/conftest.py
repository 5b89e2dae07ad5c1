# SPDX-License-Identifier: MIT
"""Tests of what is shown take nothing from the environment of the machine on which they run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.builders import fakes
from tests.environment import plain_environment as plain_environment


@pytest.fixture(autouse=True)
def no_scan_goes_on() -> Iterator[None]:
    """End the scans of the sessions that a test has made: hundreds of threads would wait for nothing."""
    before = set(fakes.SCANNERS)
    yield
    for scanner in set(fakes.SCANNERS) - before:
        scanner.close()
