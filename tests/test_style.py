# SPDX-License-Identifier: MIT
"""The house rules that no linter knows, one test each, which names every file that breaks it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import bootmenu

PACKAGE = Path(bootmenu.__file__).parent

LICENCE = "# SPDX-License-Identifier: MIT\n"
MOST_LINES = 500
"""Lines of a file."""
MOST_LINES_OF_A_CLASS = 300


@cache
def sources() -> dict[str, str]:
    """Return the text of every file of the package by its path."""
    return {str(path.relative_to(PACKAGE)): path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


class Class(NamedTuple):
    """One that stands at the top of a file."""

    file: str
    name: str
    lines: int


class Call(NamedTuple):
    """What is called, and with which keywords."""

    file: str
    line: int
    name: str
    keywords: frozenset[str | None]


class Outline(NamedTuple):
    """What the rules ask of the package; its syntax trees would take 80 MB."""

    undocumented: list[str]
    """Files without a docstring."""
    classes: list[Class]
    calls: list[Call]


@cache
def outline() -> Outline:
    """Read every file of the package."""
    found = Outline([], [], [])
    for file, text in sources().items():
        tree = ast.parse(text)
        if not ast.get_docstring(tree):
            found.undocumented.append(file)
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.classes.append(Class(file, node.name, (node.end_lineno or 0) - node.lineno + 1))
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                keywords = frozenset(keyword.arg for keyword in call.keywords)
                found.calls.append(Call(file, call.lineno, ast.unparse(call.func), keywords))
    return found


def shared(named: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the names that come more than once, each with the files that have it."""
    files = defaultdict(list)
    for name, file in named:
        files[name].append(file)
    yield from (f"{name}: {' '.join(sorted(found))}" for name, found in sorted(files.items()) if len(found) > 1)


def report(broken: Iterable[str]) -> None:
    """Fail and name everything that breaks the rule, one a line; a shortened list would be of no use."""
    if lines := list(broken):
        pytest.fail("\n".join(lines), pytrace=False)


def test_no_file_is_too_long() -> None:
    lines = {name: len(text.splitlines()) for name, text in sources().items()}
    report(f"{name}: {n} lines" for name, n in lines.items() if n > MOST_LINES)


def test_no_class_is_too_long() -> None:
    report(f"{one.name}: {one.lines} lines" for one in outline().classes if one.lines > MOST_LINES_OF_A_CLASS)


def test_no_two_modules_have_one_name() -> None:
    paths = [Path(name) for name in sources()]
    report(shared((path.stem, str(path)) for path in paths if path.stem != "__init__"))


def test_no_two_classes_have_one_name() -> None:
    report(shared((one.name, one.file) for one in outline().classes))


def test_only_the_command_line_exits() -> None:
    report(
        f"{call.file}:{call.line} exits"
        for call in outline().calls
        if call.name in ("exit", "quit", "sys.exit", "os._exit")
        and not (call.file == "__main__.py" or call.file.startswith(("image/", "frontends/tui/")))
    )


def test_nothing_starts_a_shell() -> None:
    report(
        f"{call.file}:{call.line} starts a shell"
        for call in outline().calls
        if call.name == "os.system" or "shell" in call.keywords
    )


def test_every_file_states_its_licence_and_what_it_is() -> None:
    report(
        [f"{name}: no licence" for name, text in sources().items() if not text.startswith(LICENCE)]
        + [f"{name}: no docstring" for name in outline().undocumented]
    )


def test_the_style_sheet_names_what_exists() -> None:
    """A rule for a class or an id that was renamed applies to nothing, without a word."""
    folder = PACKAGE / "frontends/tui"
    sheet = re.sub(r"/\*.*?\*/", "", (folder / "bootmenu.tcss").read_text("utf-8"), flags=re.DOTALL)
    selectors = " ".join(re.findall(r"([^{}]+)\{", sheet))
    source = "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))
    kinds = set(re.findall(r"(?<![\w.#-])[A-Z]\w+", selectors)) - {"Screen", "ModalScreen"}
    names = set(re.findall(r"[#.]([a-z-][\w-]*)", selectors))
    assert len(kinds) + len(names) > 10
    assert [kind for kind in sorted(kinds) if f"class {kind}(" not in source] == []
    assert [name for name in sorted(names) if f'"{name}"' not in source] == []
