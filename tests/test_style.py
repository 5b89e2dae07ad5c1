# SPDX-License-Identifier: MIT
"""The house rules that no linter knows, one test each, which names every file that breaks it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

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


@cache
def parsed() -> dict[str, ast.Module]:
    """Return the syntax tree of every file of the package by its path."""
    return {name: ast.parse(text) for name, text in sources().items()}


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield every class that stands at the top of a file of the package, with the file's path."""
    for name, tree in parsed().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                yield name, node


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
    lines = {node.name: (node.end_lineno or 0) - node.lineno + 1 for _, node in classes()}
    report(f"{name}: {n} lines" for name, n in lines.items() if n > MOST_LINES_OF_A_CLASS)


def test_no_two_modules_have_one_name() -> None:
    paths = [Path(name) for name in sources()]
    report(shared((path.stem, str(path)) for path in paths if path.stem != "__init__"))


def test_no_two_classes_have_one_name() -> None:
    report(shared((node.name, name) for name, node in classes()))


def calls() -> Iterator[tuple[str, int, str, ast.Call]]:
    """Yield every call of the package: its file, its line and the name of what is called."""
    for name, tree in parsed().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, node.lineno, ast.unparse(node.func), node


def test_only_the_command_line_exits() -> None:
    report(
        f"{name}:{line} exits"
        for name, line, called, _ in calls()
        if called in ("exit", "quit", "sys.exit", "os._exit")
        and not (name == "__main__.py" or name.startswith(("image/", "frontends/tui/")))
    )


def test_nothing_starts_a_shell() -> None:
    report(
        f"{name}:{line} starts a shell"
        for name, line, called, call in calls()
        if called == "os.system" or any(keyword.arg == "shell" for keyword in call.keywords)
    )


def test_every_file_states_its_licence_and_what_it_is() -> None:
    report(
        [f"{name}: no licence" for name, text in sources().items() if not text.startswith(LICENCE)]
        + [f"{name}: no docstring" for name, tree in parsed().items() if not ast.get_docstring(tree)]
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
    assert [name for name in sorted(names) if not name.startswith("ink--") and f'"{name}"' not in source] == []
