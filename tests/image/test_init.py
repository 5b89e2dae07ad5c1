# SPDX-License-Identifier: MIT
"""The scripts of the image: their syntax, and rules that keep PID 1 alive."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import bootmenu.image

FOLDER = Path(bootmenu.image.__file__).parent
INIT = (FOLDER / "init.sh").read_text("utf-8")


@pytest.mark.parametrize("name", ["init.sh", "lsblk.sh"])
def test_syntax(name: str) -> None:
    shells = [["busybox", "sh"], ["dash"], ["sh"]]
    shell = next(argv for argv in shells if shutil.which(argv[0]) is not None)
    done = subprocess.run([*shell, "-n", str(FOLDER / name)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


def test_nothing_in_it_may_end_the_shell() -> None:
    code = re.sub(r"^\s*#.*$", "", INIT, flags=re.MULTILINE)
    assert not re.search(r"^\s*set\s+-\w*[eu]", code, re.MULTILINE)
    assert not re.search(r"^\s*exit\b", code, re.MULTILINE)
    # A failing redirection on a special built-in ends a POSIX shell.
    assert not re.search(r"^\s*(:|exec|export|set|trap|unset|shift|return|eval|\.)\b[^'\n]*[<>]", code, re.MULTILINE)
    assert "trap 'busybox sleep 5; exec /bin/busybox sh /init' EXIT" in code


def test_the_menu_gets_a_clean_environment_and_isolated_python() -> None:
    start = INIT[INIT.index("start_menu() {") :]
    start = start[: start.index("\n}")]
    assert "env -i" in start
    assert "setsid -c" in start
    assert "python3 -I" in start
