# SPDX-License-Identifier: MIT
"""The keys of the running kernel, as /proc/keys shows them to root, and what it shows to others."""

from __future__ import annotations

from pathlib import Path

from bootmenu.discovery.kernel_keys import keys
from bootmenu.model.machine import KeyFacts
from tests.builders.hosts import fake_host, syscalls_of

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


def test_where_a_keyring_cannot_be_read_no_key_is_known(tmp_path: Path) -> None:
    host = fake_host(tmp_path, {"/proc/keys": SHOWN})
    syscalls_of(host).keyrings = {0x1BCC5354: ()}
    assert keys(host) is None


def test_an_ordinary_user_is_shown_none(tmp_path: Path) -> None:
    assert keys(fake_host(tmp_path, {"/proc/keys": SHOWN.splitlines()[-1]})) is None
    assert keys(fake_host(tmp_path, {})) is None
