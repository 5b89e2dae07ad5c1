# SPDX-License-Identifier: MIT
"""extlinux.conf, as U-Boot and syslinux read it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources.tree import CONFIG_LIMIT, Trouble
from tests.sources.reading import read

PROPERTY = settings(max_examples=150, deadline=None)
PATH = "/boot/extlinux/extlinux.conf"

KEYS = (
    "label default menu timeout kernel linux initrd append fdt fdtdir devicetree fdtoverlays include text "
    "localboot endtext ui prompt nonsense"
).split()
LINES = st.builds(
    lambda key, space, value: f"{key}{space}{value}",
    st.sampled_from(KEYS) | st.text(max_size=6),
    st.sampled_from([" ", "\t", "", "  "]),
    st.sampled_from(["", "a", "-", "help", "label x", "default", "include x", "/boot/Image", "../Image", PATH])
    | st.text(max_size=12),
)


def config(text: str, **more: str) -> tuple[list[BootEntry], list[Problem]]:
    return read({PATH: text, **more})


def one(text: str) -> BootEntry:
    (entry,), problems = config(text)
    assert not problems
    return entry


def test_a_whole_label() -> None:
    entry = one(
        """\
# a comment
DEFAULT one
LABEL one
    MENU LABEL ^First one
    LINUX ../Image
    INITRD ../a.img,/b.img
    FDT ../board.dtb
    FDTOVERLAYS /o1.dtbo /o2.dtbo
    APPEND root=/dev/sda2 quiet
"""
    )
    assert (entry.id, entry.title, entry.source, entry.default) == ("one", "First one", "extlinux", True)
    assert entry.kernel.path == "/boot/extlinux/../Image"
    assert [ref.path for ref in entry.initrds] == ["/boot/extlinux/../a.img", "/b.img"]
    assert entry.dtb is not None
    assert entry.dtb.path == "/boot/extlinux/../board.dtb"
    assert [ref.path for ref in entry.overlays] == ["/o1.dtbo", "/o2.dtbo"]
    assert entry.cmdline.text == "root=/dev/sda2 quiet"
    assert entry.config is not None
    assert entry.config.path == PATH


@pytest.mark.parametrize(
    ("text", "cmdlines"),
    [
        ("append global\nlabel a\nkernel /k\nlabel b\nkernel /k\nappend own\n", ["global", "own"]),
        ("append global\nlabel a\nkernel /k\nappend -\n", [""]),
        ("label a\nkernel /k\n", [""]),
    ],
)
def test_a_label_s_append_replaces_the_global_one(text: str, cmdlines: list[str]) -> None:
    entries, _ = config(text)
    assert [entry.cmdline.text for entry in entries] == cmdlines


@pytest.mark.parametrize(
    ("text", "defaults"),
    [
        ("default b\nlabel a\nkernel /k\nlabel b\nkernel /k\n", [False, True]),
        ("label a\nkernel /k\nlabel b\nmenu default\nkernel /k\n", [False, True]),
        ("default a\nlabel a\nkernel /k\nlabel b\nmenu default\nkernel /k\n", [True, False]),
        ("default a\nlabel a\nkernel /k\nlabel a\nkernel /j\n", [True, False]),
        ("label a\nkernel /k\n", [False]),
        ("default gone\nlabel a\nkernel /k\n", [False]),
    ],
)
def test_the_default(text: str, defaults: list[bool]) -> None:
    entries, _ = config(text)
    assert [entry.default for entry in entries] == defaults


def test_help_texts_are_skipped() -> None:
    entry = one("label a\ntext help\nkernel /wrong\nlabel b\nendtext\nkernel /right\n")
    assert entry.kernel.path == "/right"


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = config("speeling mistake\nlabel a\nkernel /k\nfdt\n")
    assert len(entries) == 1
    assert [(problem.path, problem.message) for problem in problems] == [
        (PATH, "line 1: “speeling” makes no sense here"),
        (PATH, "line 4: “fdt” makes no sense here"),
    ]


def test_a_label_without_kernel_is_a_problem_and_one_for_the_firmware_is_none() -> None:
    entries, problems = config("label a\nlabel b\nlocalboot 0\nlabel c\nmenu separator\n")
    assert not entries
    assert [problem.message for problem in problems] == ["label “a” names no kernel"]


def test_includes_are_followed_relative_to_the_file_and_not_for_ever() -> None:
    entries, problems = config("include more.conf\n", **{"/boot/extlinux/more.conf": "label m\nkernel k\n"})
    assert ([entry.id for entry in entries], problems) == (["m"], [])
    assert entries[0].kernel.path == "/boot/extlinux/k"
    _, problems = config("include extlinux.conf\n")
    assert [problem.message for problem in problems] == [f"line 1: {PATH} includes itself"]
    _, problems = config("include gone.conf\nlabel a\nkernel /k\n")
    assert [problem.path for problem in problems] == ["/boot/extlinux/gone.conf"]


def test_includes_that_double_are_bounded() -> None:
    text = "include extlinux.conf\n" * 100 + "label a\nkernel /k\n"
    entries, problems = config(text)
    assert 0 < len(entries) <= 1000
    assert len(problems) <= 50


def test_two_labels_of_one_name_are_two_entries() -> None:
    entries, _ = config("label a\nkernel /k\nlabel a\nkernel /j\n")
    assert [entry.kernel.path for entry in entries] == ["/k", "/j"]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble.MISSING, False),
        (Trouble.OUTSIDE, False),
        (Trouble.UNREADABLE, True),
        (Trouble.FORBIDDEN, True),
    ],
)
def test_a_configuration_that_cannot_be_read_is_said_and_hides_nothing(trouble: Trouble, said: bool) -> None:
    entries, problems = read({"/extlinux/extlinux.conf": "label a\nkernel /k\n"}, {PATH: trouble})
    assert [entry.id for entry in entries] == ["a"]
    assert bool(problems) == said


def test_a_configuration_that_is_too_large_is_a_problem() -> None:
    entries, problems = config("#" * (CONFIG_LIMIT + 1))
    assert not entries
    assert [problem.path for problem in problems] == [PATH]


@pytest.mark.parametrize(
    "text", ["menu", "label a\nmenu\nkernel /k\n", "text", "include", "append", "default", "label"]
)
def test_a_key_without_value_costs_nothing_but_itself(text: str) -> None:
    config(text)
    entries, _ = config(f"{text}\nlabel last\nkernel /k\n")
    assert entries[-1].id == "last"


@PROPERTY
@given(st.lists(LINES, max_size=12).map("\n".join) | st.binary(max_size=80).map(lambda data: data.decode("latin-1")))
def test_any_text_gives_entries_and_problems(text: str) -> None:
    entries, problems = config(text)
    assert all(entry.title and entry.id and entry.kernel.path.startswith("/") for entry in entries)
    assert len(problems) <= 100


@PROPERTY
@given(st.binary(max_size=200))
def test_any_bytes_give_entries_and_problems(data: bytes) -> None:
    read({PATH: data, "/extlinux.conf": b"label x\nkernel " + data})
