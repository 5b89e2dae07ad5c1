# SPDX-License-Identifier: MIT
"""Read the lists of certificates that EFI firmware and shim keep: EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1)."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.der import first
from bootmenu.formats.reader import Reader
from bootmenu.formats.x509 import Certificate

_X509 = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")  # EFI_CERT_X509_GUID
_HEAD, _OWNER = 28, 16


def certificates(data: bytes) -> Iterator[Certificate]:
    """Yield the certificates in the lists that follow each other in some bytes, up to what cannot be read; one that
    is none by itself is left out."""
    reader = Reader(data, "the list of certificates")
    at = 0
    while at + _HEAD <= len(data):
        # SignatureType, SignatureListSize, SignatureHeaderSize, SignatureSize; then each with its owner before it
        size, header, each = reader.u32le(at + 16), reader.u32le(at + 20), reader.u32le(at + 24)
        if size < _HEAD or at + size > len(data) or each <= _OWNER:
            return
        if data[at : at + 16] == _X509:
            for begin in range(at + _HEAD + header, at + size - each + 1, each):
                try:
                    yield Certificate.from_element(first(data[begin + _OWNER : begin + each]))
                except FormatError:
                    continue
        at += size
