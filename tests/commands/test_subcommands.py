# SPDX-License-Identifier: MIT
"""The subcommands: each is one file, which the parser, --help and the completion scripts find."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bootmenu import cli, commands
from bootmenu.commands import completion_scripts, parser_description, subcommands

GREET = """
HELP = "greet somebody"
FOLLOWS = "menu"


def add_arguments(parser):
    parser.add_argument("--name", metavar="NAME", default="world", help="whom to greet")


def run(arguments):
    print(f"Hello, {arguments.name}.")
    return 0
"""


def test_a_new_subcommand_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "greet_somebody_command.py").write_text(GREET)
    (tmp_path / "no_subcommand.py").write_text("raise AssertionError('imported')")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    assert cli.main(["greet-somebody", "--name", "Ada"]) == 0
    assert capsys.readouterr().out == "Hello, Ada.\n"
    assert cli.main(["--help"]) == 0
    assert "greet somebody" in capsys.readouterr().out
    assert list(subcommands.subcommands())[:3] == ["menu", "greet-somebody", "scan"], "two follow the menu"
    described = {command.path: command for command in parser_description.described()}
    assert described["greet-somebody",].flags[-1].names == ("--name",)
    assert "greet-somebody" in completion_scripts.completion("bash", list(described.values()))


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_help_fits_the_terminal_and_goes_on_below_the_second_column(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    status = lines[lines.index("exit status:") + 1 : lines.index("", lines.index("exit status:"))]
    assert [line[:5] for line in status if line[2] != " "] == ["  0  ", "  1  ", "  2  "]
    assert all(line.startswith("     ") and line[5] != " " for line in status if line[2] == " ")


def test_every_subcommand_is_listed_once_after_one_that_exists() -> None:
    found = subcommands.subcommands()
    assert list(found) == [
        *("menu", "scan", "check", "boot", "facts", "settings", "pin", "report", "themes", "dtb"),
        *("mark-good", "completion", "image", "vm", "help"),
    ]
    assert {command.FOLLOWS for command in found.values()} <= {"", *found}
    assert [name for name, command in found.items() if not command.FOLLOWS] == ["menu"]


def test_a_subcommand_imports_no_other_and_help_imports_no_floor_of_the_machine() -> None:
    program = "import sys; from bootmenu import cli; cli.main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"

    def imported(*words: str) -> set[str]:
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
        return {name for name in done.stderr.split() if name.startswith("bootmenu.")}

    others = {name for name in imported("completion", "bash") if name.endswith("_command")}
    assert len(others) == len(subcommands.subcommands())
    assert {name for name in imported("facts", "--help") if name.endswith("_command")} == {
        "bootmenu.commands.facts_command"
    }
    # what a package itself has, such as a constant, costs nothing; what is in it does
    rooms = {name.split(".")[1] for name in imported("--help") if name.count(".") > 1}
    assert not rooms & {"compat", "discovery", "frontends", "image", "kexec", "session", "view"}, rooms
