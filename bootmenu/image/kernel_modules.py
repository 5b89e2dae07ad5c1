# SPDX-License-Identifier: MIT
"""Collect the kernel modules of a first stage, with what they need and the tables for modprobe.

All is derived from the modules' own .modinfo, because a package that is only unpacked has no modules.dep.
"""

from __future__ import annotations

import fnmatch
import gzip
import io
import lzma
import struct
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import zstandard

from bootmenu.errors import FormatError, UsageError
from bootmenu.formats.elf import MAGIC
from bootmenu.image.rootfs import Root
from bootmenu.model.suggestion import did_you_mean
from bootmenu.model.value import Value

_MAX_MODULE = 64 << 20
_DEEPEST = 100
"""Modules of which each depends on the next. Those of Debian 13 have less than 20."""
_ENDINGS = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")


class ModuleInfo(Value, kw_only=True):
    """The metadata in a module's .modinfo section."""

    aliases: tuple[str, ...] = ()
    """Patterns of names by which the kernel may request it."""
    firmware: tuple[str, ...] = ()
    """Paths below /lib/firmware of files that it may load."""
    depends: tuple[str, ...] = ()
    pre: tuple[str, ...] = ()
    """softdep names to load before it."""
    post: tuple[str, ...] = ()
    """softdep names to load after it."""

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> ModuleInfo:
        """Read an uncompressed module. Raise FormatError if it is not an ELF file with a .modinfo section."""
        aliases: list[str] = []
        firmware: list[str] = []
        depends: list[str] = []
        soft: dict[str, list[str]] = {"pre:": [], "post:": []}
        for entry in _modinfo(data, name).split(b"\0"):
            key, _, value = entry.decode("utf-8", "replace").partition("=")
            if key == "depends":
                depends += [normalise(part) for part in value.split(",") if part]
            elif key == "alias":
                aliases.append(value)
            elif key == "firmware":
                firmware.append(value)
            elif key == "softdep":
                kind = "pre:"
                for word in value.split():
                    if word in soft:
                        kind = word
                    else:
                        soft[kind].append(normalise(word))
        return cls(
            aliases=tuple(aliases),
            firmware=tuple(firmware),
            depends=tuple(depends),
            pre=tuple(soft["pre:"]),
            post=tuple(soft["post:"]),
        )


def _modinfo(data: bytes, name: str) -> bytes:
    """Return the content of the section .modinfo. Some hundred modules are read: pyelftools would take 20 s."""
    if data[:4] != MAGIC or len(data) < 64 or data[4] not in (1, 2):
        raise FormatError(f"{name} is not an ELF file")
    wide, order = data[4] == 2, ">" if data[5] == 2 else "<"
    try:
        (table,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", data, 40 if wide else 32)
        size, count, names = struct.unpack_from(f"{order}HHH", data, 58 if wide else 46)
        form = f"{order}{'I20xQQ' if wide else 'I12xII'}"
        rows = [struct.unpack_from(form, data, table + size * row) for row in range(count)]
        texts = rows[names][1]
    except (struct.error, IndexError, OverflowError) as error:
        raise FormatError(f"{name} is a damaged ELF file: {error}") from None
    for at, offset, length in rows:
        if data.startswith(b".modinfo\0", texts + at) and offset + length <= len(data):
            return data[offset : offset + length]
    raise FormatError(f"{name} is not a kernel module: it has no .modinfo section")


class Module(Value, kw_only=True):
    """One module for the image."""

    path: str
    """Path in the root tree, ending in ``.ko``."""
    data: bytes
    """Uncompressed content."""
    info: ModuleInfo

    @property
    def name(self) -> str:
        """Return the name as shown by the kernel, with underscores."""
        return normalise(PurePosixPath(self.path).name.removesuffix(".ko"))


class ModuleSet(Value, kw_only=True):
    """Modules of one kernel, each after its dependencies."""

    folder: str
    """``/lib/modules/VERSION``."""
    modules: tuple[Module, ...] = ()
    inserted: tuple[str, ...] = ()
    """Names of those that init inserts on every machine."""
    problems: tuple[str, ...] = ()
    """Messages about modules that were left out because they cannot be used."""

    def dependency_table(self) -> str:
        """Return the content of modules.dep(5): the dependencies of each module, direct ones first."""
        by_name = {module.name: module for module in self.modules}
        needed: dict[str, dict[str, None]] = {}
        lines: list[str] = []
        for module in self.modules:  # each after what it depends on, unless that goes round
            found: dict[str, None] = {}
            for name in module.info.depends:
                if name in by_name:
                    found |= needed.get(name, {}) | {name: None}
            found.pop(module.name, None)
            needed[module.name] = found
            paths = (by_name[name].path for name in (module.name, *reversed(found)))
            first, *others = (path.removeprefix(f"{self.folder}/") for path in paths)
            lines.append(" ".join([f"{first}:", *others]) + "\n")
        return "".join(lines)

    def alias_table(self) -> str:
        """Return the content of modules.alias, as depmod(8) writes it."""
        return "".join(f"alias {alias} {module.name}\n" for module in self.modules for alias in module.info.aliases)


def normalise(name: str) -> str:
    """Return a module's name with underscores, which the kernel treats the same as dashes."""
    return name.strip().replace("-", "_")


def decompress(data: bytes, name: str) -> bytes:
    """Return the uncompressed content of a module file. Raise FormatError if it is damaged or too large."""
    try:
        if name.endswith(".xz"):
            plain = lzma.LZMADecompressor().decompress(data, _MAX_MODULE)
        elif name.endswith(".zst"):
            with zstandard.ZstdDecompressor().stream_reader(data) as reader:
                plain = reader.read(_MAX_MODULE)
        elif name.endswith(".gz"):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                plain = file.read(_MAX_MODULE)
        else:
            plain = data
    except (lzma.LZMAError, zstandard.ZstdError, OSError, EOFError) as error:
        raise FormatError(f"{name} cannot be unpacked: {error}") from error
    if len(plain) >= _MAX_MODULE:
        raise FormatError(f"{name} is bigger than {_MAX_MODULE >> 20} MiB")
    return plain


def versions(root: Root) -> tuple[str, ...]:
    """Return the kernel versions with a directory of modules, sorted as text."""
    folders = [folder for top in ("/lib/modules", "/usr/lib/modules") if (folder := root.host(top)) is not None]
    return tuple(sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()}))


