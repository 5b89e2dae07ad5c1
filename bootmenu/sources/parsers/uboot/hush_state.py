# SPDX-License-Identifier: MIT
"""What a script of U-Boot has done so far: variables, files in memory, and the kernels that it would start."""

from __future__ import annotations

from bootmenu.errors import BootmenuError
from bootmenu.model.value import Record, Value, field, replace
from bootmenu.sources import Platform
from bootmenu.sources.parsers.uboot import loader_variables
from bootmenu.sources.parsers.uboot.unknown_text import absent, is_unknown, unknown
from bootmenu.sources.tree import Tree, TreeError

MAX_STEPS = 20_000
"""Commands, words and loops of one script; Armbian's take about 200."""
MAX_VALUE = 16 * 1024
"""Characters of a variable or a command, of which U-Boot takes fewer (CONFIG_SYS_CBSIZE)."""
MAX_VARIABLES = 2000
_MAX_FAILED = 4
MAX_WORK = 4_000_000
"""Characters that are read, expanded and stored in total."""


class CannotFollowError(BootmenuError):
    """Raised where a script cannot be followed any further."""


class LoadedFile(Value):
    """A file in memory."""

    device: str
    path: str
    """The file; a directory if `any_tree`."""
    tree: Tree | None = None
    """The partition that holds it, or None if it is missing."""
    size: int = 0
    """Bytes; 0 if the file is missing or not known."""
    any_tree: bool = False
    """Whether it is a device tree in this directory whose name only U-Boot knows."""
    overlays: tuple[LoadedFile, ...] = ()
    edited: bool = False
    """Whether the script has changed it by other means than overlays."""

    @property
    def is_missing(self) -> bool:
        """Return whether the file does not exist."""
        return self.tree is None

    @property
    def identity(self) -> object:
        """Return what tells it from other files."""
        return self.device, self.path, self.any_tree, tuple(overlay.identity for overlay in self.overlays)


class KernelStart(Value, kw_only=True):
    """A kernel that the script starts."""

    line: int
    script: str
    kernel: LoadedFile
    part: str = ""
    """Configuration of a FIT image, or empty."""
    initrd: LoadedFile | None = None
    dtb: LoadedFile | None = None
    bootargs: str
    """As in the variable, with its unknown parts."""
    slot: str = ""
    """Name of the update slot for which it was followed, or empty."""
    doubt: str = ""
    """The command that decides whether this is started, if its answer is not known."""


class HushState(Record):
    """Everything that two ways through a script may leave different."""

    env: dict[str, str]
    local: dict[str, str] = field(default_factory=dict)
    """Variables of the shell, which environment variables hide."""
    deleted: set[str] = field(default_factory=set)
    """Variables that the script has deleted or left empty on purpose."""
    memory: dict[int, LoadedFile | None] = field(default_factory=dict)
    """Files by address; None: it is not known which."""
    dtb: int | None = None
    """Address of the device tree that `fdt` works on."""
    status: int | None = 0
    """Result of the last command; None: unknown."""

    def copy(self) -> HushState:
        """Return a state that can be changed on its own."""
        return HushState(
            dict(self.env), dict(self.local), set(self.deleted), dict(self.memory), self.dtb, self.status
        )

    def merge(self, other: HushState) -> None:
        """Keep what is the same in both ways; the rest becomes unknown."""
        for mine, theirs in ((self.env, other.env), (self.local, other.local)):
            for name in mine.keys() | theirs.keys():
                if mine.get(name) != theirs.get(name):
                    mine[name] = _common(name, mine.get(name, ""), theirs.get(name, ""))
        self.deleted &= other.deleted
        for address in self.memory.keys() | other.memory.keys():
            # from memory into which one way loads nothing, only the other way can start something
            if address not in self.memory or address not in other.memory:
                self.memory[address] = (other if address in other.memory else self).memory[address]
            elif self.memory[address] != other.memory[address]:
                self.memory[address] = _either(self.memory[address], other.memory[address])
        self.dtb = self.dtb if self.dtb == other.dtb else None
        self.status = self.status if self.status == other.status else None


def _common(name: str, first: str, second: str) -> str:
    """Return the words that two values of a variable begin and end with; what is between them is unknown."""
    words, others = first.split(" "), second.split(" ")
    before = len(_beginning(words, others))
    after = len(_beginning(words[before:][::-1], others[before:][::-1]))
    return " ".join([*words[:before], unknown(name), *words[len(words) - after :]])


def _beginning(words: list[str], others: list[str]) -> list[str]:
    """Return the words that both lists begin with."""
    same = 0
    while same < min(len(words), len(others)) and words[same] == others[same]:
        same += 1
    return words[:same]


