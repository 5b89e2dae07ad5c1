# SPDX-License-Identifier: MIT
"""EFI firmware for a PC, with Secure Boot or without, and kernels that are signed for it or not.

The key is ovmf's own: its certificate is in OVMF_VARS_4M.snakeoil.fd, and everybody has its private half.
"""

from __future__ import annotations

import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

from tests.vm.harness import Hardware, run_tool

_CODE = Path("/usr/share/OVMF")
_KEY = Path("/usr/share/ovmf/PkKek-1-snakeoil.key")
_CERTIFICATE = _KEY.with_suffix(".pem")
_FLASH_IS_GUARDED = ("-global", "driver=cfi.pflash01,property=secure,value=on")


class Firmware(StrEnum):
    """What starts a PC in place of its BIOS: the name of the variables that come with it."""

    EFI = "OVMF_VARS_4M.fd"
    SECURE_BOOT = "OVMF_VARS_4M.snakeoil.fd"
    """Starts nothing but what is signed with ovmf's key."""
    SECURE_BOOT_OF_MICROSOFT = "OVMF_VARS_4M.ms.fd"
    """As PCs are sold: starts what Microsoft has signed, such as the shim of distributions."""

    @property
    def is_secure(self) -> bool:
        """Whether Secure Boot is on."""
        return self is not Firmware.EFI

    def installed(self, hardware: Hardware, folder: Path) -> Hardware:
        """The hardware with this firmware, and with variables of its own."""
        variables = shutil.copyfile(_CODE / self, folder / "variables.fd")
        if not self.is_secure:
            return hardware.with_firmware(_CODE / "OVMF_CODE_4M.fd", variables)
        return hardware.guarded(_FLASH_IS_GUARDED).with_firmware(_CODE / "OVMF_CODE_4M.secboot.fd", variables)


def signed(program: bytes) -> bytes:
    """The program with a signature by ovmf's key in place of those that it has."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program").write_bytes(unsigned(program))
        run_tool(["openssl", "rsa", "-in", _KEY, "-passin", "pass:snakeoil", "-out", folder / "key"])
        key: list[str | Path] = ["--key", folder / "key", "--cert", _CERTIFICATE]
        run_tool(["sbsign", *key, "--output", folder / "signed", folder / "program"])
        return (folder / "signed").read_bytes()


def unsigned(program: bytes) -> bytes:
    """The program without its signatures."""
    at = int.from_bytes(program[0x3C:0x40], "little") + 24 + 144  # the certificate table, in PE32+'s optional header
    where = int.from_bytes(program[at : at + 4], "little")
    whole = program[:where] if where else program
    return whole[:at] + bytes(8) + whole[at + 8 :]
