# SPDX-License-Identifier: MIT
"""Registries: an order by neighbours, no name twice, a whole package, from any thread, and again after a failure."""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bootmenu.compat.checker import CHECKS
from bootmenu.discovery.storage import KINDS
from bootmenu.formats.kernels import FORMATS, PARTS
from bootmenu.kexec.methods import METHODS
from bootmenu.registry import Registry
from bootmenu.sources import SOURCES
from tests.builders.trees import write_tree

ALL: dict[str, Registry[Any]] = {
    "bootmenu.compat.checks": CHECKS,
    "bootmenu.discovery.storage": KINDS,
    "bootmenu.formats.kernels": FORMATS,
    "bootmenu.kexec.methods": METHODS,
    "bootmenu.sources.parsers": SOURCES,
}

ORDERS: list[tuple[Registry[Any], str]] = [
    (KINDS, "md lvm"),
    (FORMATS, "arm64-image riscv-image bzimage zboot uki fit uimage elf gzip packed foreign"),
    (PARTS, "uki fit uimage"),
    (METHODS, "kexec_load kexec_file_load kexec_tools simulated"),
    (
        SOURCES,
        "bls extlinux syslinux grub kboot petitboot yaboot kexecboot raspberrypi refind limine grub-legacy"
        " uboot bare",
    ),
]
"""What this order decides: who says what a file is, whose entry stays where two are alike, how a kernel is loaded.
A new one may come between; tests/compat/test_checks.py has the checks."""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package whose two modules register what they add; its registry is `REGISTRY`."""
    name = f"registered_{tmp_path.name.replace('-', '_')}"
    module = f"from {name} import REGISTRY\nREGISTRY.register({{!r}}, before={{!r}})({{!r}})\n"
    write_tree(
        tmp_path / name,
        {
            "__init__.py": f"from bootmenu.registry import Registry\nREGISTRY = Registry({name!r})\n",
            "a.py": module.format("later", (), "A"),
            "b.py": module.format("sooner", "later", "B"),
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


def of_files(**files: list[tuple[str, dict[str, Any]]]) -> Registry[str]:
    """A registry of which each file registered these names, with what it said of their neighbours."""
    registry: Registry[str] = Registry("bootmenu.model")
    for file, things in files.items():
        for name, neighbours in things:
            registry.register(name, file=file, **neighbours)(name)
    return registry


def test_no_name_twice() -> None:
    registry = of_files(a=[("a", {})])
    with pytest.raises(ValueError, match="'a' is registered twice"):
        registry.register("a")("B")


def test_a_file_keeps_its_order_and_files_follow_by_name_whichever_was_imported_first() -> None:
    files: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "z": [("z1", {}), ("a1", {})],
        "m": [("m2", {}), ("m1", {})],
    }
    assert of_files(**files).names() == ["m2", "m1", "z1", "a1"]
    assert of_files(**dict(reversed(files.items()))).names() == ["m2", "m1", "z1", "a1"]


def test_what_names_a_neighbour_comes_beside_it_and_what_names_none_comes_behind() -> None:
    registry = of_files(
        a=[("alone", {})],
        m=[("first", {}), ("fourth", {})],
        x=[("second", {"after": "first", "before": "fourth"}), ("third", {"before": ("fourth", "end")})],
        b=[("end", {"last": True})],
        z=[("lonely", {})],
    )
    assert registry.names() == ["first", "second", "third", "fourth", "alone", "lonely", "end"]


def test_a_thing_that_is_added_to_a_file_stays_with_its_like() -> None:
    registry = of_files(m=[("m1", {}), ("m2", {}), ("added", {})], a=[("a1", {"after": "m2"})])
    assert registry.names() == ["m1", "m2", "added", "a1"]


@pytest.mark.parametrize("neighbour", ["after", "before"])
def test_a_neighbour_that_is_not_there_is_a_mistake(neighbour: str) -> None:
    with pytest.raises(ValueError, match="'a' is to come beside 'nobody', which is not registered"):
        of_files(a=[("a", {neighbour: "nobody"})]).names()


def test_neighbours_that_contradict_each_other_are_named() -> None:
    with pytest.raises(ValueError, match=r"cannot be put in order: .* before "):
        of_files(a=[("a", {"after": "b"})], b=[("b", {"after": "a"})]).names()


@pytest.mark.parametrize(("registry", "order"), ORDERS, ids=[order for _, order in ORDERS])
def test_the_order_of_what_there_is_stays(registry: Registry[Any], order: str) -> None:
    assert [name for name in registry.names() if name in order.split()] == order.split()


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
def test_every_registry_loads_everything_of_its_package(name: str) -> None:
    registry = ALL[name]
    assert registry.names()
    for module in pkgutil.iter_modules(importlib.import_module(name).__path__, f"{name}."):
        assert module.name in sys.modules, "import-linter does not see these, so they are loaded here"
