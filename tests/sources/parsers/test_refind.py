# SPDX-License-Identifier: MIT
"""refind_linux.conf, and the stanzas of refind.conf."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from tests.builders import kernels
from tests.builders.entries import whole_image
from tests.properties import examples
from tests.sources.parsers.reading import read

CONF = "/EFI/refind/refind.conf"


def beside(text: str, *names: str) -> tuple[list[BootEntry], list[Problem]]:
    """What refind_linux.conf gives the files of its folder."""
    entries, problems = read({"/boot/refind_linux.conf": text, **{f"/boot/{name}": "" for name in names}})
    return [entry for entry in entries if entry.source == "refind"], problems


def stanzas(text: str, **files: bytes | str) -> list[BootEntry]:
    entries, problems = read({CONF: text, "/vmlinuz-6.1": whole_image(), **files})
    assert not problems
    return [entry for entry in entries if entry.source == "refind"]


@pytest.mark.parametrize(
    ("line", "title", "cmdline"),
    [
        ('"Boot normally" "ro root=/dev/sda2"', "Boot normally", "ro root=/dev/sda2"),
        ('"A", "ro a=b,c # no comment"', "A", "ro a=b,c # no comment"),
        ('A = "ro" # a comment', "A", "ro"),
        ("A ro root=/dev/sda2", "A", "ro"),
        ('"say ""hi""" "a=""b c"" d"', 'say "hi"', 'a="b c" d'),
        ('"A" "not closed', "A", "not closed"),
        ('"A" "v=%v"', "A", "v=6.1.0-13-amd64"),
    ],
)
def test_a_line_of_options(line: str, title: str, cmdline: str) -> None:
    (entry,), problems = beside(f"# first\n{line}\n", "vmlinuz-6.1.0-13-amd64")
    assert (entry.title, entry.cmdline.text) == (f"vmlinuz-6.1.0-13-amd64 › {title}", cmdline)
    assert (entry.version, entry.kernel.path, problems) == ("6.1.0-13-amd64", "/boot/vmlinuz-6.1.0-13-amd64", [])


def test_each_kernel_has_each_line_and_its_own_initramfs() -> None:
    names = "vmlinuz-6.1.0 vmlinuz-6.12.0 initrd.img-6.1.0 initrd.img-6.12.0 initrd.img-6.1.0-rc7 vmlinuz-6.1.0.sig"
    entries, _ = beside('"a" "x"\n"b"\n"c" "initrd=\\other.img initrd=sub/two.img y"', *names.split())
    assert [(entry.title, [ref.path for ref in entry.initrds]) for entry in entries] == [
        ("vmlinuz-6.12.0 › a", ["/boot/initrd.img-6.12.0"]),
        ("vmlinuz-6.12.0 › c", ["/other.img", "/sub/two.img"]),
        ("vmlinuz-6.1.0 › a", ["/boot/initrd.img-6.1.0"]),
        ("vmlinuz-6.1.0 › c", ["/other.img", "/sub/two.img"]),
    ]


def test_names_without_numbers_are_paired_by_what_follows_the_dash() -> None:
    names = "vmlinuz-linux vmlinuz-linux-lts initramfs-linux.img initramfs-linux-fallback.img initramfs-linux-lts.img"
    entries, _ = beside('"a" "x"', *names.split())
    assert {entry.kernel.path: entry.initrds[0].path for entry in entries} == {
        "/boot/vmlinuz-linux": "/boot/initramfs-linux.img",
        "/boot/vmlinuz-linux-lts": "/boot/initramfs-linux-lts.img",
    }


def test_options_without_a_kernel_are_told() -> None:
    assert [problem.message for problem in beside('"a" "x"')[1]] == ["there is no kernel beside it"]
    assert beside("# nothing\n") == ([], [])


def test_a_kernel_has_no_second_entry_without_options() -> None:
    entries, _ = read({"/boot/refind_linux.conf": '"a" "x"', "/boot/vmlinuz": whole_image()})
    assert [entry.source for entry in entries] == ["refind"]


def test_a_submenu_has_what_its_stanza_has_so_far() -> None:
    found = stanzas(
        'menuentry Linux {\nloader vmlinuz-6.1\ninitrd \\i.img\noptions "ro a"\n'
        "submenuentry single {\nadd_options single\n}\nsubmenuentry bare {\ninitrd\noptions\n}\n}\n"
        "menuentry next {\nloader /vmlinuz-6.1\n}\n"
    )
    assert [(entry.title, [ref.path for ref in entry.initrds], entry.cmdline.text) for entry in found] == [
        ("Linux", ["/i.img"], "ro a"),
        ("Linux › single", ["/i.img"], "ro a single"),
        ("Linux › bare", [], ""),
        ("next", [], ""),
    ]
    assert {entry.kernel.path for entry in found} == {"/vmlinuz-6.1"}


