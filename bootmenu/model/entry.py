# SPDX-License-Identifier: MIT
"""A boot entry as its configuration states it: what to load, from where, with which command line."""

from __future__ import annotations

import re
from functools import lru_cache

from bootmenu.model.kernel import Architecture
from bootmenu.model.value import Value, field


class FileRef(Value, kw_only=True):
    """A file on a partition, which may not have been seen yet."""

    device: str
    """Kernel name of the partition (`sda1`), or what the configuration called it (`uuid=...`) while unseen;
    sources/references.py lists the forms."""
    path: str
    """Absolute path below the root of that partition, as the configuration states it."""
    exists: bool | None = None
    """None: not looked at, or the device is not there."""
    part: str = ""
    """Name of the part of that file that is meant, as `Embedded.name` has it; empty = the whole file."""

    def to_json(self) -> dict[str, object]:
        """`{"device": ..., "path": ..., "exists": ...}`, and `part` where only a part is meant."""
        part = {"part": self.part} if self.part else {}
        return {"device": self.device, "path": self.path, "exists": self.exists, **part}


class Origin(Value, kw_only=True):
    """A configuration that offers an entry."""

    source: str
    """Name of the configuration format."""
    config: FileRef | None = None
    """None for bare kernels."""

    def to_json(self) -> dict[str, object]:
        """`{"source": ..., "config": ...}`."""
        return {"source": self.source, "config": self.config.to_json() if self.config else None}


class CommandLine(Value):
    """A kernel command line; keeps the text as it was and reads it as the kernel does."""

    text: str = ""
    unset: tuple[str, ...] = ()
    """Variables that stood in it where its configuration says it, that nothing here sets, and that it cannot do
    without. The text has nothing in their place, or has them still."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of what is not known of it: `unset`, and whole words that are a boot loader's variable."""
        return tuple(dict.fromkeys((*self.unset, *_VARIABLE.findall(self.text))))

    @property
    def names_no_root(self) -> bool:
        """It has a root= with nothing behind it, as a variable without a value leaves one."""
        value = self.get("root")
        return value is not None and (not value or value.partition("=")[1:] == ("=", ""))

    def options(self) -> list[tuple[str, str | None]]:
        """(name, value) in order; value None for a bare word.

        Double quotes protect spaces, everything after a lone `--` belongs to init
        (lib/cmdline.c:next_arg, init/main.c).
        """
        return list(_options(self.text) if len(self.text) <= _OFTEN else _long_options(self.text))

    def get(self, name: str) -> str | None:
        """Value of the last `name=value`; None when absent. A bare word counts as empty."""
        found = [value or "" for option, value in self.options() if option == name]
        return found[-1] if found else None

    def all(self, name: str) -> list[str]:
        """Values of every `name=value`, in order."""
        return [value or "" for option, value in self.options() if option == name]

    def __str__(self) -> str:
        return self.text


_VARIABLE = re.compile(r"(?<!\S)\$\{?([A-Za-z_]\w{0,63})\}?(?!\S)", re.ASCII)
_OFTEN = 4096  # characters; no kernel takes more (COMMAND_LINE_SIZE), and of what is longer few are kept


@lru_cache(maxsize=64)
def _options(text: str) -> tuple[tuple[str, str | None], ...]:
    """Every check of an entry asks for the same."""
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
    """One thing that can be started."""

    id: str
    """Stable from scan to scan: made of the partition's identity, the source and the entry's own name."""
    title: str
    version: str = ""
    """Kernel version for people and for sorting; empty when the configuration does not say."""
    source: str
    """Name of the configuration format: `bls`, `extlinux`, `bare`, ..."""
    config: FileRef | None = None
    """The file that offers this entry; None for bare kernels."""
    device: str
    """Partition on which it was found."""
    kernel: FileRef
    initrds: tuple[FileRef, ...] = ()
    dtb: FileRef | None = None
    """None: the running machine's own tree is handed on, unless there is a `dtb_folder`."""
    dtb_folder: FileRef | None = None
    """A folder of device trees, of which this board's own is to be taken (`fdtdir`). The scan picks it by the
    machine's `compatible` and sets `dtb`, or leaves it None; a parser sets only one of the two."""
    overlays: tuple[FileRef, ...] = ()
    dtb_edits: tuple[str, ...] = ()
    """Changes of the device tree that is handed on, in order, as somebody typed them for one boot:
    formats/dtb_edits.py. No configuration has any."""
    cmdline: CommandLine = field(default_factory=CommandLine)
    architecture: Architecture | None = None
    """As the configuration states it; None when it does not."""
    default: bool = False
    tries_left: int | None = None
    """Of boot counting; 0 = it never came up, None = it is not counted."""
    also: tuple[Origin, ...] = ()
    """Other configurations that offer exactly the same, in order."""

    @property
    def files(self) -> tuple[tuple[str, FileRef], ...]:
        """(role, file) of everything it names, in loading order."""
        rows = [("kernel", self.kernel)]
        rows += [("initramfs", ref) for ref in self.initrds]
        if self.dtb is not None:
            rows.append(("device tree", self.dtb))
        rows += [("overlay", ref) for ref in self.overlays]
        return tuple(rows)


class Problem(Value, kw_only=True):
    """Something that could not be read or made no sense; the rest is listed all the same."""

    device: str
    """Partition it concerns."""
    path: str
    """File it concerns, absolute below the partition's root; empty for the partition itself."""
    message: str

    def to_json(self) -> dict[str, object]:
        """`{"device": ..., "path": ..., "message": ...}`."""
        return {"device": self.device, "path": self.path, "message": self.message}

    def __str__(self) -> str:
        where = ":".join(part for part in (self.device, self.path) if part)
        return f"{where}: {self.message}" if where else self.message
