# SPDX-License-Identifier: MIT
"""For all tests: how fast a machine is decides nothing, and neither does who has started them."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

from scripts.build_catalogues import compile_catalogues
from tests.commands.calling import call as call
from tests.commands.calling import kernel as kernel
from tests.commands.calling import on_virt as on_virt
from tests.commands.calling import partition as partition

# on top of what is in force: where CI is set that is a profile without chance
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")

# Textual reads these while it is imported
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_SMOOTH_SCROLL"] = "0"

# a shell in the background and nohup ignore these, and so would everything that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

compile_catalogues()  # what was edited since the environment was made
