# SPDX-License-Identifier: MIT
"""kexecboot's boot.cfg."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import read_partition
from tests.builders.trees import MemoryTree
from tests.sources.parsers.reading import read

PATH = "/boot/boot.cfg"


def config(text: str) -> tuple[list[BootEntry], list[Problem]]:
    return read({PATH: text})


def test_a_whole_entry() -> None:
    (entry,), problems = config("""\
# the menu
TIMEOUT=4
UI=GUI
DEBUG
label = My Linux
Default
kernel = /boot/zImage-6.1
DTB=boot/board.dtb
INITRD=/boot/initrd
APPEND=quiet a=b
ICON=/icon.xpm
""")
    assert not problems
    assert (entry.id, entry.title, entry.source, entry.default) == ("My Linux", "My Linux", "kexecboot", True)
    assert (entry.kernel.path, [ref.path for ref in entry.initrds]) == ("/boot/zImage-6.1", ["/boot/initrd"])
    assert entry.dtb is not None
    assert entry.dtb.path == "/boot/board.dtb"
    assert entry.cmdline.text == "root=/dev/sda1 rootwait quiet a=b"


@pytest.mark.parametrize(
    ("text", "names", "cmdline"),
    [
        ("CMDLINE=a b\nAPPEND=c\n", {"sda1"}, "a b"),
        ("", {"sda1"}, "root=/dev/sda1 rootwait"),
        ("APPEND=c\n", {"sda1", "partuuid=0a-01", "uuid=x"}, "root=PARTUUID=0a-01 rootwait c"),
    ],
)
def test_the_command_line(text: str, names: set[str], cmdline: str) -> None:
    tree = MemoryTree({PATH: f"LABEL=a\nKERNEL=/k\n{text}".encode()}, names=frozenset(names))
    (entry,) = read_partition(tree)
    assert isinstance(entry, BootEntry)
    assert entry.cmdline.text == cmdline


def test_the_highest_priority_comes_first_and_the_last_default_stays() -> None:
    text = "".join(
        f"LABEL={name}\nKERNEL=/k\nPRIORITY={priority}\n{'DEFAULT' if name in 'ab' else ''}\n"
        for name, priority in (("a", "1"), ("b", "-5"), ("c", "20"), ("d", "x"), ("e", "20"))
    )
    entries, problems = config(text)
    assert ([entry.id for entry in entries], problems) == (["c", "e", "a", "b", "d"], [])
    assert [entry.id for entry in entries if entry.default] == ["b"]


@pytest.mark.parametrize(
    "text", ["menu=Boot normally:rndseed /var/db/entropy-file;boot\ntimeout=5\n", "kernel=b.b00\nmodules=a --- b\n"]
)
def test_a_boot_cfg_of_another_system_is_none(text: str) -> None:
    assert read({"/boot.cfg": text}) == ([], [])


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = config("LABEL=a\nspeeling=x\nKERNEL=\nLABEL=b\nKERNEL=/k\nLABEL\n")
    assert [entry.id for entry in entries] == ["b"]
    assert [problem.message for problem in problems] == [
        "line 2: “speeling=x” is not valid here, ignored",
        "line 3: “KERNEL=” is not valid here, ignored",
        "line 6: “LABEL” is not valid here, ignored",
        "“a” names no kernel (KERNEL)",
    ]
