# SPDX-License-Identifier: MIT
"""Boot Loader Specification entries (UAPI.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources.tree import TreeErrorReason
from tests.builders import kernels
from tests.builders.containers import uki
from tests.builders.entries import whole_image
from tests.properties import examples
from tests.sources.parsers.reading import read

PROPERTY = examples(150)
FOLDER = "/loader/entries"

KEYS = (
    "title version machine-id sort-key linux efi initrd options devicetree devicetree-overlay architecture "
    "grub_class uki uki-url profile extra nonsense #comment"
).split()
LINES = st.builds(
    lambda key, space, value: f"{key}{space}{value}",
    st.sampled_from(KEYS) | st.text(max_size=6),
    st.sampled_from([" ", "\t", ""]),
    st.sampled_from(["", "a", "aa64", "/vmlinuz", "\\EFI\\linux"]) | st.text(max_size=12),
)


def entries_of(files: dict[str, str], loader: str = "") -> tuple[list[BootEntry], list[Problem]]:
    tree: dict[str, bytes | str] = {f"{FOLDER}/{name}.conf": text for name, text in files.items()}
    if loader:
        tree["/loader/loader.conf"] = loader
    return read(tree)


def names(files: dict[str, str], loader: str = "") -> list[str]:
    return [entry.id for entry in entries_of(files, loader)[0]]


def test_a_whole_entry() -> None:
    (entry,), problems = entries_of(
        {
            "debian-6.1": """\
