# SPDX-License-Identifier: MIT
"""A boot entry as its configuration describes it: what to load, from where, with which kernel command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from bootmenu.i18n import English, Message, joined
from bootmenu.model.kernel import Architecture
from bootmenu.model.regex import regex
from bootmenu.model.value import Value, field, replace

ID_DIGITS = 16
"""Hexadecimal digits at the end of an id: 64 bits. A colliding id of 24 bits could be found in seconds by trying
names."""
OWN = "own"
"""BootEntry.source of the entries that a person has made here; they are kept in the state, not on a disk."""


class FileRef(Value, kw_only=True):
    """A file on a partition, which may be missing so far."""

    device: str
    """Kernel name of the partition (`sda1`), or its name in the configuration (`uuid=...`) while it is missing;
    sources/references.py lists the forms."""
    path: str
    """Absolute path below the root of that partition, as the configuration has it."""
    exists: bool | None = None
    """Whether the file exists; None: unknown, or the partition is missing."""
    part: str = ""
    """Name of a part of the file (`Embedded.name`); empty for the whole file."""
    archive: str = ""
    """Path in the initramfs at which the next kernel finds the content; empty for what is an initramfs itself."""
    sha256: str = ""
    """The digest that the configuration demands of the whole file, 64 hexadecimal digits; empty for any."""

    def to_json(self) -> dict[str, object]:
        """Return `{"device": ..., "path": ..., "exists": ...}`, with `part`, `archive`, `sha256` if it has them."""
        more = {"part": self.part, "archive": self.archive, "sha256": self.sha256}
        present = {name: value for name, value in more.items() if value}
        return {"device": self.device, "path": self.path, "exists": self.exists, **present}


class Origin(Value, kw_only=True):
    """A configuration that offers an entry."""

    source: str
    """Name of the configuration format."""
    config: FileRef | None = None
    """The configuration file; None for kernels without a configuration."""

    def to_json(self) -> dict[str, object]:
        """Return `{"source": ..., "config": ...}`."""
        return {"source": self.source, "config": self.config.to_json() if self.config else None}


class Snapshot(Value, kw_only=True):
    """A snapshot of a root file system."""

    path: str
    """Path of its subvolume from the top level, without a slash in front."""
    folder: str
    """The directory of all snapshots of its system, in the same form."""
    name: str
    """Its name there: a number with snapper, a date with Timeshift."""
    date: str = ""
    """`2026-11-14 09:30` as its tool noted it; empty if unknown."""
    description: str = ""

    def to_json(self) -> dict[str, object]:
        """Return `{"path": ..., "name": ..., "date": ..., "description": ...}`."""
        return {"path": self.path, "name": self.name, "date": self.date, "description": self.description}


class CommandLine(Value):
    """A kernel command line, kept as it was and read as the kernel reads it."""

    text: str = ""
    unset: tuple[str, ...] = ()
    """Variables in the configuration's command line that nothing sets here, and that it needs. The text has nothing
    in their place, or still has them."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the names of unknown parts: `unset`, and whole words that are a boot loader's variable."""
        return tuple(dict.fromkeys((*self.unset, *_VARIABLE.findall(self.text))))

    @property
    def names_no_root(self) -> bool:
        """Return whether it has an empty root=, as a variable without a value leaves it."""
        value = self.get("root")
        return value is not None and (not value or value.partition("=")[1:] == ("=", ""))

    def options(self) -> list[tuple[str, str | None]]:
        """Return (name, value) in order; the value of a bare word is None.

        Double quotes protect spaces; everything after a lone `--` belongs to init
        (lib/cmdline.c:next_arg, init/main.c).
        """
        return list(_options(self.text) if len(self.text) <= _OFTEN else _long_options(self.text))

    def get(self, name: str) -> str | None:
        """Return the value of the last `name=value`, or None without one. A bare word has an empty value."""
        found = [value or "" for option, value in self.options() if option == name]
        return found[-1] if found else None

    def all(self, name: str) -> list[str]:
        """Return the values of every `name=value`, in order."""
        return [value or "" for option, value in self.options() if option == name]

    def __str__(self) -> str:
        return self.text


_VARIABLE = regex(r"(?<!\S)\$\{?([A-Za-z_]\w{0,63})\}?(?!\S)", re.ASCII)
_OFTEN = 4096  # characters; no kernel takes more (COMMAND_LINE_SIZE), and of what is longer few are kept


