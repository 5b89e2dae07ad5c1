# SPDX-License-Identifier: MIT
"""Messages and their translations.

A Message is an English str that keeps its template and its values, so that a screen can show it in another language
(`localized`). All other code (JSON, logs, subcommands) sees the English text.

The translations are gettext catalogues: locale/LANG.po in the source, compiled to locale/LANG.mo when the package is
built. They are read only if the language is not English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from bootmenu.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import gettext

T = TypeVar("T")

LOCALE = Path(__file__).parent / "locale"
ENGLISH = "en"

_translations: gettext.NullTranslations | None = None
"""The catalogue of the language in use; None for English."""
_language = ENGLISH
"""The code of the language in use."""
_ascii_only = False
"""Whether the terminals have only ASCII."""
_separators: dict[int, str] = {}
"""The characters of the language in use for the comma and the point of 1,234.5, as str.translate takes them."""


class English(str):
    """A technical text, which is never translated."""

    __slots__ = ()


class Message(str):
    """A text with its values: English as a str, other languages through `localized`.

    key: the English template, which is the msgid. plural: the template for other numbers than one, if there is one.
    number: the number of things. values: the values of the template's fields. A Message among them is translated too;
    an English among them keeps the whole message English, so that no sentence mixes two languages.
    """

    __slots__ = ("key", "number", "plural", "values")
    key: str
    plural: str
    number: int
    values: Mapping[str, object]

    def __new__(cls, key: str, values: Mapping[str, object], plural: str = "", number: int = 1) -> Message:
        """Return the message with its English text."""
        values = {name: _reason(value) if isinstance(value, Exception) else value for name, value in values.items()}
        template = plural if plural and number != 1 else key
        self = super().__new__(cls, template.format(**values) if values else template)
        self.key, self.plural, self.number, self.values = key, plural, number, values
        return self

    def __getnewargs__(self) -> tuple[str, Mapping[str, object], str, int]:  # type: ignore[override]
        return self.key, self.values, self.plural, self.number

    @property
    def translatable(self) -> bool:
        """Return whether none of its values has to stay English."""
        return not any(
            isinstance(value, English) or (isinstance(value, Message) and not value.translatable)
            for value in self.values.values()
        )


def N_(key: str, /, **values: object) -> Message:  # noqa: N802 - gettext's name for a text that is translated later
    """Return a message that is translated when it is shown; key has a field `{name}` for each of the values."""
    return Message(key, values)


def ngettext_lazy(one: str, many: str, number: int, /, **values: object) -> Message:
    """Return a message that depends on a number, which both templates may contain as `{n}`."""
    return Message(one, {"n": number, **values}, many, number)


def joined(separator: str, parts: Iterable[str]) -> Message:
    """Return the joined texts as one message, in which each text that is a Message is translated."""
    values: dict[str, object] = {f"part{index}": part for index, part in enumerate(parts)}
    return Message(separator.join(f"{{{name}}}" for name in values), values)


def _reason(error: Exception) -> str:
    """Return the text of an exception, as a value of a message."""
    message = getattr(error, "message", None)
    return message if isinstance(message, str) else English(getattr(error, "strerror", None) or error)


def _(text: str) -> str:
    """Return the text in the language in use."""
    return _translations.gettext(text) if _translations else text


def ngettext(one: str, many: str, number: int) -> str:
    """Return `1 entry` or `3 entries` in the language in use; both templates may contain the number as `{n}`."""
    return localized(ngettext_lazy(one, many, number))


def localized(text: str) -> str:
    """Return a Message in the language in use, and any other text as it is."""
    if not isinstance(text, Message) or _translations is None or not text.translatable:
        return text
    if text.plural:
        template = _translations.ngettext(text.key, text.plural, text.number)
    else:
        template = _translations.gettext(text.key)
    return (
        template.format(**{name: _shown(value) for name, value in text.values.items()}) if text.values else template
    )


def _shown(value: object) -> object:
    """Return a value of a message in the language in use."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _Number(value)
    return localized(value) if isinstance(value, Message) else value


class _Number:
    """A number in a message, which is formatted with the separators of the language in use."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __format__(self, spec: str) -> str:
        return number(self._value, spec)


def number(value: float, spec: str = "") -> str:
    """Return a formatted number with the separators of the language in use, such as a decimal comma."""
    return format(value, spec).translate(_separators)


# translators: the name of your language, in your language
_OWN_NAME = str(N_("English"))


def for_each_language(function: Callable[[], T]) -> Callable[[], T]:
    """Cache the result of a function that depends only on the language, until the language changes."""
    cached = cache(function)
    _caches.append(cached.cache_clear)
    return cached


_caches: list[Callable[[], None]] = []


def available() -> list[str]:
    """Return the codes of the available languages, English first."""
    return [ENGLISH, *sorted(path.stem for path in LOCALE.glob("*.mo"))]


def use(asked: str | None, environ: Mapping[str, str], *, ascii_only: bool = False) -> str:
    """Set the language: the one asked for, or else that of the environment, or else English. Return its code.

    asked: `de`, `pt_BR`, `fr-CA`. ascii_only: the terminals have only ASCII, so German is written with ae and ss.
    Never raise: without a readable catalogue the language is English.
    """
    global _translations, _separators, _language, _ascii_only
    code, _variable = chosen(asked, environ)
    _translations, _separators, _language, _ascii_only = None, {}, ENGLISH, ascii_only
    for clear in _caches:
        clear()
    if code == ENGLISH:
        return ENGLISH
    from bootmenu.i18n import catalogues

    _translations = catalogues.read(LOCALE / f"{code}.mo", ascii_only=ascii_only)
    if _translations is None:
        return ENGLISH
    # translators: this number as your language writes it; its two separators are used for all numbers
    written = _("1,234.5")
    if len(written) == len("1,234.5"):
        _separators = {ord(","): written[1], ord("."): written[5]}
    _language = code
    return code


def switch(code: str) -> None:
    """Set another language for the same terminals."""
    use(code, {}, ascii_only=_ascii_only)


def language() -> str:
    """Return the code of the language in use."""
    return _language


def names() -> dict[str, str]:
    """Return the available languages by their codes, each with its own name."""
    from bootmenu.i18n import catalogues

    found = {ENGLISH: _OWN_NAME}
    for code in available()[1:]:
        catalogue = catalogues.read(LOCALE / f"{code}.mo")
        found[code] = catalogue.gettext(_OWN_NAME) if catalogue else code
    return found


def code_of(name: str) -> str:
    """Return the code of a language: `pt` for `pt_BR.UTF-8`."""
    return re.split(r"[_.@-]", name)[0].lower()


def chosen(asked: str | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the code of the language that `use` would set, and the environment variable that decides it, or ""."""
    wanted = {"": asked} if asked else {name: environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")}
    # POSIX: the first of these variables that is set decides
    variable, name = next(((name, text) for name, text in wanted.items() if text), ("", ""))
    code = code_of(name)
    return (code if code in available() else ENGLISH), variable
