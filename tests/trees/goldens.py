# SPDX-License-Identifier: MIT
"""What a scan of the partitions in this folder must find. `python -m tests.trees.goldens` writes it anew: look
at the difference before you commit it.

Each folder is one machine: `machine.json` says which board it is and lists its partitions, a folder each (`root`
unless it says otherwise); `scan.json` is the answer. A file that begins with `@build` stands for a binary that is
made before the scan: `@build arm64-image`, `@build dtb COMPATIBLE...`; _BUILDERS has them all. `@link PATH` is a link
to an absolute path, which an archive of this source may not hold (PEP 706).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bootmenu.demo.builders import board_tree
from bootmenu.discovery.devices import Device, position
from bootmenu.formats import dtb
from bootmenu.image.cpio import ArchiveMember, pack
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.view import json_output
from tests.builders import containers, kernels
from tests.builders.entries import whole_image
from tests.builders.machines import tree_of, virt

FOLDER = Path(__file__).parent

_Builder = Callable[[list[str], str], bytes]

_BUILDERS: dict[str, _Builder] = {
    "arm64-image": lambda _, __: whole_image(),
    "arm64-image.gz": lambda _, __: gzip.compress(whole_image(), mtime=0),
    "zboot": lambda _, __: containers.zboot(whole_image()),
    "bzimage": lambda _, __: kernels.bzimage(0x20F, 1),
    "efi-program": lambda _, __: kernels.portable_executable([(".text", 512, 100)]),
    "initramfs": lambda _, __: _initramfs(),
    "boot-script": lambda _, text: containers.boot_script(text),
    "uinitrd": lambda _, __: containers.uimage(_initramfs(), kind=3),
    "dtb": lambda words, _: board_tree(words).to_bytes(),
    # as overlays need it
    "dtb-with-symbols": lambda words, _: _with_symbols(board_tree(words)).to_bytes(),
    "overlay": lambda _, __: _overlay().to_bytes(),
    # behind the first line: {"overlay": {"platform": "name to use"}, ...}
    "overlay-map": lambda _, text: _overlay_map(json.loads(text)).to_bytes(),
    # behind the first line: [[".osrel", "NAME=..."], [".linux", ""], ...]; .linux is filled in
    "fit": lambda words, _: containers.fit(board=words),
    "android": lambda words, _: _android(*words),
    "android-vendor": lambda words, _: containers.android_vendor(
        [(1, _initramfs())], dtb=board_tree(words).to_bytes(), cmdline=b"androidboot.hardware=x"
    ),
    "chromeos": lambda words, text: containers.chromeos(containers.fit(board=words), text.strip().encode()),
    "uki": lambda _, text: containers.uki(*_sections(text)),
    # the paths of kernel and initramfs; behind the first line: the .osrel
    "lanzaboote": lambda words, text: _lanzaboote(words[0], words[1], text),
}


def _initramfs() -> bytes:
    return b"".join(pack([ArchiveMember.file("init", b"#!/bin/sh\n", 0o755)]))


def _android(version: str, *line: str) -> bytes:
    tree = board_tree(["linux,dummy-virt"]).to_bytes() if version == "2" else b""
    text = " ".join(line).encode()
    return containers.android(whole_image(), _initramfs(), version=int(version), dtb=tree, cmdline=text)


def _with_symbols(tree: dtb.DeviceTree) -> dtb.DeviceTree:
    tree.ensure("/__symbols__")
    return tree


def _overlay() -> dtb.DeviceTree:
    return dtb.DeviceTree(
        root=dtb.Node("", children=[dtb.Node("fragment@0", [("target-path", b"/\0")], [dtb.Node("__overlay__")])])
    )


def _overlay_map(overlays: dict[str, dict[str, str]]) -> dtb.DeviceTree:
    nodes = [
        dtb.Node(name, [(key, value.encode() + b"\0" if value else b"") for key, value in properties.items()])
        for name, properties in overlays.items()
    ]
    return dtb.DeviceTree(root=dtb.Node("", children=nodes))


def _lanzaboote(kernel: str, initrd: str, osrel: str) -> bytes:
    return containers.uki(
        *((".osrel", osrel.encode()), (".cmdline", b"init=/nix/store/x/init loglevel=4")),
        *((".initrd", initrd.encode()), (".linux", kernel.encode())),
        (".initrdh", hashlib.sha256(_initramfs()).digest()),
        (".linuxh", hashlib.sha256(whole_image()).digest()),
    )


def _sections(text: str) -> list[tuple[str, bytes]]:
    made = {".linux": whole_image(), ".initrd": _initramfs()}
    return [(name, made.get(name, value.encode())) for name, value in json.loads(text)]


def names() -> list[str]:
    """Every machine of this folder."""
    return sorted(path.parent.name for path in FOLDER.glob("*/machine.json"))


def _settings(name: str) -> dict[str, Any]:
    found = json.loads((FOLDER / name / "machine.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def board(name: str) -> tuple[str, ...]:
    """What the machine's running tree says it is."""
    return tuple(_settings(name).get("compatible", ("linux,dummy-virt",)))


def folders(name: str) -> list[str]:
    """Its partitions' folders."""
    return [partition.get("folder", "root") for partition in _settings(name)["partitions"]]


def _machine(name: str) -> MachineFacts:
    base = virt()
    return replace(base, tree=replace(tree_of(base), compatible=board(name)))


def _devices(name: str, place: Path) -> tuple[Device, ...]:
    partitions = zip(_settings(name)["partitions"], folders(name), strict=True)
    return tuple(
        Device(
            **{**partition, "folder": str(place / folder)},
            disk=position(partition["name"])[0],
            number=position(partition["name"])[1],
        )
        for partition, folder in partitions
    )


def materialise(name: str, target: Path) -> None:
    """A copy of the machine's partitions below `target`, in which every file is what it stands for."""
    shutil.copytree(FOLDER / name, target, symlinks=True, dirs_exist_ok=True)
    for path in target.rglob("*"):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            if data.startswith(b"@build "):
                first, _, text = data.decode().partition("\n")
                kind, *words = first.split()[1:]
                path.write_bytes(_BUILDERS[kind](words, text))
            elif data.startswith(b"@link "):
                path.unlink()
                path.symlink_to(data.decode().split()[1])


def scan(name: str) -> dict[str, list[dict[str, Any]]]:
    """`scan --json` of one machine, with the verdict and without the findings, which have tests of their own."""
    machine = _machine(name)
    with tempfile.TemporaryDirectory() as place:
        materialise(name, Path(place))
        devices = _devices(name, Path(place))
        session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: devices)
        try:
            found: dict[str, list[dict[str, Any]]] = json.loads(
                json.dumps(json_output.scan_to_json(*collect(session))).replace(place, "")
            )
        finally:
            session.close()
    for entry in found["entries"]:
        del entry["findings"]
    return found


def golden(name: str) -> Path:
    """Where the expected answer of a machine is."""
    return FOLDER / name / "scan.json"


def write(*wanted: str) -> None:
    """Write the expected answers anew, of all machines unless some are named."""
    for name in wanted or names():
        golden(name).write_text(json.dumps(scan(name), ensure_ascii=False, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write(*sys.argv[1:])
