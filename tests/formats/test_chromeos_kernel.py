# SPDX-License-Identifier: MIT
"""Kernels for ChromeOS' boot loader, as files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.compat.facts import KernelFacts
from bootmenu.errors import FormatError
from bootmenu.formats.container_parts import parts_of
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer, Wanted
from bootmenu.formats.kernels.chromeos_kernel import ChromeosKernel
from bootmenu.formats.part_cache import content_of
from bootmenu.formats.reader import HEAD_SIZE, Buffer
from bootmenu.model.kernel import Role
from tests.builders import kernels
from tests.builders.containers import board_dtb, chromeos, fit, fit_of
from tests.builders.entries import whole_image
from tests.properties import examples
from tests.sources.parsers.reading import read

KERNEL = whole_image()


def image_for_two_boards() -> bytes:
    images = {
        "k": ("kernel", KERNEL, "none"),
        "r": ("ramdisk", b"070701", "none"),
        "a": ("flat_dt", board_dtb("acme,rocket"), "none"),
        "b": ("flat_dt", board_dtb("acme,anvil"), "none"),
    }
    choices = {name: {"kernel": ["k"], "ramdisk": ["r"], "fdt": [name]} for name in ("a", "b")}
    return fit_of(images, choices, default="a")


def test_the_kernel_in_its_fit_image() -> None:
    data = chromeos(fit(), b"console=tty1\nroot=/dev/x")
    image = identify(Buffer(data))
    assert image.containers == ("chromeos", "fit")
    assert data[image.payload_offset :][: len(KERNEL)] == KERNEL
    found = ChromeosKernel.read(data[:HEAD_SIZE], Buffer(data))
    assert found is not None
    assert (found.offset, found.command_line) == (65536, "console=tty1 root=/dev/x")


@pytest.mark.parametrize(("board", "name"), [("acme,rocket", "a"), ("acme,anvil", "b")])
def test_the_parts_have_their_places_in_the_file(board: str, name: str) -> None:
    source = Buffer(chromeos(image_for_two_boards()))
    image = identify(source, Wanted(board=(board,)))
    trees = [part for part in image.embedded if part.role is Role.DEVICE_TREE]
    assert [part.name for part in trees] == [name]
    assert content_of(source, trees[0]) == board_dtb(board)
    parts = parts_of(source)
    assert parts is not None
    assert content_of(source, parts["r"]) == b"070701"
    assert content_of(source, parts["k"]) == KERNEL


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (chromeos(kernels.bzimage(0x20F, 1)), "without the setup code"),
        (chromeos(fit())[:-9000], "extends beyond the file"),
        (chromeos(fit(), kernel=0), "extends beyond the file"),
        (chromeos(fit(), kernel=1 << 40), "extends beyond the file"),
        (chromeos(fit())[:2250], "the preamble ends early"),
        (b"CHROMEOS", "the keyblock ends early"),
        (b"CHROMEOS" + b"\xff" * 100, "too large"),
        (chromeos(fit_of({}, {})), "kernel"),
    ],
)
def test_what_is_broken(data: bytes, message: str) -> None:
    with pytest.raises(BrokenContainer, match=message):
        identify(Buffer(data))
    assert KernelFacts.from_source(Buffer(data)).image is None


@examples(100)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_any_numbers_give_a_value_or_a_format_error(keyblock: int, preamble: int, load: int, loader: int) -> None:
    data = bytearray(chromeos(b"\xd0\x0d\xfe\xed" + bytes(100)))
    data[16:20] = keyblock.to_bytes(4, "little")
    for at in (0, 2232):
        data[at + 2232 : at + 2236] = preamble.to_bytes(4, "little")
    data[2280:2288], data[2288:2296] = load.to_bytes(8, "little"), loader.to_bytes(8, "little")
    for find in (identify, parts_of):
        try:
            find(Buffer(bytes(data)))
        except FormatError:
            continue


# ---- where they lie -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/vmlinux.kpart", "/boot/vmlinux.kpart", "/boot/depthcharge/6.1.0.img"])
def test_where_they_are_looked_for(path: str) -> None:
    (entry,), problems = read({path: chromeos(fit(), b"root=/dev/x rw kern_guid=%U"), "/boot/other.kpart": b"else"})
    assert not problems
    assert (entry.source, entry.kernel.path) == ("chromeos", path)
    # which partition the firmware would have started is not known, and only matters where the root depends on it
    assert (entry.cmdline.text, entry.cmdline.variables) == ("root=/dev/x rw kern_guid=", ())


def test_a_root_that_depends_on_the_firmware_is_unknown() -> None:
    (entry,), _ = read({"/vmlinux.kpart": chromeos(fit(), b"root=PARTUUID=%U/PARTNROFF=1 kern_guid=%U")})
    assert entry.cmdline.variables == ("U",)


def test_what_is_broken_is_told() -> None:
    entries, (problem,) = read({"/vmlinux.kpart": chromeos(fit())[:3000], "/vmlinux.img": chromeos(fit())})
    assert not entries
    assert (problem.path, "extends beyond the file" in problem.message) == ("/vmlinux.kpart", True)
