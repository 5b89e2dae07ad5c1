# SPDX-License-Identifier: MIT
"""What is imported at which moment: on a slow board a module costs 10 to 100 ms."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

UNUSED = frozenset({"ast", "asyncio", "dataclasses", "inspect", "pkgutil", "platform", "rich", "ssl", "textual"})
"""What nothing needs before the menu opens."""
OF_A_LOAD = frozenset(
    {"bootmenu.kexec.load", "bootmenu.kexec.jump", "bootmenu.kexec.hooks", "concurrent.futures", "logging"}
)
RARE = frozenset({"gzip", "html", "tempfile", "random", "urllib.request"})
OF_ENTRIES = frozenset(
    {
        "bootmenu.bootstate.state",
        "bootmenu.compat",
        "bootmenu.discovery.mounts",
        "bootmenu.discovery.partition_reader",
        "bootmenu.formats.kernels",
        "bootmenu.kexec",
        "bootmenu.sources.parsers",
        "bootmenu.view.entry_texts",
        "shutil",
    }
)
"""What a machine without any partition does not need."""
NO_PARTITION = "from bootmenu.discovery.storage import assembly; assembly.survey = lambda *_: iter(())"
OF_PYTHON = (
    "import argparse, sys, typing; argparse.ArgumentParser(); typing.NamedTuple('T', [('t', int)]); "
    "before = set(sys.modules)"
)
"""What its own modules bring depends on its version: dataclasses, inspect and ast since 3.14."""


def test_the_menu_starts_without_a_parser_of_arguments_and_without_archives() -> None:
    program = "import sys; from bootmenu.cli import main; main([]); print(*sys.modules)"
    # without site: that of some environments imports more
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert "bootmenu.frontends.launcher" in done.stdout.split()
    absent = {"argparse", "gettext", "shutil", "bz2", "lzma", "typing", "tempfile", "dataclasses"}
    assert absent & set(done.stdout.split()) == set()


def test_a_scan_without_a_partition_parses_no_options_and_declares_no_types() -> None:
    program = (
        f"{NO_PARTITION}; import sys; from bootmenu.cli import main; main(['scan', '--json']); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    *scanned, loaded = done.stdout.splitlines()
    assert json.loads("".join(scanned)) == {"entries": [], "problems": []}
    assert {"argparse", "gettext", "typing", *OF_ENTRIES} & set(loaded.split()) == set()


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("from bootmenu.cli import main; main([])", UNUSED | OF_A_LOAD | RARE | {"bootmenu.session.machine_session"}),
        ("from bootmenu.frontends import launcher", UNUSED | OF_A_LOAD | RARE | {"bootmenu.session.machine_session"}),
        ("from bootmenu.session import machine_session", UNUSED | OF_A_LOAD | RARE),
        (
            f"{NO_PARTITION}; from bootmenu.cli import main; main(['scan', '--json'])",
            UNUSED | OF_A_LOAD | RARE | OF_ENTRIES,
        ),
    ],
    ids=["start", "first frame", "session", "scan"],
)
def test_nothing_is_imported_before_it_is_needed(statement: str, absent: frozenset[str]) -> None:
    program = f"{OF_PYTHON}; {statement}; import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert absent & set(json.loads(done.stdout.splitlines()[-1])) == set()
