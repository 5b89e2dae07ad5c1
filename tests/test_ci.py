# SPDX-License-Identifier: MIT
"""What the continuous integration runs, and what another suite's tree gets of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts import other_suite, system_packages

ROOT = Path(__file__).parent.parent

MAKE = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$1" in
    test-all) exit "$ALL" ;;
    test-on) echo said there; exit "$ON" ;;
esac
"""


@pytest.mark.parametrize(("everything", "there", "status"), [(0, 0, 0), (2, 0, 1), (0, 2, 1)])
def test_everything_runs_here_and_what_boots_nothing_on_debian_13(
    tmp_path: Path, everything: int, there: int, status: int
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/make").write_text(MAKE)
    (tmp_path / "bin/make").chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"CALLS": str(calls), "ALL": str(everything), "ON": str(there)}
    environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    command = [str(tmp_path / ".ci/run"), "-k", "x"]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == status, outcome.stderr
    assert "said there" in outcome.stdout
    assert ("passed after" in outcome.stdout) is (status == 0)
    assert calls.read_text().splitlines() == [
        "test-all ARGS=--durations=15 -k x",
        "test-on SUITE=trixie ARGS=--durations=15 -k x",
    ]


def test_the_tests_on_another_suite_are_given_what_they_were_asked_for() -> None:
    command = ["make", "-n", "-o", ".venv/.ready", "test-on", "SUITE=sid", "JOBS=3", "ARGS=-k one -x"]
    plain = {"PATH": os.environ["PATH"]}  # not what the make that runs this test hands down
    outcome = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
    said = outcome.stdout.splitlines()
    assert said[0].endswith("scripts/system_packages.py suite")
    assert said[1].endswith('-m scripts.other_suite sid JOBS=3 TYPES=: ARGS="-k one -x"')
    names = [package.name for package in system_packages.PURPOSES["suite"]]
    assert {"mmdebstrap", "debian-archive-keyring"} <= set(names)


def test_the_tree_is_told_where_packages_come_from_and_nothing_else() -> None:
    kept = {
        "PIP_INDEX_URL": "x", "UV_INDEX": "x", "https_proxy": "x", "HTTP_PROXY": "x", "SSL_CERT_FILE": "x",
        "BOOTMENU_ALL_EXAMPLES": "1", "CI": "true", "TERM": "dumb",
    }  # fmt: skip
    lost = {"HOME": "/home/x", "PATH": "/bin", "PYTHONPATH": "/x", "MAKEFLAGS": "-n", "CITY": "x", "VIRTUAL_ENV": "x"}
    assert other_suite.passed_on(kept | lost) == kept


def test_paths_in_the_settings_are_shown_there(tmp_path: Path) -> None:
    index, wheels, certificates = tmp_path / "index/simple", tmp_path / "wheels", tmp_path / "certificates.crt"
    index.mkdir(parents=True)
    wheels.mkdir()
    certificates.touch()
    settings = f"[global]\ncert = {certificates}\nextra-index-url = https://example.org/simple file://{index}/\n"
    uv = f'index-url = "{wheels}"\nother = "/no/such/path"\n'
    assert other_suite.named_paths([settings, uv, "https://example.org/tmp", "/dev/null"]) == sorted(
        map(str, (index, wheels, certificates))
    )
    assert other_suite.named_paths([f"{index} {index.parent}"]) == [str(index.parent)]


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ('Acquire::http::Proxy "http://proxy.example.org:3128";', True),
        ('Acquire::https::Verify-Peer "false";', True),
        ('Acquire::Check-Valid-Until "false";', True),
        ('Acquire::http::Proxy-Auto-Detect "/usr/bin/auto-apt-proxy";', False),
        ('Acquire::http::ProxyAutoDetect "/usr/bin/auto-apt-proxy";', False),
        ('Acquire::http "";', False),
        ('Acquire::IndexTargets::deb::Packages::MetaKey "x";', False),
        ('DPkg::Post-Invoke:: "rm -rf /var/cache";', False),
    ],
)
def test_apt_gets_files_there_as_it_does_here(line: str, taken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 0, stdout=f"{line}\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert other_suite.apt_options() == [line] * taken
