# SPDX-License-Identifier: MIT
"""The language of the screens. English stands in the source; every other one is a file locale/LANG.po.

Python's own gettext wants compiled catalogues. The .po files are read instead, so that a checkout, a wheel and a
first stage need no build step and carry no binaries. What is not translated is English.

Findings, errors and problems are English wherever they are made: programs read them, and logs keep them. Screens show
them through `told`.
"""

from __future__ import annotations

import contextlib
import gettext
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

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


def for_each_language(function: Callable[[], T]) -> Callable[[], T]:
    """Decorator: what depends on nothing but the language in use is worked out once for it."""
    remembered = cache(function)
    _of_language.append(remembered.cache_clear)
    return remembered


T = TypeVar("T")
_of_language: list[Callable[[], None]] = []
"""Forget what the last language was asked for."""


def told(text: str) -> str:
    """A sentence that was made elsewhere, in the language in use, with the values that were put into it.

    The values are found by what stands between them. Each is translated whole or not at all, and what stands between
    “ and ” is not: it is somebody else's (model/text.py:quoted). A text that is nobody's sentence stays what it is.
    """
    if not 0 < len(text) <= _LONGEST or not isinstance(_current, Catalogue):
        return text
    if text not in _sentences:
        if len(_sentences) >= _MOST_SENTENCES:
            _sentences.clear()
        _sentences[text] = _Telling(_current).told(text)
    return _sentences[text]


PATTERNS = (
    *(marked("{0} (at byte {1})"), marked("A kernel for {0} ({1})."), marked("{0} KiB and {1} KiB")),
    *(marked("{0}, packed with {1}"), marked("{0}, within {1}"), marked("this looks like {0}")),
    *(marked("no enable-method"), marked("no enable-method and {0}"), marked("an unknown method")),
    *(marked("label {0}: {1}"), marked("the kernel")),
    marked("it is cut off: its segments end at {0}, the file has {1} bytes"),
)
"""Of sentences that are put together piece by piece: by FormatError, by parsers, and by checks of the kernel."""
SYSTEM_ERRORS = (
    *(marked("Operation not permitted"), marked("No such file or directory"), marked("Input/output error")),
    *(marked("No such device or address"), marked("Exec format error"), marked("Resource temporarily unavailable")),
    *(marked("Cannot allocate memory"), marked("Permission denied"), marked("Device or resource busy")),
    *(marked("File exists"), marked("No such device"), marked("Not a directory"), marked("Is a directory")),
    *(marked("Invalid argument"), marked("Too many open files"), marked("File too large")),
    *(marked("No space left on device"), marked("Read-only file system"), marked("File name too long")),
    *(marked("Too many levels of symbolic links"), marked("Function not implemented")),
    *(marked("Operation not supported"), marked("No medium found"), marked("Connection timed out")),
)
"""What strerror says in English. A first stage has no catalogue of the C library."""
_LONGEST = 2000
"""Characters: every sentence is looked for in the text, and no longer one is told."""
_sentences: dict[str, str] = {}
_of_language.append(_sentences.clear)
_MOST_SENTENCES = 2000
_DEEPEST = 5  # a problem names an error, which names another


