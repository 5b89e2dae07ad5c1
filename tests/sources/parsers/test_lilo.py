# SPDX-License-Identifier: MIT
"""elilo.conf and lilo.conf."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, Problem
from tests.sources.parsers.reading import read

ELILO = "/EFI/Slackware/elilo.conf"
LILO = "/etc/lilo.conf"


def one(path: str, text: str) -> BootEntry:
    (entry,), problems = read({path: text})
    assert not problems
    return entry


def test_what_eliloconfig_of_slackware_writes() -> None:
    entry = one(
        ELILO,
        """\
chooser=simple
delay=1
timeout=1
#
image=vmlinuz
        label=vmlinuz
        initrd=initrd.gz
        read-only
        append="root=/dev/sda3 vga=normal"
""",
    )
    assert (entry.id, entry.source, entry.default) == ("vmlinuz", "elilo", True)
    assert (entry.kernel.path, [ref.path for ref in entry.initrds]) == (
        "/EFI/Slackware/vmlinuz",
        ["/EFI/Slackware/initrd.gz"],
    )
    assert entry.cmdline.text == "root=/dev/sda3 vga=normal ro"


def test_what_liloconfig_of_slackware_writes() -> None:
    entries, problems = read(
        {
            LILO: """\
# LILO configuration file
append=" vt.default_utf8=1"
boot = /dev/sda
prompt
timeout = 1200
vga = normal
default = generic
# Linux bootable partition config begins
image = /boot/vmlinuz
  root = /dev/sda3
  label = Linux
  read-only  # Partitions should be mounted read-only for checking
image = /boot/vmlinuz-generic-5.15.19
  initrd = /boot/initrd.gz
  root = "UUID=1a2b"
  label = generic
  addappend = "quiet"
  read-write
other = /dev/sda1
  label = Windows
  table = /dev/sda
"""
        }
    )
    assert not problems
    assert [(entry.id, entry.kernel.path, entry.cmdline.text, entry.default) for entry in entries] == [
        ("Linux", "/boot/vmlinuz", "root=/dev/sda3 ro vt.default_utf8=1", False),
        ("generic", "/boot/vmlinuz-generic-5.15.19", "root=UUID=1a2b rw vt.default_utf8=1 quiet", True),
    ]


@pytest.mark.parametrize(
    ("text", "elilo", "lilo"),
    [
        ("image=/k append=a", "a", "a"),
        ("append=a image=/k append=b root=LABEL=/", "root=LABEL=/ b", "root=LABEL=/ b"),
        ("read-only root=/dev/sda1 image=/k read-write", "root=/dev/sda1 ro", "root=/dev/sda1 rw"),
        ('append=a root=/dev/sda1 image=/k literal="x y"', "x y", "x y"),
        ("root=current image=/k", "root=current", ""),
        ('image=/k append="a \\"b c\\""', 'a "b c"', 'a "b c"'),
        ('image\n=\n/k # comment\nappend = ""\n', "", ""),
        ('image=/k append="a \\\nb"', "a b", "a b"),
    ],
)
def test_the_command_line(text: str, elilo: str, lilo: str) -> None:
    assert (one(ELILO, text).cmdline.text, one(LILO, text).cmdline.text) == (elilo, lilo)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("image=/a label=x image=/b label=b", "x"),
        ("default=b image=/a image=/boot/b", "b"),
        ("default=other image=/a image=/b alias=other", "b"),
        ("other=/dev/sda1 label=windows image=/a", None),
        ("default=none image=/a", None),
    ],
)
def test_the_default(text: str, default: str | None) -> None:
    entries, problems = read({LILO: text})
    assert ([entry.id for entry in entries if entry.default], problems) == ([default] if default else [], [])


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = read({LILO: 'image=/a\n= x\n"/b\nimage=/dev/fd0\n range=1-512\nimage=/c\nroot="x\n'})
    assert [entry.kernel.path for entry in entries] == ["/a", "/c"]
    assert [problem.message for problem in problems if isinstance(problem, Problem)] == [
        "line 2: “= x” is not “name = value”",
        'line 3: “"/b” is not “name = value”',
        'line 7: “="x” is not “name = value”',
        "line 4: “fd0” is not in a file",
    ]
