# SPDX-License-Identifier: MIT
"""From a source archive to an installed program, in environments that have nothing else."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

import bootmenu
from tests.builders.entries import whole_image
from tests.test_packaging import ROOT, build

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("installing")]


def environment(folder: Path, *requirements: str | Path) -> Path:
    """The folder of programs of a new virtual environment, in which these are installed."""
    run(sys.executable, "-m", "venv", folder)
    options = ["--quiet", "--disable-pip-version-check"]
    run(folder / "bin/python", "-m", "pip", "install", *options, *requirements)
    return folder / "bin"


def run(*command: str | Path, codes: tuple[int, ...] = (0,)) -> str:
    """What a command prints; it runs outside of the checkout, without its packages."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([str(word) for word in command], cwd="/", env=environ, capture_output=True, check=False)
    assert done.returncode in codes, (done.stdout + done.stderr).decode()[-4000:]
    return done.stdout.decode()


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def test_the_source_archive_installs_with_all_that_belongs_to_it(sdist: Path, tmp_path: Path) -> None:
    programs = environment(tmp_path / "env", sdist)
    assert run(programs / "bootmenu", "--version") == f"bootmenu {bootmenu.__version__}\n"
    assert "SIMULATION" in on_a_terminal(programs / "bootmenu", "--demo", until="SIMULATION")
    for path in ("share/man/man8/bootmenu.8", "lib/systemd/system/bootmenu-mark-good.service"):
        assert (tmp_path / "env" / path).is_file()
    assert [path.name for path in (tmp_path / "env/share/bash-completion/completions").iterdir()] == ["bootmenu"]


def test_the_checker_needs_no_textual(sdist: Path, tmp_path: Path) -> None:
    """What README says of it, and the menu says what is missing."""
    programs = environment(tmp_path / "env", "--no-deps", sdist, "pyelftools")
    kernel = tmp_path / "Image"
    kernel.write_bytes(whole_image())
    machine = next((ROOT / "tests/machines").glob("*.json"))
    found = json.loads(run(programs / "bootmenu", "check", kernel, "--machine", machine, "--json", codes=(0, 1)))
    assert found["findings"]
    (tmp_path / "tree").mkdir()
    assert json.loads(run(programs / "bootmenu", "scan", "--json", "--tree", tmp_path / "tree")) == {
        "entries": [],
        "problems": [],
    }
    names = "compat, sources, formats, discovery, session"
    run(
        programs / "python",
        "-c",
        f"from bootmenu import {names}; import bootmenu.compat.checker, sys; sys.exit('rich' in sys.modules)",
    )
    shown = on_a_terminal(programs / "bootmenu", "--demo", until="Scanning")
    assert "pip install textual brings the other" in " ".join(shown.split())


def on_a_terminal(*command: str | Path, until: str) -> str:
    """What a program prints on a terminal until it has printed a text; the program is ended then."""
    controller, terminal = pty.openpty()
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TERM": "vt100", "LANG": "C.UTF-8"}
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words, cwd="/", env=environ, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    shown = ""
    try:
        while until not in shown:
            assert select.select([controller], [], [], 120)[0], shown
            shown += os.read(controller, 65536).decode("utf-8", "replace")
    except OSError:  # it has ended
        pass
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    return shown
