# SPDX-License-Identifier: MIT
"""`bootmenu check --machine` for many recorded machines: each gets the verdict that it would get alone."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from bootmenu.commands import fleet
from bootmenu.demo.builders import board_tree
from tests.builders import machines
from tests.commands.calling import Call

NAMES = ("virt-psci-hvc", "spin-table-4", "gic-v3", "nr-cpus-1")
CMDLINE = ("--cmdline", "console=ttyAMA0")


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    """A folder of recordings, two of them of equal machines."""
    folder = tmp_path / "boards"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(machines.FOLDER / f"{name}.json", folder)
    shutil.copy(machines.FOLDER / "spin-table-4.json", folder / "the-same.json")
    (folder / "notes.txt").write_text("no recording")
    return folder


def alone(call: Call, kernel: Path, board: Path, *more: object) -> object:
    return call("check", kernel, *CMDLINE, "--machine", board, "--json", *more).json


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("own_tree", [False, True])
def test_each_is_judged_as_if_it_were_alone(
    call: Call, kernel: Path, boards: Path, monkeypatch: pytest.MonkeyPatch, processes: int, own_tree: bool
) -> None:
    if processes == 2:
        monkeypatch.setattr(fleet, "_SEVERAL", 1)
        monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1})
    more: list[object] = []
    if own_tree:
        dtb = kernel.with_name("board.dtb")
        dtb.write_bytes(board_tree(["linux,dummy-virt"], memory=()).to_bytes())
        more = ["--dtb", dtb]
    outcome = call("check", kernel, *CMDLINE, *more, "--machine", boards, "--json", "--verbose")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [line.pop("machine") for line in lines] == sorted(map(str, boards.glob("*.json")))
    assert lines == [alone(call, kernel, board, *more) for board in sorted(boards.glob("*.json"))]
    assert outcome.code == 1
    short = call("check", kernel, *CMDLINE, *more, "--machine", boards, "--json").out.splitlines()
    passed = [found for line in short for found in json.loads(line)["findings"] if found["severity"] == "pass"]
    assert passed == []


def test_several_are_named_in_any_way(call: Call, kernel: Path, boards: Path) -> None:
    files = [boards / f"{name}.json" for name in NAMES]
    ways = (
        ("check", kernel, "--machine", *files, "--json"),
        ("check", "--machine", *files, kernel, "--json"),
        ("check", "--json", kernel, *(word for file in files for word in ("--machine", file))),
    )
    first, *others = (call(*way).out for way in ways)
    assert len(first.splitlines()) == len(NAMES)
    assert others == [first, first]
    outcome = call("check", kernel, kernel)
    assert (outcome.code, "unexpected argument" in outcome.err) == (2, True)


def test_a_table_has_a_row_for_each_verdict_and_codes_the_worst_last(call: Call, kernel: Path, boards: Path) -> None:
    outcome = call("check", kernel, *CMDLINE, "--machine", boards)
    rows = [line.split() for line in outcome.out.splitlines() if not line.startswith("   ")]
    assert rows == [["3", "•", "ok"], ["2", "■", "FAIL", "CPU-STUCK"], "5 machines: 3 ok, 2 FAIL".split()]
    assert f"{boards}/spin-table-4.json" in "".join(outcome.out.split())
    assert outcome.err == "bootmenu: bootmenu help CPU-STUCK explains this check and what to do\n"
    ignored = call("check", kernel, *CMDLINE, "--machine", boards, "--ignore", "CPU-STUCK")
    assert (ignored.code, ignored.out.splitlines()[-1], ignored.err) == (0, "5 machines: 5 ok", "")


def test_what_is_no_recording_is_named_and_stops_no_other(call: Call, kernel: Path, boards: Path) -> None:
    (boards / "broken.json").write_text("{")
    (boards / "foreign.json").write_text("[]")
    (boards / "gone.json").symlink_to("nowhere")
    os.mkfifo(boards / "waits.json")
    with (boards / "huge.json").open("w") as huge:
        huge.truncate(1 << 40)
    (boards / "spin-table-4.json").unlink()
    (boards / "the-same.json").unlink()
    outcome = call("check", kernel, *CMDLINE, "--machine", boards)
    assert outcome.code == 2, "not all could be judged, and none fails"
    assert outcome.out.splitlines()[-1] == "8 machines: 3 ok, 5 unreadable"
    for name in ("broken", "foreign", "gone", "waits", "huge"):
        assert f"! {boards}/{name}.json" in outcome.out
    lines = [json.loads(line) for line in call("check", kernel, "--machine", boards, "--json").out.splitlines()]
    assert sum("error" in line for line in lines) == 5
    shutil.copy(machines.FOLDER / "spin-table-4.json", boards)
    assert call("check", kernel, "--machine", boards).code == 1


def test_a_single_recording_may_be_a_pipe_and_is_never_endless(call: Call, kernel: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, (machines.FOLDER / "virt-psci-hvc.json").read_bytes())
    os.close(writer)
    assert call("check", kernel, *CMDLINE, "--machine", f"/dev/fd/{reader}").code == 0
    os.close(reader)
    endless = call("check", kernel, "--machine", "/dev/zero")
    assert (endless.code, "/dev/zero: larger than 64 MiB" in endless.err) == (2, True)


def test_a_folder_without_a_recording_and_a_kernel_that_is_none_are_errors(call: Call, tmp_path: Path) -> None:
    outcome = call("check", tmp_path / "gone", "--machine", tmp_path)
    assert (outcome.code, "no recording in this folder" in outcome.err) == (2, True)
    outcome = call("check", tmp_path / "gone", "--machine", machines.FOLDER)
    assert (outcome.code, "does not exist" in outcome.err) == (2, True)
