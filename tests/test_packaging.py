# SPDX-License-Identifier: MIT
"""What leaves this source tree: the wheel has everything, and the shared checker is usable on its own."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import tarfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

import bootmenu
from bootmenu import cli
from bootmenu.commands import completion_scripts, parser_description
from scripts.build_hook import COMPLETIONS

ROOT = Path(__file__).parent.parent


def build(source: Path, target: str, destination: Path) -> Path:
    """What the build backend makes of `source`, without a network; target: `wheel` or `sdist`."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(destination)]
    outcome = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (made,) = destination.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata(wheel: Path) -> Message:
    folder = f"bootmenu-{bootmenu.__version__}.dist-info"
    with ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{folder}/METADATA").decode())


def test_the_wheel_has_every_module(wheel: Path) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "bootmenu").rglob("*.py")}
    assert modules
    assert modules <= names(wheel)


def test_the_wheel_has_every_theme(wheel: Path) -> None:
    themes = {f"bootmenu/themes/{path.name}" for path in (ROOT / "themes").iterdir() if path.is_file()}
    assert themes
    assert themes <= names(wheel)


def test_the_wheel_has_every_language_compiled(wheel: Path) -> None:
    codes = {path.stem for path in (ROOT / "bootmenu" / "i18n" / "locale").glob("*.po")}
    assert len(codes) > 3
    assert {f"bootmenu/i18n/locale/{code}.mo" for code in codes} <= names(wheel)
    assert not [name for name in names(wheel) if name.endswith((".po", ".part"))]


@pytest.mark.parametrize("name", ["bootmenu/image/init.sh", "bootmenu/py.typed"])
def test_the_wheel_has_the_files_that_are_not_python(wheel: Path, name: str) -> None:
    assert name in names(wheel)


def test_the_wheel_has_nothing_but_the_package(wheel: Path) -> None:
    folders = {name.split("/")[0] for name in names(wheel)}
    assert folders == {"bootmenu", *(f"bootmenu-{bootmenu.__version__}.{kind}" for kind in ("data", "dist-info"))}
    assert not [name for name in names(wheel) if name.endswith(".pyc")]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    said = metadata(wheel)
    assert said["Version"] == bootmenu.__version__
    assert said["License-Expression"] == "MIT"
    assert said["Requires-Python"] == ">=3.11"
    assert str(said.get_payload()).startswith("# bootmenu")


def test_the_wheel_has_the_command(wheel: Path, tmp_path: Path) -> None:
    """Not as an entry point: what pip 23 makes of one imports re, before anything else."""
    assert not [name for name in names(wheel) if name.endswith("entry_points.txt")]
    with ZipFile(wheel) as archive:
        script = archive.read(f"bootmenu-{bootmenu.__version__}.data/scripts/bootmenu").decode()
        archive.extractall(tmp_path)
    assert script.startswith("#!python\n"), "which becomes the interpreter that it is installed for"
    command = [sys.executable, "-c", script, "--version"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert outcome.stdout == f"bootmenu {bootmenu.__version__}\n", outcome.stderr


def test_the_wheel_has_manual_completions_and_unit_where_they_are_looked_for(wheel: Path) -> None:
    prefix = f"bootmenu-{bootmenu.__version__}.data/data/"
    found = {name.removeprefix(prefix) for name in names(wheel) if name.startswith(prefix)}
    assert found == {
        "share/man/man8/bootmenu.8",
        "lib/systemd/system/bootmenu-mark-good.service",
        "lib/systemd/system/bootmenu@.service",
        *COMPLETIONS.values(),
    }
    with ZipFile(wheel) as archive:
        for shell, place in COMPLETIONS.items():
            script = completion_scripts.completion(shell, parser_description.described())
            assert archive.read(prefix + place).decode() == script


def test_the_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        assert not [file.name for file in archive if file.linkname.startswith("/")], "pip refuses it: PEP 706"
    source = tmp_path / "source"
    source.mkdir()
    subprocess.run(["tar", "-xf", sdist, "-C", source, "--strip-components=1"], check=True)
    assert names(build(source, "wheel", tmp_path / "wheel")) == names(wheel)


def test_the_wheel_works_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "bootmenu", "--help"]
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert "scan" in outcome.stdout


# Prints two lists: the modules that starting Python loaded, and those that the shared checker added. Every
# module of the package is imported, so that a check that a registry loads later counts too.
IMPORT_THE_CHECKER = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("textual", "rich"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

before = sorted(sys.modules)
sys.meta_path.insert(0, Absent())

import importlib, pkgutil
import bootmenu.compat

for module in pkgutil.walk_packages(bootmenu.compat.__path__, "bootmenu.compat."):
    importlib.import_module(module.name)

print(json.dumps([before, sorted(set(sys.modules) - set(before))]))
"""


def test_the_shared_checker_needs_no_screen_no_process_and_no_network() -> None:
    command = [sys.executable, "-c", IMPORT_THE_CHECKER]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    before, added = json.loads(outcome.stdout)
    unwelcome = {"textual", "rich", "subprocess", "socket"}
    assert not unwelcome & set(before), "Python itself loads what this test looks for"
    assert "bootmenu.compat" in added
    assert not unwelcome & set(added)


def test_the_unit_for_the_booted_system_calls_a_command_that_exists() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.read(ROOT / "data/bootmenu-mark-good.service", "utf-8")
    assert unit["Unit"]["Requires"] == "boot-complete.target"
    assert "boot-complete.target" in unit["Unit"]["After"].split()
    program, name, *words = unit["Service"]["ExecStart"].split()
    assert (program, name) == ("/usr/bin/env", "bootmenu")
    assert cli.main([*words, "--help"]) == 0
