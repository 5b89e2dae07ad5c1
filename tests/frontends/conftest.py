# SPDX-License-Identifier: MIT
"""Tests of what is shown take nothing from the environment of the machine on which they run."""

from __future__ import annotations

from tests.environment import plain_environment as plain_environment
