# SPDX-License-Identifier: MIT
"""Signatures of PE files, and what spoils them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.authenticode import signature_of
from bootmenu.formats.reader import Buffer
from bootmenu.model.kernel import Signature
from tests.builders.kernels import portable_executable
from tests.builders.signatures import certificate, signed_program

OURS = certificate("Acme kernels", "Acme CA", b"\xaa", b"\xca")
ABOVE = certificate("Acme CA", "Root", b"\xca", b"\x10")
SIGNED = signed_program([OURS], "Acme CA")


def read(program: bytes) -> Signature:
    found = signature_of(Buffer(program))
    assert found is not None
    return found


def spoilt(at: int) -> bytes:
    return SIGNED[:at] + bytes([SIGNED[at] ^ 1]) + SIGNED[at + 1 :]


@pytest.mark.parametrize(
    ("certificates", "keys"), [((OURS,), ("aa", "ca")), ((ABOVE, OURS), ("aa", "ca", "10"))], ids=["one", "a chain"]
)
def test_a_whole_signature(certificates: tuple[bytes, ...], keys: tuple[str, ...]) -> None:
    signed = signed_program(certificates, "Acme CA")
    assert read(signed) == Signature(signer="Acme kernels", keys=keys)


def test_a_file_without_one() -> None:
    assert signature_of(Buffer(portable_executable([(".text", 1024, 4)]))) is None
    assert signature_of(Buffer(b"text")) is None


def test_every_byte_counts_but_the_checksum_and_the_place_of_the_signature() -> None:
    free = {*range(0x58 + 64, 0x58 + 68)}
    for at in (2, *range(0x58 + 64, 0x58 + 68), 0x58 + 68, 1023, 1024, 2047):
        assert read(spoilt(at)).problem == ("" if at in free else "the file was changed after it was signed"), at


def test_a_signature_that_was_changed_is_damaged() -> None:
    # the last bytes: the signature itself, and the padding of the table
    value = len(SIGNED.rstrip(b"\0")) - 8
    assert read(spoilt(value)).problem == "it is damaged"
    claimed = SIGNED.rindex(bytes.fromhex("2a864886f70d010904")) + 16
    assert read(spoilt(claimed)).problem == "it is damaged"


def test_what_was_appended_is_not_signed() -> None:
    assert read(SIGNED + b"more").problem == "the file was changed after it was signed"


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (signed_program([OURS], "Acme CA", digest=bytes.fromhex("2b0e03021a")), "a digest that is not known"),
        (signed_program([OURS], "Somebody"), "certificate is not in it"),
        (signed_program([OURS], "Acme CA", copies=2), "more than one"),
        (
            signed_program([certificate("x", "x", b"\1", kind="2a8648ce3d0201")], "x"),
            "not one for RSA",
        ),
    ],
    ids=["SHA-1", "no certificate", "two", "an elliptic curve"],
)
def test_what_is_not_checked_is_said(signed: bytes, why: str) -> None:
    assert why in read(signed).unchecked


def test_a_circle_of_certificates_ends() -> None:
    circle = [certificate("a", "b", b"\1", b"\2"), certificate("b", "a", b"\2", b"\1")]
    assert read(signed_program(circle, "b")).keys == ("01", "02", "01")


@given(st.integers(0, len(SIGNED)), st.binary(max_size=6))
def test_any_bytes_give_a_signature_or_an_error(at: int, inserted: bytes) -> None:
    for program in (SIGNED[:at], SIGNED[:at] + inserted + SIGNED[at + len(inserted) :]):
        with contextlib.suppress(FormatError):
            signature_of(Buffer(program))
