# SPDX-License-Identifier: MIT
"""Collects what the source says, and brings locale/*.po up to date: python -m scripts.messages

A message is what is handed to `_`, `counted` and `marked`, and what a check, an error or a problem says. Where values
are put into a sentence, {0}, {1} ... stand in the catalogue: `language.told` finds them again. New messages are added
untranslated, old ones are dropped.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import count, islice, product
from pathlib import Path

from bootmenu import i18n

ROOT = Path(__file__).parents[1]


@cache
def collected() -> dict[tuple[str, ...], str]:
    """Every message of the source, and the file that has it first."""
    found: dict[tuple[str, ...], str] = {}
    for path in sorted((ROOT / "bootmenu").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _constants.clear()
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=constant)], value=ast.Constant() | ast.BinOp() as value):
                    _constants[constant] = [value]
        for key in _of(tree, told=name.startswith(TOLD) and name not in UNTOLD):
            found.setdefault(key, name)
    return found


_SAYS = {"passed", "unknown", "warned", "failed"}
"""What a check answers with: compat/checker.py."""
_MOST = 24
"""Ways in which one sentence may be put together; one with more of them stays English."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Module


TOLD = (
    *("bootmenu/bootstate/", "bootmenu/compat/", "bootmenu/demo/", "bootmenu/discovery/", "bootmenu/formats/"),
    *("bootmenu/frontends/", "bootmenu/kexec/", "bootmenu/session/", "bootmenu/sources/", "bootmenu/system/"),
    *("bootmenu/terminal/", "bootmenu/view/"),
)
"""Where what checks, errors and problems say comes to a screen."""


UNTOLD = (
    *(
        "bootmenu/system/recorded_host.py",
        "bootmenu/sources/parsers/grub/patterns.py",
        "bootmenu/frontends/tui/themes.py",
    ),
    *("bootmenu/kexec/methods/__init__.py", "bootmenu/system/syscalls.py", "bootmenu/bootstate/pin.py"),
)
"""For whoever writes a theme or an option of the command line."""


def _of(tree: ast.Module, *, told: bool) -> Iterator[tuple[str, ...]]:
    for scope, answer in _answers(tree) if told else ():
        yield from ((text,) for text in _texts(answer, scope) if _is_sentence(text))
    for scope, call in _calls(tree, tree):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS:
            name = call.func.attr
        if name == "counted":
            texts = [arg.value for arg in call.args[1:3] if isinstance(arg, ast.Constant)]
            if len(texts) == 2:
                yield str(texts[0]), str(texts[1])
        elif name == "_":
            yield from ((text,) for text in _texts(call.args[0], scope) if "{0}" not in text)
        elif name == "marked" or (told and _speaks(name)):
            spoken = [arg.value for arg in call.keywords if arg.arg in ("message", "hint", "detail", "reason")]
            args = call.args if name != "Problem" else []
            for arg in (*args[:2], *spoken):
                yield from ((text,) for text in _texts(arg, scope) if name == "marked" or _is_sentence(text))


_SPEAKERS = {
    *_SAYS,
    "Memory",
    "Problem",
    "SimulatedJump",
    "UnsupportedKernel",
    "BrokenContainer",
    "_broken",
    "Reader",
}
_METHODS = {"append", "finish", "problem", "_problem"}


def _speaks(name: str) -> bool:
    return name in _SPEAKERS | _METHODS or (name.endswith("Error") and name != "UsageError")


_TELLERS = {
    *(
        "another_copy",
        "cut_off",
        "_loadable",
        "explain",
        "reason",
        "unavailable",
        "_notes",
        "_unfit",
        "_missing",
        "notices",
    ),
    *("_not_permitted", "_way_out", "_way_to_load_unsigned", "tools_problem", "_lacks", "_wrong_hashes"),
}
"""Functions whose answers are sentences."""


def _answers(tree: ast.Module) -> Iterator[tuple[Function, ast.expr]]:
    """What they answer with, and the function."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef) and scope.name in _TELLERS:
            for node in ast.walk(scope):
                if isinstance(node, ast.Return | ast.Yield) and node.value is not None:
                    parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                    yield from ((scope, part) for part in parts)


def _calls(node: ast.AST, scope: Function) -> Iterator[tuple[Function, ast.Call]]:
    """Every call, and the function that it is in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield scope, child
        inner = child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else scope
        yield from _calls(child, inner)


