# SPDX-License-Identifier: MIT
"""Test Textual's private names: the listed ones exist in this Textual, and only one file uses them."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import bootmenu
from bootmenu.frontends import tui
from bootmenu.frontends.tui import textual_internals
from bootmenu.frontends.tui.textual_internals import PRIVATE

ROOT = Path(bootmenu.__file__).parents[1]
_PRIVATE_NAME = re.compile(r"_[a-z]\w*")


@cache
def _classes(module: str) -> dict[str, frozenset[str]]:
    """Return the classes of a module, each with the private names of its objects: what it defines, sets and uses."""
    found = {}
    for node in ast.parse(inspect.getsource(importlib.import_module(module))).body:
        if isinstance(node, ast.ClassDef):
            parts = list(ast.walk(node))
            names = {part.name for part in parts if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}
            names |= {
                part.attr for part in parts if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self"
            }
            found[node.name] = frozenset(name for name in names if _PRIVATE_NAME.fullmatch(name))
    return found


@cache
def _of_class(kind: type) -> frozenset[str]:
    """Return the private names that a class has from Textual."""
    found: set[str] = set()
    for base in kind.__mro__:
        if base.__module__.startswith("textual."):
            found |= _classes(base.__module__).get(base.__name__, frozenset())
            found |= {name for name in vars(base) if _PRIVATE_NAME.fullmatch(name)}
    return frozenset(found)


def _found(qualified_name: str) -> object:
    try:
        return importlib.import_module(qualified_name)
    except ModuleNotFoundError:
        module, _, name = qualified_name.rpartition(".")
        return getattr(importlib.import_module(module), name)


def test_this_textual_has_every_private_name_that_is_relied_on() -> None:
    missing = []
    for qualified_name, names in PRIVATE.items():
        owner = _found(qualified_name)
        has = set(vars(owner)) if isinstance(owner, ModuleType) else _of_class(owner)
        missing += [f"{qualified_name}: {name}" for name in names if name not in has]
    assert missing == []


def test_the_list_names_everything_that_the_file_uses_and_nothing_else() -> None:
    tree = ast.parse(inspect.getsource(textual_internals))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used = {name for name in used if _PRIVATE_NAME.fullmatch(name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
            private_module = "._" in (node.module or "")
            used |= {alias.name for alias in node.names if private_module or alias.name.startswith("_")}
    assert used == {name for names in PRIVATE.values() for name in names}


@cache
def _sources() -> list[tuple[str, ast.Module]]:
    """Return the parsed files that use Textual."""
    found = []
    for folder in ("bootmenu", "tests", "benchmarks", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text("utf-8")
            if path != Path(textual_internals.__file__) and ("textual" in text or "tui" in path.parts):
                found.append((str(path.relative_to(ROOT)), ast.parse(text)))
    return found


def test_nothing_else_imports_what_is_private_to_textual() -> None:
    found = []
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "textual":
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                found += [f"{path}:{node.lineno}: {name}" for name in names if _PRIVATE_NAME.fullmatch(name)]
    assert found == []


def test_no_attribute_elsewhere_is_one_of_the_listed_names() -> None:
    """Check attributes of other objects; the next test checks those of our own classes."""
    listed = {name for names in PRIVATE.values() for name in names}
    found = []
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in listed and ast.unparse(node.value) != "self":
                found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def test_no_class_of_ours_uses_or_hides_a_private_name_of_the_class_that_it_extends() -> None:
    found = []
    for module in pkgutil.walk_packages(tui.__path__, f"{tui.__name__}."):
        if module.name == textual_internals.__name__:
            continue
        for name, own in _classes(module.name).items():
            kind = getattr(importlib.import_module(module.name), name)
            found += [f"{name}.{private}" for private in sorted(own & _of_class(kind))]
    assert found == []
