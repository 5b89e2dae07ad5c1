# SPDX-License-Identifier: MIT
"""`bootmenu dtb`: whole device trees on the command line, against dtc, and files that are none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bootmenu.demo.builders import board_tree, cells
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree, Node
from bootmenu.system.host import Host
from tests.commands.calling import Call
from tests.commands.test_json import documented

TREE = board_tree(("acme,rocket",), "Rocket", reservations=[(0x1000, 0x1000)])
TREE.root.set("note", b'say "hi" \\o/\0')
TREE.root.set("long", cells(*range(100)))


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "board.dtb"
    path.write_bytes(TREE.to_bytes())
    return path


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    tree = TREE.copy()
    tree.root.set("model", b"Rocket 2\0")
    tree.root.remove("note")
    tree.root.children.append(Node("leds", [("count", cells(3))]))
    path = tmp_path / "changed.dtb"
    path.write_bytes(tree.to_bytes())
    return path


def test_a_tree_is_printed_whole(call: Call, board: Path) -> None:
    outcome = call("dtb", "show", board)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("/dts-v1/;\n/memreserve/ 0x1000 0x1000;\n/ {\n")
    assert '    note = "say \\"hi\\" \\\\o/";\n' in outcome.out
    assert f"    long = <{' '.join(map(hex, range(100)))}>;\n" in outcome.out


@pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")
def test_dtc_makes_the_same_tree_of_what_is_printed(call: Call, board: Path) -> None:
    source = call("dtb", "show", board).out
    words = ["dtc", "-q", "-I", "dts", "-O", "dtb", "-"]
    made = subprocess.run(words, input=source.encode("ascii"), capture_output=True, check=True).stdout
    assert DeviceTree.from_bytes(made) == TREE


def test_a_tree_as_json_has_every_byte(call: Call, board: Path) -> None:
    outcome = call("dtb", "show", "--json", board)
    assert (outcome.code, outcome.err) == (0, "")
    found = outcome.json
    assert found["reservations"] == [{"base": 0x1000, "size": 0x1000}]
    assert found["root"]["name"] == "/"
    assert found["root"]["properties"]["model"] == {"text": '"Rocket"', "hex": b"Rocket\0".hex()}
    assert [node["name"] for node in found["root"]["nodes"]] == [node.name for node in TREE.root.children]
    root = found["root"]
    documented("dtb", {**found, "root": {**root, "properties": {}, "nodes": []}})
    documented("dtb", list(root["properties"].values()))


def test_a_tree_does_not_differ_from_itself(call: Call, board: Path) -> None:
    outcome = call("dtb", "diff", board, board)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    outcome = call("dtb", "diff", "--json", board, board)
    assert (outcome.code, outcome.json) == (0, {"differences": []})


def test_differences_end_with_1(call: Call, board: Path, changed: Path) -> None:
    outcome = call("dtb", "diff", board, changed)
    assert (outcome.code, outcome.err) == (1, "")
    assert outcome.out.splitlines() == [
        '~ / model: "Rocket" → "Rocket 2"',
        '- / note: "say \\"hi\\" \\\\o/"',
        "+ /leds: 1 property",
    ]
    found = call("dtb", "diff", "--json", board, changed)
    assert found.code == 1
    assert found.json["differences"][0] == {
        "change": "changed",
        "path": "/",
        "property": "model",
        "before": '"Rocket"',
        "after": '"Rocket 2"',
    }
    documented("dtb", found.json)
    assert [row["change"] for row in found.json["differences"]] == ["changed", "removed", "added"]


def test_one_file_is_compared_with_the_running_tree(
    call: Call, board: Path, changed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = tmp_path / "sys/firmware/fdt"
    running.parent.mkdir(parents=True)
    running.write_bytes(board.read_bytes())
    monkeypatch.setattr(Host, "path", lambda _host, path: tmp_path / str(path).lstrip("/"))
    assert call("dtb", "diff", board).code == 0
    assert call("dtb", "diff", changed).out.splitlines()[0] == '~ / model: "Rocket" → "Rocket 2"'
    assert call("dtb", "show").out == call("dtb", "show", board).out
    running.write_bytes(b"garbage")
    outcome = call("dtb", "show")
    assert outcome.code == 2
    assert outcome.err.startswith("bootmenu: /sys/firmware/fdt: ")
    running.unlink()
    outcome = call("dtb", "diff", board)
    assert outcome.code == 2
    assert "this machine has no device tree" in outcome.err


def test_what_is_no_tree_is_told_with_path_reason_and_hint(call: Call, board: Path, tmp_path: Path) -> None:
    odd = DeviceTree(root=Node("", [("a b", b"")]))
    deep = DeviceTree(root=Node("", [], [Node("n" * 8)]))
    node = deep.root
    for _ in range(100):
        node.children = [Node("n")]
        node = node.children[0]
    cases = {
        "garbage": (b"garbage" * 10, "not a device tree: it begins with 0x67617262, not 0xd00dfeed"),
        "large garbage": (bytes(MAX_SIZE + 1), "not a device tree: it begins with 0x00000000"),
        "empty": (b"", "not a device tree"),
        "cut": (board.read_bytes()[:-4], "ends early"),
        "large": (board.read_bytes() + bytes(MAX_SIZE), "more than the 2,097,152 bytes"),
        "odd": (odd.to_bytes(), "a name in it cannot be written"),
        "deep": (deep.to_bytes(), "more than 64 levels"),
    }
    for name, (data, said) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        for words in (("show", path), ("diff", path, board), ("diff", board, path)):
            outcome = call("dtb", *words)
            assert (outcome.code, outcome.out) == (2, ""), words
            first, hint = outcome.err.splitlines()
            assert first.startswith(f"bootmenu: {path}: ")
            assert said in first
            assert hint.startswith("  → ")
    error = call("dtb", "show", "--json", tmp_path / "garbage").json["error"]
    assert error["exit_code"] == 2
    assert error["hint"]


def test_what_is_no_file_is_refused_and_not_waited_for(call: Call, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path, "Is a directory"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "gone", "No such file or directory"),
    ):
        outcome = call("dtb", "show", path)
        assert outcome.code == 2
        assert f"{path}: {said}" in outcome.err


@pytest.mark.parametrize("words", [(), ("diff",), ("print", "x"), ("diff", "a", "b", "c")])
def test_a_wrong_call_ends_with_2(call: Call, words: tuple[str, ...]) -> None:
    outcome = call("dtb", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "--help" in outcome.err
