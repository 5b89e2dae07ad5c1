# SPDX-License-Identifier: MIT
"""limine.conf, and the older limine.cfg."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.tree import TreeErrorReason
from tests.builders import kernels
from tests.builders.entries import whole_image
from tests.builders.trees import MemoryTree
from tests.properties import examples
from tests.sources.parsers.reading import read

LINUX = "protocol: linux\npath: boot():/vmlinuz\n"


def config(text: str, **files: bytes) -> tuple[list[BootEntry], list[Problem]]:
    return read({"/limine.conf": text, **files})


def one(text: str) -> BootEntry:
    (entry,), problems = config(text)
    assert not problems
    return entry


@pytest.mark.parametrize(
    ("path", "device", "name"),
    [
        ("boot():/vmlinuz", "sda1", "/vmlinuz"),
        ("boot(3):/a b", "hd0,3", "/a b"),
        ("hdd(2:1):/k#abcd", "hd1,1", "/k"),
        ("hdd(1:):/k", "hd0", "/k"),
        (
            "guid(736B5698-5ae1-4dff-be2c-ef8f44a61c52):/k",
            "partuuid=736b5698-5ae1-4dff-be2c-ef8f44a61c52",
            "/k",
        ),
        (
            "uuid(736b5698-5ae1-4dff-be2c-ef8f44a61c52):/k",
            "partuuid=736b5698-5ae1-4dff-be2c-ef8f44a61c52",
            "/k",
        ),
        ("fslabel(My Root):/k", "label=My Root", "/k"),
    ],
)
def test_a_path(path: str, device: str, name: str) -> None:
    entry = one(f"/a\nprotocol: linux\nkernel_path: {path}\nmodule_path: {path}\n dtb_path: {path}\n")
    assert entry.dtb is not None
    for ref in (entry.kernel, *entry.initrds, entry.dtb):
        assert (ref.device, ref.path) == (device, name)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/vmlinuz", "is not a path of Limine"),
        ("boot()/vmlinuz", "is not a path of Limine"),
        ("boot(x):/vmlinuz", "names no partition"),
        ("boot(999):/vmlinuz", "names no partition"),
        ("hdd(:1):/vmlinuz", "names no partition"),
        ("odd(1:1):/vmlinuz", "names no partition"),
        ("guid(1):/vmlinuz", "names no partition"),
        ("fslabel():/vmlinuz", "names no partition"),
        ("tftp():/vmlinuz", "on the network"),
        ("", "names no kernel"),
    ],
)
def test_a_path_that_names_nothing(path: str, message: str) -> None:
    entries, (problem,) = config(f"/a\nprotocol: linux\npath: {path}\n/b\n{LINUX}")
    assert [entry.title for entry in entries] == ["b"]
    assert problem.message.startswith("line 1: “a”: ")
    assert problem.message.endswith(message) or message in problem.message


def test_entries_and_directories() -> None:
    entries, problems = config(
        f"/a\n{LINUX}cmdline: x: y\n//a1\n  comment: none\n  {LINUX}///+deep\n{LINUX}/ b\n{LINUX}KERNEL_CMDLINE: q\n"
        "cmdline: other\nmodule_path: boot():/1\nmodule_path: boot():/2\n/c\nprotocol: multiboot2\npath: boot():/m\n"
    )
    # what has entries in it is a directory, and starts nothing
    assert [(entry.title, entry.cmdline.text, len(entry.initrds)) for entry in entries] == [
        ("a › a1 › deep", "", 0),
        ("b", "q", 2),
    ]
    assert not problems


def test_an_entry_without_the_level_above_is_told() -> None:
    entries, (problem,) = config(f"//a\n{LINUX}")
    assert ([entry.title for entry in entries], problem.message) == (
        ["a"],
        "line 1: “//a” is not in an entry of the level above, left out",
    )


@pytest.mark.parametrize(
    ("number", "default"),
    [("", "a"), ("1", "a"), ("2", None), ("3", "b › b1"), ("4", "c"), ("9", "a"), ("0", "a"), ("x", "a")],
)
def test_the_default_counts_the_rows_of_the_menu(number: str, default: str | None) -> None:
    text = f"default_entry: {number}\n/a\n{LINUX}/+b\n//b1\n{LINUX}/c\n{LINUX}/closed\n//no row\n{LINUX}"
    found = [entry.title for entry in config(text)[0] if entry.default]
    assert found == ([default] if default else [])


def test_a_directory_that_is_closed_hides_its_rows() -> None:
    text = f"default_entry: 2\n/closed\n//no row\n{LINUX}/c\n{LINUX}"
    assert [entry.title for entry in config(text)[0] if entry.default] == ["c"]


def test_macros() -> None:
    text = f"${{A}}=one\n${{A}}=two ${{A}}\n/${{ARCH}}\n{LINUX}cmdline: ${{A}}${{B}}!\n"
    tree = MemoryTree({"/limine.conf": text.encode()})
    (entry,) = read_partition(tree, Platform(architecture=Architecture.X86_64))
    assert isinstance(entry, BootEntry)
    # of two definitions the last one counts, and a value is not replaced again
    assert (entry.title, entry.cmdline.text) == ("x86-64", "two ${A}!")


def test_macros_cannot_make_it_large() -> None:
    text = "${A}=" + "x" * 50_000 + f"\n/a\n{LINUX}/b\n{LINUX}cmdline: " + "${A}" * 100
    entries, problems = config(text)
    assert [entry.title for entry in entries] == ["a", "b"]
    assert sum(len(entry.cmdline.text) for entry in entries) == 0
    assert [problem.message for problem in problems] == ["line 8: its macros make it too large: the rest is ignored"]


def test_programs_are_listed_if_they_are_kernels() -> None:
    program = kernels.portable_executable([(".text", 512, 100)])
    text = "".join(
        f"/{name}\nprotocol: {protocol}\nimage_path: boot():/{name}.efi\n"
        for name, protocol in (
            ("stub", "efi"),
            ("shell", "efi_chainload"),
            ("none", "efi"),
            ("next", "chainload_next"),
        )
    )
    entries, problems = config(text, **{"/stub.efi": whole_image(), "/shell.efi": program})
    assert [entry.title for entry in entries if entry.source == "limine"] == ["stub"]
    assert not problems


def test_the_older_syntax() -> None:
    text = (
        "TIMEOUT=1\nDEFAULT_ENTRY=2\n:+dir\n::a=b: /c\nPROTOCOL=linux\nKERNEL_PATH=$boot:///k.gz\nCMDLINE=a=b\n"
        "MODULE_PATH=guid://736b5698-5ae1-4dff-be2c-ef8f44a61c52/i#00\nprotocol: multiboot\n"
    )
    (entry,), problems = read({"/boot/limine.cfg": text})
    assert not problems
    assert (entry.title, entry.kernel.path, entry.cmdline.text, entry.default) == (
        "dir › a=b: /c",
        "/k.gz",
        "a=b",
        True,
    )
    assert entry.initrds[0].device == "partuuid=736b5698-5ae1-4dff-be2c-ef8f44a61c52"


def test_the_first_file_counts_and_a_newer_one_hides_older_ones() -> None:
    text = f"/x\n{LINUX}"
    paths = ["/limine.conf", "/limine/limine.conf", "/boot/limine.conf", "/EFI/BOOT/limine.conf", "/limine.cfg"]
    for index in range(len(paths)):
        entries, _ = read(
            {path: text if place == index else ":y\n" for place, path in enumerate(paths) if place >= index}
        )
        assert [entry.title for entry in entries] == ([] if paths[index].endswith("cfg") else ["x"])
    _, problems = read({"/limine.conf": text}, {"/limine.conf": TreeErrorReason.UNREADABLE})
    assert [problem.path for problem in problems] == ["/limine.conf"]


_PIECES = st.sampled_from(
    "/ // /// //// + a : = protocol: linux path: boot():/k guid( ): cmdline: ${A} ${A}=x ${ARCH} # default_entry:"
    " 2".split()
)


@examples(150)
@given(st.lists(st.lists(_PIECES, max_size=5).map("".join), max_size=30).map("\n".join) | st.text(max_size=80))
def test_any_text_gives_entries_or_problems(text: str) -> None:
    for path in ("/limine.conf", "/limine.cfg"):
        entries, _ = read({path: text})
        assert len([entry for entry in entries if entry.default]) <= 1


def test_the_number_of_entries_is_limited() -> None:
    entries, problems = config(f"/a\n{LINUX}" * 1100)
    assert (len(entries), len(problems)) == (1000, 1)
    (entry,), problems = config(f"/a\n{LINUX}" + "module_path: boot():/i\n" * 70)
    assert (len(entry.initrds), len(problems)) == (64, 1)


@pytest.mark.parametrize(
    ("comments", "version"),
    [
        ("comment: Kernel version: 7.2.2-1-cachyos\ncomment: kernel-id=linux\n", "7.2.2-1-cachyos"),
        ("comment: new\ncomment: Kernel version: 6.1\n", "6.1"),
        ("comment: Kernel version: ?\n", ""),
        ("comment: 6.1 is old\n", ""),
    ],
)
def test_the_tool_that_writes_the_entries_notes_the_version(comments: str, version: str) -> None:
    assert one(f"/a\n{comments}{LINUX}").version == version
