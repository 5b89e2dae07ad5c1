# SPDX-License-Identifier: MIT
"""ACPI's table of the serial console."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.formats import spcr


def table(kind: int, address: int) -> bytes:
    """As QEMU's virt machine has it: header, kind, 3 reserved bytes, a generic address."""
    header = b"SPCR" + (80).to_bytes(4, "little") + bytes(28)
    return (header + bytes((kind, 0, 0, 0, 0, 32, 0, 3)) + address.to_bytes(8, "little")).ljust(80, b"\0")


@pytest.mark.parametrize(
    ("kind", "address", "console"),
    [
        (3, 0x9000000, "ttyAMA"),
        (0x0E, 1 << 40, "ttyAMA"),
        (0, 0x3F8, "ttyS"),
        (0x12, 1, "ttyS"),
        (3, 0, ""),
        (9, 1, ""),
    ],
)
def test_which_console_it_names(kind: int, address: int, console: str) -> None:
    assert spcr.console(table(kind, address)) == console


@given(st.one_of(st.binary(max_size=100), st.binary(max_size=80).map(lambda data: b"SPCR" + data)))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    sound = len(data) >= 52 and data.startswith(b"SPCR")
    assert spcr.console(data) in (("", "ttyS", "ttyAMA") if sound else (None,))
