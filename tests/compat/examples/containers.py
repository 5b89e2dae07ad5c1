# SPDX-License-Identifier: MIT
"""Files around a kernel, from bytes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tests.builders import containers
from tests.builders.entries import kernel_file, kernel_of, tree_file, whole_image, with_tree
from tests.compat.examples.base import FAIL, PASS, TREE, UNKNOWN, WARN, Example, bytes_of, virt


def wrapped() -> Iterator[Example]:
    code = "IMG-ZBOOT"
    good = containers.zboot(whole_image())
    yield Example(code=code, name="whole", severity=PASS, entry=bytes_of(good), says="unpacked")
    outside = bytes_of(containers.zboot(whole_image(), size=1 << 30))
    yield Example(code=code, name="outside", severity=FAIL, entry=outside, says="outside the file")
    cut = bytes_of(good[:-100])
    yield Example(code=code, name="cut", severity=FAIL, entry=cut, says="outside the file")
    strange = bytes_of(containers.zboot(whole_image(), name=b"middle-out"))
    yield Example(code=code, name="compression", severity=FAIL, entry=strange, says="middle-out")
    hollow = bytes_of(containers.zboot(b"hello"))
    yield Example(code=code, name="no kernel in it", severity=FAIL, entry=hollow, says="no kernel")
    yield Example(code=code, name="plain", severity=None)

    code = "IMG-UKI"
    linux = (".linux", whole_image())
    yield Example(code=code, name="kernel only", severity=PASS, entry=bytes_of(containers.uki(linux)))
    full = containers.uki(linux, (".initrd", b"070701"), (".cmdline", b"quiet"), (".dtb", b"x"))
    alone = dataclasses.replace(bytes_of(full), command_line="")
    for part in ("its initramfs", "its command line", "its device tree"):
        yield Example(code=code, name=f"left behind {part}", severity=WARN, entry=alone, says=part)
    own_parts = with_tree(
        TREE, files=(kernel_file(), kernel_file(role="initramfs"), tree_file()), kernel=kernel_of(full)
    )
    yield Example(code=code, name="the entry has its own", severity=PASS, entry=own_parts)
    elsewhere = containers.uki(linux, (".dtbauto", containers.board_dtb("acme,rocket")))
    yield Example(code=code, name="a tree for another board", severity=PASS, entry=bytes_of(elsewhere))
    yield Example(
        code=code,
        name="no linux",
        severity=FAIL,
        entry=bytes_of(containers.uki((".cmdline", b"quiet"), (".osrel", b"ID=x"))),
        says="no section .linux",
    )
    yield Example(code=code, name="cut", severity=FAIL, entry=bytes_of(full[:9000]), says="outside the file")
    inner = containers.uki((".linux", containers.zboot(whole_image())))
    yield Example(code=code, name="zboot in it", severity=PASS, entry=bytes_of(inner))
    yield Example(code="IMG-ZBOOT", name="in a UKI", severity=PASS, entry=bytes_of(inner))

    code = "IMG-FIT"
    ours = TREE.compatible[0]
    yield Example(code=code, name="for this board", severity=PASS, entry=bytes_of(containers.fit(board=(ours,))))
    other = bytes_of(containers.fit(board=("acme,rocket",)))
    yield Example(code=code, name="for another", severity=WARN, entry=other, says="acme,rocket")
    spoilt_hash = bytes_of(containers.fit(board=(ours,), spoil=True))
    yield Example(code=code, name="hash", severity=FAIL, entry=spoilt_hash, says="sha256")
    yield Example(code=code, name="does not say", severity=UNKNOWN, entry=bytes_of(containers.fit(board=())))
    fit = bytes_of(containers.fit(board=(ours,)))
    yield Example(code=code, name="board unknown", severity=UNKNOWN, entry=fit, machine=virt(tree=None))
    lost = bytes_of(containers.fit(board=(ours,), kernel="kernel-9"))
    yield Example(code=code, name="no kernel", severity=FAIL, entry=lost, says="no configuration")
