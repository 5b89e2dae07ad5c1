# SPDX-License-Identifier: MIT
"""Signed PE files: certificates, and signatures by a key that nobody should use."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from tests.builders.kernels import portable_executable

_P, _Q, _E = 2**521 - 1, 2**607 - 1, 65537
_SHA256 = bytes.fromhex("608648016503040201")


def der(tag: int, *parts: bytes) -> bytes:
    """One element with these in it."""
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def _name(text: str) -> bytes:
    return der(0x30, der(0x31, der(0x30, der(6, bytes.fromhex("550403")), der(12, text.encode()))))


def _algorithm(name: bytes) -> bytes:
    return der(0x30, der(6, name), b"\x05\0")


def _number(value: int) -> bytes:
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def certificate(
    subject: str, issuer: str, key: bytes, authority: bytes = b"", kind: str = "2a864886f70d010101"
) -> bytes:
    """A certificate. key, authority: identifiers of its key and of the one that signed it. kind: of the key."""
    public = der(3, b"\0", der(0x30, _number(_P * _Q), _number(_E)))
    extensions = [der(0x30, der(6, bytes.fromhex("551d0e")), der(4, der(4, key)))]
    if authority:
        extensions.append(der(0x30, der(6, bytes.fromhex("551d23")), der(4, der(0x30, der(0x80, authority)))))
    validity = der(0x30, der(23, b"200101000000Z"), der(23, b"400101000000Z"))
    body = der(
        0x30,
        der(0xA0, _number(2)),
        _number(7),
        _algorithm(_SHA256),
        _name(issuer),
        validity,
        _name(subject),
        der(0x30, _algorithm(bytes.fromhex(kind)), public),
        der(0xA3, der(0x30, *extensions)),
    )
    return der(0x30, body, _algorithm(_SHA256), der(3, b"\0"))


def signed_program(
    certificates: Sequence[bytes],
    signer: str,
    *,
    digest: bytes = _SHA256,
    copies: int = 1,
    setup: bytes = b"",
) -> bytes:
    """A PE file, signed by the one whose certificate has this issuer. setup: its header as a bzImage."""
    content = bytes(range(256)) * 4
    plain = bytearray(portable_executable([(".text", 1024, len(content))]) + content)
    struct.pack_into("<I", plain, 0x58 + 60, 1024)
    plain[0x1F1 : 0x1F1 + len(setup[0x1F1:])] = setup[0x1F1:]
    covered = plain[: 0x58 + 64] + plain[0x58 + 68 : 0x58 + 144] + plain[0x58 + 152 :]
    message = _message(certificates, signer, digest, hashlib.sha256(covered).digest())
    message += bytes(-len(message) % 8)
    table = (struct.pack("<IHH", len(message) + 8, 0x200, 2) + message) * copies
    struct.pack_into("<II", plain, 0x58 + 144, len(plain), len(table))
    return bytes(plain) + table


def _message(certificates: Sequence[bytes], signer: str, digest: bytes, of_file: bytes) -> bytes:
    spc = der(6, bytes.fromhex("2b060104018237020104"))
    data = der(0x30, der(0x30, der(6, spc)), der(0x30, _algorithm(digest), der(4, of_file)))
    inner = data[3:] if data[1] == 0x82 else data[2:]
    claimed = der(
        0x30, der(6, bytes.fromhex("2a864886f70d010904")), der(0x31, der(4, hashlib.sha256(inner).digest()))
    )
    info = der(0x30, _algorithm(_SHA256), der(4, hashlib.sha256(der(0x31, claimed)).digest()))
    size = ((_P * _Q).bit_length() + 7) // 8
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    value = pow(int.from_bytes(padded, "big"), pow(_E, -1, (_P - 1) * (_Q - 1)), _P * _Q).to_bytes(size, "big")
    who = der(0x30, _name(signer), _number(7))
    rsa = _algorithm(bytes.fromhex("2a864886f70d010101"))
    info = der(0x30, _number(1), who, _algorithm(_SHA256), der(0xA0, claimed), rsa, der(4, value))
    body = der(
        0x30,
        _number(1),
        der(0x31, _algorithm(digest)),
        der(0x30, spc, der(0xA0, data)),
        der(0xA0, *certificates),
        der(0x31, info),
    )
    return der(0x30, der(6, bytes.fromhex("2a864886f70d010702")), der(0xA0, body))
