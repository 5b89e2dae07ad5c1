# SPDX-License-Identifier: MIT
"""List the keys with which the running kernel checks the signature of the next one."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.machine import KeyFacts
from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.system import efi
from bootmenu.system.host import Host

_KEYRINGS = (".builtin_trusted_keys", ".secondary_trusted_keys", ".machine", ".platform", ".blacklist")
_LINE = regex(r"([0-9a-f]{8}) \S+ +\d+ +\S+ +[0-9a-f]{1,8} +\d+ +\d+ (\S+) +(.*)")
_KEY = regex(r"(.*): ([0-9a-f]{2,128}): X509\..*")
_REVOKED = regex(r"tbs:([0-9a-f]{64})")
_OF_FIRMWARE = (".machine", ".platform")
_SHIM = "/sys/firmware/efi/mok-variables/MokListRT"
_VARIABLES = ("MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23", "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f")


def keys(host: Host) -> tuple[KeyFacts, ...] | None:
    """Return the keys in the keyrings of the running kernel, or None if they cannot be read."""
    text = host.text("/proc/keys")
    found = None if text is None else _keys(host, text)
    if found is None or not any(key.keyring in _OF_FIRMWARE for key in found):
        return found
    known = _public_keys(host)
    return tuple(replace(key, public_key=known.get(key.id, "")) for key in found)


def _public_keys(host: Host) -> dict[str, str]:
    """Return the keys in the lists of the firmware and of shim, by their identifiers: the kernel shows only names."""
    from bootmenu.formats.efi_signatures import certificates

    lists = [host.read(_SHIM), *(efi.value_of(host.read(f"{efi.VARIABLES}/{name}")) for name in _VARIABLES)]
    found = (each for data in lists if data for each in certificates(data))
    return {each.key_id: each.public_key.data.hex() for each in found if each.key_id}


def _keys(host: Host, text: str) -> tuple[KeyFacts, ...] | None:
    # security/keys/proc.c:proc_keys_show; crypto/asymmetric_keys/x509_public_key.c: the subject's name, then the
    # identifier of the key (its serial number, if it has none)
    lines = {int(match[1], 16): (match[2], match[3]) for line in text.splitlines() if (match := _LINE.match(line))}
    found: list[KeyFacts] = []
    seen = False
    for serial, (kind, description) in lines.items():
        keyring = description.partition(":")[0]
        if kind == "keyring" and keyring in _KEYRINGS:
            try:
                members = host.syscalls.keyring(serial)
            except OSError:
                return None
            seen = True
            found += _among(members, lines, keyring)
    # a kernel without any of them checks no signature; where other keys are shown, these would be, too
    return tuple(found) if seen else None


def _among(members: tuple[int, ...], lines: dict[int, tuple[str, str]], keyring: str) -> Iterator[KeyFacts]:
    for serial in members:
        kind, description = lines.get(serial, ("", ""))
        # certs/blacklist.c: "tbs" for a certificate, "bin" for a file
        if kind == "blacklist" and (revoked := _REVOKED.match(description)):
            yield KeyFacts(name="tbs", id=revoked[1], keyring=keyring)
        match = _KEY.fullmatch(description)
        if kind == "asymmetri" and match:  # the type is cut off there
            yield KeyFacts(name=match[1], id=match[2], keyring=keyring)
