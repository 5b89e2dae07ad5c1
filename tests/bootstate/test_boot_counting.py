# SPDX-License-Identifier: MIT
"""Boot counting in file names: what becomes of a name, and of the file on its partition."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bootstate.boot_counting import after_a_try, count_try
from bootmenu.bootstate.state import StateError
from bootmenu.discovery.devices import Device
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.place import Place
from bootmenu.model.value import replace
from bootmenu.sources.order import Name
from tests.bootstate.test_state_store import Mounting
from tests.builders.hosts import fake_host, syscalls_of
from tests.builders.places import CARD, INSIDE, STICK


@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("debian+3.conf", "debian+2-1.conf"),
        ("debian+2-1.conf", "debian+1-2.conf"),
        ("a+1+1-9.efi", "a+1+0-10.efi"),
        ("debian+0-3.conf", "debian+0-4.conf"),
        ("debian.conf", None),
        ("+3.conf", None),
        ("debian+x.conf", None),
        ("debian+3.cfg", None),
    ],
)
def test_what_becomes_of_a_name(name: str, after: str | None) -> None:
    assert after_a_try(name) == after


@given(stem=st.text(max_size=30), left=st.integers(0, 999_999), done=st.none() | st.integers(0, 999_999))
def test_it_is_counted_as_it_is_read(stem: str, left: int, done: int | None) -> None:
    name = f"{stem}+{left}" + ("" if done is None else f"-{done}")
    before, after = Name.of(name), after_a_try(f"{name}.conf")
    if after is None or done == 999_999:
        return
    now = Name.of(after.removesuffix(".conf"))
    assert (now.plain, now.left, now.done) == (before.plain, max(0, (before.left or 0) - 1), before.done + 1)


def counted(path: str) -> BootEntry:
    config, kernel = FileRef(device="sda1", path=path), FileRef(device="sda1", path="/vmlinuz")
    return BootEntry(id="x", title="x", source="bls", device="sda1", config=config, kernel=kernel, tries_left=3)


DEVICE = Device(name="sda1", path="/dev/sda1", filesystem="vfat", place=INSIDE)


def test_a_try_is_counted_and_taken_back_on_the_partition(tmp_path: Path) -> None:
    folder = tmp_path / "disk/loader/entries"
    folder.mkdir(parents=True)
    (folder / "a+3.conf").write_text("linux /vmlinuz")
    host = fake_host(tmp_path / "host")
    calls = Mounting(tmp_path / "disk")
    object.__setattr__(host, "syscalls", calls)
    done = count_try(host, DEVICE, counted("/loader/entries/a+3.conf"))
    assert [path.name for path in folder.iterdir()] == ["a+2-1.conf"]
    assert calls.mounted == []
    assert done is not None
    done.take_back()
    assert [path.name for path in folder.iterdir()] == ["a+3.conf"]


@pytest.mark.parametrize("place", [STICK, CARD, Place(), replace(INSIDE, late=True)], ids=str)
def test_nothing_outside_of_the_machine_is_renamed_unless_its_place_is_named(tmp_path: Path, place: Place) -> None:
    (tmp_path / "a+3.conf").write_text("")
    host, device = fake_host(tmp_path / "host"), Device(name="sda1", folder=str(tmp_path), place=place)
    with pytest.raises(StateError, match="not inside the machine"):
        count_try(host, device, counted("/a+3.conf"))
    assert [path.name for path in tmp_path.glob("a*")] == ["a+3.conf"]
    if place.path:
        count_try(host, device, counted("/a+3.conf"), place.path)
        assert [path.name for path in tmp_path.glob("a*")] == ["a+2-1.conf"]


def test_a_name_that_is_taken_is_not_replaced(tmp_path: Path) -> None:
    for name in ("a+3.conf", "a+2-1.conf"):
        (tmp_path / name).write_text(name)
    with pytest.raises(StateError, match="already exists"):
        count_try(
            fake_host(tmp_path / "host"),
            Device(name="sda1", folder=str(tmp_path), place=INSIDE),
            counted("/a+3.conf"),
        )
    assert (tmp_path / "a+2-1.conf").read_text() == "a+2-1.conf"


def test_what_is_not_counted_is_not_touched(tmp_path: Path) -> None:
    host = fake_host(tmp_path)
    assert count_try(host, DEVICE, counted("/loader/entries/a.conf")) is None
    assert count_try(host, Device(name="sdb1", filesystem="vfat", place=INSIDE), counted("/a+3.conf")) is None
    assert syscalls_of(host).calls == []


def test_a_partition_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    host = fake_host(tmp_path)
    syscalls_of(host).errors["mount"] = errno.EROFS
    with pytest.raises(OSError, match="Read-only"):
        count_try(host, DEVICE, counted("/a+3.conf"))
