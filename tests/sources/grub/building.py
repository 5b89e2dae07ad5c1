# SPDX-License-Identifier: MIT
"""Environment blocks, as grub-editenv writes them."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.sources.parsers.grub.environment import SIGNATURE


def block(variables: Mapping[str, str], size: int = 1024) -> bytes:
    """An environment block with these variables, filled up with #."""
    lines = [
        name + "=" + value.replace("\\", "\\\\").replace("\n", "\\\n") + "\n" for name, value in variables.items()
    ]
    return (SIGNATURE + "".join(lines).encode()).ljust(size, b"#")