def _is_sentence(text: str) -> bool:
    """It says something beside its values: enough letters to be told from others by."""
    return sum(char.isalpha() for char in re.sub(r"\{\d\}", "", text)) >= 6 and " " in text


def _texts(node: ast.expr, scope: Function) -> list[str]:
    """The texts that an expression may have, with {0}, {1} ... for the values; [] = no text stands there."""
    found = list(islice(_parts(node, scope, 0), _MOST + 1))
    if len(found) > _MOST:
        return []
    texts = []
    for parts in found:
        numbers = count()
        text = "".join(f"{{{next(numbers)}}}" if part is None else part for part in parts)
        if any(part and part.strip() for part in parts) and not re.search(r"\}\{|\{\d\d", text):
            texts.append(text)
    return texts


Parts = tuple[str | None, ...]
"""Texts, and None for a value."""


def _parts(node: ast.expr, scope: Function, depth: int) -> Iterator[Parts]:
    """Every way in which it may be put together."""
    match node:
        case ast.Constant(value=str(text)):
            yield (text.replace("{", "{{").replace("}", "}}"),) if depth else (text,)
        case ast.JoinedStr(values=values):
            ways = [list(_parts(value, scope, depth + 1)) for value in values]
            yield from (tuple(part for parts in way for part in parts) for way in product(*ways))
        case ast.FormattedValue(value=value, format_spec=None, conversion=-1) if depth < _DEEP:
            yield from _parts(value, scope, depth + 1)
        case ast.BoolOp(op=ast.Or(), values=choices):
            for choice in choices:
                yield from _parts(choice, scope, depth + 1)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _parts(body, scope, depth + 1)
            yield from _parts(orelse, scope, depth + 1)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            for one in _parts(left, scope, depth + 1):
                yield from (one + other for other in _parts(right, scope, depth + 1))
        case ast.Name(id=name) if depth < _DEEP and (values := _assigned(name, scope)):
            for value in values:
                yield from _parts(value, scope, depth + 1)
        case _:
            yield (None,)


_DEEP = 8
_constants: dict[str, list[ast.expr]] = {}
"""Of the module that is read."""


def _assigned(name: str, scope: Function) -> list[ast.expr]:
    """What a local name is set to, where that is text each time; else []."""
    found: list[ast.expr] = []
    for node in ast.walk(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                found.append(value)
            case ast.Name(id=target, ctx=ast.Store()) if target == name:
                found.append(node)  # and taken out again by each assignment that is understood
            case ast.arg(arg=target) if target == name:
                return []
    if not found and not isinstance(scope, ast.Module):
        return _constants.get(name, [])
    texts = [value for value in found if isinstance(value, ast.Constant | ast.JoinedStr | ast.IfExp | ast.BinOp)]
    if any(name == node.id for value in texts for node in ast.walk(value) if isinstance(node, ast.Name)):
        return []  # it grows
    stores = sum(1 for value in found if isinstance(value, ast.Name) and isinstance(value.ctx, ast.Store))
    return list(texts) if texts and len(texts) == stores else []


def merged(known: dict[tuple[str, ...], tuple[str, ...]]) -> str:
    """A .po file with every message of the source, and the translations that are known."""
    blocks = [f"# SPDX-License-Identifier: MIT\n{_lines('msgid', '')}{_lines('msgstr', known.get(('',), ('',))[0])}"]
    for key, path in sorted(collected().items(), key=lambda item: (item[1], item[0])):
        values = known.get(key) or ("",) * len(key)
        text = f"#: {path}\n{_lines('msgid', key[0])}"
        if len(key) == 2:
            text += _lines("msgid_plural", key[1])
            text += "".join(_lines(f"msgstr[{index}]", value) for index, value in enumerate(values))
        else:
            text += _lines("msgstr", values[0])
        blocks.append(text)
    return "\n".join(blocks)


def _lines(name: str, text: str) -> str:
    return f"{name} {json.dumps(text, ensure_ascii=False)}\n"


def main() -> None:
    """Bring every file up to date, and say what is left to translate."""
    for path in sorted(i18n.LOCALE.glob("*.po")):
        known = i18n.messages(path.read_text(encoding="utf-8"))
        path.write_text(merged(known), encoding="utf-8")
        left = sum(1 for key in collected() if not all(known.get(key, ("",))))
        print(f"{path.name}: {len(collected())} messages, {left} not translated")


if __name__ == "__main__":
    main()
