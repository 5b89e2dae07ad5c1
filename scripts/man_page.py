# SPDX-License-Identifier: MIT
"""Write docs/bootmenu.8 from the command line's parser: `make man`."""

from __future__ import annotations

from pathlib import Path

from bootmenu import __version__, cli, manual

PAGE = Path(__file__).parent.parent / "docs" / "bootmenu.8"


def page() -> str:
    """The manual page as it has to be."""
    return manual.man_page(cli.described(), version=__version__, epilog=cli.EPILOG)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
