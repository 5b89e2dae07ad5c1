# SPDX-License-Identifier: MIT
"""Read the signature of a PE file (Microsoft, "Windows Authenticode Portable Executable Signature Format"), and check
it as far as that needs no key that is not in it, as crypto/asymmetric_keys/verify_pefile.c does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from bootmenu.errors import FormatError
from bootmenu.formats.der import CONTEXT, OBJECT_ID, OCTET_STRING, Element, first
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import HEAD_SIZE, ByteSource, Reader
from bootmenu.model.kernel import Signature
from bootmenu.model.value import Value

_MAX_SIZE = 64 * 1024
_PIECE = 1 << 20
_MAX_MODULUS = 1024
"""Bytes of the longest RSA key that is tried."""
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_INDIRECT_DATA = bytes.fromhex("2b060104018237020104")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_RSA = bytes.fromhex("2a864886f70d010101")
_COMMON_NAME, _ORGANISATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
_SUBJECT_KEY, _AUTHORITY_KEY = bytes.fromhex("551d0e"), bytes.fromhex("551d23")
_DIGESTS = {
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
}


class _Certificate(Value, kw_only=True):
    """What matters of an X.509 certificate (RFC 5280)."""

    issuer: bytes
    serial: bytes
    subject: bytes
    name: str
    key: str
    """Identifier of its own key, in hexadecimal; empty: it has none."""
    authority: str
    """Identifier of the key that has signed it; empty: it does not say."""
    algorithm: bytes
    public_key: bytes


def signature_of(source: ByteSource) -> Signature | None:
    """Return the signature of a PE file, or None if it has none. Read the whole file. Raise FormatError if it cannot
    be read; may raise OSError."""
    head = source.read(0, HEAD_SIZE)
    executable = PortableExecutable.from_head(head)
    if executable is None or not executable.certificates[1]:
        return None
    offset, size = executable.certificates
    if size > _MAX_SIZE:
        raise FormatError(f"the signature has {size:,} bytes", offset)
    table = Reader(source.read(offset, size), "the signature")
    # struct win_certificate: dwLength, wRevision, wCertificateType
    length, revision, kind = table.u32le(0), table.u16le(4), table.u16le(6)
    signed = first(table.slice(8, max(length - 8, 0)))
    found = _Message.from_element(signed)
    signature = Signature(signer=found.chain[0].name if found.chain else "", keys=tuple(_keys(found.chain)))
    if (revision, kind) != (0x0200, 2):
        return _with(signature, problem="it is of a kind that is not for kernels")
    checked = _checked(signature, found, executable, source)
    if -(-length // 8) != -(-size // 8) and not checked.problem:
        # verify_pefile.c:pefile_strip_sig_wrapper: "Signature wrapper len wrong" until 6.3; then it takes the first
        return _with(checked, unchecked="there is more than one, and a kernel takes the first, or none before 6.3")
    return checked


def _with(signature: Signature, *, problem: str = "", unchecked: str = "") -> Signature:
    return Signature(signer=signature.signer, keys=signature.keys, problem=problem, unchecked=unchecked)


class _Message(Value, kw_only=True):
    """The message with the signature (PKCS #7, RFC 2315)."""

    content: bytes
    """What is signed: the digest of the file, in its wrapping."""
    file_algorithm: bytes
    file_digest: bytes
    algorithm: bytes
    """Of the digest over the attributes."""
    attributes: Element
    signed: bytes
    """The signature itself."""
    chain: tuple[_Certificate, ...]
    """The certificate of the signer, and those above it."""

    @classmethod
    def from_element(cls, element: Element) -> _Message:
        """Read the first signer's part. Raise FormatError."""
        if element.at(0).content != _SIGNED_DATA:
            raise FormatError("the signature is no PKCS #7 message")
        items = element.at(1, 0).items()
        if len(items) < 4:
            raise FormatError("the signature has too few parts")
        content = items[2]
        if content.at(0).content != _INDIRECT_DATA:
            raise FormatError("the signature is not one of a PE file")
        data = content.at(1, 0)
        digest = data.at(1)
        certificates = [
            _certificate(each) for part in items[3:-1] if part.tag == CONTEXT for each in part.items()[:32]
        ]
        signer = items[-1].at(0).items()
        if len(signer) < 6:
            raise FormatError("the signature has no signed attributes")
        return cls(
            content=data.content,
            file_algorithm=digest.at(0, 0).content,
            file_digest=digest.at(1).expect(OCTET_STRING).content,
            algorithm=signer[2].at(0).content,
            attributes=signer[3].expect(CONTEXT),
            signed=signer[5].expect(OCTET_STRING).content,
            chain=tuple(_chain(certificates, signer[1].at(0).whole, signer[1].at(1).content)),
        )


def _certificate(element: Element) -> _Certificate:
    body = element.at(0).items()
    body = body[1:] if body[:1] and body[0].tag == CONTEXT else body  # the version
    if len(body) < 6:
        raise FormatError("a certificate in the signature is incomplete")
    names = {part.at(0, 0).content: part.at(0, 1).content for part in body[4].items()}
    key, authority = "", ""
    for extension in (each for part in body[6:] if part.tag == CONTEXT + 3 for each in part.at(0).items()):
        items = extension.items()
        if len(items) >= 2 and items[0].content == _SUBJECT_KEY:
            key = first(items[-1].content).content.hex()
        elif len(items) >= 2 and items[0].content == _AUTHORITY_KEY:
            ids = [part.content for part in first(items[-1].content).items() if part.tag == 0x80]
            authority = ids[0].hex() if ids else ""
    return _Certificate(
        issuer=body[2].whole,
        serial=body[0].content,
        subject=body[4].whole,
        name=(names.get(_COMMON_NAME) or names.get(_ORGANISATION) or b"").decode("utf-8", "replace")[:80],
        key=key,
        authority=authority,
        algorithm=body[5].at(0, 0).expect(OBJECT_ID).content,
        public_key=body[5].at(1).content,
    )


def _chain(certificates: list[_Certificate], issuer: bytes, serial: bytes) -> Iterator[_Certificate]:
    """Yield the certificate of the signer, and those above it that are in the message."""
    here = next((each for each in certificates if (each.issuer, each.serial) == (issuer, serial)), None)
    for _ in certificates:
        if here is None:
            return
        yield here
        if here.issuer == here.subject:
            return
        above = here.issuer
        here = next((each for each in certificates if each.subject == above), None)


def _keys(chain: tuple[_Certificate, ...]) -> Iterator[str]:
    yield from (each.key for each in chain if each.key)
    if chain and chain[-1].authority and chain[-1].authority != chain[-1].key:
        yield chain[-1].authority


def _checked(
    signature: Signature, message: _Message, executable: PortableExecutable, source: ByteSource
) -> Signature:
    """Compare the signature with the file, and with the certificate in it."""
    file_algorithm, algorithm = _DIGESTS.get(message.file_algorithm), _DIGESTS.get(message.algorithm)
    if file_algorithm is None or algorithm is None:
        return _with(signature, unchecked="it uses a digest that is not known here")
    whole = hashlib.new(file_algorithm)
    for piece in _covered(executable, source):
        whole.update(piece)
    if whole.digest() != message.file_digest:
        return _with(signature, problem="the file was changed after it was signed")
    claimed = [each.at(1, 0).content for each in message.attributes.items() if each.at(0).content == _MESSAGE_DIGEST]
    if claimed != [hashlib.new(algorithm, message.content).digest()]:
        return _with(signature, problem="it is damaged")
    if not message.chain:
        return _with(signature, unchecked="the signer's certificate is not in it")
    if message.chain[0].algorithm != _RSA:
        return _with(signature, unchecked="its key is not one for RSA")
    # RFC 2315, 9.3: the digest is over the attributes as a SET, whatever their tag
    attributes = b"\x31" + message.attributes.whole[1:]
    if not _is_by(message.chain[0].public_key, message.signed, message.algorithm, hashlib.new(algorithm, attributes)):
        return _with(signature, problem="it is damaged")
    return signature


def _covered(executable: PortableExecutable, source: ByteSource) -> Iterator[bytes]:
    """Yield what the digest covers, as verify_pefile.c:pefile_digest_pe_contents does."""
    at = 0
    for hole, length in executable.unsigned:
        yield from _pieces(source, at, hole)
        at = hole + length
    yield from _pieces(source, at, executable.headers_size)
    done = executable.headers_size
    for section in sorted(executable.sections, key=lambda section: section.offset):
        yield from _pieces(source, section.offset, section.offset + section.size)
        done += section.size
    yield from _pieces(source, done, source.size - executable.certificates[1])


def _pieces(source: ByteSource, at: int, end: int) -> Iterator[bytes]:
    while at < end and (piece := source.read(at, min(_PIECE, end - at))):
        yield piece
        at += len(piece)


def _is_by(public_key: bytes, signed: bytes, algorithm: bytes, digest: hashlib._Hash) -> bool:
    """Return whether this RSA key (RFC 8017, A.1.1) has signed this digest (8.2.2)."""
    key = first(public_key[1:])  # a BIT STRING begins with how many bits of its last byte are not used
    modulus, exponent = key.at(0).number, key.at(1).number
    size = (modulus.bit_length() + 7) // 8
    if not 64 <= size <= _MAX_MODULUS or exponent.bit_length() > 32 or len(signed) > size:
        return False
    # 9.2: 00 01 ff ... ff 00, then the DigestInfo; its parameters are NULL
    name = b"\x06" + bytes([len(algorithm)]) + algorithm + b"\x05\0"
    value = digest.digest()
    info = b"\x30" + bytes([len(name)]) + name + b"\x04" + bytes([len(value)]) + value
    info = b"\x30" + bytes([len(info)]) + info
    wanted = b"\0\x01" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return pow(int.from_bytes(signed, "big"), exponent, modulus) == int.from_bytes(wanted, "big")
