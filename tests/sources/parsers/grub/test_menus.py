# SPDX-License-Identifier: MIT
"""Menus: options of entries, submenus, ids, the default, and where configurations are found."""

from __future__ import annotations

import pytest

from tests.sources.parsers.grub.building import CONFIG, block, entries, titles
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
        ("one", "sub menu>one", ".2.x.sub menu>one"),
        ("two", "sub menu>deep>two", "sub menu>d>two"),
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
        assert [entry.title for entry in entries(text, files) if entry.default] == ([marked] if marked else [])


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
