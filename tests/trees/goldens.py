# SPDX-License-Identifier: MIT
"""What a scan of the partitions in this folder must find. `python -m tests.trees.goldens` writes it anew: look
at the difference before you commit it."""

from __future__ import annotations

import json
from pathlib import Path

from bootmenu import reports
from bootmenu.discovery.devices import Device
from bootmenu.session import MachineSession, collect
from bootmenu.system.simulated import SimulatedHost
from tests.builders.machines import virt

FOLDER = Path(__file__).parent
DEVICES = {
    "debian": Device(name="mmcblk0p2", uuid="7b0c9d52-4f33-4b7e-9c50-1f1f6b8a2d10", label="rootfs"),
    "uboot": Device(name="mmcblk1p1", uuid="1C4E-5A7B", label="BOOT"),
    "fedora": Device(name="nvme0n1p2", uuid="0d1b7a66-1c9e-4c8f-9d51-0f9a2f5f6e10", label="boot"),
}


def scan(name: str) -> dict[str, list[dict[str, object]]]:
    """`scan --json` of one partition without what the checks say: its kernels are none."""
    base = DEVICES[name]
    device = Device(name=base.name, uuid=base.uuid, label=base.label, folder=str(FOLDER / name / "root"))
    machine = virt()
    session = MachineSession(SimulatedHost.from_facts(machine), machine, lambda: (device,))
    try:
        found = json.loads(json.dumps(reports.scan_to_json(*collect(session))))
    finally:
        session.close()
    for entry in found["entries"]:
        del entry["verdict"], entry["findings"], entry["architecture"]
    assert isinstance(found, dict)
    return found


def golden(name: str) -> Path:
    """Where the expected answer of a partition is."""
    return FOLDER / name / "scan.json"


def write() -> None:
    """Write every expected answer anew."""
    for name in DEVICES:
        golden(name).write_text(json.dumps(scan(name), ensure_ascii=False, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write()
