# SPDX-License-Identifier: MIT
"""What other programs and other floors rely on: the shared checker alone, the protocols, the errors."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import bootmenu
from bootmenu.errors import BootmenuError, FormatError, UsageError
from bootmenu.session.machine_session import MachineSession, Session
from bootmenu.sources.tree import Tree
from bootmenu.system.directory_tree import DirectoryTree
from tests.builders.trees import MemoryTree

PACKAGE = Path(bootmenu.__file__).parent


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
        "import sys; from bootmenu import cli; from bootmenu.commands import command_line; "
        "command_line.subcommands(); "
        "from bootmenu.bugreport import bundle; from bootmenu.view import output, plan; "
        "from bootmenu.session import machine_session; "
        "assert not {'textual', 'rich', 'bootmenu.terminal.cells'} & {*sys.modules}"
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


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_exits_and_only_a_few_print(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in ("exit", "quit", "sys.exit", "os._exit"):
            assert name in ("__main__.py",) or name.startswith(("image/", "frontends/tui/")), (
                f"{name}:{node.lineno} exits"
            )
        if called == "os.system" or any(keyword.arg == "shell" for keyword in node.keywords):
            pytest.fail(f"{name}:{node.lineno} starts a shell")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_file_says_its_licence_and_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.splitlines()[0] == "# SPDX-License-Identifier: MIT"
    assert ast.get_docstring(ast.parse(text))
