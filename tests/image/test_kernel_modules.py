# SPDX-License-Identifier: MIT
"""Which kernel modules are taken, and in which order."""

from __future__ import annotations

import contextlib
import lzma
import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError, UsageError
from bootmenu.image.kernel_modules import Module, ModuleInfo, collect, decompress, versions
from bootmenu.image.module_classes import ModulesFor
from bootmenu.image.rootfs import Root
from tests.image.samples import module, tree

TOP = "lib/modules/6.1-x"


def names(modules: tuple[Module, ...]) -> list[str]:
    return [module.name for module in modules]


def test_dependencies_come_first_whatever_their_compression(tmp_path: Path) -> None:
    files = {
        f"{TOP}/kernel/a/virtio-blk.ko": module(depends="virtio,virtio_ring", license="GPL"),
        f"{TOP}/kernel/b/virtio.ko.xz": lzma.compress(module(depends="virtio_ring")),
        f"{TOP}/kernel/b/virtio_ring.ko.zst": zstandard.compress(module(depends="")),
        f"{TOP}/modules.builtin": b"kernel/fs/ext4/ext4.ko\n",
    }
    chosen = collect(Root(tree(tmp_path, files)), "6.1-x", ["virtio_blk", "nvme"], inserted=["virtio", "ext4"])
    assert names(chosen.modules) == ["virtio_ring", "virtio", "virtio_blk"]
    assert chosen.modules[1].path == f"/{TOP}/kernel/b/virtio.ko"
    assert chosen.modules[1].data == module(depends="virtio_ring")
    assert chosen.inserted == ("virtio",), "what is built in needs no inserting"


def test_modules_come_with_tables_for_modprobe(tmp_path: Path) -> None:
    files = {
        f"{TOP}/kernel/fs/btrfs.ko": module(depends="xor,libcrc32c", alias=["fs-btrfs", "devname:btrfs-control"]),
        f"{TOP}/kernel/xor.ko": module(depends="xor-neon"),
        f"{TOP}/kernel/xor-neon.ko": module(depends=""),
        f"{TOP}/kernel/libcrc32c.ko": module(depends="", softdep="pre: crc32c post: extra"),
        f"{TOP}/kernel/crc32c_generic.ko": module(depends=""),
        f"{TOP}/kernel/extra.ko": module(depends=""),
    }
    chosen = collect(Root(tree(tmp_path, files)), "6.1-x", ["btrfs", "xor"])
    assert names(chosen.modules) == ["xor_neon", "xor", "crc32c_generic", "libcrc32c", "extra", "btrfs"]
    assert chosen.inserted == ()
    table = dict(line.split(":") for line in chosen.dependency_table().splitlines())
    assert table["kernel/fs/btrfs.ko"].split() == ["kernel/libcrc32c.ko", "kernel/xor.ko", "kernel/xor-neon.ko"]
    assert table["kernel/extra.ko"] == ""
    assert "alias fs-btrfs btrfs\n" in chosen.alias_table()


def test_patterns_circles_and_built_in_dependencies(tmp_path: Path) -> None:
    files = {
        f"{TOP}/kernel/sdhci-of-a.ko": module(depends="sdhci,loop-a"),
        f"{TOP}/kernel/sdhci-of-b.ko": module(depends="sdhci"),
        f"{TOP}/kernel/loop-a.ko": module(depends="sdhci-of-a"),
        f"{TOP}/modules.builtin": b"kernel/drivers/mmc/host/sdhci.ko\n",
    }
    chosen = collect(Root(tree(tmp_path, files)), "6.1-x", ["sdhci_of_*"])
    assert names(chosen.modules) == ["loop_a", "sdhci_of_a", "sdhci_of_b"]


def test_modules_that_need_each_other_have_a_table(tmp_path: Path) -> None:
    files = {
        f"{TOP}/kernel/{name}.ko": module(depends=needed) for name, needed in (("a", "b"), ("b", "a,c"), ("c", ""))
    }
    chosen = collect(Root(tree(tmp_path, files)), "6.1-x", ["a"])
    table = dict(line.split(":") for line in chosen.dependency_table().splitlines())
    assert table == {
        "kernel/c.ko": "",
        "kernel/b.ko": " kernel/c.ko kernel/a.ko",
        "kernel/a.ko": " kernel/b.ko kernel/c.ko",
    }


def test_a_row_of_modules_has_an_end(tmp_path: Path) -> None:
    last = 2500
    files = {
        f"{TOP}/kernel/m{number:04}.ko": module(depends=f"m{number + 1:04}" if number < last else "")
        for number in range(last + 1)
    }
    root = Root(tree(tmp_path, files))
    chosen = collect(root, "6.1-x", ["m0000"])
    assert chosen.modules == ()
    assert "m0101.ko is needed by more than 100 modules one after the other" in chosen.problems[0]
    few = collect(root, "6.1-x", [f"m{last - 100:04}"])
    assert len(few.modules) == 101
    assert few.dependency_table().splitlines()[-1].count(".ko") == 101


def test_patterns_of_folders_and_what_is_left_out_of_them(tmp_path: Path) -> None:
    files = {
        f"{TOP}/kernel/drivers/clk/qcom/{name}.ko.xz": lzma.compress(module(depends=""))
        for name in ("gcc-sm8150", "camcc-sm8150")
    }
    files |= {
        f"{TOP}/kernel/drivers/net/camcc.ko": module(depends=""),
        f"{TOP}/kernel/drivers/input/keys.ko": module(depends=""),
    }
    chosen = collect(Root(tree(tmp_path, files)), "6.1-x", ["drivers/clk/*", "!*camcc*", "camcc", "keys"])
    assert names(chosen.modules) == ["gcc_sm8150", "camcc", "keys"]


