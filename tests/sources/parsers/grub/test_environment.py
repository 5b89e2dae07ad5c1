# SPDX-License-Identifier: MIT
"""The environment block, and Fedora's variables in Boot Loader Specification entries."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import BootmenuError, FormatError
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources.parsers.grub import environment
from bootmenu.sources.tree import TreeErrorReason
from tests.properties import examples
from tests.sources.parsers.grub.building import block, entries
from tests.sources.parsers.reading import read

PROPERTY = examples(150)


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text("ab \\\n=#$ä", max_size=20), max_size=8)
)
@PROPERTY
def test_what_is_written_is_read(variables: dict[str, str]) -> None:
    assert environment.parse(block(variables, size=4096)) == variables


def test_a_block_as_grub_editenv_writes_it() -> None:
    data = block({"saved_entry": "0", "boot_success": "1", "kernelopts": "root=UUID=1 ro rhgb quiet"})
    assert len(data) == 1024
    assert environment.parse(data) == {
        "saved_entry": "0",
        "boot_success": "1",
        "kernelopts": "root=UUID=1 ro rhgb quiet",
    }


@pytest.mark.parametrize("text", ["", "saved_entry=1\n", "# GRUB Environment Bloc", "#!/bin/sh\n"])
def test_another_file_is_no_block(text: str) -> None:
    with pytest.raises(FormatError):
        environment.parse(text.encode())


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("a=1\nb=2", {"a": "1"}),  # the last line has no end
        ("a=1\n####", {"a": "1"}),
        ("# WARNING: do not edit!\na=1\n", {"a": "1"}),  # written by newer grub2-editenv
        ("novalue\na=1\n", {"a": "1"}),
        ("=x\na=\n", {"a": ""}),
        ("a=1\na=2\n", {"a": "2"}),
        ("a=x\\", {}),
    ],
)
def test_lines_that_are_none(text: str, variables: dict[str, str]) -> None:
    assert environment.parse(environment.SIGNATURE + text.encode()) == variables


@given(st.binary(max_size=200))
@PROPERTY
def test_any_bytes_give_variables_or_an_error(data: bytes) -> None:
    environment.parse(environment.SIGNATURE + data)
    with contextlib.suppress(BootmenuError):
        environment.parse(data)


def test_a_text_does_not_grow_without_bounds() -> None:
    assert len(environment.expand("$a" * 100_000, {"a": "x" * 1000})) <= environment.LIMIT


def fedora(
    entry: str, variables: dict[str, str] | None, path: str = "/grub2/grubenv"
) -> tuple[list[BootEntry], list[Problem]]:
    files: dict[str, bytes | str] = {"/loader/entries/a.conf": entry}
    if variables is not None:
        files[path] = block(variables)
    return read(files)


@pytest.mark.parametrize(
    ("options", "variables", "cmdline"),
    [
        ("$kernelopts", {"kernelopts": "root=/dev/sda3 ro quiet"}, "root=/dev/sda3 ro quiet"),
        ("root=/dev/sda3 ro $tuned_params", {"tuned_params": "isolcpus=1"}, "root=/dev/sda3 ro isolcpus=1"),
        ("root=/dev/sda3 ro $tuned_params", {"saved_entry": "0"}, "root=/dev/sda3 ro"),
        ("root=/dev/sda3 ro $tuned_params", None, "root=/dev/sda3 ro"),
        ("${kernelopts}x $1 $", {"kernelopts": "a"}, "ax $1 $"),
    ],
)
@pytest.mark.parametrize(
    "path", ["/grub2/grubenv", "/grub/grubenv", "/EFI/fedora/grubenv", "/efi/EFI/fedora/grubenv"]
)
def test_variables_in_the_options(options: str, variables: dict[str, str] | None, cmdline: str, path: str) -> None:
    (entry,), problems = fedora(f"linux /vmlinuz\noptions {options}\n", variables, path)
    assert (entry.cmdline.text, problems) == (cmdline, [])


def test_the_block_in_boot_belongs_to_the_entries_in_boot() -> None:
    files: dict[str, bytes | str] = {
        "/boot/loader/entries/a.conf": "linux /vmlinuz\noptions $kernelopts\n",
        "/boot/grub2/grubenv": block({"kernelopts": "root=/dev/sda3"}),
    }
    (entry,), problems = read(files)
    assert (entry.cmdline.text, problems) == ("root=/dev/sda3", [])


@pytest.mark.parametrize(
    ("variables", "cfg", "default"),
    [
        ({"default": "b.conf"}, None, ["b"]),
        ({"default": "b", "saved_entry": "a"}, None, ["b"]),
        ({"saved_entry": "b"}, None, ["b"]),
        ({"saved_entry": "B", "default": "c"}, None, []),
        ({"saved_entry": "a"}, "load_env\nblscfg\n", ["b"]),  # a configuration ignores it
    ],
)
def test_without_a_configuration_the_default_is_that_of_the_environment(
    variables: dict[str, str], cfg: str | None, default: list[str]
) -> None:
    files: dict[str, bytes | str] = {
        "/loader/entries/a.conf": "sort-key a\nlinux /k\n",
        "/loader/entries/b.conf": "sort-key b\nlinux /k\n",
        "/EFI/opensuse/grubenv": block(variables),
        **({"/EFI/opensuse/grub.cfg": cfg} if cfg else {}),
    }
    entries, _ = read(files)
    assert [entry.id for entry in entries if entry.default] == default


def test_options_that_nothing_sets_are_a_problem() -> None:
    (entry,), problems = fedora("linux /vmlinuz\noptions $kernelopts quiet\n", None)
    assert entry.cmdline.text == "$kernelopts quiet"
    assert [problem.message for problem in problems] == ["no grubenv that can be read here sets $kernelopts"]


@pytest.mark.parametrize(
    ("options", "variables", "unset"),
    [
        ("root=/dev/sda3 ro $tuned_params", {"tuned_params": ""}, ()),
        ("root=/dev/sda3 ro $tuned_params", {"saved_entry": "0"}, ()),  # GRUB passes what is left, which is whole
        ("root=/dev/sda3 ro $tuned_params", None, ("tuned_params",)),  # nothing was there that could set it
        ("root=$dev ro", {"saved_entry": "0"}, ("dev",)),
        ("root=UUID=${dev} ro", {"saved_entry": "0"}, ("dev",)),
        ("$kernelopts $tuned_params", {"kernelopts": "root=/dev/sda3"}, ()),
        ("$kernelopts", {"saved_entry": "0"}, ()),  # it stands in the text
        ("$bootargs quiet", {"saved_entry": "0"}, ("bootargs",)),
    ],
)
def test_what_an_entry_cannot_do_without(
    options: str, variables: dict[str, str] | None, unset: tuple[str, ...]
) -> None:
    (entry,), _ = fedora(f"linux /vmlinuz\noptions {options}\n", variables)
    assert entry.cmdline.unset == unset


def test_an_entry_without_options_gets_the_default_ones() -> None:
    (entry,), _ = fedora("linux /vmlinuz\n", {"default_kernelopts": "root=/dev/sda3"})
    assert entry.cmdline.text == "root=/dev/sda3"


def test_initramfs_files_from_variables() -> None:
    text = "linux /b/vmlinuz\ninitrd /b/initramfs.img $tuned_initrd\n"
    (entry,), _ = fedora(text, {"tuned_initrd": "/b/tuned.img"})
    assert [ref.path for ref in entry.initrds] == ["/b/initramfs.img", "/b/tuned.img"]
    (entry,), _ = fedora(text, {})
    assert [ref.path for ref in entry.initrds] == ["/b/initramfs.img"]
    (entry,), _ = fedora(text, {"early_initrd": "ucode.img acpi.img"})
    assert [ref.path for ref in entry.initrds] == ["/b/ucode.img", "/b/acpi.img", "/b/initramfs.img"]
    (entry,), _ = fedora("linux /b/vmlinuz\n", {"early_initrd": "ucode.img"})
    assert [ref.path for ref in entry.initrds] == ["/b/ucode.img"]


@pytest.mark.parametrize(
    "trouble",
    [TreeErrorReason.OUTSIDE, TreeErrorReason.FORBIDDEN, TreeErrorReason.UNREADABLE, TreeErrorReason.TOO_LARGE],
)
def test_a_block_that_cannot_be_read_costs_nothing_but_itself(trouble: TreeErrorReason) -> None:
    files: dict[str, bytes | str] = {
        "/loader/entries/a.conf": "linux /vmlinuz\noptions quiet $tuned_params\n",
        "/EFI/fedora/grubenv": block({"tuned_params": "x"}),
    }
    (entry,), problems = read(files, {"/grub2/grubenv": trouble})
    assert (entry.cmdline.text, problems) == ("quiet x", [])


@pytest.mark.parametrize(
    ("script", "line", "unset"),
    [
        ("", "linux /k root=/dev/sda2 ${extra_cmdline} quiet", ()),  # openSUSE, without a snapshot
        ("", "linux /k boot=live findiso=${iso_path}", ()),  # Debian Live, from the medium itself
        ("set vt_handoff=", "linux /k root=/dev/sda2 $vt_handoff", ()),  # Ubuntu
        ("", "linux /k root=$rootdev quiet", ("rootdev",)),
        ("", 'linux /k root="$rootdev"', ("rootdev",)),
        ("", "linux /k root=UUID=$id init=${init}", ("id", "init")),
        ("", "linux /k $bootargs", ("bootargs",)),
        ("", "linux /k $bootargs quiet", ("bootargs",)),
        ("", "linux --verbose $folder/k quiet", ()),
        ("set bootargs=root=/dev/sda2", "linux /k $bootargs", ()),
        ("load_env -f (hd7,gpt1)/grubenv", "linux /k root=/dev/sda2 $more", ("more",)),
        ("source (hd7,gpt1)/custom.cfg", "linux /k root=/dev/sda2 $more", ("more",)),
        ("load_env -f /none", "linux /k root=/dev/sda2 $more", ()),
    ],
)
def test_what_a_menu_entry_cannot_do_without(script: str, line: str, unset: tuple[str, ...]) -> None:
    (entry,) = entries(f"{script}\nmenuentry x {{\n{line}\n}}\n")
    assert entry.cmdline.unset == unset
