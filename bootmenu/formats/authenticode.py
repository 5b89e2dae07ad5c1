# SPDX-License-Identifier: MIT
"""Read the signature of a PE file (Microsoft, "Windows Authenticode Portable Executable Signature Format"), and check
it as far as that needs no key that is not in it, as crypto/asymmetric_keys/verify_pefile.c does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from bootmenu.errors import FormatError
from bootmenu.formats.der import CONTEXT, INTEGER, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, Element, first
from bootmenu.formats.pe import PortableExecutable
from bootmenu.formats.reader import HEAD_SIZE, ByteSource, Reader
from bootmenu.formats.x509 import DIGESTS, RSA, Certificate, PublicKey, moment
from bootmenu.model.kernel import Signature
from bootmenu.model.value import Value, replace

_MAX_SIZE = 64 * 1024
_MAX_CERTIFICATES = 32
_PIECE = 1 << 20
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_INDIRECT_DATA = bytes.fromhex("2b060104018237020104")
_MESSAGE_DIGEST, _SIGNING_TIME = bytes.fromhex("2a864886f70d010904"), bytes.fromhex("2a864886f70d010905")


def signature_of(source: ByteSource, public_keys: Mapping[str, bytes]) -> Signature | None:
    """Return the signature of a PE file, or None if it has none. Read the whole file.

    public_keys: those that may have signed the certificates in it (SubjectPublicKeyInfo), by their identifiers. Raise
    FormatError if the file cannot be understood; may raise OSError.
    """
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
    message = _Message.from_element(first(table.slice(8, max(length - 8, 0))))
    checked = _with_proof(_checked(message, executable, source), message.chain, public_keys)
    if (revision, kind) != (0x0200, 2):
        return replace(checked, problem="it is of a kind that is not for kernels")
    if -(-length // 8) != -(-size // 8) and not checked.problem:
        # verify_pefile.c:pefile_strip_sig_wrapper: "Signature wrapper len wrong" until 6.3; then it takes the first
        return replace(checked, unchecked="there is more than one, and a kernel takes the first, or none before 6.3")
    return checked


class _Message(Value, kw_only=True):
    """The message with the signature (PKCS #7, RFC 2315)."""

    content: bytes
    """What is signed: the digest of the file, in its wrapping."""
    file_algorithm: bytes
    file_digest: bytes
    algorithm: bytes
    """Of the digest over the attributes."""
    attributes: Element
    key_algorithm: bytes
    signed: bytes
    """The signature itself."""
    chain: tuple[Certificate, ...]
    """The certificate of the signer, and those above it."""

    @classmethod
    def from_element(cls, element: Element) -> _Message:
        """Read it. Raise FormatError for every form but the one that the tools write: the kernel is as strict
        (crypto/asymmetric_keys/pkcs7.asn1), and what it would refuse must not be taken for right."""
        kind, wrapped = element.expect(SEQUENCE).fields(OBJECT_ID, CONTEXT)
        parts = wrapped.at(0).expect(SEQUENCE).items()
        if kind.content != _SIGNED_DATA or len(parts) < 4:
            raise FormatError("the signature is no PKCS #7 message")
        version, algorithms, data, *others, signers = parts
        for algorithm in algorithms.expect(SET).items():
            algorithm.expect(SEQUENCE).at(0).expect(OBJECT_ID)
        kind, wrapped = data.expect(SEQUENCE).fields(OBJECT_ID, CONTEXT)
        (data,) = wrapped.fields(SEQUENCE)
        if kind.content != _INDIRECT_DATA:
            raise FormatError("the signature is not one of a PE file")
        _, digest = data.fields(SEQUENCE, SEQUENCE)
        digest_algorithm, file_digest = digest.fields(SEQUENCE, OCTET_STRING)
        certificates: list[Certificate] = []
        for other in others:
            if other.tag != CONTEXT + 1:  # lists of what is revoked, which kernels skip
                certificates += [
                    Certificate.from_element(each) for each in other.expect(CONTEXT).items()[:_MAX_CERTIFICATES]
                ]
        (signer,) = signers.expect(SET).fields(SEQUENCE)
        own_version, who, algorithm, attributes, key_algorithm, signed = signer.first_fields(
            INTEGER, SEQUENCE, SEQUENCE, CONTEXT, SEQUENCE, OCTET_STRING
        )
        if (version.number, own_version.number) != (1, 1):
            raise FormatError("the signature is of another version of PKCS #7")
        issuer, serial = who.fields(SEQUENCE, INTEGER)
        return cls(
            content=data.content,
            file_algorithm=digest_algorithm.at(0).expect(OBJECT_ID).content,
            file_digest=file_digest.content,
            algorithm=algorithm.at(0).expect(OBJECT_ID).content,
            attributes=attributes,
            key_algorithm=key_algorithm.at(0).expect(OBJECT_ID).content,
            signed=signed.content,
            chain=tuple(_chain(certificates, issuer.whole, serial.content)),
        )

    def attribute(self, kind: bytes) -> list[Element]:
        """Return the values of an attribute, which are signed. Raise FormatError."""
        return [each.at(1, 0) for each in self.attributes.items() if each.expect(SEQUENCE).at(0).content == kind]


def _chain(certificates: list[Certificate], issuer: bytes, serial: bytes) -> Iterator[Certificate]:
    """Yield the certificate of the signer, and those above it that are in the message, as far as
    pkcs7_verify.c:pkcs7_verify_sig_chain finds them."""
    here = next((each for each in certificates if (each.issuer, each.serial) == (issuer, serial)), None)
    seen: list[Certificate] = []
    while here is not None and here not in seen:
        yield here
        seen.append(here)
        above = here.authority if here.authority != here.key_id else ""
        here = next((each for each in certificates if above and each.key_id == above), None)


def _with_proof(signature: Signature, chain: tuple[Certificate, ...], public_keys: Mapping[str, bytes]) -> Signature:
    """Add which keys have signed the one below, as far as that is proven: a name alone can be forged.

    A key is known by its identifier, if that is a digest of the key: then it is the one that the kernel trusts.
    """
    proven: list[str] = []
    for here, above in zip(chain, (*chain[1:], None), strict=False):
        if here.public_key.has_id(here.key_id):
            proven.append(here.key_id)
        if above is None:
            key = _known(here.authority, public_keys) if here.authority != here.key_id else None
            answer = None if key is None else here.is_signed_by(key)
            proven += [here.authority] if answer else []
        else:
            answer = here.is_signed_by(above.public_key)
        if answer is False:
            problem = f"the certificate of {here.name or 'the signer'} is not by whom it names"
            return replace(signature, proven=tuple(proven), problem=signature.problem or problem)
        if answer is None:
            break
    return replace(signature, proven=tuple(proven))


def _known(key_id: str, public_keys: Mapping[str, bytes]) -> PublicKey | None:
    """Return the key that is meant: no other can have the identifier, if that is made from it."""
    key = PublicKey(public_keys[key_id]) if key_id in public_keys else None
    return key if key is not None and key.has_id(key_id) else None


def _keys(chain: tuple[Certificate, ...]) -> Iterator[str]:
    yield from (each.key_id for each in chain if each.key_id)
    if chain and chain[-1].authority and chain[-1].authority != chain[-1].key_id:
        yield chain[-1].authority


def _checked(message: _Message, executable: PortableExecutable, source: ByteSource) -> Signature:
    """Compare the signature with the file, and with the certificate in it."""
    signature = Signature(
        signer=message.chain[0].name if message.chain else "",
        keys=tuple(_keys(message.chain)),
        certificates=tuple(hashlib.sha256(each.body).hexdigest() for each in message.chain),
    )
    file_algorithm, algorithm = DIGESTS.get(message.file_algorithm), DIGESTS.get(message.algorithm)
    if file_algorithm is None or algorithm is None:
        return replace(signature, unchecked="it uses a digest that is not known here")
    whole = hashlib.new(file_algorithm)
    for piece in _covered(executable, source):
        whole.update(piece)
    if whole.digest() != message.file_digest:
        return replace(signature, problem="the file was changed after it was signed")
    claimed = [each.expect(OCTET_STRING).content for each in message.attribute(_MESSAGE_DIGEST)]
    if claimed != [hashlib.new(algorithm, message.content).digest()]:
        return replace(signature, problem="it is damaged")
    if not message.chain:
        return replace(signature, unchecked="the signer's certificate is not in it")
    signer = message.chain[0]
    if message.key_algorithm != RSA or not signer.public_key.is_rsa:
        return replace(signature, unchecked="its key is not one for RSA")
    # RFC 2315, 9.3: the digest is over the attributes as a SET, whatever their tag
    attributes = b"\x31" + message.attributes.whole[1:]
    if not signer.public_key.has_signed(message.signed, message.algorithm, attributes):
        return replace(signature, problem="it is damaged")
    # pkcs7_verify.c:pkcs7_verify_one: "Message signed outside of X.509 validity window"
    begin, end = signer.validity
    if not all(begin <= moment(each) <= end for each in message.attribute(_SIGNING_TIME)):
        return replace(signature, problem="it was made at a time at which the signer's certificate was not valid")
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
