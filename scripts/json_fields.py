# SPDX-License-Identifier: MIT
"""Write the parts of docs/json.md that the source can tell: `make json`, a step of a release. They are the tables of
the facts, from their value types, and the names of formats and methods."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bootmenu.kexec.methods import METHODS
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import ValueType, fields
from bootmenu.sources import SOURCES

PAGE = Path(__file__).parent.parent / "docs" / "json.md"


def page() -> str:
    """Return docs/json.md as it has to be."""
    text = PAGE.read_text("utf-8")
    before, begin, rest = text.partition("<!-- facts -->")
    _, end, after = rest.partition("<!-- /facts -->")
    text = "\n".join((before + begin, "\n\n".join(_tables()), end + after))
    first, *sources = SOURCES.names()
    *methods, last = METHODS.names()
    # unified kernel images are found beside what BLS describes
    text = re.sub(r"(?<=\n\| `source` \| string \| )`.*(?= \|\n)", _listed([first, "uki", *sources]), text)
    return re.sub(r"(?<=\| string \| )`kexec_load`.*?(?=, and why)", f"{_listed(methods)} or `{last}`", text)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def reached(kind: type) -> list[type]:
    """Return a value type and all that its fields lead to, in the order in which they are met."""
    found, ahead = [], [kind]
    while ahead:
        first = ahead.pop(0)
        if first not in found:
            found.append(first)
            ahead += [
                inner for field in fields(first) for inner in leaves(field.type) if isinstance(inner, ValueType)
            ]
    return found


def leaves(hint: Any) -> Iterator[type]:
    """Return the types that a hint is made of."""
    if arguments := typing.get_args(hint):
        for argument in arguments:
            if argument is not ...:
                yield from leaves(argument)
    else:
        yield hint


def _tables() -> Iterator[str]:
    for kind in reached(MachineFacts):
        meanings = _docstrings(kind)
        title = "field" if kind is MachineFacts else f"field of {_name(kind)}"
        rows = [
            f"| `{field.name}` | {_type(field.type)} | {meanings.get(field.name, '')} |"
            for field in fields(kind)
            if field.name != "not_recorded"  # what a recording lacks has no place in JSON
        ]
        yield "\n".join((f"| {title} | type | meaning |", "| --- | --- | --- |", *rows))


def _name(kind: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__.removesuffix("Facts")).upper()


def _type(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return f"{_type(inner)} or null"
    if origin is tuple:
        plain = {str: "strings", int: "numbers"}
        return f"list of {plain.get(arguments[0]) or _type(arguments[0])}"
    if issubclass(hint, StrEnum):
        return ", ".join(f"`{member}`" for member in hint)
    if isinstance(hint, ValueType):
        return _name(hint)
    return {int: "number", str: "string", bool: "bool"}[hint]


def _docstrings(kind: type) -> dict[str, str]:
    """Return what the source says of each field, below it."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            said = " ".join(ast.literal_eval(text.value).split())
            found[field.target.id] = re.sub(r"\bNone\b", "null", said).replace("|", "\\|")
    return found


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
