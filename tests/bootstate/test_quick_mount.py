# SPDX-License-Identifier: MIT
"""The quick way to the partition that remembers: never another answer than the long way, and often none."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bootmenu.bootstate import quick_mount
from bootmenu.bootstate.state import encode
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.commands import mark_good_command
from bootmenu.discovery.attachment import Places
from bootmenu.model.place import is_at, split
from bootmenu.system.host import Host
from tests.builders.places import DOCK, EMMC, NVME, SATA, SDCARD, USB, VIRTIO, attach
from tests.commands.test_mark_good import MODULES, MODULES_FOR_A_PARTITION, PLACE, STATE, machine

STATE_PART = {"ID_FS_LABEL_ENC": "STATE", "ID_FS_UUID": "AB-12", "ID_FS_TYPE": "vfat"}
NAMES = {"ID_PART_ENTRY_UUID": "0f5a1d50-01", "ID_PART_ENTRY_NAME": "state"}


def with_disk(
    root: Path,
    where: str = SATA,
    files: Mapping[str, str] | None = None,
    properties: Mapping[str, str] = {**STATE_PART, **NAMES},
) -> Path:
    """One more disk with a partition, as a running system with udev has it."""
    attach(root, where, files)
    udev = root / "run/udev"
    (udev / "data").mkdir(parents=True, exist_ok=True)
    (udev / "control").touch()
    folder = root / "sys/devices" / where
    for number, part in enumerate((folder, *(path.parent for path in folder.glob("*/partition")))):
        for name in ("holders", "slaves"):
            (part / name).mkdir(exist_ok=True)
        (part / "dev").write_text(f"{sum(where.encode())}:{number}\n")
        (part / "ro").write_text("0\n")
        if number:
            lines = "".join(f"E:{name}={value}\n" for name, value in properties.items())
            (udev / f"data/b{sum(where.encode())}:{number}").write_text(f"I:1\n{lines}V:1\n")
    if not (folder / "removable").exists():
        (folder / "removable").write_text("0\n")
    return part


@pytest.mark.parametrize("where", [SATA, USB, NVME, EMMC, SDCARD, VIRTIO, DOCK])
@pytest.mark.parametrize(
    "files",
    [
        {},
        {f"{SATA}/removable": "1\n"},
        {f"{EMMC}/../../type": "MMC\n", f"{SDCARD}/../../type": "SD\n"},
        {"pci0000:00/0000:00:07.0/0000:2b:00.0/removable": "removable\n"},
    ],
)
@pytest.mark.parametrize("setting", ["LABEL=STATE", "LABEL=STATE on sd", "LABEL=STATE on usb"])
def test_it_is_never_at_another_place(tmp_path: Path, where: str, files: dict[str, str], setting: str) -> None:
    mine = {path: text for path, text in files.items() if path.startswith(where.split("/block/")[0][:30])}
    part = with_disk(tmp_path, where, mine)
    try:
        device, kind = quick_mount.find(str(tmp_path), setting)
    except (LookupError, OSError):
        return
    assert (device, kind) == (f"/dev/{part.name}", "vfat")
    assert is_at(Places(Host(root=tmp_path)).of(part.name, ""), split(setting)[1])


@pytest.mark.parametrize(
    ("where", "files", "setting"),
    [
        (SATA, {}, "LABEL=STATE"),
        (SATA, {}, "UUID=ab-12"),
        (SATA, {}, "partuuid=0F5A1D50-01 on internal"),
        (SATA, {}, "PARTLABEL=state"),
        (SATA, {}, "/dev/sda1"),
        (NVME, {}, "nvme0n1p1"),
        (VIRTIO, {}, "LABEL=STATE"),
        (EMMC, {f"{EMMC}/../../type": "MMC\n"}, "LABEL=STATE"),
        (SDCARD, {f"{SDCARD}/../../type": "SD\n"}, "LABEL=STATE on sd"),
    ],
)
def test_the_plain_ones_are_found(tmp_path: Path, where: str, files: dict[str, str], setting: str) -> None:
    part = with_disk(tmp_path, where, files)
    other = {"ID_FS_LABEL_ENC": "OTHER", "ID_FS_TYPE": "ext4"}
    with_disk(tmp_path, SATA.replace("sda", "sdc").replace("2:0", "4:0"), properties=other)
    assert quick_mount.find(str(tmp_path), setting) == (f"/dev/{part.name}", "vfat")


@pytest.mark.parametrize(
    "setting",
    [
        *("LABEL=state", "LABEL=OTHER", "LABEL=", "KIND=x", "LABEL=STATE on usb", "LABEL=STATE on", "on sd", ""),
        *("LABEL=ST ATE", 'LABEL="STATE"', "LABEL=*", "/dev/disk/by-label/STATE", "sda1:/@", "../sda1", "sda9"),
    ],
)
def test_what_is_not_beyond_doubt_is_not_found(tmp_path: Path, setting: str) -> None:
    with_disk(tmp_path)
    with pytest.raises((LookupError, OSError)):
        quick_mount.find(str(tmp_path), setting)


@pytest.mark.parametrize("doubt", ["twin", "holder", "ro", "btrfs", "no udev", "removable"])
def test_a_doubt_is_for_the_long_way(tmp_path: Path, doubt: str) -> None:
    part = with_disk(tmp_path, properties={**STATE_PART, "ID_FS_TYPE": "btrfs"} if doubt == "btrfs" else STATE_PART)
    match doubt:
        case "twin":
            with_disk(tmp_path, USB)
        case "holder":
            (part / "holders/dm-0").touch()
        case "ro":
            (part / "ro").write_text("1\n")
        case "no udev":
            (tmp_path / "run/udev/control").unlink()
        case "removable":
            (part.parent / "removable").write_text("1\n")
    with pytest.raises((LookupError, OSError)):
        quick_mount.find(str(tmp_path), "LABEL=STATE")


def test_calls_are_made_without_ctypes() -> None:
    with pytest.raises(OSError, match="umount2") as caught:
        quick_mount._call("umount2", b"/nonexistent", 0)
    assert caught.value.errno in (errno.ENOENT, errno.EPERM)
    program = "from bootmenu.bootstate.quick_mount import _call\n"
    program += "try: _call('umount2', b'/x', 0)\nexcept OSError: print(1)"
    program = f"import sys; before = set(sys.modules)\n{program}\nprint(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    said, modules = done.stdout.splitlines()
    assert said == "1"
    assert set(modules.split()) <= MODULES | MODULES_FOR_A_PARTITION


def test_what_is_on_the_partition_is_marked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = machine(tmp_path / "m", 'state.device = "LABEL=STATE"\nstate.folder = "/menu"\n')
    with_disk(root)
    (tmp_path / "disk/menu").mkdir(parents=True)
    (tmp_path / "disk/menu/state.json").write_bytes(encode(STATE))
    mounted: list[tuple[str, str]] = []

    class Mounted(quick_mount.Mounted):
        def __init__(self, device: str, kind: str) -> None:
            mounted.append((device, kind))

        def __enter__(self) -> Mounted:
            return self

        def __exit__(self, *_: object) -> None:
            mounted.append(("", ""))

        @property
        def top(self) -> str:
            return str(tmp_path / "disk")

    monkeypatch.setattr(quick_mount, "Mounted", Mounted)
    assert mark_good_command.run_quickly(str(root)) == 0
    assert capsys.readouterr().out.endswith("came up well.\n")
    assert mounted == [("/dev/sda1", "vfat"), ("", "")]
    assert FolderBackend(tmp_path / "disk/menu").read().trying is None
    assert FolderBackend(root / PLACE).read().trying is not None
