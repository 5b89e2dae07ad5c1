# SPDX-License-Identifier: MIT
"""What looking at a FIT image of ordinary size (40 MB kernel, 200 MB initramfs) costs: memory, and keys: make bench

It is looked at in a process of its own, as the most memory that a process ever had cannot be asked for twice.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.containers import large_fit

_LOOK = """
import resource, sys, threading, time
from bootmenu.formats.identify import identify
from bootmenu.system.directory_tree import OpenFile
import os

longest, stop = 0.0, False
def keys():
    global longest
    last = time.monotonic()
    while not stop:
        time.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now

file = os.open(sys.argv[1], os.O_RDONLY)
source = OpenFile(file, os.fstat(file).st_size)
threads = [threading.Thread(target=identify, args=(source,)) for _ in range(int(sys.argv[2]))]
thread = threading.Thread(target=keys)
thread.start()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.monotonic()
for each in threads:
    each.start()
for each in threads:
    each.join()
took = time.monotonic() - began
stop = True
thread.join()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"{(after - before) / 1024:8.1f} MiB {took:6.2f} s, keys wait {longest * 1000:6.0f} ms")
"""


@pytest.mark.parametrize("external", [False, True], ids=["inside", "behind"])
@pytest.mark.parametrize("copies", [1, 4])
def test_looking_at_a_fit_image(
    external: bool, copies: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large_fit(tmp_path / "fit", 40 << 20, 200 << 20, external=external)
    told = subprocess.run(
        [sys.executable, "-c", _LOOK, str(tmp_path / "fit"), str(copies)], capture_output=True, text=True, check=True
    ).stdout
    with capsys.disabled():
        print(f"\n{copies} FIT, data {'behind' if external else 'inside'} the tree: {told.strip()}")
