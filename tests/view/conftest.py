# SPDX-License-Identifier: MIT
"""Keep the tests of bootmenu.view independent of the environment variables of the machine."""

from __future__ import annotations

from tests.environment import plain_environment as plain_environment
