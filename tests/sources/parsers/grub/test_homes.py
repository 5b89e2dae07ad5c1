# SPDX-License-Identifier: MIT
"""Configurations on the EFI system partition lead to the menu on another one."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import read_partition
from bootmenu.sources.parsers.grub import menus, script_values
from tests.builders.trees import MemoryTree, OneDisk

STUB = b"search.fs_uuid b root\nset prefix=($root)/grub\nconfigfile $prefix/grub.cfg\n"
MENU = b"set default=b\nmenuentry a { linux /k a\n}\nmenuentry b { linux /k b\n}\n"


def second(esp: dict[str, bytes], menu: bytes = MENU, **more: bytes) -> list[BootEntry | Problem]:
    """What the second partition of a disk lists, beside this EFI system partition. more: other files on it."""
    trees = [
        MemoryTree(esp, device="sda1", names=frozenset({"sda1", "uuid=a"})),
        MemoryTree({"/grub/grub.cfg": menu, "/k": b"", **more}, device="sda2", names=frozenset({"sda2", "uuid=b"})),
    ]
    return list(read_partition(OneDisk("sda2", trees).tree))


@pytest.mark.parametrize("names", [("debian",), ("BOOT", "debian"), ("BOOT", "debian", "ubuntu")])
def test_a_menu_to_which_several_loaders_lead_is_listed_once(names: tuple[str, ...]) -> None:
    found = second({f"/EFI/{name}/grub.cfg": STUB for name in names})
    assert [(entry.title, entry.default) for entry in found if isinstance(entry, BootEntry)] == [
        ("a", False),
        ("b", True),
    ]
    assert len(found) == 2


def test_what_the_loaders_set_makes_other_entries() -> None:
    esp = {"/EFI/a/grub.cfg": b"set x=1\nexport x\n" + STUB, "/EFI/b/grub.cfg": b"set x=2\nexport x\n" + STUB}
    found = second(esp, b"menuentry a { linux /k x=$x\n}\n")
    assert [entry.cmdline.text for entry in found if isinstance(entry, BootEntry)] == ["x=1", "x=2"]


@pytest.mark.parametrize("with_entries", [False, True])
def test_loaders_that_run_for_ever_take_no_step_from_the_menu(
    monkeypatch: pytest.MonkeyPatch, with_entries: bool
) -> None:
    monkeypatch.setattr(menus, "STEPS", 1000)
    monkeypatch.setattr(menus, "STEPS_OF_ALL", 2000)
    steps = 0
    spend = script_values.Budget.spend

    def counted(budget: script_values.Budget, cost: int) -> None:
        nonlocal steps
        steps += cost
        spend(budget, cost)

    monkeypatch.setattr(script_values.Budget, "spend", counted)
    esp = {f"/EFI/{number}/grub.cfg": b"while true; do true; done\n" for number in range(32)}
    bls = {"/loader/entries/c.conf": b"title c\nlinux /k\noptions $kernelopts\n"} if with_entries else {}
    found = second(esp, b"kernelopts=x\nblscfg\n" + MENU, **bls)
    entries = {entry.title: entry.cmdline.text for entry in found if isinstance(entry, BootEntry)}
    assert entries == {"a": "a", "b": "b", **({"c": "x"} if with_entries else {})}
    assert steps < 6000 * (1 + with_entries)  # each step is taken from two budgets
