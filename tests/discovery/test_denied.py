# SPDX-License-Identifier: MIT
"""What an ordinary user may not read is said, once, and never vanishes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.entry import Problem
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.discovery.test_mounts import as_nobody, open_to_all

FILES: dict[str, bytes | str] = {
    "vmlinuz-6.1": whole_image(),
    "loader/entries/a.conf": "title BLS\nlinux /vmlinuz-6.1\n",
    "EFI/debian/grub.cfg": "menuentry ESP { linux /vmlinuz-6.1 root=/dev/sda1\n }\n",
    "boot/grub/grub.cfg": "if [ -f /boot/extra/on ]; then menuentry EXTRA { linux /vmlinuz-6.1 x\n }; fi\n"
    "for kernel in /boot/kernels/k*; do menuentry $kernel { linux $1 y\n }; done\n"
    "menuentry GRUB { linux /vmlinuz-6.1 root=/dev/sda1\n }\n",
    "boot/extra/on": b"",
    "boot/kernels/k1": whole_image(),
    "boot/extlinux/extlinux.conf": "label EXTLINUX\nlinux /vmlinuz-6.1\n",
    "config.txt": "kernel=kernel8.img\n",
    "start4.elf": b"",
    "kernel8.img": whole_image(),
    "etc/kboot.conf": "KBOOT='/vmlinuz-6.1 root=/dev/sda1'\n",
    "etc/yaboot.conf": "image=/vmlinuz-6.1\nlabel=YABOOT\n",
}


MACHINE = machines.virt()
"""Read before another user has to: the checkout may be root's alone."""


def scanned(folder: Path) -> tuple[list[Listing], list[Problem]]:
    device = Device.from_tree_option(f"{folder},name=sda1")
    with contextlib.closing(MachineSession(Host(), MACHINE, lambda: (device,))) as session:
        return collect(session)


def titles(listings: list[Listing]) -> set[str]:
    return {listing.entry.title for listing in listings}


@pytest.mark.parametrize(
    ("closed", "lost"),
    [
        ("loader/entries/a.conf", {"BLS"}),
        ("loader", {"BLS"}),
        ("EFI", {"ESP"}),
        ("EFI/debian", {"ESP"}),
        ("boot/extra", {"EXTRA"}),
        ("boot/kernels", {"/boot/kernels/k1"}),
        ("boot", {"EXTRA", "/boot/kernels/k1", "GRUB", "EXTLINUX"}),
        ("boot/extlinux", {"EXTLINUX"}),
        ("config.txt", {"Raspberry Pi: kernel8.img"}),
        ("etc", {"KBOOT", "YABOOT"}),
        ("vmlinuz-6.1", set()),
    ],
)
def test_what_is_lost_is_said_once(closed: str, lost: set[str]) -> None:
    with open_to_all() as folder:
        write_tree(folder, FILES)
        before, problems = scanned(folder)
        assert problems == []
        (folder / closed).chmod(0)

        def work() -> None:
            after, problems = scanned(folder)
            assert titles(before) - titles(after) == lost
            if lost:
                assert [problem.path for problem in problems] == [f"/{closed}"]
                assert problems[0].message.startswith("permission denied")
            else:  # the entries say it themselves
                assert "unknown" in {listing.report.verdict for listing in after}

        as_nobody(work)


def test_a_whole_partition_is_one_line() -> None:
    with open_to_all() as folder:
        write_tree(folder / "disk", FILES)
        scanned(folder / "disk")
        (folder / "disk").chmod(0o600)

        def work() -> None:
            listings, (problem,) = scanned(folder / "disk")
            assert listings == []
            assert str(problem) == "sda1: permission denied: nothing in it is read, and root may"

        as_nobody(work)


def test_a_device_that_only_root_may_read_is_known_as_such() -> None:
    with open_to_all() as folder:
        write_tree(folder, {"dev/sda1": b"", "dev/sda2": b""})
        (folder / "dev/sda1").chmod(0o600)
        host = Host(root=folder)
        names = ("sda1", "sda2", "gone")
        assert [host.forbids(f"/dev/{name}") for name in names] == [False] * 3

        def work() -> None:
            assert [host.forbids(f"/dev/{name}") for name in names] == [True, False, False]

        as_nobody(work)
