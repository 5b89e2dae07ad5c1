# SPDX-License-Identifier: MIT
"""The state as plain JSON objects, read and written with almost no imports: `bootmenu mark-good` runs on slow boards,
where importing state.py would take most of its time. state.py documents the fields."""

from __future__ import annotations

NAME = "state.json"
SCHEMA = 1
KEPT = 50
"""Most attempts in each list; the oldest are dropped."""
KEPT_IN_EFI = 3
"""Most attempts in an EFI variable, which is small."""
WRITTEN = 1_750_000_000
"""Seconds since 1970, in 2025: a clock with an earlier time was never set."""

NOTHING_TRIED = "Nothing to mark: no entry was started, or it is marked good already."

_ATTEMPT = {"entry": str, "at": str, "title": str}
_FIELDS: dict[str, str] = {
    "schema": "schema",
    "last": "attempt",
    "trying": "attempt",
    "lost": "attempts",
    "good": "attempts",
    "tries": "attempts",
    "default": "text",
    "default_disks": "texts",
    "disks": "texts",
    "once": "text",
    "once_disks": "texts",
    "language": "text",
    "theme": "text",
    "wrong_pins": "number",
}
"""The fields of state.State, in its order."""

Object = dict[str, object]


class NotPlainError(ValueError):
    """It is no state in the form that this module writes; state.decode gives details."""


def loads(data: bytes) -> Object:
    """Return the stored state, with the types of all fields checked.

    Raise NotPlainError or another ValueError for anything else, even if state.decode accepts it.
    """
    # json.loads uses the same scanner, but imports re
    from _json import make_scanner

    if not data.endswith(b"}\n"):
        raise NotPlainError
    text = data.decode("utf-8")
    try:
        value, end = make_scanner(_Scanning)(text, 0)  # type: ignore[arg-type]  # any object with these
    except (StopIteration, RecursionError):
        raise NotPlainError from None
    if end != len(text) - 1 or type(value) is not dict or list(value) != list(_FIELDS):
        raise NotPlainError
    for name, kind in _FIELDS.items():
        if not _is(kind, value[name]):
            raise NotPlainError
    return value


class _Scanning:
    """Parameters of the standard library's scanner (json.decoder.JSONDecoder has the same attributes)."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(_name: str) -> None:
        raise NotPlainError


def _is(kind: str, value: object) -> bool:
    if kind == "attempts":
        return type(value) is list and all(map(_is_attempt, value))
    if kind == "texts":
        return type(value) is list and all(type(item) is str for item in value)
    if kind == "attempt":
        return value is None or _is_attempt(value)
    if kind == "text":
        return value is None or type(value) is str
    return type(value) is int and (value >= 0 if kind == "number" else value == SCHEMA)


def _is_attempt(value: object) -> bool:
    return type(value) is dict and list(value) == list(_ATTEMPT) and all(type(item) is str for item in value.values())


def dumps(state: Object) -> bytes:
    """Return compact JSON as json.dumps writes it, with a newline at the end, which shows that a file is complete."""
    return _text(state).encode("ascii") + b"\n"


def _text(value: object) -> str:
    from _json import encode_basestring_ascii

    if type(value) is dict:
        return "{" + ",".join([f'"{name}":{_text(item)}' for name, item in value.items()]) + "}"
    if type(value) is list:
        return "[" + ",".join(map(_text, value)) + "]"
    if type(value) is str:
        return encode_basestring_ascii(value)
    return "null" if value is None else str(value)


def mark_good(state: Object, at: str) -> Object:
    """Return the state after the tried system was marked good at `at` (Attempt.at); the same if none was tried."""
    tried = state["trying"]
    if not isinstance(tried, dict):
        return state
    return {
        **state,
        "trying": None,
        "lost": _without(tried, state["lost"]),
        "tries": _without(tried, state["tries"]),
        "good": [{**tried, "at": at}, *_without(tried, state["good"])][:KEPT],
    }


def _without(tried: Object, attempts: object) -> list[Object]:
    assert isinstance(attempts, list)
    return [attempt for attempt in attempts if attempt["entry"] != tried["entry"]]


def in_efi(state: Object) -> Object:
    """Return the part of a state that is stored in an EFI variable: only the newest attempts."""
    few: Object = {}
    for name in ("lost", "good", "tries"):
        attempts = state[name]
        assert isinstance(attempts, list)
        few[name] = attempts[:KEPT_IN_EFI]
    return {**state, **few}


def timestamp(now: float) -> str:
    """Return seconds since 1970 in the form of Attempt.at; empty if the clock was not set."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(now)) if now > WRITTEN else ""


def praise(tried: Object) -> str:
    """Return the message of mark-good about the entry."""
    return f"{tried['title'] or tried['entry']} came up well"
