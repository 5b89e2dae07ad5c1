# SPDX-License-Identifier: MIT
"""For all tests: how fast a machine is decides nothing, and neither does who has started them."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from bootmenu.kexec import digests
from bootmenu.model.progress import Algorithm
from scripts.build_hook import compile_catalogues
from tests.commands.calling import call as call
from tests.commands.calling import kernel as kernel
from tests.commands.calling import on_virt as on_virt
from tests.commands.calling import partition as partition
from tests.properties import FULL, examples

# on top of what is in force: where CI is set that is a profile without chance
settings.register_profile("patient", parent=settings.default, max_examples=examples(100).max_examples, deadline=None)
settings.load_profile("patient")

# Textual reads these while it is imported
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_SMOOTH_SCROLL"] = "0"

# a shell in the background and nohup ignore these, and so would everything that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

compile_catalogues()  # what was edited since the environment was made

_libc = ctypes.CDLL(None)
_trim = getattr(_libc, "malloc_trim", lambda _pad: None)  # glibc has it
_M_ARENA_MAX = -8
"""glibc's malloc.h: how many heaps threads may have."""
if mallopt := getattr(_libc, "mallopt", None):
    mallopt(_M_ARENA_MAX, 1)  # tests start thousands of threads, whose heaps would be kept

_LONGEST_ID = {bytes: 16, str: 60}
"""Characters of a parameter that stand in a test's name."""


@pytest.fixture(autouse=True)
def same_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash by the same algorithm on every machine."""
    monkeypatch.setattr(digests, "quickest", lambda: Algorithm.BLAKE2B)


def pytest_sessionstart() -> None:
    """Say what is missing in a bare chroot, where many tests would fail for no other reason."""
    missing = [path for path in ("/proc/self", "/sys/kernel", "/dev/null") if not Path(path).exists()]
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        missing.append("/dev/pts")
    if missing:
        pytest.exit(f"the tests need {', '.join(missing)}: mount them, as in any chroot", pytest.ExitCode.USAGE_ERROR)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name a long parameter by its length. Written out, the zeros of one file were a name of 272 MB, and bytes that
    hold the time of day gave the same test another name in each process."""
    if isinstance(val, (bytes, str)) and len(val) > _LONGEST_ID.get(type(val), 60):
        return f"{argname}-of-{len(val)}"
    return None


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Give what the tests of a file have used back to the system: several processes run side by side."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        _trim(0)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only `make test-full` runs, and say what stays together where several processes share the tests
    (`-n`, `--dist loadgroup`).

    A file does, for what its fixtures share. Virtual machines all run in one process, one after the other: QEMU takes
    a core and a gigabyte. They take longest and come first; the linters need much memory and come last.
    """

    def turn(item: pytest.Item) -> int:
        return 0 if item.get_closest_marker("vm") else 2 if item.path.name == "test_lint.py" else 1

    if not FULL:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("full")])
        items[:] = [item for item in items if not item.get_closest_marker("full")]
    for item in items:
        item.add_marker(pytest.mark.xdist_group("vm" if turn(item) == 0 else item.path.stem))
    items.sort(key=turn)
