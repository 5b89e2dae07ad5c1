# SPDX-License-Identifier: MIT
"""Restart, power off, firmware setup: never this computer's."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from bootmenu.system import efi
from bootmenu.system.host import Host
from bootmenu.system.power import Power, PowerError, offered, perform
from tests.builders.hosts import fake_host, syscalls_of

SUPPORTED = f"{efi.VARIABLES}/OsIndicationsSupported-{efi.GLOBAL}"
INDICATIONS = f"{efi.VARIABLES}/OsIndications-{efi.GLOBAL}"


def with_setup(root: Path, value: int = 1) -> Host:
    return fake_host(root, {SUPPORTED: struct.pack("<IQ", 6, value)})


@pytest.mark.parametrize(
    ("files", "there"),
    [({}, False), ({SUPPORTED: struct.pack("<IQ", 6, 0x15)}, True), ({SUPPORTED: struct.pack("<IQ", 6, 4)}, False)],
)
def test_firmware_setup_is_offered_where_the_firmware_says_so(
    tmp_path: Path, files: dict[str, bytes], there: bool
) -> None:
    assert offered(fake_host(tmp_path, files)) == (Power.REBOOT, Power.OFF, *((Power.FIRMWARE,) if there else ()))


@pytest.mark.parametrize(("wanted", "command"), [(Power.REBOOT, 0x01234567), (Power.OFF, 0x4321FEDC)])
def test_everything_is_unmounted_and_written_before_the_call(tmp_path: Path, wanted: Power, command: int) -> None:
    host = fake_host(tmp_path)
    calls = syscalls_of(host)
    calls.errors["reboot"] = errno.EPERM
    with pytest.raises(PowerError, match="refused"):
        perform(host, wanted, lambda: calls.calls.append(("released",)))
    assert calls.calls == [("released",), ("sync",), ("reboot", command)]


def test_the_firmware_is_told_and_what_it_was_told_before_stays(tmp_path: Path) -> None:
    host = with_setup(tmp_path)
    host.path(INDICATIONS).write_bytes(struct.pack("<IQ", 7, 0x8))
    with pytest.raises(PowerError):
        perform(host, Power.FIRMWARE, lambda: None)
    assert host.read(INDICATIONS) == struct.pack("<IQ", 7, 0x9)
    assert syscalls_of(host).calls[-1] == ("reboot", 0x01234567)


def test_a_firmware_that_cannot_be_told_keeps_the_machine_up(tmp_path: Path) -> None:
    host = with_setup(tmp_path)
    host.path(INDICATIONS).mkdir()
    with pytest.raises(PowerError, match="was not told"):
        perform(host, Power.FIRMWARE, lambda: None)
    assert ("reboot", 0x01234567) not in syscalls_of(host).calls
    with pytest.raises(PowerError, match="cannot be told"):
        perform(fake_host(tmp_path / "bios"), Power.FIRMWARE, lambda: None)


@pytest.mark.parametrize(
    ("wanted", "arguments"),
    [(Power.REBOOT, ["reboot"]), (Power.OFF, ["poweroff"]), (Power.FIRMWARE, ["reboot", "--firmware-setup"])],
)
def test_systemd_does_it_itself(
    tmp_path: Path, wanted: Power, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def systemctl(argv: object, _inherited: object) -> tuple[int, bytes, bytes]:
        seen.append(list(argv)[1:])  # type: ignore[call-overload]
        return 0, b"", b""

    host = fake_host(
        tmp_path, {"/run/systemd/system/x": "", SUPPORTED: struct.pack("<IQ", 6, 1)}, {"systemctl": systemctl}
    )
    monkeypatch.setattr("signal.pause", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        perform(host, wanted, lambda: None)
    assert seen == [arguments]
    assert syscalls_of(host).calls == []


def test_systemd_may_refuse(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {"/run/systemd/system/x": ""}, {"systemctl": lambda *_: (1, b"", b"Access denied")})
    with pytest.raises(PowerError, match="Access denied"):
        perform(host, Power.REBOOT, lambda: None)
    with pytest.raises(PowerError, match="not installed"):
        perform(fake_host(tmp_path / "b", {"/run/systemd/system/x": ""}), Power.REBOOT, lambda: None)


def test_a_variable_is_written_with_its_attributes(tmp_path: Path) -> None:
    efi.write(tmp_path / "X", b"value")
    assert (tmp_path / "X").read_bytes() == b"\x07\0\0\0value"
    with pytest.raises(OSError, match=os.strerror(errno.EISDIR)):
        efi.write(tmp_path, b"")