def collect(
    root: Root, version: str, patterns: Sequence[str], *, named: Sequence[str] = (), inserted: Sequence[str] = ()
) -> ModuleSet:
    """Return the modules of one kernel version that match patterns (see module_classes), with all their dependencies.

    named: names of further modules. inserted: names that init inserts on every machine, if the kernel has them as
    modules. Raise UsageError if the kernel does not have one that is named.
    """
    folder = f"/lib/modules/{version}"
    available: dict[str, str] = {}
    # depmod.d(5): "The default is to search 'updates built-in'"
    for path in sorted(root.files(folder), key=lambda path: not path.startswith(f"{folder}/updates/")):
        ending = next((ending for ending in _ENDINGS if path.endswith(ending)), None)
        if ending is not None:
            available.setdefault(normalise(PurePosixPath(path).name.removesuffix(ending)), path)
    builtin: frozenset[str] = frozenset()
    if root.resolve(f"{folder}/modules.builtin") is not None:
        text = root.read(f"{folder}/modules.builtin").decode("utf-8", "replace")
        builtin = frozenset(normalise(PurePosixPath(line).name.removesuffix(".ko")) for line in text.splitlines())
    for name in named:
        if normalise(name) not in available.keys() | builtin:
            raise UsageError(
                f"kernel {version} has no module {name}",
                did_you_mean(normalise(name), available)
                or f"They are named like the files below {folder} of the tree, without .ko.",
            )
    always = [normalise(name) for name in (*inserted, *named)]
    order = _Order(root, available, builtin)
    for name in dict.fromkeys([*always, *_matching(available, f"{folder}/kernel/", patterns)]):
        order.add(name)
    chosen = {module.name for module in order.modules}
    return ModuleSet(
        folder=folder,
        modules=tuple(order.modules),
        inserted=tuple(name for name in dict.fromkeys(always) if name in chosen),
        problems=tuple(order.problems),
    )


def _matching(available: Mapping[str, str], top: str, patterns: Sequence[str]) -> list[str]:
    """Return the names of modules that match. available: paths in the tree, by name. top: folder of the modules."""
    by_path = {path.removeprefix(top).partition(".")[0]: name for name, path in sorted(available.items())}
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.startswith("!"):
            for name in fnmatch.filter(found, pattern[1:]):
                del found[name]
        elif "/" in pattern:
            found |= dict.fromkeys(by_path[path] for path in fnmatch.filter(by_path, pattern))
        else:
            found |= dict.fromkeys(fnmatch.filter(by_path.values(), pattern))
    return list(found)


class _Order:
    """Order modules by a depth-first walk over their dependencies."""

    def __init__(self, root: Root, available: Mapping[str, str], builtin: frozenset[str]) -> None:
        self._root = root
        self._available = available
        self._builtin = builtin
        self._done: dict[str, bool] = {}
        self.modules: list[Module] = []
        self.problems: list[str] = []

    def add(self, name: str) -> None:
        """Append a module after its dependencies, unless it is built in, missing or unusable."""
        if name in self._available:
            self._visit(name)

    def _visit(self, name: str, depth: int = 0) -> bool:
        """Append a module after its dependencies; return False if it cannot be used."""
        if name in self._done:
            return self._done[name]
        self._done[name] = True  # which also breaks cycles
        if name in self._builtin:
            return True
        path = self._available.get(name)
        if path is None:
            self._done[name] = False
            return False
        try:
            data = decompress(self._root.read(path), path)
            info = ModuleInfo.from_bytes(data, path)
        except FormatError as error:
            self.problems.append(error.message)
            self._done[name] = False
            return False
        if depth > _DEEPEST:
            self.problems.append(f"{path} is needed by more than {_DEEPEST} modules one after the other")
            self._done[name] = False
            return False
        for soft in info.pre:
            self._visit_soft(soft, depth)
        missing = [needed for needed in info.depends if not self._visit(needed, depth + 1)]
        if missing:
            self.problems.append(f"{path} needs {', '.join(missing)}, which this kernel does not have")
            self._done[name] = False
            return False
        plain = PurePosixPath(path).name.partition(".ko")[0] + ".ko"
        self.modules.append(Module(path=str(PurePosixPath(path).with_name(plain)), data=data, info=info))
        for soft in info.post:
            self._visit_soft(soft, depth)
        return True

    def _visit_soft(self, name: str, depth: int) -> None:
        # A softdep may be an alias ("crc32c"), of which the generic implementation works on every machine.
        for candidate in (name, f"{name}_generic"):
            if candidate in self._available or candidate in self._builtin:
                self._visit(candidate, depth + 1)
                return
