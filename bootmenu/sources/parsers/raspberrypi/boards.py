# SPDX-License-Identifier: MIT
"""The models of Raspberry Pi: which sections of config.txt apply to them, and which files their firmware loads.

Sections: raspberrypi/documentation, config_txt/conditional.adoc. Type numbers: the same, raspberry-pi/revision-codes.
`compatible`: arch/arm and arch/arm64/boot/dts/broadcom, Documentation/devicetree/bindings/arm/bcm/bcm2835.yaml.
"""

from __future__ import annotations

import re

from bootmenu.model.value import Value


class PiBoard(Value, kw_only=True):
    """A model, as far as its root `compatible` identifies it."""

    sections: frozenset[str]
    """Model filters that apply to it."""
    types: frozenset[int]
    """Type numbers of its revision codes; several if they have the same `compatible`."""
    platform: str
    """Its name in overlay_map.dtb."""
    trees: tuple[str, ...]
    """Device trees that its firmware may load; `compatible` does not tell which of several."""
    upstream: tuple[str, ...]
    """The names of these device trees in the upstream kernel."""
    kernel32: str | None
    """Default name of its 32-bit kernel, or None if it cannot run one."""
    kernels64: tuple[str, ...]
    """Default names of its 64-bit kernel; the first that exists is used."""
    prefers64: bool
    """Default of arm_64bit."""
    serial0: str
    """The console with which the firmware replaces `serial0`."""


def _board(
    sections: str,
    types: tuple[int, ...],
    trees: str,
    upstream: str = "",
    *,
    platform: str = "bcm2835",
    kernel32: str | None = "kernel7.img",
    kernels64: tuple[str, ...] = ("kernel8.img",),
    prefers64: bool = False,
    serial0: str = "ttyAMA0",
) -> PiBoard:
    def files(names: str) -> tuple[str, ...]:
        return tuple(f"{name}.dtb" for name in names.split())

    return PiBoard(
        sections=frozenset(sections.split()),
        types=frozenset(types),
        platform=platform,
        trees=files(trees),
        upstream=files(upstream),
        kernel32=kernel32,
        kernels64=kernels64,
        prefers64=prefers64,
        serial0=serial0,
    )


def _first(sections: str, types: tuple[int, ...], trees: str, upstream: str, serial0: str = "ttyAMA0") -> PiBoard:
    return _board(sections, types, trees, upstream, kernel32="kernel.img", kernels64=(), serial0=serial0)


def _fourth(sections: str, types: tuple[int, ...], trees: str) -> PiBoard:
    # boot.adoc, kernel: "kernel8.img, or kernel7l.img if arm_64bit is set to 0"
    return _board(
        sections, types, trees, platform="bcm2711", kernel32="kernel7l.img", prefers64=True, serial0="ttyS0"
    )


def _fifth(sections: str, types: tuple[int, ...], trees: str) -> PiBoard:
    # boot.adoc, kernel: "defaults to loading kernel_2712.img ... If this file is not present, then the common 64-bit
    # kernel (kernel8.img) will be loaded instead"
    return _board(
        sections,
        types,
        trees,
        platform="bcm2712",
        kernel32=None,
        kernels64=("kernel_2712.img", "kernel8.img"),
        prefers64=True,
        serial0="ttyAMA10",
    )


