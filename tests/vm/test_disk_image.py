# SPDX-License-Identifier: MIT
"""How the programs that write a disk are called, which read some paths in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bootmenu.vm.disk_image import DiskPartition, FileSystem, write_disk
from tests.builders.hosts import FakeCommands


def test_mtools_get_no_path_that_somebody_else_chose(tmp_path: Path) -> None:
    def done(_: Sequence[str], __: object) -> tuple[int, bytes, bytes]:
        return 0, b"", b""

    runner = FakeCommands(dict.fromkeys(("env", "mkfs.vfat", "sfdisk"), done))
    partition = DiskPartition(
        file_system=FileSystem.FAT,
        label="ESP",
        partition_label="esp",
        partition_uuid="",
        uuid="ABCD-1234",
        files={"folder/file": b"content"},
    )
    work = tmp_path / "somebody@@work\\"
    write_disk(tmp_path / "disk.img", [partition], work, runner)
    (call,) = (call for call in runner.calls if "mcopy" in call)
    assert f"--chdir={work}" in call
    assert call[call.index("mcopy") :] == ["mcopy", "-s", "-i", "p1.img", "esp.files/folder", "::/"]
