# SPDX-License-Identifier: MIT
"""Edits of a device tree as people type them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.demo.builders import cells
from bootmenu.errors import FormatError
from bootmenu.formats.dtb import Node
from bootmenu.formats.editable_dtb import EditableDtb
from bootmenu.formats.typed_edits import TypedEdit
from tests.formats.test_editable_dtb import tree_of
from tests.properties import examples

PROPERTY = examples(100)
_names = st.text("abcXYZ019,._+-@#", min_size=1, max_size=8)
edits = st.builds(
    TypedEdit,
    path=st.lists(_names, max_size=3).map(lambda names: "/" + "/".join(names)),
    property=_names,
    value=st.none() | st.binary(max_size=12) | st.sampled_from([b"okay\0", b"disabled\0", cells(1, 2)]),
)


@PROPERTY
@given(edits)
def test_what_is_shown_can_be_typed(edit: TypedEdit) -> None:
    assert TypedEdit.from_text(str(edit)) == edit


@PROPERTY
@given(st.text(max_size=30) | st.text('set delete enable disable /ab="<>[] 01', max_size=40))
def test_any_text_is_an_edit_or_a_typed_error(text: str) -> None:
    with contextlib.suppress(FormatError):
        assert TypedEdit.from_text(text).path.startswith("/")


@pytest.mark.parametrize(
    ("text", "path", "name", "value"),
    [
        ("enable /soc/uart@1", "/soc/uart@1", "status", b"okay\0"),
        ("  disable   /soc/uart@1/ ", "/soc/uart@1", "status", b"disabled\0"),
        ("delete / model", "/", "model", None),
        ('set / model = "Rocket"', "/", "model", b"Rocket\0"),
        ("/soc/i2c@0 clock-frequency=<400000>", "/soc/i2c@0", "clock-frequency", cells(400000)),
        ("/soc dma-coherent", "/soc", "dma-coherent", b""),
        ("/soc dma-coherent =", "/soc", "dma-coherent", b""),
        ('/chosen stdout-path = "serial0:115200n8"', "/chosen", "stdout-path", b"serial0:115200n8\0"),
        ("/soc/bootargs bootargs = [00]", "/soc/bootargs", "bootargs", b"\0"),
    ],
)
def test_edits_are_typed_as_the_help_says(text: str, path: str, name: str, value: bytes | None) -> None:
    assert TypedEdit.from_text(text) == TypedEdit(path=path, property=name, value=value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not an edit"),
        ("soc/uart status", "not an edit"),
        ("remove /soc", "not an edit"),
        ("/soc a b", "not an edit"),
        ("enable /soc status", "enable takes only the path of a node"),
        ("disable /soc = <1>", "disable takes only the path of a node"),
        ("delete /soc", "the name of a property is missing"),
        ("/soc", "the name of a property is missing"),
        ("delete /soc p = <1>", "delete takes no value"),
        ("/soc p = okay", "a text needs quotation marks"),
        ('/chosen bootargs = "quiet"', "bootargs in /chosen is set at every boot"),
        ("delete /chosen/ kaslr-seed", "kaslr-seed in /chosen is set"),
        ("/chosen linux,initrd-start = <0>", "is set at every boot"),
    ],
)
def test_what_is_no_edit_is_refused_in_plain_words(text: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        TypedEdit.from_text(text)
    assert said in caught.value.message


def test_the_library_makes_every_kind_of_edit() -> None:
    uart = Node("uart@1", [("status", b"disabled\0"), ("reg", cells(1, 2))])
    held = EditableDtb.from_tree(tree_of(("model", b"A\0"), children=(uart,)))
    for text in ("enable /uart", "delete /uart@1 reg", '/ model = "B"', "/uart wakeup-source", "/uart@1 rate = <3>"):
        held.apply(TypedEdit.from_text(text))
    after = held.to_tree()
    assert after.root.properties == [("model", b"B\0")]
    assert after.root.children[0].properties == [
        ("status", b"okay\0"),
        ("wakeup-source", b""),
        ("rate", cells(3)),
    ]
