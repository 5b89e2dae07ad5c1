# SPDX-License-Identifier: MIT
"""The certificates that are packed with the program."""

from __future__ import annotations

from bootmenu.discovery import authorities


def test_the_authorities_of_distributions_are_known_by_their_keys() -> None:
    found = authorities.certificates()
    assert "Debian Secure Boot CA" in [each.name for each in found]
    for each in found:
        assert each.public_key.has_id(each.key_id)
        assert each.is_signed_by(each.public_key)
    assert len(authorities.public_keys()) == len(found)
