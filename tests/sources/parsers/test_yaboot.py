# SPDX-License-Identifier: MIT
"""yaboot.conf."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, Problem
from tests.sources.parsers.reading import read

PATH = "/etc/yaboot.conf"


def config(text: str) -> tuple[list[BootEntry], list[Problem]]:
    return read({PATH: text})


def one(text: str) -> BootEntry:
    (entry,), problems = config(text)
    assert not problems
    return entry


def test_a_whole_image() -> None:
    entry = one("""\
# Simple yaboot.conf
boot=/dev/hda2
device=hd:
partition=1
timeout=50 root=/dev/sda3
read-only   # for fsck
image=/boot/vmlinux
    label=linux
    initrd = /boot/initrd
    append=" quiet a=\\"b c\\" "
""")
    assert (entry.id, entry.title, entry.source, entry.default) == ("linux", "linux", "yaboot", True)
    assert (entry.kernel.device, entry.kernel.path) == ("sda1", "/boot/vmlinux")
    assert [(ref.device, ref.path) for ref in entry.initrds] == [("sda1", "/boot/initrd")]
    assert entry.cmdline.text == 'root=/dev/sda3 ro quiet a="b c"'


@pytest.mark.parametrize(
    ("text", "cmdline"),
    [
        ("image=/k append=a", "a"),
        ("append=a image=/k append=b", "b"),
        ("root=/dev/sda1 image=/k read-write root=/dev/sda2", "root=/dev/sda2 rw"),
        ('append=a root=/dev/sda1 image=/k literal="x y"', "x y"),
        ("image=/k ramdisk=8 initrd-size=4096 novideo", "ramdisk=8 ramdisk_size=4096 video=ofonly"),
        ("image=/k append=a\\ b\\=c", "a b=c"),
        ("image=/k append=a\\\n  b", "ab"),
        ("image\n=\n/k\nappend\n=\na", "a"),
    ],
)
def test_the_command_line(text: str, cmdline: str) -> None:
    assert one(text).cmdline.text == cmdline


@pytest.mark.parametrize(
    ("text", "device", "path"),
    [
        ("image=/k", "sda1", "/k"),
        ("partition=3 image=/k", "sda3", "/k"),
        ("partition=3 image=/k partition=1", "sda1", "/k"),
        ("device=hd: image=hd:3,/k", "sda3", "/k"),
        ("device=hd: image=hd:,/k", "sda1", "/k"),
        ("device=hd: image=ultra1:3,/k", "ultra1:3", "/k"),
        ("image=/pci@80000000/ADPT,2930CU@2/@0:4,/boot/k", "/pci@80000000/ADPT,2930CU@2/@0:4", "/boot/k"),
        ("device=/dev/sdb partition=2 image=/k", "sdb2", "/k"),
        ("device=/dev/nvme0n1 partition=2 image=/k", "nvme0n1p2", "/k"),
        ("image[64bit]=vmlinux", "sda1", "/suseboot/vmlinux"),
        ("image[32bit]=/boot/vmlinux", "sda1", "/boot/vmlinux"),
    ],
)
def test_where_the_kernel_is(text: str, device: str, path: str) -> None:
    entry = one(text)
    assert (entry.kernel.device, entry.kernel.path) == (device, path)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("image=/a label=x image=/b", "x"),
        ("default=b image=/a image=/boot/b", "b"),
        ("default=other image=/a image=/b alias=other", "b"),
        ("default=none image=/a", None),
    ],
)
def test_the_default(text: str, default: str | None) -> None:
    entries, problems = config(text)
    assert ([entry.id for entry in entries if entry.default], problems) == ([default] if default else [], [])


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = config('image=/a\n= x\nlabel =\n"/b\nimage\nimage=hd:3,[0-8]\nimage=/c\nroot=')
    assert [entry.kernel.path for entry in entries] == ["/a", "/[0-8]", "/c"]
    assert [problem.message for problem in problems] == [
        'line 4: “"” is not closed',
        "line 2: “=” without a name before it",
        "line 5: image names no file",
        "line 6: “hd:3,[0-8]” is a range of blocks, not a file",
        "line 8: “root” has no value",
    ]
