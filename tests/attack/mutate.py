# SPDX-License-Identifier: MIT
"""Damage that is made from a seed: what a disk, a line or an enemy makes of a good sample."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tests.sources.test_mutations import MUTATIONS

_LARGEST = 4 << 20
_EXTREMES = (
    0,
    1,
    3,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    (1 << 63) - 1,
    -1,
)
_POISON = (
    *(
        b"\0",
        b"\0" * 64,
        b"\xff" * 64,
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\r",
        b"\n",
        b"\x1b[2J",
        b"\x9b31m",
    ),
    *(
        b"../../../../etc/passwd",
        b"/proc/self/fd/0",
        b"%s%n%x",
        b"$(reboot)",
        b"`reboot`",
        b"{{{{",
        b"[[[[",
        b"((((",
        b"]]]]",
    ),
    *(
        b"9" * 400,
        b"-1",
        b"0x" + b"f" * 40,
        b"1e999",
        b"NaN",
        b"\\",
        b"\\x",
        b"\\u0000",
        b"'",
        b'"',
        b"#",
        b"=",
        b",",
        b";",
    ),
    *("\u202e".encode(), "\u2028".encode(), "\u0301".encode() * 50, "\U0001f600".encode(), b"A" * 5000, b" " * 5000),
)

Damage = Callable[[random.Random, bytes], bytes]


def _bits(chance: random.Random, data: bytes) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        spoilt[_place(chance, len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def _place(chance: random.Random, size: int) -> int:
    """Half of the time where headers are."""
    return chance.randrange(min(size, 512) if chance.random() < 0.5 else size)


def _extreme(chance: random.Random, data: bytes) -> bytes:
    """A length, an offset or a count that nobody should believe."""
    size = chance.choice((1, 2, 4, 4, 8))
    at = _place(chance, len(data)) // size * size
    value = chance.choice((*_EXTREMES, len(data), len(data) - 1, len(data) + 1, chance.getrandbits(31)))
    number = (value & ((1 << 8 * size) - 1)).to_bytes(size, chance.choice(("little", "big")))
    return data[:at] + number + data[at + size :]


def _drop(chance: random.Random, data: bytes) -> bytes:
    at = _place(chance, len(data))
    return data[:at] + data[at + chance.randint(1, max(1, len(data) // 4)) :]


def _double(chance: random.Random, data: bytes) -> bytes:
    at = _place(chance, len(data))
    return data[:at] + data[at : at + chance.choice((1, 4, 64, 4096))] + data[at:]


DAMAGE: tuple[Damage, ...] = (_bits, _bits, _extreme, _extreme, _drop, _double, *MUTATIONS.values())


def mutated(
    chance: random.Random, sample: bytes, others: Sequence[bytes] = (), tokens: Sequence[bytes] = ()
) -> bytes:
    """A sample after one to four accidents; now and then pure noise, or two samples in one."""
    if chance.random() < 0.03:
        return chance.randbytes(chance.choice((0, 1, 7, 64, 512, 4096)))
    data = sample
    if others and chance.random() < 0.1:
        other = chance.choice(others)
        data = data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]
    for _ in range(chance.choice((1, 1, 2, 4))):
        if not data:
            break
        if tokens and chance.random() < 0.4:
            at = chance.randint(0, len(data))
            data = data[:at] + chance.choice((*tokens, *_POISON)) + data[at + chance.choice((0, 0, 1, 8)) :]
        elif chance.random() < 0.15:
            at = chance.randint(0, len(data))
            data = data[:at] + chance.choice(_POISON) + data[at:]
        else:
            data = chance.choice(DAMAGE)(chance, data)
    return data[:_LARGEST]
