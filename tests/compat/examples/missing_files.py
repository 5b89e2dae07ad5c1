# SPDX-License-Identifier: MIT
"""Files that an entry names."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import FileState
from tests.builders.entries import kernel_file, tree_file, with_files
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, Example


def _digests() -> Iterator[Example]:
    code, digest = "FILE-DIGEST", "ab" * 32
    yield Example(
        code=code,
        name="the right ones",
        severity=PASS,
        entry=with_files(kernel_file(demanded=digest, sha256=digest), tree_file()),
    )
    yield Example(
        code=code,
        name="another kernel",
        severity=FAIL,
        entry=with_files(kernel_file(demanded=digest, sha256="cd" * 32)),
        says="is not the one that the entry was made for",
    )
    yield Example(
        code=code,
        name="not read",
        severity=UNKNOWN,
        entry=with_files(kernel_file(demanded=digest, sha256=digest), tree_file(demanded=digest)),
        says="only seen when it is loaded",
    )
    yield Example(code=code, name="nothing demanded", severity=None, entry=with_files(kernel_file()))


def files() -> Iterator[Example]:
    code = "FILE-OUTSIDE"
    yield Example(code=code, name="inside", severity=PASS)
    yield Example(
        code=code,
        name="outside",
        severity=FAIL,
        entry=with_files(kernel_file(state=FileState.OUTSIDE, detail="/.. climbs", resolved=None)),
        says="climbs",
    )
    yield Example(
        code=code,
        name="disk not seen",
        severity=None,
        entry=with_files(kernel_file(state=FileState.WAITING)),
    )
    yield Example(
        code=code,
        name="forbidden",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.FORBIDDEN)),
        says="as root",
    )
    yield Example(code=code, name="names nothing", severity=None, entry=with_files())
    code = "FILE-MISSING"
    yield Example(code=code, name="all there", severity=PASS, entry=with_files(kernel_file(), tree_file()))
    yield Example(
        code=code,
        name="missing",
        severity=FAIL,
        entry=with_files(kernel_file(), tree_file(state=FileState.MISSING, resolved="/real/board.dtb")),
        says="sda1:/boot/board.dtb (that is /real/board.dtb)",
    )
    yield Example(
        code=code,
        name="a folder",
        severity=FAIL,
        entry=with_files(kernel_file(state=FileState.UNUSABLE, detail="is a folder, not a file")),
        says="is a folder",
    )
    yield Example(
        code=code,
        name="forbidden",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.FORBIDDEN)),
        says="as root",
    )
    yield Example(
        code=code,
        name="disk not seen",
        severity=UNKNOWN,
        entry=with_files(kernel_file(state=FileState.WAITING, device="uuid=1234")),
        says="waits for the device uuid=1234",
    )
    yield from _digests()
    yield Example(
        code=code,
        name="outside is not missing",
        severity=None,
        entry=with_files(kernel_file(state=FileState.OUTSIDE)),
    )
