# SPDX-License-Identifier: MIT
"""For all tests: how fast a machine is decides nothing."""

from __future__ import annotations

from hypothesis import settings

# on top of what is in force: where CI is set that is a profile without chance
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")
