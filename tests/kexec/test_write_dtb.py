# SPDX-License-Identifier: MIT
"""The edits of every boot, and how a tree with its edits is written."""

from __future__ import annotations

import struct

import pytest

from bootmenu.demo.builders import board_tree
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree
from bootmenu.kexec.write_dtb import RESERVE, Edit, apply, boot_edits, to_blob
from tests.kexec.test_firmware_fixups import TREE, value


@pytest.mark.parametrize(
    ("seed", "seeds", "kaslr", "rng"),
    [
        (b"12345678", True, 8, 128),
        (None, True, 8, 128),
        (b"12345678", False, 0, None),  # kexec-tools fills in a zero, and refuses anything else
        (None, False, None, None),
    ],
)
def test_a_foreign_seed_is_never_handed_on(
    seed: bytes | None, seeds: bool, kaslr: int | None, rng: int | None
) -> None:
    tree = board_tree(TREE.compatible, chosen=[("kaslr-seed", seed)] if seed else [])
    found = apply(tree, boot_edits(tree, "quiet", initramfs=False, writes_seeds=seeds))
    drawn = value(found, "/chosen", "kaslr-seed")
    assert drawn != b"12345678"
    if kaslr is None:
        assert drawn is None
    else:
        assert drawn is not None
        assert any(drawn) == bool(kaslr)
    assert len(value(found, "/chosen", "rng-seed") or b"") == (rng or 0)
    assert value(found, "/chosen", "bootargs") == b"quiet\0"


def test_a_foreign_rng_seed_is_replaced_for_kexec_tools_too() -> None:
    tree = board_tree(TREE.compatible, chosen=[("rng-seed", b"known")])
    found = apply(tree, boot_edits(tree, "", initramfs=False, writes_seeds=False))
    assert len(value(found, "/chosen", "rng-seed") or b"") == 128


def test_what_only_the_loading_method_knows_is_listed_and_left_to_it() -> None:
    tree = board_tree(TREE.compatible)
    changes = list(boot_edits(tree, "", initramfs=True, writes_seeds=False))
    assert [edit.property for edit in changes if edit.late] == ["linux,initrd-start", "linux,initrd-end"]
    assert value(apply(tree, changes), "/chosen", "linux,initrd-start") is None


def test_an_edit_says_what_it_does() -> None:
    assert str(Edit(path="/chosen", property="x", value=None, why="old")) == "/chosen: x removed (old)"
    assert str(Edit(path="/m", property="reg", value=bytes(8), why="new")) == "/m: reg = <0x0 0x0> (new)"
    assert str(Edit(path="/c", property="s", fresh=8, why="new")) == "/c: s set, 8 random bytes (new)"
    assert str(Edit(path="/c", property="i", late=True, why="new")) == "/c: i set at load (new)"
    area = struct.pack(">QQ", 0x1000, 0x1000)
    assert str(Edit(path=RESERVE, value=area, why="new")) == "0x1000-0x1fff reserved (new)"


def test_a_tree_that_grows_beyond_2_mib_is_refused() -> None:
    tree = board_tree(TREE.compatible)
    tree.root.set("filler", bytes(MAX_SIZE))
    with pytest.raises(BootmenuError, match="at most"):
        to_blob(tree)


def test_nops_and_padding_are_gone_after_an_edit() -> None:
    data = board_tree(TREE.compatible).to_bytes()
    padded = bytearray(data + bytes(4096))
    struct.pack_into(">I", padded, 4, len(padded))
    assert to_blob(apply(DeviceTree.from_bytes(bytes(padded)), ())) == data
