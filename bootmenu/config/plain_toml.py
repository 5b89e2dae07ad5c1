# SPDX-License-Identifier: MIT
"""Read and write the simple TOML of most settings files, without imports. Importing tomllib, which reads the rest,
takes nearly twice as long as starting Python."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs a third of an interpreter's start
if TYPE_CHECKING:
    from collections.abc import Callable

    _Reader = Callable[[str, int], tuple[object, int]]

Table = dict[str, object]
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_NUMBER = 15  # digits


class _NotPlainError(ValueError):
    """The text is not plain; tomllib may still read it."""


def loads(text: str) -> Table | None:
    """Return what tomllib.loads would, or None if the text is not plain or no TOML at all.

    Plain are comments, tables of one word, keys of one word or, above the first table, of two, and values that are
    texts without escapes, whole numbers, true, false, and lists and inline tables of those.
    """
    if not text.replace("\n", " ").replace("\t", " ").isprintable():
        return None
    try:
        return _read(text + "\n")
    except _NotPlainError:
        return None


def _read(text: str) -> Table:
    root: Table = {}
    table, in_root, dotted = root, True, set()
    at = 0
    while (at := _skip(text, at, " \t\n")) < len(text):
        if text[at] == "[":
            name, at = _key(text, at + 1)
            if text[at] != "]" or name in root:
                raise _NotPlainError
            table = {}
            root[name], in_root = table, False
            at += 1
        else:
            name, at = _key(text, at)
            target = table
            if text[at] == "." and in_root:
                inner, at = _key(text, at + 1)
                if name in root and name not in dotted:
                    raise _NotPlainError
                dotted.add(name)
                found = root.setdefault(name, {})
                assert isinstance(found, dict)
                target, name = found, inner
            at = _assign(text, at, target, name, _value)
        at = _skip(text, at, " \t")
        if text[at] != "\n":
            raise _NotPlainError
    return root


def _skip(text: str, at: int, blanks: str) -> int:
    """Return the next position that is neither one of these blanks nor in a comment."""
    while at < len(text):
        if text[at] == "#":
            at = text.index("\n", at)
        elif text[at] in blanks:
            at += 1
        else:
            break
    return at


def _key(text: str, at: int) -> tuple[str, int]:
    """Return a key and the position after it."""
    if text[at] in "\"'":
        return _quoted(text, at)
    end = at
    while text[end] in _BARE:
        end += 1
    if end == at:
        raise _NotPlainError
    return text[at:end], end


def _assign(text: str, at: int, table: Table, name: str, read: _Reader) -> int:
    """Read what follows a key into its table; return the position after it."""
    at = _skip_blanks(text, at)
    if text[at] != "=" or name in table:
        raise _NotPlainError
    table[name], at = read(text, _skip_blanks(text, at + 1))
    return at


def _skip_blanks(text: str, at: int) -> int:
    while text[at] in " \t":
        at += 1
    return at


def _value(text: str, at: int) -> tuple[object, int]:
    if text[at] == "[":
        return _list(text, at + 1)
    if text[at] == "{":
        return _inline_table(text, at + 1)
    return _scalar(text, at)


def _list(text: str, at: int) -> tuple[list[object], int]:
    values: list[object] = []
    while True:
        at = _skip(text, at, " \t\n")
        if text[at : at + 1] == "]":
            return values, at + 1
        value, at = _scalar(text, at)
        values.append(value)
        at = _skip(text, at, " \t\n")
        if at >= len(text) or text[at] not in ",]":
            raise _NotPlainError
        if text[at] == ",":
            at += 1


def _inline_table(text: str, at: int) -> tuple[Table, int]:
    table: Table = {}
    at = _skip_blanks(text, at)
    if text[at] == "}":
        return table, at + 1
    while True:
        name, at = _key(text, _skip_blanks(text, at))
        at = _skip_blanks(text, _assign(text, at, table, name, _scalar))
        if text[at] == "}":
            return table, at + 1
        if text[at] != ",":
            raise _NotPlainError
        at += 1


def _scalar(text: str, at: int) -> tuple[object, int]:
    if at >= len(text):
        raise _NotPlainError
    if text[at] in "\"'":
        return _quoted(text, at)
    word, end = _key(text, at)
    if word in ("true", "false"):
        return word == "true", end
    if not word.isdecimal() or (word[0] == "0" and word != "0") or len(word) > _LONGEST_NUMBER or text[end] in ".:":
        raise _NotPlainError
    return int(word), end


def _quoted(text: str, at: int) -> tuple[str, int]:
    quote = text[at]
    end = text.find(quote, at + 1)
    inside = text[at + 1 : end]
    if end < 0 or "\n" in inside or "\\" in inside or text[at : at + 3] == quote * 3:
        raise _NotPlainError
    return inside, end + 1


def dumps(value: object) -> str:
    """Return a value as TOML. Texts of settings have no control characters, so JSON's escapes are valid in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dumps(key)} = {dumps(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumps, value)) + "]"
    import json

    return json.dumps(value, ensure_ascii=False)
