# SPDX-License-Identifier: MIT
"""Menus: options of entries, submenus, ids, the default, and where configurations are found."""

from __future__ import annotations

import pytest

from bootmenu.model.kernel import Architecture
from tests.builders import containers, kernels
from tests.builders.entries import whole_image
from tests.sources.parsers.grub.building import CONFIG, block, entries, menu, titles
from tests.sources.parsers.reading import read


def test_an_entry_with_everything() -> None:
    (entry,) = entries(
        "menuentry 'A title' --class debian --class os --users '' --hotkey=a --unrestricted --id an-id arg {\n"
        "linux /k $1 $2 $#\n}\n"
    )
    assert (entry.title, entry.id, entry.source, entry.device) == ("A title", "an-id", "grub", "sda1")
    assert entry.cmdline.text == "A title arg 2"
    assert entry.config is not None
    assert entry.config.path == CONFIG


@pytest.mark.parametrize(
    ("options", "entry_id"),
    [
        ("--id x", "x"),
        ("--id=x", "x"),
        ("$menuentry_id_option x", "x"),
        ("", "t"),
        ("--unknown", "t"),
        ("-- --id", "t"),
    ],
)
def test_ids(options: str, entry_id: str) -> None:
    text = f"menuentry_id_option=--id\nmenuentry t {options} {{ linux /k }}"
    assert [entry.id for entry in entries(text)] == [entry_id]


def test_a_body_from_source() -> None:
    (entry,) = entries("menuentry t --source 'linux /k $1\ninitrd /i'")
    assert (entry.cmdline.text, len(entry.initrds)) == ("t", 1)


def test_titles_are_one_line() -> None:
    assert titles("menuentry 'a\n\tb' { linux /k }\nmenuentry '' { linux /boot/Image }") == ["a b", "/boot/Image"]


@pytest.mark.parametrize("device", ["http", "http,boot.netboot.xyz", "tftp,192.0.2.1", "pxe"])
def test_a_kernel_on_the_network_is_said_and_not_listed(device: str) -> None:
    found, problems = menu(f"menuentry net {{ linux ({device})/k }}\nmenuentry here {{ linux /k }}")
    assert [entry.title for entry in found] == ["here"]
    assert [problem.message for problem in problems] == ["the entry “net” is on the network, which is not supported"]


@pytest.mark.parametrize("efi", [True, False])
def test_a_kernel_may_be_started_as_an_efi_program(efi: bool) -> None:
    files: dict[str, bytes | str] = {
        "/grub/grub.cfg": "menuentry loader { chainloader /EFI/x/grub.efi }\nmenuentry windows { chainloader +1 }\n"
        "menuentry uki { chainloader /EFI/Linux/a.efi }\n"
        "menuentry stub { chainloader --force /EFI/k.efi root=/dev/sda2 ro }\nset default=uki\n",
        "/EFI/Linux/a.efi": containers.uki((".linux", whole_image()), (".osrel", b"ID=a\n"), machine=0x8664),
        "/EFI/k.efi": whole_image(),
        "/EFI/x/grub.efi": kernels.portable_executable([(".text", 512, 100)]),
    }
    found, problems = read(files, architecture=Architecture.X86_64, efi=efi)
    listed = [(entry.title, entry.kernel.path, entry.cmdline.text, entry.default) for entry in found]
    uki, stub = ("uki", "/EFI/Linux/a.efi", "", True), ("stub", "/EFI/k.efi", "root=/dev/sda2 ro", False)
    assert [entry for entry in (uki, stub) if entry in listed] == ([uki, stub] if efi else [])
    assert not problems


def test_submenus() -> None:
    found = entries(
        "set v=1\nset w=2\nexport w\n"
        "submenu 'sub menu' x {\n"
        "  set y=$2\n"
        "  menuentry one { linux /k $v.$w.$y.$chosen }\n"
        "  submenu deep --id d { menuentry two { linux /k $chosen } }\n"
        "}\n"
    )
    assert [(entry.title, entry.id, entry.cmdline.text) for entry in found] == [
        ("sub menu › one", "sub menu>one", ".2.x.sub menu>one"),
        ("sub menu › deep › two", "sub menu>deep>two", "sub menu>d>two"),
    ]


def test_menus_made_by_loops() -> None:
    text = 'for k in 1 2 3; do\nmenuentry "Linux $k" $k {\nlinux /vmlinuz-$2\n}\ndone\n'
    assert [(entry.title, entry.kernel.path) for entry in entries(text)] == [
        ("Linux 1", "/vmlinuz-1"),
        ("Linux 2", "/vmlinuz-2"),
        ("Linux 3", "/vmlinuz-3"),
    ]


MENU = """
menuentry 'first' --id f { linux /k }
menuentry 'other' { chainloader +1 }
submenu 'more > sub' --id s {
  menuentry 'x' --id sx { linux /k 1 }
  menuentry 'y' { linux /k 2 }
}
menuentry '3' { linux /k 3 }
"""