class _Telling:
    """One sentence on its way into another language."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._quotes: list[str] = []
        """What stands between quotation marks; a sign without a meaning stands for it meanwhile."""
        self._known: dict[tuple[str, int], str | None] = {}

    def told(self, text: str) -> str:
        """Return the translation; the text itself where there is none."""
        exact = self._catalogue.gettext(text)
        if exact != text or _FIRST_SIGN <= max(text) <= _LAST_SIGN:
            return exact
        return self._with_quotes(self._sentence(_QUOTED.sub(self._without_quote, text)))

    def _without_quote(self, match: re.Match[str]) -> str:
        if match[0] in self._catalogue.quotes or len(self._quotes) > ord(_LAST_SIGN) - ord(_FIRST_SIGN):
            return match[0]
        self._quotes.append(match[1])
        return f"“{chr(ord(_FIRST_SIGN) + len(self._quotes) - 1)}”"

    def _with_quotes(self, text: str) -> str:
        return _SIGNS.sub(lambda match: self._quotes[ord(match[0]) - ord(_FIRST_SIGN)], text)

    def _sentence(self, text: str) -> str:
        whole = self._whole(text, _DEEPEST)
        if whole is not None:
            return whole
        for literals, translation in self._catalogue.templates:
            if sum(map(str.isalpha, "".join(literals))) >= _TELLING and (values := _between(text, literals)):
                return translation.format(*(self._value(value) for value in values))
        if "; " in text:
            return "; ".join(map(self._sentence, text.split("; ")))
        who, colon, what = text.partition(": ")
        if colon and " " not in who:
            return f"{who}: {self._sentence(what)}"
        return self._sentence(text[:-1]) + "." if text.endswith(".") else text

    def _value(self, value: str) -> str:
        whole = self._whole(value, _DEEPEST - 1)
        return value if whole is None else whole

    def _whole(self, text: str, depth: int) -> str | None:
        """Return a translation that leaves nothing English but names; None = there is none."""
        if (text, depth) not in self._known:
            self._known[text, depth] = self._translated(text, depth)
        return self._known[text, depth]

    def _translated(self, text: str, depth: int) -> str | None:
        exact = self._catalogue.gettext(text)
        if exact != text or " " not in text:
            return exact
        if (exact := self._catalogue.gettext(f"{text}.")) != f"{text}.":
            return exact.removesuffix(".")
        if depth == 0:
            return None
        tries = 0
        for literals, translation in self._catalogue.templates:
            values = _between(text, literals)
            if values is None:
                continue
            told = [self._whole(value, depth - 1) for value in values]
            if told[0] is None and not literals[0] and sum(map(str.isalpha, "".join(literals))) >= _NAMING:
                told[0] = values[0]  # what it is about, which may have a title of its own
            if None not in told:
                return translation.format(*told)
            tries += 1
            if tries == _MOST_TRIES:
                break
        # several in a row; and what somebody says
        for between in ("; ", ", "):
            parts = [self._whole(part, depth - 1) for part in text.split(between)]
            if len(parts) > 1 and None not in parts:
                return between.join(map(str, parts))
        who, colon, what = text.partition(": ")
        if colon and " " not in who and (said := self._whole(what, depth - 1)) is not None:
            return f"{who}: {said}"
        if text.endswith(".") and (said := self._whole(text[:-1], depth - 1)) is not None:
            return f"{said}."
        return text if text.startswith("/") else None


_QUOTED = re.compile("“([^“”]*)”")
_FIRST_SIGN, _LAST_SIGN = "\ue000", "\ue0ff"
"""For private use (Unicode): what nobody's text has."""
_SIGNS = re.compile(f"[{_FIRST_SIGN}-{_LAST_SIGN}]")
_TELLING = 6
"""Letters of a sentence around its values, without which it could be anybody's."""
_NAMING = 12
"""Letters of a sentence within another one, with which it is ours whatever it names."""
_MOST_TRIES = 8


