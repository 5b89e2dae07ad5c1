# SPDX-License-Identifier: MIT
"""Which subvolumes are read, on file systems laid out as distributions do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bootmenu.discovery.devices import Device
from bootmenu.discovery.storage import btrfs
from bootmenu.model.entry import Problem
from bootmenu.model.value import replace
from bootmenu.sources.tree import Stat
from tests.builders.trees import MemoryTree

DEVICE = Device(name="sda2", path="/dev/sda2", filesystem="btrfs", uuid="AB-1", label="pool")


@dataclass
class TopLevel(MemoryTree):
    """A btrfs file system from its top; the roots of its subvolumes have the inode 256."""

    subvolumes: dict[str, int] = field(default_factory=dict)
    """Path → device number."""

    def stat(self, path: str) -> Stat:
        info = MemoryTree.stat(self, path)
        number = 1 if info.resolved == "/" else self.subvolumes.get(info.resolved)
        return info if number is None else replace(info, identity=(number, 256))


def top(*files: str, subvolumes: Iterable[str]) -> TopLevel:
    numbers = {path: 2 + number for number, path in enumerate(subvolumes)}
    return TopLevel(dict.fromkeys(files, b""), subvolumes=numbers)


def found(tree: TopLevel, default: str = "/") -> list[str | Problem]:
    """Paths of the subvolumes, and problems."""
    number, inode = tree.stat(default).identity
    mounted = TopLevel(tree.files if default == "/" else {"/x": b""}, subvolumes={"/": number})
    if default != "/":
        mounted.stat = lambda path: replace(tree.stat("/"), identity=(number, inode))  # type: ignore[method-assign]
    results = btrfs.subvolumes(DEVICE, mounted, tree)
    return [item.inner_path if isinstance(item, Device) else item for item in results]


def test_ubuntu_boots_from_a_subvolume_that_is_not_the_default() -> None:
    tree = top("/@/boot/vmlinuz-6.8", "/@/etc/fstab", "/@home/me/boot/x", subvolumes=["/@", "/@home"])
    assert found(tree) == ["/@"]


def test_fedora_s_root_has_but_an_empty_place_for_the_boot_partition() -> None:
    tree = top("/root/boot/efi/x", "/root/etc/fstab", "/home/me/x", subvolumes=["/root", "/home"])
    assert found(tree) == []


def test_opensuse_s_default_is_a_snapshot_and_the_others_come_newest_first() -> None:
    snapshots = [f"/@/.snapshots/{number}/snapshot" for number in (1, 2, 10)]
    files = [f"{path}/boot/vmlinuz" for path in snapshots]
    tree = top(*files, "/@/.snapshots/1/info.xml", "/@/boot/grub2/x", subvolumes=["/@", "/@/.snapshots", *snapshots])
    assert found(tree, snapshots[0]) == ["/@", snapshots[2], snapshots[1]]


def test_the_top_level_is_read_where_something_else_is_the_default() -> None:
    tree = top("/boot/vmlinuz", "/root/etc/fstab", subvolumes=["/root"])
    assert found(tree, "/root") == ["/"]
    assert found(tree) == []


def test_a_folder_is_no_subvolume_and_a_kernel_at_its_root_is_enough() -> None:
    assert found(top("/a/vmlinuz", "/b/vmlinuz", "/c/Image", "/d/x", subvolumes=["/b", "/c", "/d"])) == ["/b", "/c"]


def test_so_many_are_read_and_what_is_left_out_is_said() -> None:
    snapshots = [f"/.snapshots/{number}/snapshot" for number in range(1, 41)]
    *read, problem = found(top(*(f"{path}/vmlinuz" for path in snapshots), subvolumes=snapshots))
    assert read == snapshots[: -btrfs.MAX_SUBVOLUMES - 1 : -1]
    assert isinstance(problem, Problem)
    assert (problem.device, problem.path) == ("sda2", "/.snapshots/24/snapshot")
    assert "16 are read" in problem.message


def test_thousands_of_folders_end() -> None:
    *read, problem = found(top(*(f"/{number}/.snapshots/1/snapshot/x" for number in range(3000)), subvolumes=[]))
    assert read == []
    assert isinstance(problem, Problem)
    assert "too many" in problem.message


def test_a_subvolume_is_named_after_where_it_lies() -> None:
    tree = top("/@/boot/vmlinuz", subvolumes=["/@"])
    (device,) = btrfs.subvolumes(DEVICE, tree, tree)
    assert isinstance(device, Device)
    assert (device.name, device.title) == ("sda2:/@", "sda2:/@ · pool · btrfs")
    assert (device.identity, device.names) == ("uuid=ab-1:/@", ())


def test_a_path_that_begins_in_a_subvolume_is_counted_from_the_top() -> None:
    tree = top("/@/boot/vmlinuz", "/boot/vmlinuz", subvolumes=["/@"])
    assert btrfs.begins_in_subvolume(tree, "/@/boot/vmlinuz")
    assert not btrfs.begins_in_subvolume(tree, "/boot/vmlinuz")
    assert not btrfs.begins_in_subvolume(tree, "/@")
