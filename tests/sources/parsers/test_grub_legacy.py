# SPDX-License-Identifier: MIT
"""menu.lst and grub.conf of GRUB legacy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from tests.properties import examples
from tests.sources.parsers.reading import read


def config(text: str, path: str = "/boot/grub/menu.lst", **files: str) -> tuple[list[BootEntry], list[Problem]]:
    return read({path: text, **files})


def one(text: str, **files: str) -> BootEntry:
    (entry,), problems = config(text, **files)
    assert not problems
    return entry


@pytest.mark.parametrize(
    ("text", "device", "kernel", "initrds", "cmdline"),
    [
        ("kernel /k ro root=/dev/sda1\ninitrd /i", "sda1", "/k", ["/i"], "ro root=/dev/sda1"),
        ("root (hd0,0)\nkernel /k", "hd0,1", "/k", [], ""),
        ("rootnoverify\t(hd1,4)\nkernel /k", "hd1,5", "/k", [], ""),
        ("root=(hd0,1)\nkernel=/k a=b\ninitrd=/i", "hd0,2", "/k", ["/i"], "a=b"),
        ("root (hd0,0,a)\nkernel /k", "hd0,1", "/k", [], ""),
        ("uuid 1-2\nkernel /k", "uuid=1-2", "/k", [], ""),
        ("find --set-root /there\nkernel /k", "file=/there", "/k", [], ""),
        ("find --set-root --ignore-floppies /grub\nkernel /k", "file=/grub", "/k", [], ""),
        ("kernel (hd0,2)/boot/k x\ninitrd (hd0,3)/i", "hd0,3", "/boot/k", ["/i"], "x"),
        ("kernel --no-mem-option --type=linux /k x", "sda1", "/k", [], "x"),
        ("kernel /k a \\\n   b\nquiet\nsavedefault\nboot", "sda1", "/k", [], "a b"),
        ("initrd /old\nkernel /k", "sda1", "/k", [], ""),
        ("lock\npassword --md5 $1$a\nmakeactive\nkernel\t/k\tx", "sda1", "/k", [], "x"),
    ],
)
def test_a_title(text: str, device: str, kernel: str, initrds: list[str], cmdline: str) -> None:
    entry = one(f"color blue/red\nroot (hd9,9)\ntitle  Linux = 1\n{text}\n")
    assert (entry.title, entry.source) == ("Linux = 1", "grub-legacy")
    assert (entry.kernel.device, entry.kernel.path) == (device, kernel)
    assert [ref.path for ref in entry.initrds] == initrds
    assert entry.cmdline.text == cmdline


def test_a_disk_without_partitions() -> None:
    text = "title a\nroot (hd0)\nkernel /k\n"
    assert one(text).kernel.device == "hd0"
    assert one(text, **{"/k": "k"}).kernel.device == "sda1"


def test_what_is_no_linux_is_omitted_and_counted() -> None:
    text = (
        "default 2\ntitle Windows\nrootnoverify (fd0)\nchainloader +1\ntitle Xen\nkernel /xen.gz\nmodule /vmlinuz a\n"
        "title Linux\nkernel /k\ntitle Network\nkernel (nd)/k\ntitle CD\nroot (cd)\nkernel /k\n"
    )
    entries, problems = config(text)
    assert [(entry.title, entry.default) for entry in entries] == [("Linux", True)]
    assert [problem.message for problem in problems] == [
        "line 5: “Xen”: starts a hypervisor with modules, left out",
        "line 10: “Network”: “(nd)/k” is not a partition of a disk",
        "line 12: “CD”: “(cd)” is not a partition of a disk",
    ]


TWO = "title a\nkernel /k\ntitle b\nkernel /k 2\n"


@pytest.mark.parametrize(
    ("text", "saved", "default"),
    [
        ("", None, "a"),
        ("default 1\n", None, "b"),
        ("default=1\n", None, "b"),
        ("default 7\n", None, None),
        ("default saved\n", None, "a"),
        ("default saved\n", "1\n#\n# written by savedefault", "b"),
        ("default saved\n", "x", "a"),
        ("default 0\n", "1", "a"),
    ],
)
def test_the_default(text: str, saved: str | None, default: str | None) -> None:
    entries, _ = config(text + TWO, **({"/boot/grub/default": saved} if saved is not None else {}))
    assert [entry.title for entry in entries if entry.default] == ([default] if default else [])


def test_what_grub_2_has_replaced_is_no_default() -> None:
    entries, _ = config(TWO, **{"/boot/grub/grub.cfg": "menuentry new { linux /n }\n"})
    assert [entry.title for entry in entries] == ["new", "a", "b"]
    assert not any(entry.default for entry in entries if entry.source == "grub-legacy")


def test_a_partition_has_one_default() -> None:
    entries, _ = read({"/grub/menu.lst": TWO, "/boot/grub/grub.conf": f"default 1\n{TWO}"})
    assert [(entry.config and entry.config.path, entry.title) for entry in entries if entry.default] == [
        ("/boot/grub/grub.conf", "b")
    ]


_PIECES = st.sampled_from(
    "title kernel initrd root module default saved (hd0,0) (hd0) ( ) /k = \\ -- --a find --set-root uuid 1 #".split()
)


@examples(150)
@given(st.lists(st.lists(_PIECES, max_size=5).map(" ".join), max_size=30).map("\n".join) | st.text(max_size=80))
def test_any_text_gives_entries_or_problems(text: str) -> None:
    entries, _ = config(text)
    assert len([entry for entry in entries if entry.default]) <= 1


def test_the_number_and_the_length_are_limited() -> None:
    entries, problems = config("title a\nkernel /k\n" * 1100)
    assert (len(entries), len(problems)) == (1000, 1)
    (entry,), (problem,) = config("title a\n" + ("x" * 40_000 + "\\\n") * 2 + "end\nkernel /k\n")
    assert entry.kernel.path == "/k"
    assert "continues for more than" in problem.message
