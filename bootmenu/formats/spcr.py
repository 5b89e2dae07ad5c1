# SPDX-License-Identifier: MIT
"""Read ACPI's table SPCR (Serial Port Console Redirection), in which firmware names its console.

https://learn.microsoft.com/windows-hardware/drivers/serports/serial-port-console-redirection-table; Linux reads it in
drivers/acpi/spcr.c.
"""

from __future__ import annotations

LIMIT = 4096
"""Bytes; the table has less than a hundred, plus the name of a device."""

_HEADER = 36
_DRIVERS = {
    # acpi_parse_spcr: PL011 and compatible ports, and all of the 16550 family
    **dict.fromkeys((0x03, 0x0D, 0x0E, 0x10), "ttyAMA"),
    **dict.fromkeys((0x00, 0x01, 0x05, 0x12), "ttyS"),
}


def console(data: bytes) -> str | None:
    """Return the kind of console, `ttyAMA` or `ttyS`; an empty text if it is disabled or not supported by Linux; None
    if the data is not an SPCR table."""
    if data[:4] != b"SPCR" or len(data) < _HEADER + 16:
        return None
    # a generic address: address space, width, offset, access size, and 8 bytes of the address; 0 = redirection is off
    if not any(data[_HEADER + 8 : _HEADER + 16]):
        return ""
    return _DRIVERS.get(data[_HEADER], "")
