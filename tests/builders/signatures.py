# SPDX-License-Identifier: MIT
"""Signed PE files: certificates, and signatures by keys that nobody should use."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

from tests.builders.kernels import portable_executable

_SHA256, _SHA256_RSA = bytes.fromhex("608648016503040201"), bytes.fromhex("2a864886f70d01010b")
_RSA = "2a864886f70d010101"


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


class Key(NamedTuple):
    """A key for RSA, made of two prime numbers."""

    p: int
    q: int
    kind: str = _RSA
    """What it says of itself."""

    @property
    def public(self) -> bytes:
        """Its SubjectPublicKeyInfo."""
        return der(0x30, _algorithm(bytes.fromhex(self.kind)), der(3, b"\0", self._numbers))

    @property
    def id(self) -> str:
        """Its identifier, by which a certificate names it."""
        return hashlib.sha1(self._numbers).hexdigest()

    @property
    def _numbers(self) -> bytes:
        return der(0x30, _number(self.p * self.q), _number(65537))

    def sign(self, data: bytes) -> bytes:
        """The signature of some bytes, with SHA-256."""
        info = der(0x30, _algorithm(_SHA256), der(4, hashlib.sha256(data).digest()))
        size = ((self.p * self.q).bit_length() + 7) // 8
        padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
        private = pow(65537, -1, (self.p - 1) * (self.q - 1))
        return pow(int.from_bytes(padded, "big"), private, self.p * self.q).to_bytes(size, "big")


SIGNER, AUTHORITY, ROOT = Key(2**521 - 1, 2**607 - 1), Key(2**521 - 1, 2**1279 - 1), Key(2**607 - 1, 2**1279 - 1)


def certificate(
    subject: str,
    issuer: str,
    key: Key = SIGNER,
    by: Key = AUTHORITY,
    *,
    key_id: str | None = None,
    authority: str | None = None,
    validity: tuple[str, str] = ("200101000000Z", "400101000000Z"),
) -> bytes:
    """A certificate. by: the key that signs it. key_id, authority: identifiers of both, other than they have."""
    key_id, authority = key.id if key_id is None else key_id, by.id if authority is None else authority
    extensions = [der(0x30, der(6, bytes.fromhex("551d0e")), der(4, der(4, bytes.fromhex(key_id))))]
    if authority:
        named = der(4, der(0x30, der(0x80, bytes.fromhex(authority))))
        extensions.append(der(0x30, der(6, bytes.fromhex("551d23")), named))
    body = der(
        0x30,
        der(0xA0, _number(2)),
        _number(7),
        _algorithm(_SHA256_RSA),
        _name(issuer),
        der(0x30, *(der(23, each.encode()) for each in validity)),
        _name(subject),
        key.public,
        der(0xA3, der(0x30, *extensions)),
    )
    return der(0x30, body, _algorithm(_SHA256_RSA), der(3, b"\0", by.sign(body)))


def signature_list(*certificates: bytes) -> bytes:
    """These as the firmware keeps them: a list for each, as their sizes differ."""
    kind = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
    rows = [bytes(16) + each for each in certificates]
    return b"".join(kind + struct.pack("<III", 28 + len(row), 0, len(row)) + row for row in rows)


def signed_program(
    certificates: Sequence[bytes],
    signer: str,
    *,
    key: Key = SIGNER,
    digest: bytes = _SHA256,
    copies: int = 1,
    setup: bytes = b"",
    time: str = "",
) -> bytes:
    """A PE file, signed by the one whose certificate has this issuer. key: that of the signature. setup: the file's
    header as a bzImage. time: when it says that it was signed."""
    content = bytes(range(256)) * 4
    plain = bytearray(portable_executable([(".text", 1024, len(content))]) + content)
    struct.pack_into("<I", plain, 0x58 + 60, 1024)
    plain[0x1F1 : 0x1F1 + len(setup[0x1F1:])] = setup[0x1F1:]
    covered = plain[: 0x58 + 64] + plain[0x58 + 68 : 0x58 + 144] + plain[0x58 + 152 :]
    message = _message(certificates, signer, key, digest, hashlib.sha256(covered).digest(), time)
    message += bytes(-len(message) % 8)
    table = (struct.pack("<IHH", len(message) + 8, 0x200, 2) + message) * copies
    struct.pack_into("<II", plain, 0x58 + 144, len(plain), len(table))
    return bytes(plain) + table


def _attribute(kind: str, value: bytes) -> bytes:
    return der(0x30, der(6, bytes.fromhex(kind)), der(0x31, value))


def _message(certificates: Sequence[bytes], signer: str, key: Key, digest: bytes, of_file: bytes, time: str) -> bytes:
    spc = der(6, bytes.fromhex("2b060104018237020104"))
    data = der(0x30, der(0x30, der(6, spc)), der(0x30, _algorithm(digest), der(4, of_file)))
    inner = data[3:] if data[1] == 0x82 else data[2:]
    claimed = _attribute("2a864886f70d010904", der(4, hashlib.sha256(inner).digest()))
    if time:
        claimed += _attribute("2a864886f70d010905", der(23, time.encode()))
    who = der(0x30, _name(signer), _number(7))
    value = key.sign(der(0x31, claimed))
    info = der(
        0x30,
        _number(1),
        who,
        _algorithm(_SHA256),
        der(0xA0, claimed),
        _algorithm(bytes.fromhex(_RSA)),
        der(4, value),
    )
    body = der(
        0x30,
        _number(1),
        der(0x31, _algorithm(digest)),
        der(0x30, spc, der(0xA0, data)),
        der(0xA0, *certificates),
        der(0x31, info),
    )
    return der(0x30, der(6, bytes.fromhex("2a864886f70d010702")), der(0xA0, body))
