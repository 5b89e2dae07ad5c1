# SPDX-License-Identifier: MIT
"""Synthetic files for the builder's tests."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


def module(**info: str | Sequence[str]) -> bytes:
    """A kernel module that is nothing but its .modinfo: ``module(depends="a,b", alias=["x", "y"])``."""
    pairs = [
        (key, value) for key, values in info.items() for value in ([values] if isinstance(values, str) else values)
    ]
    modinfo = b"".join(f"{key}={value}".encode() + b"\0" for key, value in pairs)
    names = b"\0.modinfo\0.shstrtab\0"
    at = 64
    sections = [
        bytes(64),
        struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, at, len(modinfo), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 10, 3, 0, 0, at + len(modinfo), len(names), 0, 0, 1, 0),
    ]
    table = at + len(modinfo) + len(names)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 1, 183, 1, 0, 0, table, 0, 64, 0, 0, 64, 3, 2)
    return header + modinfo + names + b"".join(sections)


def tree(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Files below a folder; text is a link's target."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            target.symlink_to(content)
        else:
            target.write_bytes(content)
    return folder


@dataclass(frozen=True, slots=True)
class Done:
    """A process that ended."""

    returncode: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(slots=True)
class FakeRunner:
    """Remembers what it was asked to run; answers by the program's name."""

    answers: Mapping[str, Done] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)

    def run(self, argv: Sequence[str], *, timeout: float, data: bytes | None = None, keep: int = 0) -> Done:
        self.calls.append(list(argv))
        return self.answers.get(argv[0], Done())
