# SPDX-License-Identifier: MIT
"""The examples of each `--help` do what they say they do."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootmenu.commands import parser_description, subcommands
from bootmenu.demo.builders import board_tree
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.commands.calling import Call

COMMANDS = subcommands.subcommands()
EXAMPLES = [(name, example) for name, command in COMMANDS.items() for example, _text in command.EXAMPLES]
ELSEWHERE = {
    **dict.fromkeys(("menu", "pin"), "asks on a terminal"),
    **dict.fromkeys(("mark-good", "report"), "is about this machine, and tested there"),
    "image": "takes minutes, and is tested there",
    "vm": "boots a virtual machine, and is tested there",
}
NOT_HERE = ("boot ENTRY-ID", "boot --load-only", "facts", "settings")
"""What loads a kernel, or is about this machine."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the examples name."""
    write_tree(
        tmp_path,
        {
            "vmlinuz": whole_image(),
            "initrd.img": b"070701" + bytes(200),
            "root/loader/entries/a.conf": "title A\nlinux /vmlinuz\n",
            "root/vmlinuz": whole_image(),
            "board.dtb": board_tree(["linux,dummy-virt"]).to_bytes(),
            "other.dtb": board_tree(["another"]).to_bytes(),
        },
    )
    (tmp_path / "boards").mkdir()
    (tmp_path / "completions").mkdir()
    shutil.copy(machines.FOLDER / "virt-psci-hvc.json", tmp_path / "board.json")
    for name in ("virt-psci-hvc", "spin-table-4"):
        shutil.copy(machines.FOLDER / f"{name}.json", tmp_path / "boards")
    return tmp_path


def test_every_command_has_examples() -> None:
    assert [name for name, command in COMMANDS.items() if not 1 <= len(command.EXAMPLES) <= 4] == []


def test_every_example_is_accepted() -> None:
    for name, example in EXAMPLES:
        words = shlex.split(example.partition(" > ")[0])
        assert words[0] == "bootmenu"
        subcommands.parse(words[1:] if words[1] == name else [name, *words[1:]])


RUN = [
    example
    for name, example in EXAMPLES
    if name not in ELSEWHERE and not example.removeprefix("bootmenu ").startswith(NOT_HERE)
]


@pytest.mark.slow
def test_the_examples_run(folder: Path) -> None:
    """In one shell, as they are typed: an exit code of 2 would be a call that is wrong. tests/test_papers.py runs
    them in less time and without a shell."""
    program = f"{shlex.quote(sys.executable)} -m bootmenu"
    lines = [f'bootmenu() {{ {program} "$@"; }}']
    lines += [f"{example}; echo $? >>codes" for example in RUN]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=folder, env=environ, capture_output=True, text=True, timeout=300
    )
    codes = (folder / "codes").read_text().split()
    assert len(codes) == len(RUN) > 10
    wrong = [example for example, code in zip(RUN, codes, strict=True) if code not in ("0", "1")]
    assert wrong == [], done.stderr
    assert (folder / "completions/bootmenu").read_text().startswith("# bash completion")


def test_every_help_says_what_the_command_does_and_shows_examples(call: Call) -> None:
    for command in parser_description.described():
        shown = " ".join(call(*command.path, "--help").out.split())
        assert command.description in shown, command.path
        assert f"examples: {' '.join(('bootmenu', *command.path))} " in shown or not command.path, command.path
        assert command.description[-1:] == ".", command.path


def test_help_shows_the_examples_of_an_action(call: Call) -> None:
    shown = call("image", "build", "--help").out
    assert "examples:\n  bootmenu image build --debian arm64" in shown
    assert "bootmenu dtb diff" not in call("dtb", "show", "--help").out
