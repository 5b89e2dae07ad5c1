# SPDX-License-Identifier: MIT
"""Brings bootmenu/i18n/locale/*.po up to date with the source: `make messages`.

New messages are added untranslated, and old ones are dropped. `--check` changes nothing: it names the messages that
lack a translation, and its exit code is 1 if there is one.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from scripts.build_hook import LOCALE, compile_catalogues

PACKAGE = Path(__file__).parents[1] / "bootmenu"
KEYWORDS = {**DEFAULT_KEYWORDS, "ngettext_lazy": (1, 2)}
"""The functions that take messages; N_, _ and ngettext are Babel's own."""
_HEADERS = re.compile(rb'^"(?!Language:|Plural-Forms:|MIME-Version:|Content-)[\w-]+: .*\n', re.MULTILINE)
"""What changes with every run, or says nothing."""


@cache
def extracted() -> Catalog:
    """Return the messages of the source, each with the files that have it."""
    found = Catalog(fuzzy=False)
    for path, _line, message, comments, _context in extract_from_dir(
        PACKAGE, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("translators:",), strip_comment_tags=True
    ):
        found.add(message, locations=[(f"bootmenu/{path}", 0)], auto_comments=comments)
    return found


def msgids() -> list[tuple[str, ...]]:
    """Return the messages of the source: (singular,) or (singular, plural)."""
    return [texts(message.id) for message in extracted() if message.id]


def texts(message: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return what Babel says of a message, which is several texts if it has a plural."""
    return (message or "",) if message is None or isinstance(message, str) else tuple(message)


def read(code: str) -> Catalog:
    """Return a language's catalogue as it is in the source."""
    with (LOCALE / f"{code}.po").open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as a .po file."""
    file = io.BytesIO()
    write_po(file, catalogue, width=118, ignore_obsolete=True, sort_by_file=True, include_lineno=False)
    header, blank, messages = file.getvalue().partition(b"\n\n")
    return _HEADERS.sub(b"", header + b"\n").rstrip(b"\n") + blank + messages


def main(arguments: list[str]) -> int:
    """Update every catalogue or check it, and say what is left to translate."""
    check = "--check" in arguments
    missing = 0
    for path in sorted(LOCALE.glob("*.po")):
        catalogue = read(path.stem)
        catalogue.update(extracted(), no_fuzzy_matching=True, update_header_comment=False)
        if not check:
            path.write_bytes(written(catalogue))
        left = [texts(message.id)[0] for message in catalogue if message.id and not all(texts(message.string))]
        print(f"{path.name}: {len(catalogue)} messages, {len(left)} not translated", *left, sep="\n  ")
        missing += len(left)
    if not check:
        compile_catalogues()
    return 1 if check and missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
