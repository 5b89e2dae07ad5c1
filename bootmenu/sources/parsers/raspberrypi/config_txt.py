# SPDX-License-Identifier: MIT
"""Read config.txt into the settings that affect what is booted; ignore all others.

Syntax: raspberrypi/documentation, config_txt/what_is_config_txt.adoc; sections: config_txt/conditional.adoc.
"""

from __future__ import annotations

import re

from bootmenu.model.entry import Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field
from bootmenu.sources import Board
from bootmenu.sources.parsers.raspberrypi.boards import PiBoard
from bootmenu.sources.tree import CONFIG_LIMIT, Tree, TreeError, normal, read_text

# "There is a 98-character line length limit ... any characters past this limit will be ignored"
_LINE_LIMIT = 98
_MAX_DEPTH = 8
_MAX_INCLUDES = 32
_MAX_OVERLAYS = 100
_MAX_PARAMETERS = 200
_MAX_PROBLEMS = 50

_VALUES = frozenset(
    "kernel ramfsfile auto_initramfs cmdline device_tree os_prefix overlay_prefix arm_64bit arm_control"
    " upstream_kernel boot_ramdisk".split()
)
_LEFT_TO_THE_BOARD = frozenset(("dtoverlay", "dtparam", "overlay_prefix"))
"""Settings without which the same system is booted."""
_OLD_NAMES = {"device_tree_overlay": "dtoverlay", "device_tree_param": "dtparam"}
_WORDS = frozenset(("initramfs", "include"))  # followed by a space, not by "="

_MODEL = regex(r"^(pi|cm)\d")
# conditional.adoc and boot.adoc: "initramfs", "include"; the firmware takes `kernel NAME`, too, as piCore writes it
_SPACED = regex(r"(initramfs|include|kernel)\s+(?=[^\s=])")
_MODEL_OR_ALL = regex(r"(?:all|none|tryboot|(?:pi|cm)\d\w*\+?)", re.IGNORECASE)
_UNANSWERED = regex(r"^(0x|serial=|gpio\d|EDID=|partition=|boot_count|boot_arg|bootvar|connected)")
_PARTITION = regex(r"(?:\D|\dp)(\d{1,3})$")


class Overlay(Record):
    """One `dtoverlay=`."""

    name: str
    parameters: list[str]


class Config(Record):
    """The settings for the kernel and its device tree that apply to this board."""

    values: dict[str, str] = field(default_factory=dict)
    """The last value of each setting in _VALUES."""
    initramfs: tuple[str, ...] = ()
    """Names of initramfs, in order."""
    overlays: list[Overlay] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    """Parameters of the board's device tree (`dtparam`)."""
    problems: list[Problem] = field(default_factory=list)
    undecided: tuple[str, ...] = ()
    """The sections of which only the firmware knows whether they decide what is booted, at most one."""
    asks_for_tryboot: bool = False
    """Whether a section holds only with the flag `tryboot`."""

    @property
    def booted(self) -> tuple[object, ...]:
        """Return all that decides what is booted."""
        return self.values, self.initramfs, self.overlays, self.parameters

    def on(self, name: str) -> bool | None:
        """Return the value of a switch, or None if it is missing or not a number."""
        number = _number(self.values.get(name, ""))
        return None if number is None else number != 0


