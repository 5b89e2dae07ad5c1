# SPDX-License-Identifier: MIT
"""What a menu that was killed has left unlocked."""

from __future__ import annotations

from pathlib import Path

from bootmenu.discovery.storage.luks import close_left
from tests.builders.hosts import commands_of, fake_host


def test_what_a_killed_menu_left_unlocked_is_closed_and_nothing_else(tmp_path: Path) -> None:
    volumes = {
        "dm-0": ("bootmenu-sda3", "CRYPT-LUKS2-0f5a-bootmenu-sda3"),
        "dm-1": ("home", "CRYPT-LUKS2-77aa-home"),
        "dm-2": ("bootmenu-vg-root", "LVM-abcdef"),
    }
    files = {
        f"/sys/class/block/{device}/dm/{file}": f"{text}\n"
        for device, texts in volumes.items()
        for file, text in zip(("name", "uuid"), texts, strict=True)
    }
    host = fake_host(tmp_path, files, {"cryptsetup": lambda argv, descriptors: (0, b"", b"")})
    assert close_left(host) == ["bootmenu-sda3"]
    assert [list(argv)[1:] for argv in commands_of(host).calls] == [["close", "bootmenu-sda3"]]
    refusing = fake_host(tmp_path / "other", files, {"cryptsetup": lambda argv, descriptors: (5, b"", b"busy\n")})
    assert close_left(refusing) == []
    assert close_left(fake_host(tmp_path / "without", files)) == []
