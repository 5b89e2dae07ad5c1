# SPDX-License-Identifier: MIT
"""The keys of the running kernel, as /proc/keys shows them to root, and what it shows to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootmenu.discovery.kernel_keys import keys
from bootmenu.model.machine import KeyFacts
from tests.builders.hosts import fake_host, syscalls_of
from tests.builders.signatures import AUTHORITY, certificate, signature_list

SHOWN = """\
1bcc5354 I------     1 perm 0f0b0000     0     0 keyring   .blacklist: 1
144b5aa3 I------     1 perm 1f0b0000     0     0 keyring   .builtin_trusted_keys: 2
02f1e9a4 I------     1 perm 1f030000     0     0 asymmetri Acme: Secure Boot CA: 6ccece7e: X509.rsa bb419ea1 []
0314bf35 I------     1 perm 1f030000     0     0 asymmetri Old CA: 4a5b: X509.rsa 4a5b []
3a000001 I------     1 perm 1f030000     0     0 blacklist bin:1234
3a000002 I------     2 perm 1f3f0000     0 65534 keyring   _uid.0: empty
"""
RINGS: dict[int, tuple[int, ...]] = {0x1BCC5354: (0x0314BF35, 0x3A000001), 0x144B5AA3: (0x02F1E9A4, 0x7FFFFFFF)}


def test_keys_are_listed_with_their_keyring(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {"/proc/keys": SHOWN})
    syscalls_of(host).keyrings = RINGS
    assert keys(host) == (
        KeyFacts(name="Old CA", id="4a5b", keyring=".blacklist"),
        KeyFacts(name="Acme: Secure Boot CA", id="6ccece7e", keyring=".builtin_trusted_keys"),
    )


def test_a_certificate_can_be_revoked_by_its_digest(tmp_path: Path) -> None:
    digest = "5a" * 32
    host = fake_host(tmp_path, {"/proc/keys": SHOWN.replace("bin:1234", f"tbs:{digest}")})
    syscalls_of(host).keyrings = RINGS
    assert KeyFacts(name="tbs", id=digest, keyring=".blacklist") in (keys(host) or ())


@pytest.mark.parametrize(
    ("path", "attributes"),
    [
        ("/sys/firmware/efi/mok-variables/MokListRT", b""),
        ("/sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23", bytes(4)),
        ("/sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", bytes(4)),
    ],
    ids=["shim's", "shim's variable", "the firmware's"],
)
def test_the_key_itself_comes_from_the_lists_of_the_firmware(tmp_path: Path, path: str, attributes: bytes) -> None:
    lists = attributes + signature_list(certificate("Acme CA", "Acme CA", AUTHORITY))
    shown = SHOWN.replace(".builtin_trusted_keys", ".platform").replace("6ccece7e", AUTHORITY.id)
    host = fake_host(tmp_path, {"/proc/keys": shown, path: lists})
    syscalls_of(host).keyrings = RINGS
    known = {key.id: key.public_key for key in keys(host) or ()}
    assert known == {"4a5b": "", AUTHORITY.id: AUTHORITY.public.hex()}


def test_where_a_keyring_cannot_be_read_no_key_is_known(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {"/proc/keys": SHOWN})
    syscalls_of(host).keyrings = {0x1BCC5354: ()}
    assert keys(host) is None


def test_an_ordinary_user_is_shown_none(tmp_path: Path) -> None:
    assert keys(fake_host(tmp_path, {"/proc/keys": SHOWN.splitlines()[-1]})) is None
    assert keys(fake_host(tmp_path, {})) is None
