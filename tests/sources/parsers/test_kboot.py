# SPDX-License-Identifier: MIT
"""kboot.conf, as petitboot reads it."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, Problem
from tests.sources.parsers.reading import read


def config(text: str, path: str = "/etc/kboot.conf") -> tuple[list[BootEntry], list[Problem]]:
    return read({path: text})


def one(text: str) -> BootEntry:
    (entry,), problems = config(text)
    assert not problems
    return entry


@pytest.mark.parametrize(
    ("text", "kernel", "initrds", "cmdline"),
    [
        ("a='/k initrd=/i x=1 quiet'", "/k", ["/i"], "x=1 quiet"),
        ('a="/k"', "/k", [], ""),
        ("a=/k quiet", "/k", [], "quiet"),
        (" a = /k root=/dev/sda2  rw ", "/k", [], "root=/dev/sda2 rw"),
        ("a='/k quiet root=/dev/sda2'", "/k", [], "root=/dev/sda2 quiet"),
        ("root=/dev/sda1\ninitrd=/i\na=/k", "/k", ["/i"], "root=/dev/sda1"),
        ("root=/dev/sda1\ninitrd=/i\na='/k root=/dev/sda2 initrd=/j'", "/k", ["/j"], "root=/dev/sda2"),
        ("a='/k dyndbg=\"file a.c +p\" x'", "/k", [], 'dyndbg="file a.c +p" x'),
        ("a=k", "/k", [], ""),
        ("message=/m\ntimeout=10\ndelay=1\nvideo=ps3fb\n# a comment\na=/k", "/k", [], ""),
        ("a=/k\nroot=/dev/sda1", "/k", [], ""),
    ],
)
def test_a_label(text: str, kernel: str, initrds: list[str], cmdline: str) -> None:
    entry = one(text)
    assert (entry.id, entry.title, entry.source) == ("a", "a", "kboot")
    assert entry.kernel.path == kernel
    assert [ref.path for ref in entry.initrds] == initrds
    assert entry.cmdline.text == cmdline


def test_files_of_other_partitions() -> None:
    entries, problems = config(
        "a='/dev/sda1:/k initrd=sdb2:/i'\nb='UUID=ABCD-12:/k'\nc='(hd0,2)/k'\nd='tftp://x/k'\n"
    )
    assert [entry.kernel.device for entry in entries] == ["sda1", "uuid=abcd-12", "hd0,2"]
    assert (entries[0].initrds[0].device, entries[0].initrds[0].path) == ("sdb2", "/i")
    assert [problem.message for problem in problems] == [
        "“d”: “tftp://x/k” is on the network, which is not supported"
    ]


@pytest.mark.parametrize(("name", "defaults"), [("a", [True, False]), ("b", [False, True]), ("c", [False, False])])
@pytest.mark.parametrize("text", ["default={}\na=/k\nb=/k\n", "a=/k\nb=/k\ndefault={}\n"])
def test_the_default(text: str, name: str, defaults: list[bool]) -> None:
    assert [entry.default for entry in config(text.format(name))[0]] == defaults


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = config("nonsense\n\na=\n=b\nc=/k\n")
    assert [entry.id for entry in entries] == ["c"]
    assert [problem.message.partition(":")[0] for problem in problems] == ["line 1", "line 3", "line 4"]


@pytest.mark.parametrize("path", ["/kboot.conf", "/kboot.cnf", "/etc/kboot.conf", "/etc/kboot.cnf"])
def test_where_it_lies(path: str) -> None:
    assert len(config("a=/k", path)[0]) == 1