_BOARDS = {
    "model-a": _first("pi1", (0,), "bcm2708-rpi-b", "bcm2835-rpi-a"),
    "model-a-plus": _first("pi1", (2,), "bcm2708-rpi-b-plus", "bcm2835-rpi-a-plus"),
    "model-b": _first("pi1", (1,), "bcm2708-rpi-b", "bcm2835-rpi-b"),
    "model-b-rev2": _first("pi1", (1,), "bcm2708-rpi-b", "bcm2835-rpi-b-rev2"),
    "model-b-plus": _first("pi1", (3,), "bcm2708-rpi-b-plus", "bcm2835-rpi-b-plus"),
    "compute-module": _first("pi1 cm1", (6,), "bcm2708-rpi-cm", "bcm2835-rpi-cm1-io1"),
    "model-zero": _first("pi0", (9,), "bcm2708-rpi-zero", "bcm2835-rpi-zero"),
    "model-zero-w": _first("pi0 pi0w", (0xC,), "bcm2708-rpi-zero-w", "bcm2835-rpi-zero-w", "ttyS0"),
    "model-zero-2-w": _board(
        "pi0 pi0w pi02",
        (0x12,),
        "bcm2710-rpi-zero-2-w bcm2710-rpi-zero-2",
        "bcm2837-rpi-zero-2-w",
        serial0="ttyS0",
    ),
    "2-model-b": _board("pi2", (4,), "bcm2709-rpi-2-b", "bcm2836-rpi-2-b"),
    # only this revision has 64-bit processors
    "2-model-b-rev2": _board("pi2", (4,), "bcm2710-rpi-2-b", "bcm2837-rpi-2-b"),
    "3-model-b": _board("pi3", (8,), "bcm2710-rpi-3-b", "bcm2837-rpi-3-b", serial0="ttyS0"),
    "3-model-b-plus": _board("pi3 pi3+", (0xD,), "bcm2710-rpi-3-b-plus", "bcm2837-rpi-3-b-plus", serial0="ttyS0"),
    "3-model-a-plus": _board("pi3 pi3+", (0xE,), "bcm2710-rpi-3-b-plus", "bcm2837-rpi-3-a-plus", serial0="ttyS0"),
    "3-compute-module": _board("pi3 cm3", (0xA, 0x10), "bcm2710-rpi-cm3", "bcm2837-rpi-cm3-io3"),
    "3-compute-module-lite": _board("pi3 cm3", (0xA, 0x10), "bcm2710-rpi-cm3", "bcm2837-rpi-cm3-io3"),
    "4-model-b": _fourth("pi4", (0x11,), "bcm2711-rpi-4-b"),
    "400": _fourth("pi4 pi400", (0x13,), "bcm2711-rpi-400"),
    "4-compute-module": _fourth("pi4 cm4", (0x14,), "bcm2711-rpi-cm4 bcm2711-rpi-cm4-io"),
    "4-compute-module-s": _fourth("pi4 cm4s", (0x15,), "bcm2711-rpi-cm4s"),
    "5-model-b": _fifth("pi5", (0x17,), "bcm2712-rpi-5-b"),
    "500": _fifth("pi5 pi500", (0x19,), "bcm2712-rpi-500"),
    "5-compute-module": _fifth("pi5 cm5", (0x18, 0x1A), "bcm2712-rpi-cm5-cm5io bcm2712-rpi-cm5-cm4io"),
    "5-compute-module-lite": _fifth("pi5 cm5", (0x18, 0x1A), "bcm2712-rpi-cm5l-cm5io bcm2712-rpi-cm5l-cm4io"),
}


def with_console(line: str, board: PiBoard | None, serial0: str = "") -> str:
    """Return a command line with the board's console in place of `serial0`, or with another one.

    "the serial0 (primary) and serial1 (secondary) aliases ... are always replaced by the appropriate UART"
    (RPi-Distro/raspberrypi-sys-mods, issue 18); configuration/uart.adoc says which."""
    return re.sub(r"=serial0(?=[,\s]|$)", f"={serial0 or board.serial0}", line) if board is not None else line


def find(compatible: tuple[str, ...]) -> PiBoard | None:
    """Return the model with that root `compatible`, or None if it is unknown or no Raspberry Pi."""
    for name in compatible:
        vendor, comma, model = name.partition(",")
        if comma and vendor == "raspberrypi" and model in _BOARDS:
            if model == "2-model-b" and "brcm,bcm2837" in compatible:
                model = "2-model-b-rev2"
            return _BOARDS[model]
    return None
