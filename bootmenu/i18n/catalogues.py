# SPDX-License-Identifier: MIT
"""Read compiled gettext catalogues. Imported, and gettext with it, only for languages other than English."""

from __future__ import annotations

import gettext
import io
import re
from pathlib import Path

_LARGEST = 1024 * 1024  # bytes
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})

_CAPITAL = re.compile(r"[ÄÖÜ](?=[A-ZÄÖÜ])|(?<=[A-ZÄÖÜ])[ÄÖÜ]")
"""An umlaut in a word of capitals."""


class AsciiGerman(gettext.GNUTranslations):
    """German for terminals without umlauts. Other languages are readable without their accents."""

    def gettext(self, message: str) -> str:
        """Return the translation, with ae for ä."""
        return _without_umlauts(super().gettext(message))

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the translation for a number of things, with ae for ä."""
        return _without_umlauts(super().ngettext(msgid1, msgid2, n))


def _without_umlauts(text: str) -> str:
    """Return German text with ae for ä, and AE in a word of capitals."""
    return _CAPITAL.sub(lambda found: found[0].translate(_UMLAUTS).upper(), text).translate(_UMLAUTS)


def read(path: Path, *, ascii_only: bool = False) -> gettext.NullTranslations | None:
    """Return the translations of one language; None if the file is missing or damaged."""
    kind = AsciiGerman if ascii_only and path.stem == "de" else gettext.GNUTranslations
    try:
        with path.open("rb") as file:
            found = kind(io.BytesIO(file.read(_LARGEST)))
        unknown = ""
        for number in range(3):
            found.ngettext(unknown, unknown, number)  # raises ArithmeticError if the rule for plurals divides by 0
        return found
    except Exception:  # gettext checks next to nothing, and a damaged translation must not keep anybody from booting
        return None
