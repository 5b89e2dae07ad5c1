# SPDX-License-Identifier: MIT
"""Find the shared libraries of programs by following DT_NEEDED in a root tree, without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from bootmenu.errors import BootmenuError
from bootmenu.formats.elf import MAGIC, elf_file
from bootmenu.formats.reader import Buffer
from bootmenu.image.rootfs import Root
from bootmenu.model.value import Value

# pyelftools has the text of each of these tags in a separate attribute.
_TAGS = {"DT_NEEDED": "needed", "DT_RUNPATH": "runpath", "DT_RPATH": "rpath"}


class Linkage(Value, kw_only=True):
    """The information in an ELF file for the dynamic loader."""

    machine: str
    """Name of e_machine: ``EM_AARCH64``."""
    interpreter: str | None
    """Path of the loader; None for libraries and static programs."""
    needed: tuple[str, ...]
    """Sonames."""
    search: tuple[str, ...]
    """Directories in DT_RUNPATH or DT_RPATH, with $ORIGIN unexpanded."""

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Linkage:
        """Read an ELF file. Raise FormatError if it is damaged or no ELF file."""
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
    """Return whether the data begins like an ELF file."""
    return data[:4] == MAGIC


def closure(root: Root, paths: Iterable[str]) -> tuple[str, ...]:
    """Return the given ELF files with all libraries and loaders they need, as sorted paths in the tree.

    Paths are those that the loader will look for, even if they are links in the tree.
    Raise BootmenuError, which names the first missing library.
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
    """Return the loader and the libraries that one ELF file names, as paths in the tree.

    path: the file's path in the tree or the image, for $ORIGIN and for messages.
    folders: the directories that the loader searches after the file's own (``library_folders``).
    Raise BootmenuError, which names the missing library.
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
        f"{wanted_by} needs the library {soname}, which is not in {root.folder}",
        "Name the package that has it with --package.",
    )


def library_folders(root: Root) -> tuple[str, ...]:
    """Return the loader's directories: multiarch ones, those in /etc/ld.so.conf, and the traditional ones."""
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