@pytest.mark.parametrize(
    "stanza",
    [
        "disabled\nloader /vmlinuz-6.1",
        "loader /vmlinuz-6.1\nsubmenuentry a {\n}\ndisabled",
        "loader /vmlinuz-6.1\nostype Windows",
        "loader /EFI/tools/shell.efi\nostype Linux",
        "loader /EFI/elsewhere/bootmgfw.efi",
        "firmware_bootnum 80",
    ],
)
def test_what_is_no_kernel_or_disabled_is_left_out(stanza: str) -> None:
    program = kernels.portable_executable([(".text", 512, 100)])
    assert not stanzas(f"menuentry x {{\n{stanza}\n}}\n", **{"/EFI/tools/shell.efi": program})


@pytest.mark.parametrize(
    ("volume", "device"),
    [
        ("904404F8-B481-440C-A1E3-11A5A954E601", "partuuid=904404f8-b481-440c-a1e3-11a5a954e601"),
        ('"Arch Linux"', "label=Arch Linux"),
    ],
)
def test_a_volume(volume: str, device: str) -> None:
    (entry,) = stanzas(f"menuentry x {{\nvolume {volume}\nloader /vmlinuz\ninitrd /i\n}}\n")
    assert {entry.kernel.device, entry.initrds[0].device} == {device}


def test_a_volume_that_only_the_firmware_knows_is_told() -> None:
    entries, problems = read({CONF: "menuentry x {\nvolume fs0:\nloader /vmlinuz\n}\n"})
    assert (entries, [problem.message for problem in problems]) == (
        [],
        ["line 1: “x”: “fs0:” is a number of the firmware's"],
    )


def test_included_files_include_nothing_more() -> None:
    loader = "menuentry {} {{\nloader /vmlinuz-6.1\n}}\n"
    found = stanzas(
        f"include more.conf\n{loader.format('a')}",
        **{"/EFI/refind/more.conf": f"{loader.format('b')}include refind.conf\ninclude more.conf\n"},
    )
    assert [entry.title for entry in found] == ["b", "a"]
    _, problems = read({CONF: "include none.conf\n"})
    assert [problem.message for problem in problems] == ["line 1: the included “none.conf” does not exist"]


@pytest.mark.parametrize(
    ("selection", "default"),
    [
        ("b", "b"),
        ('"B "', "b"),
        ("zzz,a", None),
        ('"zzz, a"', "a"),
        ("1", None),
        ("+", None),
        ("vmlinuz-6.1", "a"),
        ("b 8:00 12:00", None),
        ("a\ndefault_selection b", "b"),
        ("sub", None),
    ],
)
def test_the_default_selection(selection: str, default: str | None) -> None:
    loader = "\nloader /vmlinuz-6.1\n"
    text = f"menuentry a {{{loader}submenuentry sub {{\n}}\n}}\nmenuentry b {{{loader}}}\n"
    text = f"default_selection {selection}\n{text}"
    assert [entry.title for entry in stanzas(text) if entry.default] == ([default] if default else [])


_PIECES = st.sampled_from(
    'menuentry submenuentry { } loader options initrd volume include disabled default_selection "a" a \\b /c " "" #'
    " = , %v initrd=x add_options ostype extra_kernel_version_strings 6.1".split()
)


@examples(150)
@given(st.lists(st.lists(_PIECES, max_size=5).map(" ".join), max_size=30).map("\n".join) | st.text(max_size=80))
def test_any_text_gives_entries_or_problems(text: str) -> None:
    files = {CONF: text, "/EFI/refind/a": text, "/refind_linux.conf": text, "/vmlinuz-6.1": "k", "/init-6.1": "i"}
    entries, _ = read(files)
    assert len([entry for entry in entries if entry.default]) <= 1
    assert all(entry.title for entry in entries)


def test_the_number_of_entries_is_limited() -> None:
    many, problems = beside('"a" "x"\n' * 600, "vmlinuz-1.0", "vmlinuz-2.0")
    assert (len(many), len(problems)) == (1000, 1)
    text = "menuentry a {\nloader /vmlinuz-6.1\nsubmenuentry b {\n}\n}\n" * 600
    entries, problems = read({CONF: text, "/vmlinuz-6.1": whole_image()})
    assert (len(entries), len(problems)) == (1000, 1)
