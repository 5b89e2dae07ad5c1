# SPDX-License-Identifier: MIT
"""What a monitor shows: QEMU's picture of the Linux VT, read back cell by cell with the font out of the kernel.

Nothing is guessed: a cell that is no glyph of the font, or has more than two colours, is an error.
"""

from __future__ import annotations

import functools
import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

Colour = tuple[int, int, int]
WIDTH, HEIGHT = 8, 16

_LOW = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼▶◀↕‼¶§▬↨↑↓→←∟↔▲▼"
# drivers/tty/vt/cp437.uni: code page 437, where 0x10 and 0x11 are also U+25B6 and U+25C0
_GLYPHS = _LOW + bytes(range(0x20, 0x7F)).decode("ascii") + "⌂" + bytes(range(0x80, 0x100)).decode("cp437")
MISSING = "■"
"""What the VT draws for a character that its font lacks: 0xfe is also U+FFFD in cp437.uni."""

_CAPITAL_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")
_CAPITAL_B = bytes.fromhex("0000fc6666667c66666666fc00000000")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One character as it is seen."""

    text: str
    ink: Colour
    """That of the glyph; of a blank the same as the ground."""
    ground: Colour

    @property
    def contrast(self) -> float:
        """From 1 to 21, as WCAG 2 has it."""
        dark, light = sorted((_luminance(self.ink), _luminance(self.ground)))
        return (light + 0.05) / (dark + 0.05)


@dataclass(frozen=True, slots=True)
class Font:
    """The 8x16 font of a kernel: what a VT shows that nobody gave another."""

    names: dict[int, str] = field(repr=False)
    """By the 128 bits of the glyph, the uppermost line in the highest."""

    @classmethod
    def of_kernel(cls, kernel: Path) -> Font:
        """lib/fonts/font_8x16.c lies in an uncompressed Image as 256 glyphs of 16 bytes."""
        image = kernel.read_bytes()
        place = image.find(_CAPITAL_A + _CAPITAL_B)
        assert place >= 0, f"{kernel} has no 8x16 font"
        start = place - ord("A") * HEIGHT
        glyphs = [image[at : at + HEIGHT] for at in range(start, start + 256 * HEIGHT, HEIGHT)]
        names: dict[int, str] = {}
        for code in (*range(0x20, 0x7F), *range(0x20), *range(0x7F, 0x100)):  # ASCII first: some are twice there
            names.setdefault(int.from_bytes(glyphs[code], "big"), _GLYPHS[code])
        return cls(names)


@dataclass(frozen=True)
class Screen:
    """One picture, of which the text is read when it is asked for."""

    width: int
    height: int
    """Pixels."""
    pixels: bytes = field(repr=False)
    """Red, green, blue."""
    font: Font = field(repr=False)

    @classmethod
    def from_ppm(cls, data: bytes, font: Font) -> Screen:
        """What `screendump` writes."""
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        assert header is not None, data[:32]
        width, height = int(header[1]), int(header[2])
        pixels = data[header.end() :]
        assert len(pixels) == 3 * width * height
        return cls(width, height, pixels, font)

    def png(self) -> bytes:
        """For people (W3C PNG, 8 bits RGB, no filter)."""
        line = 3 * self.width
        raw = b"".join(b"\0" + self.pixels[at : at + line] for at in range(0, len(self.pixels), line))
        chunks = [
            (b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(raw)),
            (b"IEND", b""),
        ]
        packed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
        return b"\x89PNG\r\n\x1a\n" + b"".join(packed)

    @functools.cached_property
    def cells(self) -> list[list[Cell]]:
        """Row by row."""
        known: dict[bytes, Cell] = {}  # most cells are blanks
        rows = []
        for top in range(self.height // HEIGHT):
            row = []
            for left in range(self.width // WIDTH):
                starts = (3 * ((top * HEIGHT + y) * self.width + left * WIDTH) for y in range(HEIGHT))
                square = b"".join(self.pixels[at : at + 3 * WIDTH] for at in starts)
                if square not in known:
                    known[square] = self._read(square)
                row.append(known[square])
            rows.append(row)
        return rows

    @functools.cached_property
    def lines(self) -> list[str]:
        """The text, without trailing blanks."""
        return ["".join(cell.text for cell in row).rstrip() for row in self.cells]

    def line_of(self, text: str) -> list[Cell]:
        """The cells of the one text in the picture. Raises AssertionError when it is not there."""
        for row, line in enumerate(self.lines):
            if (at := line.find(text)) >= 0:
                return self.cells[row][at : at + len(text)]
        raise AssertionError(f"{text!r} is not on the screen:\n" + "\n".join(self.lines))

    def has(self, text: str) -> bool:
        """Whether a line has this text."""
        return any(text in line for line in self.lines)

    def _read(self, square: bytes) -> Cell:
        pixels = [(square[at], square[at + 1], square[at + 2]) for at in range(0, len(square), 3)]
        colours = sorted(set(pixels), key=pixels.count, reverse=True)
        if len(colours) == 1:
            return Cell(text=" ", ink=colours[0], ground=colours[0])
        if len(colours) == 2:
            # most glyphs have less ink than ground, but ▒ and the like may be either
            for ground, ink in (colours, reversed(colours)):
                bits = int("".join("1" if pixel == ink else "0" for pixel in pixels), 2)
                if (text := self.font.names.get(bits)) is not None:
                    return Cell(text=text, ink=ink, ground=ground)
        return Cell(text="\ufffd", ink=colours[1], ground=colours[0])


def _luminance(colour: Colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
