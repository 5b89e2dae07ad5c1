# SPDX-License-Identifier: MIT
"""petitboot.conf, in both of its forms."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, Problem
from tests.sources.parsers.reading import read

PATH = "/boot/petitboot.conf"
TODAY = """\
default A longer name
dev_description A disk
name A longer name
image /some/kernel
initrd sdb1:/some/other/initrd
args console=tty0 console=hvc0
args debug
dtb /a/dtb
description Contains a number of words
"""
BEFORE = """\
; the device
name = a disk
default = A longer name
[ first ]
name = A longer name
image = /some/kernel
initrd = sdb1:/some/other/initrd
args = console=tty0 console=hvc0 debug
dtb = /a/dtb
icon = /icon.png
"""


def config(text: str) -> tuple[list[BootEntry], list[Problem]]:
    return read({PATH: text})


@pytest.mark.parametrize("text", [TODAY, BEFORE])
def test_a_whole_entry(text: str) -> None:
    (entry,), problems = config(text)
    assert not problems
    assert (entry.id, entry.title, entry.source) == ("A longer name", "A longer name", "petitboot")
    assert entry.kernel.path == "/some/kernel"
    assert [(ref.device, ref.path) for ref in entry.initrds] == [("sdb1", "/some/other/initrd")]
    assert entry.dtb is not None
    assert entry.dtb.path == "/a/dtb"
    assert entry.cmdline.text == "console=tty0 console=hvc0 debug"
    assert entry.default


def test_a_section_is_named_by_itself_where_it_has_no_name() -> None:
    entries, problems = config("[one]\nimage=/k\n[two]\nimage=/j\nargs=a=b\n")
    assert ([entry.title for entry in entries], problems) == (["one", "two"], [])
    assert entries[1].cmdline.text == "a=b"


def test_of_two_defaults_and_two_images_the_first_counts() -> None:
    entries, problems = config(
        "default b\ndefault a\nname a\nimage /k\nimage /j\nname b\nimage /k\nname b\nimage /k\n"
    )
    assert [(entry.kernel.path, entry.default) for entry in entries] == [("/k", False), ("/k", True), ("/k", False)]
    assert [problem.message for problem in problems] == ["line 5: a second image, ignored"]


def test_only_the_first_file_is_read() -> None:
    entries, _ = read({PATH: "name a\nimage /k\n", "/petitboot.conf": "name b\nimage /k\n"})
    assert [entry.id for entry in entries] == ["a"]


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = config(
        "image /early\n[]\nname a\nspeeling /k\nimage\nname b\nimage http://x/k\nname c\nimage /k\n"
    )
    assert [entry.id for entry in entries] == ["c"]
    assert [problem.message for problem in problems] == [
        "line 1: “image /early” is not valid here, ignored",
        "line 2: “[]” is not valid here, ignored",
        "line 4: “speeling /k” is not valid here, ignored",
        "line 5: “image” is not valid here, ignored",
        "“a” names no kernel (image)",
        "“b”: “http://x/k” is on the network, which is not supported",
    ]
