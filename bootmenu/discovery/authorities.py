# SPDX-License-Identifier: MIT
"""The keys with which distributions sign the certificates of their kernels' signers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from bootmenu.formats.der import first
from bootmenu.formats.x509 import Certificate

_CERTIFICATES = Path(__file__).with_name("authorities.pem")


@functools.cache
def certificates() -> tuple[Certificate, ...]:
    """Return their certificates. The running kernel, which trusts some of them, shows only names."""
    import binascii

    blocks = _CERTIFICATES.read_text().split("-----BEGIN CERTIFICATE-----")[1:]
    bodies = (block.partition("-----END")[0] for block in blocks)
    return tuple(Certificate.from_element(first(binascii.a2b_base64(body))) for body in bodies)


def public_keys() -> Mapping[str, bytes]:
    """Return their keys (SubjectPublicKeyInfo), by their identifiers."""
    return {each.key_id: each.public_key.data for each in certificates()}
