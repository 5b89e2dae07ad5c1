# SPDX-License-Identifier: MIT
"""The language of the screens. English stands in the source; every other one is a file locale/LANG.po.

Python's own gettext wants compiled catalogues. They are made in memory from the .po file, so that a checkout, a wheel
and a first stage need no build step and carry no binaries. What is not translated is English.
"""

from __future__ import annotations

import gettext
import io
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en"
_LARGEST = 1024 * 1024  # bytes of a .po file

_current: gettext.NullTranslations = gettext.NullTranslations()


def _(text: str) -> str:
    """The text in the language in use."""
    return _current.gettext(text)


def counted(number: int, one: str, many: str) -> str:
    """`1 entry`, `3 entries`: one and many have `{n}` where the number stands."""
    return _current.ngettext(one, many, number).format(n=number)


def marked(text: str) -> str:
    """The text itself: it is translated where it is shown, and found here by whoever collects messages."""
    return text


def available() -> list[str]:
    """Codes of the languages there are, English first."""
    return [ENGLISH, *sorted(path.stem for path in LOCALE.glob("*.po"))]


def use(asked: str | None, environ: Mapping[str, str]) -> str:
    """Speak that language from now on, or else the one of the environment, or else English; the code of which.

    asked: `de`, `pt_BR`, `fr-CA`. Never raises: a catalogue that cannot be read is as good as none.
    """
    global _current
    wanted = [asked] if asked else [environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    # POSIX: the first of them that is set decides
    name = next((text for text in wanted if text), "")
    code = re.split(r"[_.@-]", name)[0].lower()
    _current = gettext.NullTranslations()
    if code in available()[1:]:
        try:
            _current = catalogue(LOCALE / f"{code}.po")
        except (OSError, ValueError):
            return ENGLISH
        return code
    return ENGLISH


def catalogue(path: Path) -> gettext.GNUTranslations:
    """A .po file, ready for use. Raises OSError and ValueError."""
    with path.open("rb") as file:
        data = file.read(_LARGEST)
    return gettext.GNUTranslations(io.BytesIO(_compiled(messages(data.decode("utf-8")))))


def messages(text: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """A .po file's messages: (singular,) or (singular, plural) → its translations. Raises ValueError.

    Only what our files have: comments, msgid, msgid_plural, msgstr, msgstr[N], and strings that go on.
    """
    return {
        tuple(found[name] for name in ("msgid", "msgid_plural") if name in found): tuple(
            value for name, value in found.items() if name.startswith("msgstr")
        )
        for found in _blocks(text)
    }


def _blocks(text: str) -> Iterator[dict[str, str]]:
    found: dict[str, str] = {}
    name = ""
    for number, line in enumerate((*text.splitlines(), ""), 1):
        line = line.strip()
        if line.startswith("#") or not line:
            if not line and found:
                yield found
                found = {}
            continue
        match = re.fullmatch(r'(?:(msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?("(?:[^"\\]|\\.)*")', line)
        if match is None or not (match[1] or name):
            raise ValueError(f"line {number} is no line of a .po file")
        if match[1] == "msgid" and found:
            yield found
            found = {}
        name = match[1] or name
        found[name] = found.get(name, "") + re.sub(r"\\(.)", _unescaped, match[2][1:-1])


def _unescaped(match: re.Match[str]) -> str:
    try:
        return {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}[match[1]]
    except KeyError:
        raise ValueError(f"\\{match[1]} is not understood in a .po file") from None


def _compiled(found: Mapping[tuple[str, ...], tuple[str, ...]]) -> bytes:
    """As msgfmt would: GNU gettext manual, 10.3 The Format of GNU MO Files."""
    pairs = sorted(
        ("\0".join(key).encode(), "\0".join(values).encode()) for key, values in found.items() if all(values)
    )
    start = 28 + 16 * len(pairs)
    tables: list[list[int]] = [[], []]
    strings = b""
    for column in (0, 1):
        for pair in pairs:
            tables[column] += [len(pair[column]), start + len(strings)]
            strings += pair[column] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return header + b"".join(struct.pack(f"<{len(table)}I", *table) for table in tables) + strings
