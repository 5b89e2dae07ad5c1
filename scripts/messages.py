# SPDX-License-Identifier: MIT
"""Collects what the source says, and brings locale/*.po up to date: python -m scripts.messages

A message is what is handed to `_`, `counted` and `marked`. New ones are added untranslated, old ones are dropped.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from bootmenu import language

ROOT = Path(__file__).parents[1]


def collected() -> dict[tuple[str, ...], str]:
    """Every message of the source, and the file that has it first."""
    found: dict[tuple[str, ...], str] = {}
    for path in sorted((ROOT / "bootmenu").rglob("*.py")):
        for key in _of(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(key, str(path.relative_to(ROOT)))
    return found


def _of(tree: ast.AST) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        wanted = {"_": node.args[:1], "marked": node.args[:1], "counted": node.args[1:3]}.get(node.func.id, [])
        texts = tuple(arg.value for arg in wanted if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
        if texts:
            yield texts


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
    for path in sorted(language.LOCALE.glob("*.po")):
        known = language.messages(path.read_text(encoding="utf-8"))
        path.write_text(merged(known), encoding="utf-8")
        left = sum(1 for key in collected() if not all(known.get(key, ("",))))
        print(f"{path.name}: {len(collected())} messages, {left} not translated")


if __name__ == "__main__":
    main()