# made by kernel-install
title      Debian GNU/Linux 12
version    6.1.0-49-arm64
sort-key   debian
linux      /debian/linux
initrd     /debian/a.img
initrd     /debian/b.img
options    root=/dev/sda2
options    quiet
devicetree /debian/board.dtb
devicetree-overlay /o1.dtbo /o2.dtbo
architecture AA64
grub_users $grub_users
"""
        }
    )
    assert not problems
    assert (entry.id, entry.title, entry.version) == ("debian-6.1", "Debian GNU/Linux 12", "6.1.0-49-arm64")
    assert entry.kernel.path == "/debian/linux"
    assert [ref.path for ref in entry.initrds] == ["/debian/a.img", "/debian/b.img"]
    assert entry.cmdline.text == "root=/dev/sda2 quiet"
    assert entry.dtb is not None
    assert [ref.path for ref in entry.overlays] == ["/o1.dtbo", "/o2.dtbo"]
    assert entry.architecture is Architecture.ARM64


def test_the_order_of_the_specification() -> None:
    files = {
        "old": "linux /k\nsort-key b\nversion 1\n",
        "new": "linux /k\nsort-key b\nversion 10\n",
        "first": "linux /k\nsort-key a\nversion 1\n",
        "plain-2": "linux /k\n",
        "plain-10": "linux /k\n",
        "used+0-3": "linux /k\nsort-key a\nversion 99\n",
    }
    assert names(files) == ["first", "new", "old", "plain-10", "plain-2", "used"]


def test_what_is_equal_goes_by_name_and_then_by_tries() -> None:
    text = "linux /k\nsort-key a\nversion 1\nmachine-id "
    files = {
        "b+1-2": f"{text}m\n",
        "b+2-1": f"{text}m\n",
        "b+1-1": f"{text}m\n",
        "c": f"{text}m\n",
        "z": f"{text}n\n",
        "y": "linux /k\nsort-key a\nversion 1\n",
    }
    entries, _ = entries_of(files)
    assert [(entry.id, entry.tries_left) for entry in entries] == [
        ("y", None),
        ("c", None),
        ("b", 2),
        ("b", 1),
        ("b", 1),
        ("z", None),
    ]
    assert [entry.config.path for entry in entries if entry.tries_left == 1 and entry.config] == [
        f"{FOLDER}/b+1-1.conf",
        f"{FOLDER}/b+1-2.conf",
    ]


@pytest.mark.parametrize(
    ("pattern", "default"),
    [
        ("b", None),  # since systemd 245 an id has the suffix
        ("b.conf", "b"),
        ("a*", "ab"),
        ("[bc].*", "c"),
        ("B.CONF", "b"),
        ("none", None),
        ("@saved", None),
        ("[", None),
        ("*" * 200 + "b.conf", "b"),
    ],
)
def test_the_default_is_matched_by_pattern_and_marked_once(pattern: str, default: str | None) -> None:
    files = dict.fromkeys(("aa", "ab", "b", "c"), "linux /k\n")
    entries, _ = entries_of(files, f"timeout 3\ndefault {pattern}\n")
    marked = [entry.id for entry in entries if entry.default]
    assert marked == ([default] if default else [])


@pytest.mark.parametrize(("pattern", "default"), [("Pop_OS-current", "Pop_OS-current"), ("Pop_OS-*t", None)])
def test_the_default_of_pop_os_is_named_without_its_suffix(pattern: str, default: str | None) -> None:
    files = dict.fromkeys(("Pop_OS-current", "Pop_OS-oldkern", "Recovery-1A2B-3C4D"), "linux /k\n")
    entries, _ = entries_of(files, f"default {pattern}\n")
    assert [entry.id for entry in entries if entry.default] == ([default] if default else [])


def test_the_last_default_of_loader_conf_counts_and_tabs_separate() -> None:
    entries, _ = entries_of(
        dict.fromkeys("ab", "linux /k\n"), "default a.conf\n# default a.conf\n  default\tb.conf \n"
    )
    assert [entry.id for entry in entries if entry.default] == ["b"]


def test_a_default_pattern_of_any_length_takes_no_time() -> None:
    files = {"a" * 200: "linux /k\n"}
    for pattern in ("*a" * 300_000, "[" * 500_000, "?" * 900_000):
        entries_of(files, f"default {pattern}\n")


def test_the_counter_is_no_part_of_the_name() -> None:
    assert names({"a+3": "linux /k\n", "b+2-1": "linux /k\n", "c+x": "linux /k\n"}) == ["c+x", "b", "a"]


@pytest.mark.parametrize("prefix", ["", "/boot", "/efi", "/boot/efi"])
def test_a_root_partition_may_hold_the_folder_elsewhere(prefix: str) -> None:
    entries, _ = read({f"{prefix}/loader/entries/a.CONF": "linux /k", f"{prefix}/k": ""})
    assert [entry.kernel.path for entry in entries if entry.source == "bls"] == [f"{prefix}/k"]


@pytest.mark.parametrize(("marker", "known"), [("type1\n", True), ("type1", True), ("type9\n", False), ("", False)])
def test_a_folder_that_is_marked_as_something_else_is_not_read(marker: str, known: bool) -> None:
    entries, problems = read({f"{FOLDER}/a.conf": "linux /k", "/loader/entries.srel": marker})
    assert (len(entries), [problem.path for problem in problems]) == ((1, []) if known else (0, [FOLDER]))


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ("uki /a.efi", "/a.efi", ""),
        ("uki \\EFI\\Linux\\a.efi\nprofile 2", "/EFI/Linux/a.efi", "@2"),
        ("uki /a.efi\nprofile 0", "/a.efi", ""),
        ("linux /k\nuki /a.efi\nefi /e.efi", "/k", ""),
        ("uki-url https://example.net/a.efi\nlinux /k", "/k", ""),
    ],
)
def test_the_kernel_may_be_named_in_two_ways(text: str, path: str, part: str) -> None:
    (entry,), problems = entries_of({"a": text})
    assert not problems
    assert (entry.kernel.path, entry.kernel.part) == (path, part)


@pytest.mark.parametrize("prefix", ["", "/boot"])
def test_of_efi_programs_only_kernels_are_listed(prefix: str) -> None:
    programs = ("kernel", "shell", "missing")
    entries, problems = read(
        {
            **{f"{prefix}/loader/entries/{name}.conf": f"efi /{name}.efi\nprofile 2\n" for name in programs},
            f"{prefix}/kernel.efi": whole_image(),
            f"{prefix}/shell.efi": kernels.portable_executable([(".text", 512, 100)]),
        }
    )
    assert [(entry.kernel.path, entry.kernel.part) for entry in entries] == [(f"{prefix}/kernel.efi", "")]
    assert not problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "linux /k\ndevicetree-overlay /o",
            "devicetree-overlay is ignored: it needs a devicetree",
        ),
        ("linux /k\nextra /a.cred", "extra “/a.cred” is ignored: only a UKI takes it"),
        ("uki /k\nextra /a.txt", "extra “/a.txt” is ignored: it is neither an addon, a credential nor an extension"),
        ("uki /k\nprofile main", "“main” is not the number of a profile"),
        ("uki /k\nprofile ²", "“²” is not the number of a profile"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_entry_stays(text: str, message: str) -> None:
    (entry,), (problem,) = entries_of({"a": text})
    assert problem.message.startswith(message)
    assert not entry.overlays


def test_what_lies_on_the_network_is_said() -> None:
    entries, problems = entries_of({"a": "uki-url https://example.net/a.efi"})
    assert not entries
    assert [problem.message for problem in problems] == [
        "is loaded from the network (uki-url), which is not supported"
    ]


def test_what_is_wrong_is_a_problem_with_its_line_and_the_rest_is_listed() -> None:
    entries, problems = entries_of(
        {
            "a": "linux /k\nspeling x\ninitrd\narchitecture pdp11\n",
            "b": "title nothing\n",
            "c": "linux /k\n",
        }
    )
    assert [entry.id for entry in entries] == ["c", "a"]
    assert [(problem.path.rpartition("/")[2], problem.message) for problem in problems] == [
        ("a.conf", "line 2: unknown keyword “speling”, ignored"),
        ("a.conf", "line 3: initrd has no value"),
        ("a.conf", "line 4: unknown architecture “pdp11”"),
        ("b.conf", "names no kernel (linux)"),
    ]


def test_too_many_entries_are_not_cut_in_silence() -> None:
    entries, problems = entries_of({f"e{number}": "linux /k\n" for number in range(5001)})
    assert len(entries) == 5000
    assert [problem.path for problem in problems] == [FOLDER]
    _, problems = read({f"{FOLDER}/x{number}": "" for number in range(20_001)})
    assert [problem.path for problem in problems] == [FOLDER]


def test_one_unreadable_entry_hides_no_other() -> None:
    entries, problems = read(
        {f"{FOLDER}/a.conf": "linux /k\n", f"{FOLDER}/b.conf": "linux /k\n"},
        {f"{FOLDER}/a.conf": TreeErrorReason.UNREADABLE},
    )
    assert [entry.id for entry in entries] == ["b"]
    assert [problem.path for problem in problems] == [f"{FOLDER}/a.conf"]


def test_on_a_root_partition_paths_are_below_boot_where_only_that_is_true() -> None:
    entries, _ = read({"/boot/loader/entries/a.conf": "linux /vmlinuz\ninitrd /i\n", "/boot/vmlinuz": "", "/i": ""})
    assert (entries[0].kernel.path, entries[0].initrds[0].path) == ("/boot/vmlinuz", "/i")


def test_names_are_compared_with_their_suffix() -> None:
    """systemd issue 16457: as bootctl does, whatever UAPI.1 says."""
    assert names(dict.fromkeys(("arch-fallback", "arch"), "linux /k\n")) == ["arch", "arch-fallback"]


def test_a_path_below_boot_is_taken_from_the_root_of_the_boot_partition_and_that_is_said() -> None:
    files: dict[str, bytes | str] = {
        "/loader/entries/a.conf": "linux /boot/k\ninitrd /boot/i\ndevicetree /boot/none\n",
        "/loader/entries/b.conf": "linux \\boot\\k\n",
        "/loader/entries/c.conf": "linux /boot/there\n",
        **dict.fromkeys(("/k", "/i", "/there", "/boot/there"), ""),
    }
    entries, problems = read(files)
    paths = {entry.id: [ref.path for _, ref in entry.files] for entry in entries if entry.source == "bls"}
    assert paths == {"a": ["/k", "/i", "/boot/none"], "b": ["/k"], "c": ["/boot/there"]}
    assert [problem.message for problem in problems] == [
        "1 of its paths below /boot is only at the root of this partition, and taken from there",
        "2 of its paths below /boot are only at the root of this partition, and taken from there",
    ]


def test_what_ostree_writes_is_known() -> None:
    text = (
        "linux /k\nfdtdir /ostree/dtb\naboot /ostree/aboot.img\nabootcfg /a.cfg\nx-options-source-tuned nohz=full\n"
    )
    (entry,), problems = entries_of({"ostree-1": text})
    assert not problems
    assert entry.dtb_folder is not None
    assert (entry.dtb_folder.path, entry.dtb) == ("/ostree/dtb", None)


def test_a_device_tree_counts_before_a_directory_of_them() -> None:
    (entry,), _ = entries_of({"a": "linux /k\nfdtdir /dtb\ndevicetree /d\n"})
    assert (entry.dtb_folder, entry.dtb and entry.dtb.path) == (None, "/d")
    (entry,), problems = entries_of({"a": "linux /k\nfdtdir /dtb\ndevicetree-overlay /o\n"})
    assert ([ref.path for ref in entry.overlays], problems) == (["/o"], [])


def test_entries_for_other_machines_are_counted_and_never_the_default() -> None:
    files: dict[str, bytes | str] = {
        "/loader/entries/c.conf": "linux /x\narchitecture x64\n",
        "/loader/entries/b.conf": "linux /k\narchitecture AA64\n",
        "/loader/entries/a.conf": "linux /l\n",
        "/EFI/Linux/d.efi": uki((".osrel", b"ID=a\n"), (".linux", b"MZ"), machine=0x8664),
        "/loader/loader.conf": "default *.*\n",
        **dict.fromkeys(("/x", "/k", "/l"), ""),
    }
    entries, problems = read(files, architecture=Architecture.ARM64)
    assert [(entry.id, entry.default) for entry in entries] == [("b", True), ("a", False)]
    assert [problem.message for problem in problems] == ["2 entries are for x86_64, and not listed"]
    entries, problems = read(files)
    assert [entry.id for entry in entries] == ["d", "c", "b", "a"]  # of an unknown machine nothing is left out
    assert not problems


def test_the_version_comes_from_the_file_name_where_the_entry_has_none() -> None:
    entries, _ = entries_of({"a": "linux /vmlinuz-6.1.0-49-arm64\n"})
    assert entries[0].version == "6.1.0-49-arm64"


def test_backslashes_and_a_byte_order_mark_and_nuls_are_taken_as_meant() -> None:
    entries, problems = entries_of({"a": "\ufefflinux \\EFI\\li\0nux\r\ntitle x\r\n"})
    assert (entries[0].kernel.path, entries[0].title, problems) == ("/EFI/linux", "x", [])


@PROPERTY
@given(st.lists(LINES, max_size=12).map("\n".join), st.text(max_size=30))
def test_any_text_gives_entries_and_problems(text: str, loader: str) -> None:
    entries, problems = entries_of({"a": text, "b": "linux /k\n"}, f"default {loader}\n{loader}")
    assert "b" in [entry.id for entry in entries]
    assert all(entry.title and entry.kernel.path.startswith("/") for entry in entries)
    assert len(problems) <= 25


@PROPERTY
@given(st.binary(max_size=100))
def test_any_bytes_give_entries_and_problems(data: bytes) -> None:
    read({f"{FOLDER}/a.conf": data, "/loader/loader.conf": b"default " + data})


def test_an_entry_names_a_bounded_number_of_files() -> None:
    # a mebibyte of them, each a variable of 30,000 names
    for text in ("initrd /i", "initrd $a", "devicetree-overlay" + " /o" * 200, "extra /x.addon.efi"):
        entries, problems = read(
            {
                "/loader/entries/a.conf": "linux /k\ndevicetree /d\n" + f"{text}\n" * 200,
                "/grub2/grubenv": "# GRUB Environment Block\na=" + "/i " * 200 + "\n",
            }
        )
        assert [max(len(entry.initrds), len(entry.overlays)) <= 64 for entry in entries] == [True]
        assert [problem.message for problem in problems if "extra" not in problem.message] == [
            "names more than 64 files: the rest is left out"
        ]


def test_entries_have_a_bounded_text_together() -> None:
    files = {f"/loader/entries/{number:02}.conf": f"linux /k\noptions {'x' * 1_000_000}\n" for number in range(20)}
    entries, problems = read(files)
    assert len(entries) == 16
    assert [problem.message for problem in problems] == ["has too many files: only the first 16 entries are read"]
