# SPDX-License-Identifier: MIT
"""Signatures of PE files, and what spoils them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.authenticode import signature_of
from bootmenu.formats.efi_signatures import certificates
from bootmenu.formats.reader import Buffer
from bootmenu.model.kernel import Signature
from tests.builders.kernels import portable_executable
from tests.builders.signatures import AUTHORITY, ROOT, SIGNER, certificate, signature_list, signed_program

OURS = certificate("Acme kernels", "Acme CA")
ABOVE = certificate("Acme CA", "Root", AUTHORITY, ROOT)
SIGNED = signed_program([OURS], "Acme CA")
KNOWN = {AUTHORITY.id: AUTHORITY.public, ROOT.id: ROOT.public}
CHANGED, DAMAGED = "the file was changed after it was signed", "it is damaged"


def read(program: bytes, public_keys: dict[str, bytes] = KNOWN) -> Signature:
    found = signature_of(Buffer(program), public_keys)
    assert found is not None
    return found


def spoilt(at: int, by: int = 1) -> bytes:
    return SIGNED[:at] + bytes([SIGNED[at] ^ by]) + SIGNED[at + 1 :]


@pytest.mark.parametrize(
    ("chain", "keys"),
    [((OURS,), (SIGNER.id, AUTHORITY.id)), ((ABOVE, OURS), (SIGNER.id, AUTHORITY.id, ROOT.id))],
    ids=["one", "a chain"],
)
def test_a_whole_signature(chain: tuple[bytes, ...], keys: tuple[str, ...]) -> None:
    found = read(signed_program(chain, "Acme CA"))
    assert (found.signer, found.keys, found.proven) == ("Acme kernels", keys, keys)
    assert (found.problem, found.unchecked, len(found.certificates)) == ("", "", len(chain))


def test_an_authority_whose_key_is_not_known_may_be_anybody() -> None:
    assert read(SIGNED, {}).proven == (SIGNER.id,)
    assert read(signed_program([ABOVE, OURS], "Acme CA"), {}).proven == (SIGNER.id, AUTHORITY.id)


def test_a_key_is_not_known_by_an_identifier_that_is_not_made_from_it() -> None:
    named = certificate("Acme kernels", "Acme CA", authority="aa")
    assert read(signed_program([named], "Acme CA"), {"aa": AUTHORITY.public}).proven == (SIGNER.id,)
    named = certificate("Acme kernels", "Acme CA", key_id="bb")
    assert read(signed_program([named], "Acme CA")).proven == (AUTHORITY.id,)


@pytest.mark.parametrize(
    "forged",
    [
        [certificate("Acme kernels", "Acme CA", by=ROOT, authority=AUTHORITY.id)],
        [certificate("Acme kernels", "Acme CA", by=ROOT, authority=AUTHORITY.id), ABOVE],
        [certificate("Acme CA", "Root", AUTHORITY, SIGNER, authority=ROOT.id), OURS],
    ],
    ids=["the signer's", "the signer's, with the authority's in the file", "the authority's"],
)
def test_a_forged_certificate_is_no_proof(forged: list[bytes]) -> None:
    found = read(signed_program(forged, "Acme CA"))
    assert found.problem.endswith("is not by whom it names")
    assert found.proven in ((SIGNER.id,), (SIGNER.id, AUTHORITY.id))


@pytest.mark.parametrize(
    ("time", "problem"),
    [
        ("260101000000Z", ""),
        ("190101000000Z", "at a time at which the signer's certificate was not valid"),
        ("700101000000Z", "at a time at which the signer's certificate was not valid"),
        ("450101000000Z", "at a time at which the signer's certificate was not valid"),
    ],
    ids=["valid", "before", "a machine without a clock", "after"],
)
def test_a_signature_is_made_while_the_certificate_is_valid(time: str, problem: str) -> None:
    assert problem in read(signed_program([OURS], "Acme CA", time=time)).problem
    assert bool(read(signed_program([OURS], "Acme CA", time=time)).problem) == bool(problem)


def test_a_signature_by_another_key_is_damaged() -> None:
    assert read(signed_program([OURS], "Acme CA", key=ROOT)).problem == DAMAGED


def test_no_byte_of_a_signature_can_be_changed_but_those_that_say_nothing() -> None:
    """The kernel skips which digests are used at all, and the empty parameters of their names."""
    free = {at for at in range(2048, len(SIGNED)) if at >= len(SIGNED.rstrip(b"\0"))}
    digests = SIGNED.index(bytes.fromhex("608648016503040201"), 2048)
    free |= {*range(digests, digests + 9)}
    free |= {at for at in range(2048, len(SIGNED)) if SIGNED[at : at + 2] == b"\x05\0"}
    accepted = set()
    for at in range(2048, len(SIGNED)):
        for by in (1, 0x20, 0x80, 0xFF):
            with contextlib.suppress(FormatError):
                found = read(spoilt(at, by))
                if found.proven == (SIGNER.id, AUTHORITY.id) and not found.problem and not found.unchecked:
                    accepted.add(at)
    assert accepted <= free


def test_a_file_without_one() -> None:
    assert signature_of(Buffer(portable_executable([(".text", 1024, 4)])), {}) is None
    assert signature_of(Buffer(b"text"), {}) is None


def test_every_byte_counts_but_the_checksum_and_the_place_of_the_signature() -> None:
    free = {*range(0x58 + 64, 0x58 + 68)}
    for at in (2, *range(0x58 + 64, 0x58 + 68), 0x58 + 68, 1023, 1024, 2047):
        assert read(spoilt(at)).problem == ("" if at in free else CHANGED), at


def test_a_signature_that_was_changed_is_damaged() -> None:
    # the last bytes: the signature itself, and the padding of the table
    value = len(SIGNED.rstrip(b"\0")) - 8
    assert read(spoilt(value)).problem == DAMAGED
    claimed = SIGNED.rindex(bytes.fromhex("2a864886f70d010904")) + 16
    assert read(spoilt(claimed)).problem == DAMAGED


def test_what_was_appended_is_not_signed() -> None:
    assert read(SIGNED + b"more").problem == CHANGED


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (signed_program([OURS], "Acme CA", digest=bytes.fromhex("2b0e03021a")), "a digest that is not known"),
        (signed_program([OURS], "Somebody"), "certificate is not in it"),
        (signed_program([OURS], "Acme CA", copies=2), "more than one"),
        (
            signed_program([certificate("x", "x", SIGNER._replace(kind="2a8648ce3d0201"))], "x"),
            "not one for RSA",
        ),
    ],
    ids=["SHA-1", "no certificate", "two", "an elliptic curve"],
)
def test_what_is_not_checked_is_said(signed: bytes, why: str) -> None:
    assert why in read(signed).unchecked


def test_a_circle_of_certificates_ends() -> None:
    circle = [certificate("a", "b"), certificate("b", "a", AUTHORITY, SIGNER)]
    assert read(signed_program(circle, "b")).keys == (SIGNER.id, AUTHORITY.id, SIGNER.id)


def test_the_firmware_keeps_lists_of_certificates() -> None:
    lists = signature_list(OURS, ABOVE)
    assert [each.name for each in certificates(lists)] == ["Acme kernels", "Acme CA"]
    assert [each.name for each in certificates(lists[:-1])] == ["Acme kernels"]
    assert [each.name for each in certificates(signature_list(b"none") + lists)] == ["Acme kernels", "Acme CA"]
    other = bytes(16) + lists[16:]  # digests of programs, for example
    assert [each.name for each in certificates(other)] == ["Acme CA"]


@given(st.binary(max_size=60), st.integers(0, 4096))
def test_any_bytes_are_a_list_of_certificates_or_none(data: bytes, at: int) -> None:
    lists = signature_list(OURS, ABOVE)
    list(certificates(data))
    list(certificates(lists[: at % len(lists)] + data + lists[at % len(lists) :]))


@given(st.integers(0, len(SIGNED)), st.binary(max_size=6))
def test_any_bytes_give_a_signature_or_an_error(at: int, inserted: bytes) -> None:
    for program in (SIGNED[:at], SIGNED[:at] + inserted + SIGNED[at + len(inserted) :]):
        with contextlib.suppress(FormatError):
            signature_of(Buffer(program), KNOWN)
