# SPDX-License-Identifier: MIT
"""EFI firmware for a PC, with Secure Boot or without, and kernels that are signed for it or not.

The key is ovmf's own: its certificate is in OVMF_VARS_4M.snakeoil.fd, and everybody has its private half.
"""

from __future__ import annotations

import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

import zstandard

from bootmenu.system.processes import Commands
from bootmenu.vm.disk_image import DiskPartition, FileSystem, write_disk
from tests.builders.containers import uki
from tests.vm.harness import Hardware, run_tool
from tests.vm.kernels import Kernels
from tests.vm.stages import Stage

_CODE = Path("/usr/share/OVMF")
_KEY = Path("/usr/share/ovmf/PkKek-1-snakeoil.key")
_CERTIFICATE = _KEY.with_suffix(".pem")
_NEW = ("-newkey", "rsa:2048", "-nodes", "-keyout")
_AUTHORITY = """
[ca]
default_ca = ours
[ours]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = below
[any]
commonName = supplied
[below]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
"""
_FLASH_IS_GUARDED = ("-global", "driver=cfi.pflash01,property=secure,value=on")


class Firmware(StrEnum):
    """What starts a PC in place of its BIOS: the name of the variables that come with it."""

    EFI = "OVMF_VARS_4M.fd"
    SECURE_BOOT = "OVMF_VARS_4M.snakeoil.fd"
    """Starts nothing but what is signed with ovmf's key."""
    SECURE_BOOT_OF_MICROSOFT = "OVMF_VARS_4M.ms.fd"
    """As PCs are sold: starts what Microsoft has signed, such as the shim of distributions."""

    def installed(self, hardware: Hardware, folder: Path) -> Hardware:
        """The hardware with this firmware, and with variables of its own."""
        variables = shutil.copyfile(_CODE / self, folder / "variables.fd")
        if self is Firmware.EFI:
            return hardware.with_firmware(_CODE / "OVMF_CODE_4M.fd", variables)
        return hardware.guarded(_FLASH_IS_GUARDED).with_firmware(_CODE / "OVMF_CODE_4M.secboot.fd", variables)

    def accepted(self, stage: Stage, folder: Path) -> Stage:
        """A first stage that this firmware starts from QEMU's hands."""
        if self is not Firmware.SECURE_BOOT:
            return stage
        kernel = folder / "signed"
        kernel.write_bytes(signed(stage.kernel.read_bytes()))
        return Stage(kernel=kernel, initrd=stage.initrd)


def debian_disk(stage: Stage, command_line: str, kernels: Kernels, folder: Path) -> Path:
    """A disk as Debian installs it for Secure Boot: its shim starts its GRUB, and that the first stage."""
    shim = kernels.package("bookworm", "shim-signed", "amd64") / "usr/lib/shim/shimx64.efi.signed"
    signed_grub = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
    grub = kernels.package("bookworm", "grub-efi-amd64-signed", "amd64") / signed_grub
    config = f"linux /vmlinuz {command_line}\ninitrd /initrd\nboot\n"
    partition = DiskPartition(
        file_system=FileSystem.FAT,
        label="ESP",
        partition_label="esp",
        partition_uuid="6b8b4567-327b-43c6-a43c-986966334873",
        uuid="B007-0001",
        files={
            "EFI/BOOT/BOOTX64.EFI": shim.read_bytes(),
            "EFI/BOOT/grubx64.efi": grub.read_bytes(),
            "EFI/debian/grub.cfg": config.encode(),
            "vmlinuz": stage.kernel.read_bytes(),
            "initrd": zstandard.compress(stage.initrd.read_bytes(), 3),  # GRUB takes minutes for all of it
        },
        size=128,
    )
    return write_disk(folder / "esp.img", [partition], folder / "esp", Commands())


def signed(program: bytes, *, besides: bool = False) -> bytes:
    """The program with a signature by ovmf's key, in place of those that it has, or besides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program").write_bytes(program if besides else unsigned(program))
        key, certificate = signing_key(folder)
        options: list[str | Path] = ["--key", key, "--cert", certificate]
        run_tool(["sbsign", *options, "--output", folder / "signed", folder / "program"])
        return (folder / "signed").read_bytes()


def signed_below(
    program: bytes, *, name: str = "SnakeOil", key_id: str = "", valid: tuple[str, str] = ("2020", "2040")
) -> bytes:
    """The program, signed with a new key whose certificate is by ovmf's key.

    key_id: the certificate is by another new key instead, in the name of the authority that has this name and this
    identifier of its key. valid: the years in which the certificate is.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "program").write_bytes(unsigned(program))
        if key_id:
            authority = (folder / "authority.key", folder / "authority.pem")
            forged = ["-subj", f"/CN={name}", "-addext", f"subjectKeyIdentifier={key_id}"]
            run_tool(["openssl", "req", "-x509", *_NEW, authority[0], "-out", authority[1], *forged])
        else:
            authority = signing_key(folder)
        run_tool(
            ["openssl", "req", "-new", *_NEW, folder / "leaf.key", "-out", folder / "leaf.csr", "-subj", "/CN=Leaf"]
        )
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "ca.cnf").write_text(_AUTHORITY.format(folder=folder))
        begin, end = (f"{year}0101000000Z" for year in valid)
        by: list[str | Path] = ["-keyfile", authority[0], "-cert", authority[1], "-startdate", begin, "-enddate", end]
        request: list[str | Path] = ["-in", folder / "leaf.csr", "-out", folder / "leaf.pem"]
        run_tool(["openssl", "ca", "-batch", "-notext", "-config", folder / "ca.cnf", *by, *request])
        options: list[str | Path] = ["--key", folder / "leaf.key", "--cert", folder / "leaf.pem"]
        run_tool(["sbsign", *options, "--output", folder / "signed", folder / "program"])
        return (folder / "signed").read_bytes()


def signing_key(folder: Path) -> tuple[Path, Path]:
    """The key and the certificate of Firmware.SECURE_BOOT. folder: where the key is written to."""
    run_tool(["openssl", "rsa", "-in", _KEY, "-passin", "pass:snakeoil", "-out", folder / "key"])
    return folder / "key", _CERTIFICATE


def unsigned(program: bytes) -> bytes:
    """The program without its signatures."""
    at = int.from_bytes(program[0x3C:0x40], "little") + 24 + 144  # the certificate table, in PE32+'s optional header
    where = int.from_bytes(program[at : at + 4], "little")
    whole = program[:where] if where else program
    return whole[:at] + bytes(8) + whole[at + 8 :]


def in_uki(kernel: bytes) -> bytes:
    """A unified kernel image with the kernel in it, which is read and not started."""
    return uki((".linux", kernel), machine=0x8664)
