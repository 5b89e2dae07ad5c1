# SPDX-License-Identifier: MIT
"""Which shared libraries programs need: DT_NEEDED followed through a root tree, without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from bootmenu.errors import BootmenuError
from bootmenu.formats.elf import MAGIC, elf_file
from bootmenu.formats.reader import Buffer
from bootmenu.image.rootfs import Root
from bootmenu.model.value import Value

# pyelftools gives each of these tags its text in an attribute of its own.
_TAGS = {"DT_NEEDED": "needed", "DT_RUNPATH": "runpath", "DT_RPATH": "rpath"}


class Linkage(Value, kw_only=True):
    """What the dynamic loader reads of an ELF file."""

    machine: str
    """e_machine by name: ``EM_AARCH64``."""
    interpreter: str | None
    """Path of the loader; None for libraries and static programs."""
    needed: tuple[str, ...]
    """Sonames."""
    search: tuple[str, ...]
    """DT_RUNPATH or DT_RPATH folders, $ORIGIN not yet replaced."""

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Linkage:
        """Raises FormatError when the bytes are no sound ELF file."""
        from elftools.elf.dynamic import DynamicSection
        from elftools.elf.segments import InterpSegment

        with elf_file(Buffer(data), name) as elf:
            machine = str(elf["e_machine"])
            interpreter: str | None = None
            for segment in elf.iter_segments():
                if isinstance(segment, InterpSegment):
                    interpreter = str(segment.get_interp_name())
            needed: list[str] = []
            search: list[str] = []
            dynamic = elf.get_section_by_name(".dynamic")
            if isinstance(dynamic, DynamicSection):
                for tag in dynamic.iter_tags():
                    attribute = _TAGS.get(str(tag.entry.d_tag))
                    if attribute is not None:
                        text = str(getattr(tag, attribute))
                        if attribute == "needed":
                            needed.append(text)
                        else:
                            search += [folder for folder in text.split(":") if folder]
        return cls(machine=machine, interpreter=interpreter, needed=tuple(needed), search=tuple(search))


def is_elf(data: bytes) -> bool:
    """Whether the bytes begin like an ELF file."""
    return data[:4] == MAGIC


def closure(root: Root, paths: Iterable[str]) -> tuple[str, ...]:
    """The given ELF files with every library and loader they need, as paths in the tree, sorted.

    A path stays the one the loader will look for, even where it is a link in the tree.
    Raises BootmenuError that names the first library that is not there.
    """
    found: set[str] = set()
    waiting = list(paths)
    folders = library_folders(root)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += libraries(root, path, root.read(path), folders)
    return tuple(sorted(found))


def libraries(root: Root, path: str, data: bytes, folders: Iterable[str]) -> list[str]:
    """The loader and the libraries that one ELF file names, as paths in the tree.

    path: where the file is or will be, for $ORIGIN and for messages.
    folders: where the loader looks after the file's own folders (``library_folders``).
    Raises BootmenuError that names a library that is not there.
    """
    linkage = Linkage.from_bytes(data, path)
    found = [] if linkage.interpreter is None else [linkage.interpreter]
    origin = str(PurePosixPath(path).parent)
    own = [folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin) for folder in linkage.search]
    for soname in linkage.needed:
        found.append(_find(root, soname, [*own, *folders], linkage.machine, path))
    return found


def _find(root: Root, soname: str, search: Iterable[str], machine: str, wanted_by: str) -> str:
    if "/" in soname:
        return soname
    for folder in search:
        candidate = f"{folder.rstrip('/')}/{soname}"
        if root.resolve(candidate) is None:
            continue
        data = root.read(candidate)
        if is_elf(data) and Linkage.from_bytes(data, candidate).machine == machine:
            return candidate
    raise BootmenuError(
        f"{wanted_by} needs the library {soname}, which is not in {root.folder}.",
        "Name the package that has it with --package.",
    )


def library_folders(root: Root) -> tuple[str, ...]:
    """The loader's folders: the multiarch ones, those of /etc/ld.so.conf, and the traditional ones."""
    found: list[str] = []
    for top in ("/usr/lib", "/lib"):
        host = root.host(top)
        if host is not None:
            found += [f"{top}/{path.name}" for path in sorted(host.glob("*-linux-gnu*")) if path.is_dir()]
    for name in ["/etc/ld.so.conf", *_configuration_files(root)]:
        if root.resolve(name) is not None:
            lines = root.read(name).decode("utf-8", "replace").splitlines()
            found += [line.strip() for line in lines if line.strip().startswith("/")]
    return tuple(dict.fromkeys([*found, "/usr/lib64", "/usr/lib", "/lib64", "/lib"]))


def _configuration_files(root: Root) -> list[str]:
    folder = root.folder / "etc/ld.so.conf.d"
    return [f"/etc/ld.so.conf.d/{path.name}" for path in sorted(folder.glob("*.conf"))]
