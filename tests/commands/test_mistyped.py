# SPDX-License-Identifier: MIT
"""Words that are not what they seem to be meant for: exit code 2, and what may have been meant."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bootmenu import __version__
from bootmenu.commands import subcommands
from bootmenu.config import settings_layers
from bootmenu.model.suggestion import did_you_mean
from tests.builders.trees import write_tree
from tests.commands.calling import Call


@pytest.mark.parametrize(
    ("typed", "error", "meant"),
    [
        ("chek", "chek is no command", "Did you mean check?"),
        ("image biuld", "biuld is no command", "Did you mean build?"),
        ("scan --jsno", "there is no option --jsno", "Did you mean --json?"),
        ("--vresion", "there is no option --vresion", "Did you mean --version?"),
        ("image build --otput=x", "there is no option --otput", "Did you mean --output"),
        ("image build --output x --compress zsdt", "zsdt is no FORMAT", "Did you mean zstd?"),
        ("completion zhs", "zhs is no SHELL", "Did you mean zsh"),
        ("check gone --ignore dt-cpu-releas", "no check is called DT-CPU-RELEAS", "Did you mean DT-CPU-RELEASE"),
        ("check gone --method kexec_tool", "no loading method is called kexec_tool", "Did you mean kexec_tools"),
        ("themes lihgt", "there is no theme lihgt", "Did you mean light?"),
        ("--theme lihgt", "there is no theme lihgt", "Did you mean light?"),
        ("scan extra", "unexpected argument: extra", "bootmenu scan --help says what it takes."),
    ],
)
def test_a_typo_is_answered_with_what_was_meant(call: Call, typed: str, error: str, meant: str) -> None:
    outcome = call(*shlex.split(typed))
    assert (outcome.code, outcome.out) == (2, "")
    assert error in outcome.err
    assert meant in outcome.err


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ("image build --root / --output x --module ''", "--module"),
        ("image build --root / --output x --firmware=", "--firmware"),
        ("image build --root / --output ''", "--output"),
        ("image build --root / --output x --uki --sign '' crt", "--sign"),
        ("image list ''", "FILE"),
        ("scan --tree ''", "--tree"),
        ("check ''", "KERNEL"),
        ("--theme ''", "--theme"),
    ],
)
def test_an_empty_value_is_said_with_the_name_of_its_option(call: Call, typed: str, what: str) -> None:
    outcome = call(*shlex.split(typed))
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{what} has an empty value" in outcome.err


def test_a_command_line_may_be_empty() -> None:
    assert subcommands.parse(["check", "k", "--cmdline", ""]).cmdline == ""
    assert subcommands.parse(["image", "build", "--output", "x", "--cmdline="]).cmdline == ""


def test_an_entry_s_id_is_meant(call: Call, tmp_path: Path) -> None:
    write_tree(tmp_path, {"loader/entries/debian-12.conf": "title Debian\nlinux /vmlinuz\n", "vmlinuz": b"x"})
    (entry,) = call("scan", "--tree", tmp_path, "--json").json["entries"]
    outcome = call("boot", entry["id"][::-1].swapcase()[::-1][:-1], "--tree", tmp_path, "--dry-run")
    assert outcome.code == 2
    assert f"Did you mean {entry['id']}?" in outcome.err


def test_a_setting_is_meant() -> None:
    (problem,) = settings_layers.parse(b"timout = 3\n", "/etc/bootmenu.toml").problems
    assert problem == "/etc/bootmenu.toml: there is no setting 'timout'. Did you mean timeout?"


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("nope", "optee", False),
        ("chekc", "check", True),
        ("dbt", "dtb", True),
        ("sacn", "scan", True),
        ("SCAN", "scan", True),
        ("boot", "pin", False),
        ("copy", "cpio", False),
        ("virtio_blck", "virtio_blk", True),
        ("nvme_core", "nvme", False),
        ("completon", "completion", True),
        ("modules", "module", True),
    ],
)
def test_a_third_of_a_name_may_be_wrong(typed: str, known: str, meant: bool) -> None:
    assert did_you_mean(typed, [known, "zzzz"]) == (f"Did you mean {known}?" if meant else "")


def test_nothing_is_meant_by_what_resembles_nothing(call: Call) -> None:
    assert did_you_mean("qqqq", ["check", "scan"]) == ""
    assert did_you_mean("x" * 1_000_000, ["x" * 999_999]) == ""
    assert "Did you mean" not in call("qqqq").err


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version(call: Call, option: str) -> None:
    outcome = call(option)
    assert (outcome.code, outcome.out) == (0, f"bootmenu {__version__}\n")


def test_words_that_look_like_options_are_taken_as_before() -> None:
    assert subcommands.parse(["check", "k", "--cmdline=--x --y"]).cmdline == "--x --y"
    assert subcommands.parse(["check", "--", "--kernel"]).kernel == ["--kernel"]
    assert subcommands.parse(["scan", "--js"]).json