@lru_cache(maxsize=64)
def _options(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return the options of a kernel command line, cached because every check of an entry asks for them."""
    options: list[tuple[str, str | None]] = []
    for word in _words(text):
        if word == "--":
            break
        if word.startswith('"'):  # around name and value together
            word = word[1:].removesuffix('"')
        name, equals, value = word.partition("=")
        options.append((name, value.strip('"') if equals else None))
    return tuple(options)


_long_options = lru_cache(maxsize=4)(_options.__wrapped__)


def _words(text: str) -> list[str]:
    if '"' not in text:
        return text.split()
    words: list[str] = []
    word, quoted = "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char.isspace() and not quoted:
            if word:
                words.append(word)
            word = ""
        else:
            word += char
    return [*words, word] if word else words


class BootEntry(Value, kw_only=True):
    """A boot entry: something that can be started."""

    id: str
    """Identifier that is stable between scans: made of the partition's identity, the source and the entry's name."""
    title: str
    version: str = ""
    """Kernel version, for people and for sorting; empty if the configuration has none."""
    machine_id: str = ""
    """The machine-id of the system that it starts, as its configuration has it; empty if it has none."""
    source: str
    """Name of the configuration format: `bls`, `extlinux`, `bare`, ..."""
    config: FileRef | None = None
    """The file that describes this entry; None for kernels without a configuration."""
    device: str
    """The partition on which it was found."""
    kernel: FileRef
    initrds: tuple[FileRef, ...] = ()
    companions: tuple[FileRef, ...] = ()
    """Files that are packed into the initramfs, each with the path that it has there (FileRef.archive)."""
    dtb: FileRef | None = None
    """The device tree; None: the kernel gets the running machine's, unless there is a `dtb_folder`."""
    dtb_folder: FileRef | None = None
    """A directory of device trees, from which the one for this board is chosen (`fdtdir`). The scan chooses it by the
    machine's `compatible` and sets `dtb`, or leaves that None; a parser sets only one of the two."""
    overlays: tuple[FileRef, ...] = ()
    dtb_edits: tuple[str, ...] = ()
    """Edits of the device tree, in order, as they were typed in the editor (formats/typed_edits.py). Configurations
    have none."""
    cmdline: CommandLine = field(default_factory=CommandLine)
    architecture: Architecture | None = None
    """Architecture according to the configuration; None if it does not say."""
    default: bool = False
    tries_left: int | None = None
    """Tries left in boot counting; 0: it never came up; None: its boots are not counted."""
    also: tuple[Origin, ...] = ()
    """Other configurations that describe exactly the same entry, in order."""
    notes: tuple[str, ...] = ()
    """What was changed of what the configuration says, a sentence each, so that the entry boots what it is for."""
    snapshot: Snapshot | None = None
    """The snapshot that it boots; None for a system itself."""
    manual: str = ""
    """Why it never starts automatically; empty if it may."""

    @property
    def is_own(self) -> bool:
        """Return whether a person has made it in the editor, and kept it in the state."""
        return self.source == OWN

    @property
    def name(self) -> str:
        """Return what people call it: its title, or the path of its kernel if it has none."""
        return self.title or self.kernel.path

    @property
    def full_name(self) -> str:
        """Return the name with the kernel version, unless the name has it already."""
        return f"{self.name}, {self.version}" if self.version and self.version not in self.name else self.name

    def with_files(self, change: Callable[[FileRef], FileRef]) -> BootEntry:
        """Return the entry with `change` of every file that it names, and of the directory of device trees."""
        return replace(
            self,
            kernel=change(self.kernel),
            initrds=tuple(map(change, self.initrds)),
            companions=tuple(map(change, self.companions)),
            dtb=change(self.dtb) if self.dtb else None,
            dtb_folder=change(self.dtb_folder) if self.dtb_folder else None,
            overlays=tuple(map(change, self.overlays)),
        )

    @property
    def files(self) -> tuple[tuple[str, FileRef], ...]:
        """Return (role, file) for every file it names, in loading order."""
        rows = [("kernel", self.kernel)]
        rows += [("initramfs", ref) for ref in self.initrds]
        rows += [("companion", ref) for ref in self.companions]
        if self.dtb is not None:
            rows.append(("device tree", self.dtb))
        rows += [("overlay", ref) for ref in self.overlays]
        return tuple(rows)


class Problem(Value, kw_only=True):
    """Something that could not be read or is invalid; everything else is still listed."""

    device: str
    """The partition that it is about."""
    path: str
    """The file that it is about, absolute below the partition's root; empty for the partition itself."""
    message: str

    def to_json(self) -> dict[str, object]:
        """Return `{"device": ..., "path": ..., "message": ...}`."""
        return {"device": self.device, "path": self.path, "message": str(self.message)}

    def __str__(self) -> str:
        return str(self.located)

    @property
    def located(self) -> str:
        """Return the message with the partition and the file that it is about."""
        where = ":".join(part for part in (self.device, self.path) if part)
        message = self.message if isinstance(self.message, Message) else English(self.message)
        return joined(": ", [where, message]) if where else message
