# SPDX-License-Identifier: MIT
"""For all tests: how fast a machine is decides nothing, and neither does who has started them."""

from __future__ import annotations

import signal

from hypothesis import settings

from tests.commands import call as call
from tests.commands import kernel as kernel
from tests.commands import on_virt as on_virt
from tests.commands import partition as partition

# on top of what is in force: where CI is set that is a profile without chance
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")

# a shell in the background and nohup ignore these, and so would everything that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
