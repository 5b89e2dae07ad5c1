# SPDX-License-Identifier: MIT
"""Compiles bootmenu/i18n/locale/*.po to .mo files, as a build hook of hatchling: a wheel carries only these.

An editable installation compiles them in place, and so do the tests if a .po file is newer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE = Path(__file__).parents[1] / "bootmenu" / "i18n" / "locale"


class CatalogueHook(BuildHookInterface[Any]):
    """Compiles the catalogues before they are packed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile every catalogue."""
        compile_catalogues(Path(self.root) / LOCALE.relative_to(Path(__file__).parents[1]))


def compile_catalogues(folder: Path = LOCALE) -> None:
    """Write LANG.mo beside each LANG.po, unless it is newer."""
    for source in sorted(folder.glob("*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        partial = target.with_suffix(".mo.part")
        with source.open("rb") as text, partial.open("wb") as binary:
            write_mo(binary, read_po(text, abort_invalid=True))
        partial.replace(target)  # somebody else may be reading or writing it


if __name__ == "__main__":
    compile_catalogues()
