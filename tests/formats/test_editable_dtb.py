# SPDX-License-Identifier: MIT
"""Whole device trees in the hands of `fdt`, against dtc and against the library itself."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import fdt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootmenu.demo.builders import board_tree, cells
from bootmenu.errors import FormatError
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.formats.dtb_text import is_strings, text_of, value_of
from bootmenu.formats.editable_dtb import MAX_DEPTH, MAX_ITEMS, EditableDtb, differences
from bootmenu.model.devicetree import MemoryRange
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.properties import examples

PROPERTY = examples(100)
SLOW = examples(25)

_names = st.text("abcXYZ019,._+-@", min_size=1, max_size=8)
_values = (
    st.binary(max_size=24)
    | st.lists(st.integers(0, 2**32 - 1), max_size=6).map(lambda numbers: b"".join(map(cells, numbers)))
    | st.lists(
        st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=8), max_size=3
    ).map(lambda texts: b"".join(text.encode() + b"\0" for text in texts))
)
_properties = st.dictionaries(_names, _values, max_size=4).map(lambda found: list(found.items()))


def _node(children: st.SearchStrategy[list[Node]]) -> st.SearchStrategy[Node]:
    return st.builds(Node, _names, _properties, children)


_nodes = st.recursive(
    _node(st.just([])),
    lambda below: _node(st.lists(below, max_size=3, unique_by=lambda node: node.name)),
    max_leaves=12,
)
trees = st.builds(
    DeviceTree,
    root=st.builds(Node, st.just(""), _properties, st.lists(_nodes, max_size=3, unique_by=lambda node: node.name)),
    reservations=st.lists(
        st.builds(MemoryRange, base=st.integers(0, 2**64 - 1), size=st.integers(1, 2**64 - 1)), max_size=2
    ),
    boot_cpu=st.integers(0, 3),
)


def tree_of(*properties: tuple[str, bytes], children: tuple[Node, ...] = ()) -> DeviceTree:
    return DeviceTree(root=Node("", list(properties), list(children)))


# ---- values -------------------------------------------------------------------------------------------------


@PROPERTY
@given(_values | st.binary(max_size=200))
@example(b'a"\\\t\v\f\0b\0')
@example(b"\0")
@example(b"a\nb\0")
@example(b"\0" * 4)
def test_what_is_printed_can_be_typed_back_and_gives_the_same_bytes(value: bytes) -> None:
    assert value_of(text_of(value, None)) == value
    shown = [line for line in EditableDtb.from_tree(tree_of(("p", value))).source(None) if line.startswith("    p")]
    assert value_of(shown[0].removesuffix(";").partition("=")[2]) == value


@PROPERTY
@given(_values)
@example(b"a\\\0")
@example(b"\r\0")
@example(b"\v\0")
def test_a_value_is_taken_for_what_the_library_takes_it_for(value: bytes) -> None:
    kind = type(fdt.new_property("p", value))
    assert (kind is fdt.PropStrings) == is_strings(value)
    assert (kind is fdt.Property) == (not value)
    if kind is not fdt.PropStrings and value:
        assert fdt.new_property("p", value).to_dts(0, 0).lower() == f"p = {text_of(value, None)};\n"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", b""),
        ("  true ", b""),
        ('"okay"', b"okay\0"),
        ('""', b"\0"),
        ('"a", "b"', b"a\0b\0"),
        ('"gr\u00fc\u00dfe"', "gr\u00fc\u00dfe\0".encode()),
        ("<1 2 0x3>", cells(1, 2, 3)),
        ("<0>", cells(0)),
        ("< >", b""),
        ("[00 11]", b"\0\x11"),
        ("[0011Fe]", b"\0\x11\xfe"),
        ('"a",<0xFFFFFFFF> , [ 0 1 ]', b"a\0\xff\xff\xff\xff\x01"),
    ],
)
def test_values_are_typed_as_in_a_source(typed: str, value: bytes) -> None:
    assert value_of(typed) == value


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("okay", "okay is not a value; a text needs quotation marks"),
        ("5", "5 is not a value"),
        ('"a', '"a has no closing quotation mark'),
        ("<1", "<1 has no closing >"),
        ("[0", "[0 has no closing ]"),
        ('"a",', "nothing follows the last comma"),
        ('"a" "b"', 'a comma is missing before "b"'),
        ("<x>", "x is not a number"),
        ("<-1>", "-1 is not a number"),
        ("<010>", "010 begins with 0"),
        ("<0x100000000>", "0x100000000 has more than 32 bits"),
        ("<99999999999999999999999999>", "more than 32 bits"),
        ("<&uart0>", "&uart0 is a label"),
        ("[0]", "[0] ends in half a byte"),
        ("[0g]", "[0g] may hold only digits"),
        ('"\\x"', "\\x means nothing"),
        ('"a\0"', "NUL"),
        ('"\ud800"', "cannot be written"),
        ("[" + "00" * 70_000 + "]", "more than 65,536 bytes"),
    ],
)
def test_a_value_that_is_none_is_refused_in_plain_words(typed: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        value_of(typed)
    assert said in caught.value.message
    assert len(caught.value.message) < 200


@PROPERTY
@given(st.text(max_size=40) | st.text('"<>[], \\0x1aZ', max_size=40))
def test_any_text_is_a_value_or_a_typed_error(text: str) -> None:
    with contextlib.suppress(FormatError):
        assert isinstance(value_of(text), bytes)


def test_a_long_value_is_cut_where_a_row_shows_it() -> None:
    assert text_of(b"a" * 100 + b"\0") == '"' + "a" * 60 + "..."
    assert text_of(bytes(100)) == "<" + " ".join(["0x0"] * 16) + " ...>"
    assert text_of(bytes(101)) == "<" + " ".join(["0x0"] * 16) + " ...>"
    lines = list(EditableDtb.from_tree(tree_of(("p", b"a" * 100 + b"\0"), ("q", bytes(100)))).source())
    assert [len(line) for line in lines[2:4]] == [4 + 4 + 64 + 1, 4 + 4 + 16 * 4 + 6 + 0]


# ---- holding ------------------------------------------------------------------------------------------------


@PROPERTY
@given(trees)
def test_the_library_holds_every_bit_of_a_tree(tree: DeviceTree) -> None:
    held = EditableDtb.from_tree(tree)
    assert held.to_tree() == tree
    assert list(held.differences(EditableDtb.from_tree(tree))) == []


def test_two_things_of_one_name_are_held_both_and_the_first_counts() -> None:
    tree = tree_of(("p", b"1"), ("p", b"2"), children=(Node("n", [("q", b"3")]), Node("n")))
    held = EditableDtb.from_tree(tree)
    assert held.to_tree() == tree
    without = tree_of(("p", b"1"), children=(Node("n", [("q", b"3")]),))
    assert list(differences(tree, without)) == []
    held.set("/", "p", b"9")
    assert held.to_tree().root.properties == [("p", b"9"), ("p", b"2")]
    held.delete("/", "p")
    assert held.to_tree().root.properties == []


def test_reservations_of_one_tree_are_not_those_of_the_next() -> None:
    first = DeviceTree(root=Node(""), reservations=[MemoryRange(base=1, size=2)])
    assert EditableDtb.from_tree(first).to_tree() == first
    assert EditableDtb.from_tree(tree_of()).to_tree() == tree_of()


@pytest.mark.parametrize("name", ["", "a b", "a/b", "\ud800", "ä", "a\n", "a_with_references"])
def test_a_tree_with_a_name_that_cannot_be_written_is_refused(name: str) -> None:
    for tree in (tree_of((name, b"")), tree_of(children=(Node(name),))):
        with pytest.raises(FormatError, match="cannot be written"):
            EditableDtb.from_tree(tree)
    with pytest.raises(FormatError, match="cannot be written"):
        EditableDtb.from_tree(tree_of()).set("/", name, b"")


def test_hostile_trees_are_refused_in_bounded_time() -> None:
    root = node = Node("")
    for _ in range(MAX_DEPTH):
        node.children.append(Node("n"))
        node = node.children[0]
    with pytest.raises(FormatError, match="64 levels"):
        EditableDtb.from_tree(DeviceTree(root=root))
    with pytest.raises(FormatError, match="200,000"):
        EditableDtb.from_tree(tree_of(*[("p", b"")] * MAX_ITEMS))
    # fdt.parse_dtb would take a minute for a quarter of them
    wide = tree_of(children=tuple(Node(f"n{number}") for number in range(60_000)))
    assert sum(1 for _ in EditableDtb.from_tree(wide).source()) == 2 * 60_000 + 3


# ---- printing and comparing ---------------------------------------------------------------------------------

_needs_dtc = pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")


def _dtc(source: str, folder: Path) -> DeviceTree:
    (folder / "a.dts").write_text(source, encoding="ascii")
    words = ["dtc", "-q", "-f", "-I", "dts", "-O", "dtb", "-o", str(folder / "a.dtb"), str(folder / "a.dts")]
    subprocess.run(words, check=True, capture_output=True)
    return DeviceTree.from_bytes((folder / "a.dtb").read_bytes())


@_needs_dtc
@SLOW
@given(trees)
@example(tree_of(("a", b'"\\\t\v\f\0'), ("b", b"\x7f\0"), ("c", b"\0"), ("d", b"")))
def test_dtc_makes_the_same_tree_of_the_source(tmp_path_factory: pytest.TempPathFactory, tree: DeviceTree) -> None:
    tree.boot_cpu = 0  # it has no place in a source
    source = "\n".join(EditableDtb.from_tree(tree).source(None)) + "\n"
    assert _dtc(source, tmp_path_factory.mktemp("dtc")) == tree


@PROPERTY
@given(trees)
def test_the_library_prints_the_same_but_for_what_it_misprints(tree: DeviceTree) -> None:
    tree.reservations.clear()  # fdt.parse_dtb gives them to other trees as well
    held = fdt.parse_dtb(tree.to_bytes())
    theirs = [line for line in held.to_dts().split("\n") if line and not line.startswith("//")]
    ours = list(EditableDtb.from_tree(tree).source(None))
    for shown, line in zip(ours, theirs, strict=True):
        if not any(char in line for char in "\\\t\v\f"):
            assert shown.lower() == line.lower()


@PROPERTY
@given(trees, trees)
def test_the_library_finds_the_same_differences(before: DeviceTree, after: DeviceTree) -> None:
    after.root.children += [node for node in before.root.children if after.root.child(node.name) is None]
    for tree in (before, after):
        tree.reservations.clear()
    _, only_before, only_after = fdt.diff(fdt.parse_dtb(before.to_bytes()), fdt.parse_dtb(after.to_bytes()))

    def found(tree: fdt.FDT, other: DeviceTree) -> set[tuple[str, str]]:
        """Properties in nodes that both have, and nodes that one has."""
        rows = set()
        for path, _, properties in tree.walk():
            if _at(other, path) is not None:
                rows |= {(path, item.name) for item in properties}
            elif _at(other, path.rpartition("/")[0] or "/") is not None:
                rows.add((path, ""))
        return rows

    ours = list(differences(before, after))
    assert {(row.path, row.property) for row in ours if row.change != "-"} == found(only_after, before)
    assert {(row.path, row.property) for row in ours if row.change != "+"} == found(only_before, after)


def _at(tree: DeviceTree, path: str) -> Node | None:
    node: Node | None = tree.root
    for name in filter(None, path.split("/")):
        node = next((child for child in node.children if child.name == name), None) if node else None
    return node


def test_differences_are_told_in_order() -> None:
    before = board_tree(("a,b",), "A", reservations=[(0x1000, 0x1000)])
    after = before.copy()
    after.reservations = [MemoryRange(base=0x2000, size=0x1000)]
    after.root.set("model", b"B\0")
    after.root.children.append(Node("new", [("p", b"")], [Node("below")]))
    del after.root.children[0]
    gone = before.root.children[0].name
    rows = list(map(str, differences(before, after)))
    assert rows[:3] == [
        "- /memreserve/ 0x1000-0x1fff: reserved",
        "+ /memreserve/ 0x2000-0x2fff: reserved",
        '~ / model: "A" → "B"',
    ]
    assert rows[-2] == "+ /new: 1 property, 1 node below"
    assert rows[-1].startswith(f"- /{gone}: ")


# ---- changing -----------------------------------------------------------------------------------------------


@PROPERTY
@given(trees, st.data())
def test_a_change_changes_that_and_nothing_else(tree: DeviceTree, data: st.DataObject) -> None:
    paths = [path for path, _ in tree.root.walk()]
    path = data.draw(st.sampled_from(paths))
    name, value = data.draw(_names), data.draw(_values)
    held = EditableDtb.from_tree(tree)
    held.set(path, name, value)
    changed = held.to_tree()
    wanted = tree.copy()
    node = _at(wanted, path)
    assert node is not None
    was_there = node.get(name) is not None
    node.set(name, value)
    assert changed == wanted
    held.delete(path, name)
    if not was_there:
        assert held.to_tree() == tree


def test_what_is_not_there_is_not_changed() -> None:
    held = EditableDtb.from_tree(
        tree_of(children=(Node("soc", [], [Node("uart@1"), Node("uart@2"), Node("i2c@3"), Node("i2c")]),))
    )
    with pytest.raises(FormatError, match="there is no node spi in /soc"):
        held.set("/soc/spi", "p", b"")
    with pytest.raises(FormatError, match="there is no node sock in /"):
        held.set("/sock", "p", b"")
    with pytest.raises(FormatError, match="2 nodes: uart@1, uart@2"):
        held.set("/soc/uart", "p", b"")
    with pytest.raises(FormatError, match="/soc/uart@1 has no property p"):
        held.delete("/soc/uart@1", "p")
    held.set("/soc/i2c", "status", b"okay\0")
    held.set("/soc/uart@2/", "status", b"okay\0")
    soc = held.to_tree().root.children[0]
    assert [node.get("status") for node in soc.children] == [None, b"okay\0", None, b"okay\0"]


def test_the_library_is_not_imported_by_a_scan(tmp_path: Path) -> None:
    board = board_tree(("linux,dummy-virt",), memory=()).to_bytes()
    entry = "title One\nlinux /Image\ndevicetree /board.dtb\n"
    write_tree(tmp_path, {"Image": whole_image(), "board.dtb": board, "loader/entries/one.conf": entry})
    machine = str(machines.FOLDER / "virt-psci-hvc.json")
    words = ["scan", "--json", "--machine", machine, "--tree", f"{tmp_path},name=sda1"]
    script = (
        f"import sys; from bootmenu import cli; cli.main({words!r}); print('fdt' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert '"/board.dtb"' in done.stdout
    assert done.stderr.split() == ["False"]
