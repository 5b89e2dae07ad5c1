# SPDX-License-Identifier: MIT
"""Registries: explicit order, no name twice, everything of a package, from any thread, and again after a failure."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bootmenu.compat.checker import CHECKS
from bootmenu.formats.kernels import FORMATS
from bootmenu.kexec.methods import METHODS
from bootmenu.registry import Registry
from bootmenu.sources import SOURCES
from tests.builders.trees import write_tree

ALL: dict[str, Registry[Any]] = {
    "bootmenu.compat.checks": CHECKS,
    "bootmenu.formats.kernels": FORMATS,
    "bootmenu.kexec.methods": METHODS,
    "bootmenu.sources.parsers": SOURCES,
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package whose two modules register what they add; its registry is `REGISTRY`."""
    name = f"registered_{tmp_path.name.replace('-', '_')}"
    module = f"from {name} import REGISTRY\nREGISTRY.register({{!r}}, order={{}})({{!r}})\n"
    write_tree(
        tmp_path / name,
        {
            "__init__.py": f"from bootmenu.registry import Registry\nREGISTRY = Registry({name!r})\n",
            "a.py": module.format("later", 20, "A"),
            "b.py": module.format("sooner", 10, "B"),
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


def registry_of(package: str) -> Registry[str]:
    registry = importlib.import_module(package).REGISTRY
    assert isinstance(registry, Registry)
    return registry


def test_every_file_of_the_package_is_there_in_order(package: str) -> None:
    registry = registry_of(package)
    assert registry.names() == ["sooner", "later"]
    assert list(registry.values()) == ["B", "A"]
    assert (registry.get("later"), registry.get("never")) == ("A", None)


def test_no_name_and_no_order_twice() -> None:
    registry: Registry[str] = Registry("bootmenu.model")
    registry.register("a", order=1)("A")
    with pytest.raises(ValueError, match="'a' is registered twice"):
        registry.register("a", order=2)("B")
    with pytest.raises(ValueError, match="order 1 of 'b' is taken"):
        registry.register("b", order=1)("B")


def test_a_file_that_cannot_be_imported_is_never_left_out_in_silence(package: str, tmp_path: Path) -> None:
    broken = tmp_path / package / "c.py"
    broken.write_text("raise RuntimeError('broken')\n")
    registry = registry_of(package)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            registry.names()
    broken.unlink()
    importlib.invalidate_caches()
    assert registry.names() == ["sooner", "later"]


def test_a_second_thread_waits_until_everything_is_there(package: str, tmp_path: Path) -> None:
    gate = f"import {package}\n{package}.entered.set()\nassert {package}.go.wait(30)\n"
    (tmp_path / package / "a.py").write_text(gate + (tmp_path / package / "a.py").read_text())
    module = importlib.import_module(package)
    module.entered, module.go = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(module.REGISTRY.names())) for _ in range(2)]
    threads[0].start()
    assert module.entered.wait(30)
    threads[1].start()
    threads[1].join(0.05)
    assert found == [], "an answer was given while a file was still being imported"
    module.go.set()
    for thread in threads:
        thread.join(30)
    assert found == [["sooner", "later"]] * 2


@pytest.mark.parametrize("name", ALL)
def test_every_registry_loads_with_names_and_orders_of_its_own(name: str) -> None:
    registry = ALL[name]
    assert registry.names()
    assert len(set(registry.names())) == len(registry.names())
    orders = [order for order, _ in registry._items.values()]
    assert len(set(orders)) == len(orders)
    for module in pkgutil.iter_modules(importlib.import_module(name).__path__, f"{name}."):
        assert module.name in sys.modules, "import-linter does not see these, so they are loaded here"