@pytest.mark.parametrize(
    ("default", "marked"),
    [
        (None, "first"),
        ("''", "first"),
        ("0", "first"),
        ("1", ""),  # starts no Linux
        ("2", "x"),  # a submenu starts its first entry
        ("'2>1'", "y"),
        ("'s>sx'", "x"),
        ("'s>y'", "y"),
        ("'more >> sub>y'", "y"),
        ("'more > sub>y'", "first"),
        ("'s>gone'", "x"),
        ("'s>'", "x"),
        ("3", "3"),  # a title goes before a number
        ("first", "first"),
        ("f", "first"),
        ("99", "first"),
        ("-1", "first"),
        ("gone", "first"),
        ("saved", "y"),
        ("$saved_entry", "y"),
        ("$next_entry", "3"),
    ],
)
def test_the_default(default: str | None, marked: str) -> None:
    setting = "" if default is None else f"set default={default}\n"
    files = {"/boot/grub/grubenv": block({"saved_entry": "s>1", "next_entry": "3"})}
    # it is looked at when the menu is complete
    for text in (f"load_env\n{setting}{MENU}", f"{MENU}load_env\n{setting}"):
        found = [entry.title.rpartition(" › ")[2] for entry in entries(text, files) if entry.default]
        assert found == ([marked] if marked else [])


def test_saved_without_anything_saved_is_the_first() -> None:
    assert [entry.title for entry in entries(f"set default=saved\n{MENU}") if entry.default] == ["first"]


@pytest.mark.parametrize(
    "path",
    [
        "/grub.cfg",
        "/grub/grub.cfg",
        "/grub2/grub.cfg",
        "/boot/grub/grub.cfg",
        "/boot/grub2/grub.cfg",
        "/EFI/debian/grub.cfg",
        "/EFI/BOOT/grub.cfg",
    ],
)
def test_where_configurations_are_found(path: str) -> None:
    found, problems = read({path: "menuentry a { linux /k $prefix }"})
    assert [(entry.title, entry.cmdline.text) for entry in found] == [("a", f"(sda1){path.rpartition('/')[0]}")]
    assert not problems


def test_a_stub_that_leads_to_the_configuration_is_read_once() -> None:
    stub = "set prefix=($root)/grub\nconfigfile $prefix/grub.cfg\n"
    found, problems = read({"/EFI/x/grub.cfg": stub, "/grub/grub.cfg": "menuentry a { linux /k $prefix }"})
    assert [(entry.title, entry.cmdline.text) for entry in found] == [("a", "(sda1)/grub")]
    assert not problems


def test_one_default_for_a_partition() -> None:
    text = "menuentry a { linux /k }"
    found, _ = read({"/EFI/x/grub.cfg": text, "/grub/grub.cfg": text})
    assert [(entry.config and entry.config.path, entry.default) for entry in found] == [
        ("/EFI/x/grub.cfg", True),
        ("/grub/grub.cfg", False),
    ]


def grub_btrfs(snapshots: int) -> dict[str, str | bytes]:
    """The files of grub-btrfs with that many snapshots of six entries. Only the titles of submenus have a date."""
    entry = """
    menuentry '   vmlinuz-linux & initramfs-{kernel}.img' --class snapshots --class gnu-linux --class os {{
        if [ x$feature_all_video_module = xy ]; then
        insmod all_video
        fi
        set gfxpayload=keep
        insmod btrfs
        if [ x$feature_platform_search_hint = xy ]; then
            search --no-floppy --fs-uuid  --set=root  1111-AAAA
        else
            search --no-floppy --fs-uuid --set=root 1111-AAAA
        fi
        echo 'Loading Snapshot: 2026-11-{day:02} 12:00:00 @/.snapshots/{number}/snapshot'
        linux "/@/.snapshots/{number}/snapshot/boot/vmlinuz-linux" root=UUID=1111-AAAA rw x={kernel}
        initrd "/@/.snapshots/{number}/snapshot/boot/initramfs-{kernel}.img"
    }}"""
    made = [
        f"submenu '2026-11-{number % 28 + 1:02} 12:{number:03} | @/.snapshots/{number}/snapshot' {{\n"
        "    submenu '---> single, before an update <---' { echo }"
        + "".join(entry.format(number=number, day=number % 28 + 1, kernel=kernel) for kernel in range(6))
        + "\n}\n"
        for number in range(snapshots)
    ]
    outer = (
        "if [ ! -e \"${prefix}/grub-btrfs.cfg\" ]; then\necho ''\nelse\n"
        "submenu 'Arch Linux snapshots' {\nconfigfile \"${prefix}/grub-btrfs.cfg\"\n}\nfi\n"
    )
    return {CONFIG: outer, "/boot/grub/grub-btrfs.cfg": "".join(made)}


@pytest.mark.parametrize("snapshots", [50, 200])
def test_the_entries_of_all_snapshots_are_listed_and_told_apart(snapshots: int) -> None:
    files = grub_btrfs(snapshots)
    found, problems = menu(files.pop(CONFIG), files)
    assert not problems
    assert len(found) == 6 * snapshots
    assert found[7].title == (
        "Arch Linux snapshots › 2026-11-02 12:001 | @/.snapshots/1/snapshot › vmlinuz-linux & initramfs-1.img"
    )
    assert len({(entry.title, entry.cmdline.text) for entry in found}) == len(found)
    assert len({entry.id for entry in found}) == len(found)


def test_a_submenu_that_takes_too_long_keeps_what_was_read_of_it() -> None:
    text = "submenu more {\nmenuentry a { linux /k }\nwhile true; do x=1; done\nmenuentry b { linux /k }\n}\n"
    found, problems = menu(text)
    assert [entry.title for entry in found] == ["more › a"]
    assert [problem.message for problem in problems] == [
        "the submenu “more” runs for more than 100,000 steps: the rest is left out"
    ]
