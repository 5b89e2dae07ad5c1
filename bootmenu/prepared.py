# SPDX-License-Identifier: MIT
"""Use what the image builder has prepared: where each module is, and regular expressions in compiled form.

Python would look for each module in several folders, and compile each regular expression anew at every start. In an
image nothing changes, so that both are in one table (image/prepared_table.py). Anywhere else there is none.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec  # what importlib.machinery has, without importing that
from _frozen_importlib_external import ExtensionFileLoader, SourcelessFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any

NAME = "prepared.marshal"
"""The file of the table, in the folder of this package."""
HEADER = 16
"""Bytes before the code in a .pyc file (PEP 552)."""


def use() -> None:
    """Use the table, if there is one that fits this Python."""
    data = _content(f"{__file__.rpartition('/')[0]}/{NAME}")
    if not data:
        return
    tag, folders, binaries, magic, patterns = marshal.loads(data)  # noqa: S302 - the image builder wrote it
    if tag != sys.implementation.cache_tag:
        return
    sys.meta_path.insert(0, _Finder(folders, binaries))
    _use_patterns(magic, patterns)


def _content(path: str) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        size = os.fstat(file).st_size
        return os.read(file, size)
    finally:
        os.close(file)


class _Loader(SourcelessFileLoader):
    """Reads a .pyc file that is known to fit."""

    def get_code(self, fullname: str) -> CodeType | None:
        data = _content(self.path)
        if not data:
            raise ImportError(f"{self.path} cannot be read", name=fullname, path=self.path)
        code: CodeType = marshal.loads(memoryview(data)[HEADER:])  # noqa: S302 - the image builder wrote it
        return code


class _Finder:
    """Finds modules by name. folders: (folder, its modules, its packages), each of these a text of dotted names.
    binaries: paths of extension modules by name."""

    def __init__(self, folders: Sequence[tuple[str, str, str]], binaries: dict[str, str]) -> None:
        self._modules: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        for folder, modules, packages in reversed(folders):
            self._modules |= dict.fromkeys(modules.split(), folder)
            self._packages |= dict.fromkeys(packages.split(), folder)
        self._binaries = binaries

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a module is, or None for Python's own finders."""
        if folder := self._modules.get(name):
            inside, package = f"{folder}/{name.replace('.', '/')}.pyc", None
        elif folder := self._packages.get(name):
            package = f"{folder}/{name.replace('.', '/')}"
            inside = f"{package}/__init__.pyc"
        elif file := self._binaries.get(name):
            spec = ModuleSpec(name, ExtensionFileLoader(name, file), origin=file)
            spec.has_location = True
            return spec
        else:
            return None
        spec = ModuleSpec(name, _Loader(name, inside), origin=inside, is_package=package is not None)
        spec.has_location = True
        if package is not None:
            spec.submodule_search_locations = [package]
        return spec


def _use_patterns(magic: int, patterns: dict[tuple[str | bytes, int], bytes]) -> None:
    import _sre  # type: ignore[import-not-found]
    from re import _compiler  # type: ignore[attr-defined]

    if magic != _sre.MAGIC:
        return
    slow = _compiler.compile

    def compile(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        """Return a compiled regular expression, from the table if it is there."""
        known = patterns.get((pattern, flags)) if type(pattern) in (str, bytes) else None
        if known is None:
            made: re.Pattern[Any] = slow(pattern, flags)
        else:
            made = _sre.compile(pattern, *marshal.loads(known))  # noqa: S302
        return made

    _compiler.compile = compile