def test_a_module_that_is_named_is_inserted_and_has_to_exist(tmp_path: Path) -> None:
    files = {
        f"{TOP}/updates/dkms/wifi-card.ko": module(depends="bus", firmware=["a.bin", "b/c.bin"]),
        f"{TOP}/kernel/wifi-card.ko": module(depends="", firmware="old.bin"),
        f"{TOP}/kernel/bus.ko": module(depends=""),
        f"{TOP}/modules.builtin": b"kernel/fs/ext4/ext4.ko\n",
    }
    root = Root(tree(tmp_path, files))
    chosen = collect(root, "6.1-x", [], named=["wifi-card", "ext4"])
    assert names(chosen.modules) == ["bus", "wifi_card"]
    assert chosen.inserted == ("wifi_card",)
    assert chosen.modules[1].info.firmware == ("a.bin", "b/c.bin"), "one in updates/ takes precedence"
    assert chosen.dependency_table().splitlines()[1] == "updates/dkms/wifi-card.ko: kernel/bus.ko"
    with pytest.raises(UsageError, match=r"kernel 6\.1-x has no module wifi-cart") as caught:
        collect(root, "6.1-x", [], named=["wifi-cart"])
    with pytest.raises(UsageError) as unlike:
        collect(root, "6.1-x", [], named=["nope"])
    assert (
        unlike.value.hint
        == f"They are named like the files below /{TOP.removeprefix('usr/')} of the tree, without .ko."
    )
    assert caught.value.hint == "Did you mean wifi_card?"


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", "<>")
def test_modules_of_every_width_and_byte_order(wide: bool, order: str) -> None:
    modinfo, texts = b"depends=a,b\0alias=x\0", b"\0.modinfo\0"
    head = struct.pack(f"{order}16xHHI{'QQQ' if wide else 'III'}", 1, 8, 1, 0, 0, 256)
    head += struct.pack(f"{order}IHHHHHH", 0, 64, 0, 0, 64 if wide else 40, 3, 2)
    head = b"\x7fELF" + bytes([2 if wide else 1, 2 if order == ">" else 1]) + head[6:]
    row = f"{order}{'IIQQQQIIQQ' if wide else 'IIIIIIIIII'}"
    rows = b"".join(
        struct.pack(row, name, 1, 0, 0, at, size, 0, 0, 1, 0)
        for name, at, size in ((0, 0, 0), (1, 64, len(modinfo)), (0, 128, len(texts)))
    )
    data = b"".join([head.ljust(64, b"\0"), modinfo.ljust(64, b"\0"), texts.ljust(128, b"\0"), rows])
    info = ModuleInfo.from_bytes(data, "x.ko")
    assert (info.depends, info.aliases) == (("a", "b"), ("x",))


def test_each_class_is_a_part_of_all_and_has_what_virtual_machines_have() -> None:
    for machines in ModulesFor:
        assert set(ModulesFor.VIRT.patterns) <= set(machines.patterns) <= set(ModulesFor.ALL.patterns)


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"\x7fELF" + bytes(60), module(depends="")[:100], b"\x7fELF\x02\x01\x01" + b"\xff" * 80],
)
def test_a_garbage_module_is_told_and_does_not_hide_others(tmp_path: Path, content: bytes) -> None:
    files = {
        f"{TOP}/kernel/bad.ko": content,
        f"{TOP}/kernel/needs-bad.ko": module(depends="bad"),
        f"{TOP}/kernel/good.ko": module(depends=""),
        f"{TOP}/kernel/packed.ko.xz": b"\xfd7zXZ\0garbage",
    }
    chosen = collect(Root(tree(tmp_path, files)), "6.1-x", ["needs_bad", "good", "packed"])
    assert names(chosen.modules) == ["good"]
    assert any("bad.ko" in problem for problem in chosen.problems)
    assert any("needs bad" in problem for problem in chosen.problems)
    assert any("packed.ko.xz cannot be unpacked" in problem for problem in chosen.problems)


def test_a_decompression_bomb_is_refused() -> None:
    with pytest.raises(FormatError, match="bigger"):
        decompress(lzma.compress(bytes(65 << 20)), "bomb.ko.xz")


@given(st.binary(max_size=400))
def test_any_bytes_are_a_module_or_an_error(data: bytes) -> None:
    good = module(depends="a")
    for sample in (data, good[: len(data)] + data, good[:64] + data):
        with contextlib.suppress(FormatError):
            ModuleInfo.from_bytes(sample, "x.ko")


def test_versions_of_a_tree(tmp_path: Path) -> None:
    assert versions(Root(tmp_path)) == ()
    tree(tmp_path, {"lib/modules/6.2/x": b"", "lib/modules/6.1/x": b""})
    assert versions(Root(tmp_path)) == ("6.1", "6.2")
    tree(tmp_path, {"usr/lib/modules/6.3/x": b""})
    assert versions(Root(tmp_path)) == ("6.1", "6.2", "6.3")
    (tmp_path / "installed").mkdir()
    tree(tmp_path / "installed", {"usr/lib/modules/6.4/x": b"", "lib": "usr/lib"})
    assert versions(Root(tmp_path / "installed")) == ("6.4",)
