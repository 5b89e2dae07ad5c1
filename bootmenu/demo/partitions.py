# SPDX-License-Identifier: MIT
"""The sample partitions: an entry of every verdict, and more; sparse files of a few KiB in all."""

from __future__ import annotations

from pathlib import Path

from bootmenu.demo.builders import arm64_image, board_tree, write_gzipped_image, write_sparse
from bootmenu.discovery.devices import Device
from bootmenu.formats.dtb import DeviceTree
from bootmenu.i18n import N_
from bootmenu.model.entry import Problem
from bootmenu.model.place import Bus, Place

_OPTIONS = "root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 quiet"


def build(folder: Path, running: bytes) -> tuple[Device | Problem, ...]:
    """Write the partitions below `folder`; return what a machine with these disks lists. running: its device tree."""
    boot, rootfs, stick = folder / "boot", folder / "rootfs", folder / "stick"
    _boot(boot)
    _rootfs(rootfs, running)
    _stick(stick)
    return (
        Device(
            name="mmcblk0p1",
            folder=str(boot),
            filesystem="vfat",
            label="BOOT",
            uuid="1C4E-5A7B",
            size=536_870_912,
            place=Place(bus=Bus.INTERNAL, path="platform-fe340000.mmc", disk="demonstration-1"),
        ),
        Device(
            name="nvme0n1p2",
            folder=str(rootfs),
            filesystem="ext4",
            label="rootfs",
            uuid="7b0c9d52-4f33-4b7e-9c50-1f1f6b8a2d10",
            partuuid="6f0c4d5e-02",
            size=64_021_856_256,
            place=Place(bus=Bus.INTERNAL, path="pci-0000:01:00.0-nvme-1", disk="demonstration-2"),
        ),
        Device(
            name="sda1",
            folder=str(stick),
            filesystem="vfat",
            label="STICK",
            uuid="2F11-90AC",
            place=Place(bus=Bus.USB, path="platform-fe380000.usb-usb-0:1:1.0", disk="demonstration-3"),
        ),
        Problem(device="sdb1", path="", message=N_("not readable: no known file system")),
    )


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _boot(root: Path) -> None:
    """Write Boot Loader Specification entries as Debian's kernel-install does."""
    _text(root / "loader/loader.conf", "timeout 5\ndefault debian-6.1.0-49*\n")
    kernels = (
        ("debian-6.1.0-49-arm64", "Debian GNU/Linux 12 (bookworm)", "6.1.0-49-arm64", "debian"),
        ("debian-6.1.0-47-arm64", "Debian GNU/Linux 12 (bookworm)", "6.1.0-47-arm64", "debian"),
        ("debian-6.12.57-arm64-16k", "Debian GNU/Linux 13, 16K pages", "6.12.57+deb13-arm64-16k", "debian-13"),
    )
    for name, title, version, key in kernels:
        _text(
            root / f"loader/entries/{name}.conf",
            f"title {title}\nversion {version}\nsort-key {key}\nlinux /vmlinuz-{version}\n"
            f"initrd /initrd.img-{version}\noptions {_OPTIONS}\n",
        )
        write_sparse(root / f"initrd.img-{version}", b"\x28\xb5\x2f\xfd", 34_100_224)
    size = 33_554_432
    write_sparse(root / "vmlinuz-6.1.0-49-arm64", arm64_image(size), size)
    write_sparse(root / "vmlinuz-6.1.0-47-arm64", arm64_image(size), 19_922_944)  # the copy was cut off
    size = 38_797_312
    write_sparse(root / "vmlinuz-6.12.57+deb13-arm64-16k", arm64_image(size, page_size=16384), size)


def _rootfs(root: Path, running: bytes) -> None:
    """Write an extlinux configuration with right and wrong device trees."""
    _text(
        root / "boot/extlinux/extlinux.conf",
        f"""\
default alpine
timeout 50
menu title Alpine Linux
speeling mistake
label alpine
  menu label Alpine Linux edge
  kernel ../Image-6.12.1-lts.gz
  initrd ../initramfs-lts
  append {_OPTIONS}
label own-tree
  menu label Alpine Linux edge, own device tree
  kernel ../Image-6.12.1-lts.gz
  initrd ../initramfs-lts
  fdt ../dtbs/this-board.dtb
  append {_OPTIONS}
label two-cpus
  menu label Alpine Linux edge, two CPUs
  kernel ../Image-6.12.1-lts.gz
  initrd ../initramfs-lts
  fdt ../dtbs/two-cpus.dtb
  append {_OPTIONS}
label other-board
  menu label Alpine Linux edge, tree of another board
  kernel ../Image-6.12.1-lts.gz
  initrd ../initramfs-lts
  fdt ../dtbs/other-board.dtb
  append {_OPTIONS}
label lost
  menu label Alpine Linux 3.20
  kernel ../Image-6.6.31-lts.gz
  initrd ../initramfs-old
  append {_OPTIONS}
""",
    )
    write_gzipped_image(root / "boot/Image-6.12.1-lts.gz", 29_360_128)
    write_sparse(root / "boot/initramfs-lts", b"\x1f\x8b\x08", 21_474_836)
    folder = root / "boot/dtbs"
    folder.mkdir(parents=True)
    trees = {
        "this-board": _without(running, "/", "memory"),
        "two-cpus": _without(running, "/cpus", "cpu@2", "cpu@3", "cpu-map"),
        "other-board": board_tree(("acme,rocket-2", "acme,soc9"), "ACME Rocket 2", psci_method="smc"),
    }
    for name, tree in trees.items():
        (folder / f"{name}.dtb").write_bytes(tree.to_bytes())


def _without(running: bytes, parent: str, *names: str) -> DeviceTree:
    """Return the running tree without these nodes; a name without an address means all nodes of that name."""
    tree = DeviceTree.from_bytes(running)
    node = tree.root
    for name in filter(None, parent.split("/")):
        child = node.child(name)
        assert child is not None, f"the recorded machine has /{name}"
        node = child
    node.children = [child for child in node.children if not {child.name, child.name.partition("@")[0]} & {*names}]
    return tree


def _stick(root: Path) -> None:
    """Write a kernel that says little about itself, and one without a configuration and with too large an
    initramfs."""
    _text(root / "extlinux/extlinux.conf", f"label Image-test\nkernel /Image-test\nappend {_OPTIONS}\n")
    write_sparse(root / "Image-test", arm64_image(12_582_912, sections=False), 12_582_912)
    size = 33_554_432
    write_sparse(root / "vmlinuz-rescue", arm64_image(size), size)
    write_sparse(root / "initrd.img-rescue", b"\x28\xb5\x2f\xfd", 734_003_200)
