# SPDX-License-Identifier: MIT
"""The disk of sample systems: what a scan of it has to say, on the machine that it is made for."""

from __future__ import annotations

from pathlib import Path

from bootmenu.vm import sample_disk
from bootmenu.vm.sample_disk import SampleFiles, SampleKernel
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.commands.calling import Call
from tests.image.test_unified_kernel import stub

SIZE = 1 << 20
FILES = SampleFiles(
    current=SampleKernel(system="Debian 13", release="6.12.1-arm64", image=whole_image(SIZE)),
    older=SampleKernel(system="Debian 12", release="6.1.0-arm64", image=whole_image(SIZE)),
    unsuitable=SampleKernel(
        system="16K pages: not on this CPU", release="6.12.1-16k", image=whole_image(SIZE, page_size=16384)
    ),
    stub=stub(room=5),
    busybox=b"\x7fELF",
    options="console=ttyAMA0 earlycon panic=10",
)
VERDICTS = {
    "Debian 13 (BLS entry)": ("bls", "pass", set()),
    "Damaged: half of its kernel": ("bls", "fail", {"IMG-TRUNC"}),
    "16K pages: not on this CPU": ("bls", "fail", {"IMG-PAGE"}),
    "Debian 12 (unified kernel)": ("uki", "pass", set()),
    "Debian 13 (GRUB) GNU/Linux": ("grub", "pass", set()),
    "Debian 13 (extlinux)": ("extlinux", "pass", set()),
}


def test_each_entry_shows_what_its_title_says(call: Call, tmp_path: Path) -> None:
    argv = ["scan", "--json", "--machine", str(machines.FOLDER / "virt-psci-hvc.json")]
    for number, partition in enumerate(sample_disk.partitions(FILES), start=1):
        folder = write_tree(tmp_path / str(number), partition.files)
        argv += ["--tree", f"{folder},name=vda{number},uuid={partition.uuid}"]
    found = call(*argv).json
    assert found["problems"] == []
    seen = {
        entry["title"]: (
            entry["source"],
            entry["verdict"],
            {finding["code"] for finding in entry["findings"] if finding["severity"] == "fail"},
        )
        for entry in found["entries"]
    }
    assert {title: seen.get(title) for title in VERDICTS} == VERDICTS
    (snapshot,) = (entry for entry in found["entries"] if "2026-11-14 09:30" in entry["title"])
    assert "before the upgrade" in snapshot["title"]
    assert "rootflags=subvol=.snapshots/12/snapshot" in snapshot["cmdline"].split()
    assert not seen[snapshot["title"]][2]
    (default,) = (entry["title"] for entry in found["entries"] if entry["default"] and entry["source"] == "bls")
    assert default == "Debian 13 (BLS entry)"


def test_every_partition_has_room_for_its_files() -> None:
    for partition in sample_disk.partitions(FILES):
        assert sum(map(len, partition.files.values())) < partition.size << 20


def test_the_userland_can_say_which_system_it_is() -> None:
    data = sample_disk.userland(b"\x7fELF", "Debian 13 (BLS entry)", "an entry")
    assert b"Debian 13 (BLS entry)\nan entry\n" in data
    assert data.startswith(b"070701")