class ConfigTxtReader:
    """Reads one configuration and the files it includes."""

    def __init__(
        self, tree: Tree, folder: str, compatible: Board, board: PiBoard | None, *, tryboot: bool = False
    ) -> None:
        self._tree = tree
        self._folder = folder
        self._compatible = compatible
        self._board = board
        self._tryboot = tryboot
        self._filters: dict[str, bool | None] = {}
        self._section = "all"
        self._includes = 0
        self._left = CONFIG_LIMIT
        self._overlay: Overlay | None = None
        self._path = ""
        self.config = Config()

    def read(self, name: str) -> Config:
        """Return the configuration. Raise TreeError if the file cannot be read; for included files add a problem."""
        path = normal(name, self._folder)
        self._text(path, read_text(self._tree, path), 0)
        return self.config

    def _problem(self, message: str) -> None:
        if len(self.config.problems) < _MAX_PROBLEMS:
            self.config.problems.append(Problem(device=self._tree.device, path=self._path, message=message))

    def _text(self, path: str, text: str, depth: int) -> None:
        self._left -= len(text)
        outer, self._path = self._path, path
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if line.startswith("[") and line.endswith("]"):
                name = line[1:-1]
                # piCore writes [PI4] and [ALL], and boots
                self._filter(name.lower() if _MODEL_OR_ALL.fullmatch(name) else name, number)
            elif line and not line.startswith("#"):
                self._line(line, number, depth)
        self._path = outer

    def _line(self, line: str, number: int, depth: int) -> None:
        if (match := _SPACED.match(line)) is not None:
            key, value = match[1], line[match.end() : _LINE_LIMIT].strip()
        else:
            key, equals, value = line[:_LINE_LIMIT].partition("=")
            spaced = key != key.strip() or value != value.lstrip()
            key = _OLD_NAMES.get(key.strip(), key.strip())
            if key not in _VALUES and key not in ("dtoverlay", "dtparam", *_WORDS):
                return None
            if not equals or key in _WORDS:
                how = "must be followed by a space and a value" if key in _WORDS else "has no value"
                return self._problem(f"line {number}: {key}: {how}")
            if spaced:
                return self._problem(f"line {number}: {key}: no space is allowed around the equals sign")
        holds = self._holds()
        if holds is None:
            if key not in _LEFT_TO_THE_BOARD:
                self.config.undecided = (f"[{self._section[:40]}]",)
            self._problem(
                f"line {number}: {key} is left out: only the firmware knows whether [{self._section[:40]}] applies"
            )
        if not holds:
            return None
        if len(line) > _LINE_LIMIT:
            self._problem(f"line {number}: {key}: the firmware reads only {_LINE_LIMIT} characters of a line")
        return self._set(key, value, number, depth)

    def _set(self, key: str, value: str, number: int, depth: int) -> None:
        match key:
            case "include":
                self._include(value, number, depth)
            case "initramfs":
                # boot.adoc: "initramfs initramf.gz 0x00800000"; kexec chooses the address itself
                self.config.initramfs = _names(value.split()[0])
            case "ramfsfile":
                self.config.initramfs = _names(value)
            case "dtoverlay":
                # device-tree.adoc: a colon "to separate the overlay name from its parameters" is a supported variant
                name, _, listed = value.partition(",")
                name, _, first = name.partition(":")
                parameters = [first, *listed.split(",")]
                # device-tree.adoc: an empty dtoverlay= ends the last overlay's parameters
                self._overlay = (
                    Overlay(name=name.strip(), parameters=_parameters(parameters)) if name.strip() else None
                )
                if self._overlay and len(self.config.overlays) >= _MAX_OVERLAYS:
                    self._problem(f"line {number}: more than {_MAX_OVERLAYS} overlays, the rest is left out")
                elif self._overlay:
                    self.config.overlays.append(self._overlay)
            case "dtparam":
                # device-tree.adoc: "dtparam" after "dtoverlay" sets a parameter of that overlay
                owner = self._overlay.parameters if self._overlay else self.config.parameters
                owner += _parameters(value.split(","))
                del owner[_MAX_PARAMETERS:]
            case _:
                self.config.values[key] = value

    def _include(self, value: str, number: int, depth: int) -> None:
        path = normal(value, self._folder)
        self._includes += 1
        if depth >= _MAX_DEPTH or self._includes > _MAX_INCLUDES:
            return self._problem(f"line {number}: too many includes, or nested too deeply")
        try:
            text = read_text(self._tree, path)
        except TreeError as error:
            return self._problem(f"line {number}: {path[:100]} {error.detail}")
        if len(text) > self._left:  # the limit is for all files together
            return self._problem(f"line {number}: {path[:100]} makes the configuration too long")
        return self._text(path, text, depth + 1)

    def _holds(self) -> bool | None:
        # conditional.adoc: "Filters of different types can be combined simply by listing them one after the other"
        answers = self._filters.values()
        return False if False in answers else None if None in answers else True

    def _filter(self, section: str, number: int) -> None:
        # "Filters of the same type replace each other"; "[all] ... resets all previously set filters"
        self._section = section
        if section == "all":
            self._filters.clear()
        elif section == "none":
            self._filters["none"] = False
        elif section == "tryboot":
            self._filters["tryboot"] = self._tryboot
            self.config.asks_for_tryboot = True
        elif section.startswith("HDMI:"):
            pass  # selects the port for settings of ports
        elif section.startswith("boot_partition="):
            partition, wanted = _PARTITION.search(self._tree.device), _number(section.partition("=")[2])
            self._filters["boot_partition"] = int(partition[1]) == wanted if partition else None
        elif section.startswith("board-type="):
            wanted = _number(section.partition("=")[2])
            self._filters["model"] = self._model(self._board is not None and wanted in self._board.types)
        elif _MODEL.match(section):
            self._filters["model"] = self._model(self._board is not None and section in self._board.sections)
        elif kind := _UNANSWERED.match(section):
            self._filters[kind[1]] = None
        else:
            self._filters["unknown"] = False
            self._problem(f"line {number}: [{section[:40]}] is an unknown section, left out")

    def _model(self, holds: bool) -> bool | None:
        return holds if self._compatible else None


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in value.split(",") if name)


def _parameters(parts: list[str]) -> list[str]:
    return [part.strip() for part in parts if part.strip()]


def _number(text: str) -> int | None:
    try:
        return int(text.strip(), 0)
    except ValueError:
        return None
