# SPDX-License-Identifier: MIT
"""Read X.509 certificates (RFC 5280), and check who has signed them and other things, by RSA (RFC 8017)."""

from __future__ import annotations

import hashlib

from bootmenu.errors import FormatError
from bootmenu.formats.der import (
    BIT_STRING,
    CONTEXT,
    GENERALIZED_TIME,
    INTEGER,
    OBJECT_ID,
    OCTET_STRING,
    SEQUENCE,
    UTC_TIME,
    Element,
    first,
)
from bootmenu.model.value import Value

RSA = bytes.fromhex("2a864886f70d010101")
SHA1 = bytes.fromhex("2b0e03021a")
DIGESTS = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}
"""Names in hashlib of the digests that every kernel knows, by their object identifiers."""
_BY_RSA = {
    bytes.fromhex("2a864886f70d010105"): SHA1,
    **{bytes.fromhex(f"2a864886f70d01010{kind}"): digest for kind, digest in zip("bcd", DIGESTS, strict=True)},
}
"""The digest of a signature by RSA, by the name of both (RFC 4055, 5)."""
_MAX_MODULUS = 1024
"""Bytes of the longest RSA key that is tried."""
_COMMON_NAME, _ORGANISATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
_SUBJECT_KEY, _AUTHORITY_KEY = bytes.fromhex("551d0e"), bytes.fromhex("551d23")


class PublicKey(Value):
    """A key that signatures are checked with. data: its SubjectPublicKeyInfo."""

    data: bytes

    def has_id(self, key_id: str) -> bool:
        """Return whether an identifier, in hexadecimal, is made from this key, so that no other key can have it: a
        digest of the key without what is around it (RFC 5280, 4.2.1.2), or with it, as Debian and Fedora have it."""
        wholes = (self.data, self._parts()[1].bits)
        return bool(key_id) and key_id in [hashlib.sha1(whole, usedforsecurity=False).hexdigest() for whole in wholes]

    @property
    def is_rsa(self) -> bool:
        """Return whether it is a key for RSA. Raise FormatError if it is none at all."""
        return self._parts()[0].at(0).expect(OBJECT_ID).content == RSA

    def has_signed(self, signature: bytes, algorithm: bytes, data: bytes) -> bool:
        """Return whether this RSA key has signed some bytes (RFC 8017, 8.2.2). algorithm: of the digest. Raise
        FormatError."""
        key = first(self._parts()[1].bits)
        modulus, exponent = (part.number for part in key.expect(SEQUENCE).fields(INTEGER, INTEGER))
        size = (modulus.bit_length() + 7) // 8
        if not 64 <= size <= _MAX_MODULUS or exponent.bit_length() > 32 or len(signature) != size:
            return False
        # 9.2: 00 01 ff ... ff 00, then the DigestInfo; its parameters are NULL
        name = b"\x06" + bytes([len(algorithm)]) + algorithm + b"\x05\0"
        value = hashlib.new("sha1" if algorithm == SHA1 else DIGESTS[algorithm], data).digest()
        info = b"\x30" + bytes([len(name)]) + name + b"\x04" + bytes([len(value)]) + value
        info = b"\x30" + bytes([len(info)]) + info
        wanted = b"\0\x01" + b"\xff" * (size - len(info) - 3) + b"\0" + info
        return pow(int.from_bytes(signature, "big"), exponent, modulus) == int.from_bytes(wanted, "big")

    def _parts(self) -> list[Element]:
        return first(self.data).expect(SEQUENCE).fields(SEQUENCE, BIT_STRING)


class Certificate(Value, kw_only=True):
    """What matters of a certificate."""

    issuer: bytes
    serial: bytes
    name: str
    key_id: str
    """Identifier of its own key, in hexadecimal; empty: it has none."""
    authority: str
    """Identifier of the key that has signed it; empty: it does not say."""
    public_key: PublicKey
    validity: tuple[str, str]
    """When its key may be used: from and to, as `moment` returns them."""
    body: bytes
    """What is signed."""
    algorithm: bytes
    """Of the signature."""
    signature: bytes

    @classmethod
    def from_element(cls, element: Element) -> Certificate:
        """Read a certificate. Raise FormatError."""
        signed, algorithm, signature = element.expect(SEQUENCE).fields(SEQUENCE, SEQUENCE, BIT_STRING)
        body = signed.items()
        body = body[1:] if body[:1] and body[0].tag == CONTEXT else body  # the version
        for part, tag in zip(body, (INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE), strict=False):
            part.expect(tag)
        if len(body) < 6:
            raise FormatError("a certificate in the signature is incomplete")
        if body[1].whole != algorithm.whole:
            # crypto/asymmetric_keys/x509_cert_parser.c:x509_note_signature takes no other
            raise FormatError("a certificate in the signature names two ways in which it was signed")
        names = {part.at(0, 0).content: part.at(0, 1).content for part in body[4].items()}
        key_id, authority = _key_ids(body[6:])
        return cls(
            issuer=body[2].whole,
            serial=body[0].content,
            name=(names.get(_COMMON_NAME) or names.get(_ORGANISATION) or b"").decode("utf-8", "replace")[:80],
            key_id=key_id,
            authority=authority,
            public_key=PublicKey(body[5].whole),
            validity=(moment(body[3].at(0)), moment(body[3].at(1))),
            body=signed.whole,
            algorithm=algorithm.at(0).expect(OBJECT_ID).content,
            signature=signature.bits,
        )

    def is_signed_by(self, key: PublicKey) -> bool | None:
        """Return whether this key has signed it, or None if that cannot be computed here: it is not by RSA. Raise
        FormatError."""
        digest = _BY_RSA.get(self.algorithm)
        return None if digest is None or not key.is_rsa else key.has_signed(self.signature, digest, self.body)


def _key_ids(parts: list[Element]) -> tuple[str, str]:
    key, authority = "", ""
    for extension in (each for part in parts if part.tag == CONTEXT + 3 for each in part.at(0).items()):
        items = extension.items()
        if len(items) >= 2 and items[0].content == _SUBJECT_KEY:
            key = first(items[-1].content).expect(OCTET_STRING).content.hex()
        elif len(items) >= 2 and items[0].content == _AUTHORITY_KEY:
            ids = [part.content for part in first(items[-1].content).items() if part.tag == 0x80]
            authority = ids[0].hex() if ids else ""
    return key, authority


def moment(element: Element) -> str:
    """Return a time (RFC 5280, 4.1.2.5) as YYYYMMDDHHMMSSZ, by which times can be compared. Raise FormatError."""
    text = element.content.decode("ascii", "replace")
    if element.tag == UTC_TIME:
        text = ("19" if text[:1] >= "5" else "20") + text
    elif element.tag != GENERALIZED_TIME:
        raise FormatError("the signature has something else where a time is expected")
    if not (len(text) == 15 and text[:14].isdecimal() and text.isascii() and text[14] == "Z"):
        raise FormatError("a time in the signature is none")
    return text