def _between(text: str, literals: Sequence[str]) -> list[str] | None:
    """What stands between these, each of which follows the one before; None = they are not all there. Linear."""
    first, *inner, last = literals
    if not (text.startswith(first) and text.endswith(last)) or len(text) <= len(first) + len(last):
        return None
    values = []
    at, end = len(first), len(text) - len(last)
    for literal in inner:
        found = text.find(literal, at + 1, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(literal)
    return [*values, text[at:end]] if at < end else None


def available() -> list[str]:
    """Codes of the languages there are, English first."""
    return [ENGLISH, *sorted(path.stem for path in LOCALE.glob("*.po"))]


def use(asked: str | None, environ: Mapping[str, str], *, ascii_only: bool = False) -> str:
    """Speak that language from now on, or else the one of the environment, or else English; the code of which.

    asked: `de`, `pt_BR`, `fr-CA`. ascii_only: no terminal has other letters, so German is written with ae and ss.
    Never raises: a catalogue that cannot be read is as good as none.
    """
    global _current
    code, _variable = chosen(asked, environ)
    _current = gettext.NullTranslations()
    for forget in _of_language:
        forget()
    if code != ENGLISH:
        try:
            _current = catalogue(LOCALE / f"{code}.po", ascii_only=ascii_only)
        except (OSError, ValueError):
            return ENGLISH
        return code
    return ENGLISH


def chosen(asked: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the code of the language that `use` would speak, and the variable of the environment that says so; empty
    where none does."""
    wanted = {"": asked} if asked else {name: environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")}
    # POSIX: the first of them that is set decides
    variable, name = next(((name, text) for name, text in wanted.items() if text), ("", ""))
    code = re.split(r"[_.@-]", name)[0].lower()
    return (code if code in available() else ENGLISH), variable


def catalogue(path: Path, *, ascii_only: bool = False) -> Catalogue:
    """A .po file, ready for use. Raises OSError and ValueError."""
    with path.open("rb") as file:
        data = file.read(_LARGEST)
    text = data.decode("utf-8")
    if ascii_only and path.stem == "de":  # the others are as readable without their accents, which `to_ascii` takes
        text = text.translate(_UMLAUTS)
    return Catalogue(text)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


class Catalogue(gettext.NullTranslations):
    """The messages of one language. Raises ValueError for a file that begins with none, or a plural that is none.

    The first frame shows three of a thousand: a message is read when it is asked for.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._unread: dict[str, str] = {}
        for block in text.split("\n\n"):
            start = block.find("msgid ")
            self._unread.setdefault(block[start + 6 :].partition("\n")[0], block)
        self._read: dict[str, tuple[str, ...]] = {}
        header = "".join(next(iter(messages(text.partition("\n\n")[0]).values()), ())[:1])
        plural = re.search(r"plural=([^;]*);", header)
        self._plural: Callable[[int], int] = gettext.c2py(plural[1] if plural else "n != 1")

    def _found(self, message: str) -> tuple[str, ...]:
        """Its translations; () = there are none."""
        if message not in self._read:
            block = self._unread.get(_quoted(message), "") if message else ""
            values: tuple[str, ...] = ()
            with contextlib.suppress(ValueError):
                values = next(iter(messages(block).values()), ())
            self._read[message] = values if all(values) else ()
        return self._read[message]

    def gettext(self, message: str) -> str:
        """The message itself where there is no translation."""
        return (self._found(message) or (message,))[0]

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The same for a number of things."""
        found, form = self._found(msgid1), -1
        with contextlib.suppress(ArithmeticError):  # a rule that divides by nothing
            form = self._plural(n)
        return found[form] if 0 <= form < len(found) else super().ngettext(msgid1, msgid2, n)

    @cached_property
    def quotes(self) -> frozenset[str]:
        """What messages have in quotation marks themselves, such as “u”."""
        return frozenset(f"“{inner}”" for key in self._unread for inner in _QUOTED.findall(key) if "{" not in inner)

    @cached_property
    def templates(self) -> list[tuple[list[str], str]]:
        """Sentences with values: what stands around the values, and the translation; the most telling first."""
        found = [
            ([part.replace("{{", "{").replace("}}", "}") for part in re.split(r"\{\d\}", message)], values[0])
            for key in self._unread
            if "{0}" in key
            for message in [_plain(key)]
            if (values := self._found(message))
        ]
        return sorted(found, key=lambda pair: -sum(map(len, pair[0])))


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
        match = re.fullmatch(r'(?:(msgid|msgid_plural|msgstr(?:\[\d\])?)\s+)?("[^"\\]*(?:\\.[^"\\]*)*")', line)
        if match is None or not (match[1] or name):
            raise ValueError(f"line {number} is no line of a .po file")
        if match[1] == "msgid" and found:
            yield found
            found = {}
        name = match[1] or name
        found[name] = found.get(name, "") + _plain(match[2])


def _quoted(text: str) -> str:
    """As it stands in a .po file; without json, which the first frame would have to import for it."""
    for sign, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(sign, escaped)
    return f'"{text}"'


def _plain(quoted: str) -> str:
    """And back. Raises ValueError."""
    return re.sub(r"\\(.)", _unescaped, quoted[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    try:
        return {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}[match[1]]
    except KeyError:
        raise ValueError(f"\\{match[1]} is not understood in a .po file") from None