def _either(first: LoadedFile | None, second: LoadedFile | None) -> LoadedFile | None:
    """Return what is known of a file that is one of two; two device trees may be of one directory."""
    if first is None or second is None:
        return None
    folders = [each.path if each.any_tree else each.path.rpartition("/")[0] for each in (first, second)]
    trees = [each.any_tree or each.path.endswith(".dtb") for each in (first, second)]
    if first.device != second.device or folders[0] != folders[1] or not all(trees):
        return None
    return replace(first, path=folders[0] or "/", any_tree=True, tree=first.tree or second.tree)


class Run(Record, eq=False):
    """One run of a script and all that it calls."""

    tree: Tree
    platform: Platform
    state: HushState
    addresses: loader_variables.Addresses = field(default_factory=loader_variables.Addresses)
    steps: int = MAX_STEPS
    work: int = MAX_WORK
    starts: list[KernelStart] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Why kernels that the script tries to start cannot be started, with the line."""
    doubts: list[str] = field(default_factory=list)
    """The commands with unknown results on which the commands that are run now depend."""
    places: dict[str, int] = field(default_factory=dict)
    """Addresses that are not known, by text."""
    not_run: str = ""
    """The first `run` of a variable without a value here, which may be one of U-Boot's own."""
    lacking: str = ""
    """The first variable without a value here that a command for loading a file needs."""
    mmc_disks: set[str] = field(default_factory=set)
    """Numbers of SD cards and eMMC that the script names."""
    exported: set[str] = field(default_factory=set)
    """Variables that the script itself stores outside all files."""
    edits: int = 0
    """The first line that changes the device tree, or 0."""
    line: int = 1
    script: str = ""
    """Path of the script whose line this is."""

    def spend(self, steps: int, work: int = 0) -> None:
        """Use up some of the budget. Raise CannotFollowError if there is none left."""
        self.steps -= steps
        self.work -= work
        if self.steps < 0 or self.work < 0:
            raise CannotFollowError("the script takes too many steps")

    def value(self, name: str) -> str:
        """Return the value of a variable, with the parts that are not known."""
        state = self.state
        found = state.env.get(name) or state.local.get(name)
        if found or name in state.deleted:
            return found or ""
        return self.addresses.value(name) or loader_variables.not_known(name) or absent(name)

    def set(self, name: str, value: str, *, local: bool = False) -> None:
        """Set a variable, or delete it if the value is empty."""
        state = self.state
        if len(value) > MAX_VALUE or (name not in state.env and len(state.env) + len(state.local) >= MAX_VARIABLES):
            raise CannotFollowError("the script sets too many or too long variables")
        self.spend(1, len(name) + len(value) + 8)
        values = state.local if local else state.env
        if value:
            values[name] = value
            state.deleted.discard(name)
        else:
            values.pop(name, None)
            state.deleted.add(name)
            if len(state.deleted) > MAX_VARIABLES:
                raise CannotFollowError("the script deletes too many variables")

    def address(self, text: str) -> int:
        """Return the address that a text means; one that is not known is told apart by its text."""
        if not is_unknown(text):
            return hexadecimal(text)
        if text not in self.places and len(self.places) >= MAX_VARIABLES:
            raise CannotFollowError("the script uses too many addresses")
        return self.places.setdefault(text, -1 - len(self.places))

    def is_elsewhere(self, kind: str, where: str) -> bool:
        """Return whether a script that tells several disks apart means another one than its own."""
        own, number = loader_variables.DiskNames(self.tree), where.partition(":")[0]
        others = self.mmc_disks - {own.index} if own.index in self.mmc_disks else set()
        return (kind, own.kind) == ("mmc", "mmc") and number in others

    def unknown_number(self, name: str) -> str:
        """Return a number that is not known, and differs from all others."""
        return unknown(f"{name}-{self.steps}")

    def peek(self, address: int, width: int) -> int | None:
        """Return the number in memory at an address, little-endian, if a file was loaded there. width: in bytes."""
        self.spend(1, 1000)
        for begin, file in self.state.memory.items():
            if file is not None and file.tree is not None and begin <= address <= begin + file.size - width:
                try:
                    with file.tree.open(file.path) as source:
                        return int.from_bytes(source.read(address - begin, width), "little")
                except (TreeError, OSError):
                    return None
        return None

    def fail(self, reason: str) -> None:
        """Note why a kernel cannot be started from here."""
        if len(self.failed) < _MAX_FAILED:
            self.failed.append(f"line {self.line}: {reason}")


def hexadecimal(text: str) -> int:
    """Return a number as U-Boot reads it (hextoul), up to the first other character."""
    digits = text.strip().lower().removeprefix("0x")[:16]
    end = next((at for at, char in enumerate(digits) if char not in "0123456789abcdef"), len(digits))
    return int(digits[:end] or "0", 16)
