# SPDX-License-Identifier: MIT
"""Sign an EFI program for Secure Boot, by sbsign of Debian's sbsigntool."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.process_runner import Runner
from bootmenu.model.regex import regex
from bootmenu.model.text import quoted

_MOST = 1 << 20
"""Bytes of a file with a key."""
_BLOCK = regex(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_NOT_ITS_REASON = regex(r"[0-9A-F]+:error:|warning: |gaps in |    |Signing ")
"""Lines of sbsign that do not say why it failed; the first are OpenSSL's, with places in its source."""


def check(key: Path, certificate: Path, runner: Runner) -> None:
    """Find out whether these can sign, before the long work for what is to be signed: sign a small program.

    Raise BootmenuError if sbsign is not installed, UsageError if key or certificate are not what it takes.
    """
    _sbsign()
    inside = _blocks(key)
    if any(b"ENCRYPTED" in name for name in inside) or b"Proc-Type: 4,ENCRYPTED" in _content(key):
        raise UsageError(
            f"--sign: {key} is protected by a passphrase, and nothing asks for that here",
            f"Write it without one into a place that only you can read: openssl pkey -in {key} -out FILE",
        )
    if not any(name.endswith(b"PRIVATE KEY") for name in inside):
        raise UsageError(f"--sign: {key} has no private key in PEM", _hint(inside, "pkey", key))
    inside = _blocks(certificate)
    if not {b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"} & inside:
        raise UsageError(f"--sign: {certificate} has no certificate in PEM", _hint(inside, "x509", certificate))
    try:
        signed(_PROGRAM, key, certificate, runner)
    except BootmenuError as error:
        raise UsageError(f"--sign: {error.message}", error.hint) from error


def signed(image: bytes, key: Path, certificate: Path, runner: Runner) -> bytes:
    """Return the image signed for Secure Boot, by sbsign. Raise BootmenuError if that fails or is not installed."""
    program = _sbsign()
    with tempfile.TemporaryDirectory(prefix="bootmenu-sign-") as folder:
        plain, done = Path(folder, "plain.efi"), Path(folder, "signed.efi")
        try:
            plain.write_bytes(image)
            argv = [program, "--key", str(key), "--cert", str(certificate), "--output", str(done), str(plain)]
            result = runner.run(argv, timeout=300)
            if result.returncode:
                raise _refused(result.stderr.decode("utf-8", "replace"), key, certificate)
            return done.read_bytes()
        except OSError as error:
            raise BootmenuError(
                f"the image cannot be signed: {error.filename or folder}: {error.strerror}",
                "Set TMPDIR to a folder with room for it.",
            ) from error


def _sbsign() -> str:
    """Return the path of sbsign. Raise BootmenuError if it is not installed."""
    program = shutil.which("sbsign", path=os.pathsep.join(os.get_exec_path()))
    if program is None:
        raise BootmenuError("sbsign is missing, so the image cannot be signed", "Install the package sbsigntool.")
    return program


def _refused(said: str, key: Path, certificate: Path) -> BootmenuError:
    """Return the error for what sbsign has said."""
    if "key does not match certificate" in said:
        return BootmenuError(
            f"the key {key} is not that of the certificate {certificate}", "Name a key and its own certificate."
        )
    lines = [line for line in said.strip().splitlines() if not _NOT_ITS_REASON.match(line)]
    return BootmenuError(
        f"sbsign cannot sign with {key} and {certificate}: {quoted(' / '.join(lines[-3:]) or 'no reason given')}",
        "Check the key and the certificate, both in PEM.",
    )


def _content(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"--sign: {path} is no regular file", "Name a key and a certificate, both in PEM.")
        with path.open("rb") as file:
            return file.read(_MOST)
    except OSError as error:
        raise UsageError(
            f"--sign: {path} cannot be read: {error.strerror}", "Name a key and a certificate, both in PEM."
        ) from error


def _blocks(path: Path) -> set[bytes]:
    """Return the names of what is in a PEM file: `PRIVATE KEY`, `CERTIFICATE`. Raise UsageError."""
    return set(_BLOCK.findall(_content(path)))


def _hint(inside: set[bytes], command: str, path: Path) -> str:
    """Return what helps where a file has something else in it."""
    if inside:
        return "First comes the file with the key, then the one with the certificate."
    return f"If it is one in DER: openssl {command} -inform DER -in {path} -out FILE"


def _smallest_program() -> bytes:
    """Return a PE file that does nothing. PE Format: headers, one section, and 16 empty directories."""
    head = bytearray(512)
    struct.pack_into("<2s58xI", head, 0, b"MZ", 0x40)
    struct.pack_into("<4sHHIIIHH", head, 0x40, b"PE\0\0", 0x8664, 1, 0, 0, 0, 0xF0, 0x206)
    struct.pack_into("<H", head, 0x58, 0x20B)
    struct.pack_into("<II", head, 0x58 + 32, 4096, 512)
    struct.pack_into("<IIIH", head, 0x58 + 56, 8192, 512, 0, 10)
    struct.pack_into("<I", head, 0x58 + 108, 16)
    struct.pack_into("<8sIIIIIIHHI", head, 0x58 + 0xF0, b".text", 512, 4096, 512, 512, 0, 0, 0, 0, 0x60000020)
    return bytes(head) + bytes(512)


_PROGRAM = _smallest_program()
