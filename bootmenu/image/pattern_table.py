# SPDX-License-Identifier: MIT
"""Compile the regular expressions of an image's modules, as its Python does: bootmenu/prepared.py uses them.

This is a program, which the target's version of Python runs without any package. It reads the sources of modules from
standard input, and writes what `_sre.compile` takes for each regular expression that it finds in them.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import ast
import marshal
import re
import sys
import warnings
from collections.abc import Iterator
from re import _compiler  # type: ignore[attr-defined]
from types import SimpleNamespace
from typing import Any

_BY_ITSELF = frozenset({"compile", "regex", "re_compile", "_compile"})
"""Names of functions that take a regular expression and flags."""
_WITH_TEXT = {"match": 2, "fullmatch": 2, "search": 2, "split": 3, "findall": 2, "finditer": 2, "sub": 4, "subn": 4}
"""Functions of re that take more, and after how many arguments come the flags."""


def patterns(source: bytes) -> Iterator[tuple[str | bytes, int]]:
    """Yield the regular expressions that a module's source spells out, with their flags."""
    known: dict[str, Any] = {}
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            known.update((name.asname or name.name, getattr(re, name.name, None)) for name in node.names)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = _value(node.value, known)
            known.update((target.id, value) for target in targets if isinstance(target, ast.Name))
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        match call.func:
            case ast.Attribute(value=ast.Name(id="re" | "_re"), attr=name) | ast.Name(id=name):
                pass
            case _:
                continue
        if name not in _BY_ITSELF and name not in _WITH_TEXT:
            continue
        place = _WITH_TEXT.get(name, 1)
        given = [call.args[place]] if len(call.args) > place else []
        given += [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
        pattern, flags = _value(call.args[0], known), _value(given[0], known) if given else 0
        if isinstance(pattern, str | bytes) and isinstance(flags, int):
            yield pattern, int(flags)


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    """Return the value of an expression that is made of constants, or None."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known.get(name)
        case ast.Attribute(value=ast.Name(id="re"), attr=name):
            return getattr(re, name, None)
        case ast.JoinedStr(values=parts):
            texts = [_value(part, known) for part in parts]
            return "".join(texts) if all(isinstance(text, str) for text in texts) else None
        case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
            return _value(value, known)
        case ast.BinOp(left=left, op=ast.Add() | ast.BitOr() as operator, right=right):
            first, second = _value(left, known), _value(right, known)
            if isinstance(first, int) and isinstance(second, int) and isinstance(operator, ast.BitOr):
                return first | second
            same = type(first) is type(second) and isinstance(first, str | bytes)
            return first + second if same and isinstance(operator, ast.Add) else None
    return None


def compiled(pattern: str | bytes, flags: int) -> bytes | None:
    """Return what `_sre.compile` takes after the pattern, or None if this is no regular expression."""
    taken: list[tuple[Any, ...]] = []

    def take(_: object, flags: int, code: list[int], groups: int, index: Any, names: tuple[str | None, ...]) -> None:
        taken.append((int(flags), list(map(int, code)), groups, dict(index), names))

    original, _compiler._sre = _compiler._sre, SimpleNamespace(compile=take, **_others())
    try:
        _compiler.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError, ValueError):
        return None
    finally:
        _compiler._sre = original
    return marshal.dumps(taken[0])


def _others() -> dict[str, Any]:
    return {name: value for name, value in vars(_sre).items() if name != "compile" and not name.startswith("__")}


def main() -> None:
    """Answer one request."""
    warnings.simplefilter("ignore")
    found: dict[tuple[str | bytes, int], bytes] = {}
    for source in marshal.loads(sys.stdin.buffer.read()):  # noqa: S302 - the image builder wrote it
        try:
            wanted = list(patterns(source))
        except (SyntaxError, ValueError):
            continue
        for key in wanted:
            code = compiled(*key)
            if code is not None:
                found[key] = code
    sys.stdout.buffer.write(marshal.dumps((_sre.MAGIC, dict(sorted(found.items(), key=repr)))))


if __name__ == "__main__":
    main()
