# SPDX-License-Identifier: MIT
"""What other programs and other floors rely on: the shared checker alone, the protocols, the errors."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from bootmenu.errors import BootmenuError, FormatError, UsageError
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.session_protocol import Session
from bootmenu.sources.tree import Tree
from bootmenu.system.directory_tree import DirectoryTree
from tests.builders.trees import MemoryTree


def test_another_program_can_check_with_nothing_but_the_checker() -> None:
    script = """
import sys
from bootmenu.compat import EntryFacts, FileFacts, FileState, KernelFacts, check
from bootmenu.formats.reader import Buffer
from bootmenu.model.machine import MachineFacts
machine = MachineFacts.from_json({"schema": 1, "architecture": "arm64", "machine": "aarch64"})
kernel = KernelFacts.from_source(Buffer(b"hello"))
file = FileFacts(role="kernel", device="", path="/k", state=FileState.PRESENT)
report = check(machine, EntryFacts(files=(file,), kernel=kernel))
assert report.verdict == "fail", report
assert report.get("IMG-FORMAT").severity == "fail"
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"textual", "rich", "subprocess", "ctypes", "socket"}, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_command_but_the_menu_imports_what_the_screens_are_made_of() -> None:
    script = (
        "import sys; from bootmenu import cli; from bootmenu.commands import subcommands; "
        "subcommands.subcommands(); "
        "from bootmenu.bugreport import bundle; from bootmenu.view import boot_plan, json_output, report_lines; "
        "from bootmenu.session import machine_session; "
        "assert not {'textual', 'rich'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("implementation", [DirectoryTree, MemoryTree])
def test_a_tree_has_what_the_parsers_ask_for(implementation: type) -> None:
    for name in ("list", "stat", "read", "open"):
        wanted = list(inspect.signature(getattr(Tree, name)).parameters)
        assert list(inspect.signature(getattr(implementation, name)).parameters) == wanted


def test_a_session_has_what_the_screens_ask_for() -> None:
    for name, member in vars(Session).items():
        if name.startswith("_"):
            continue
        assert hasattr(MachineSession, name), name
        if inspect.isfunction(member):
            given = getattr(MachineSession, name)
            assert list(inspect.signature(given).parameters) == list(inspect.signature(member).parameters)


def test_errors_carry_a_message_a_hint_and_a_place() -> None:
    assert (FormatError("bad", 16).message, FormatError("bad", 16).offset) == ("bad (at byte 0x10)", 16)
    assert (FormatError("bad").message, FormatError("bad").offset, FormatError("bad", hint="x").hint) == (
        "bad",
        None,
        "x",
    )
    assert issubclass(UsageError, BootmenuError)
    assert str(BootmenuError("why", "what to do")) == "why"
