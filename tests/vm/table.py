# SPDX-License-Identifier: MIT
"""Writes the truth table into docs/verdicts.md, from the rows that the last run of the scenarios left.

python -m tests.vm.table docs/verdicts.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.vm.truth import SCENARIOS

ROWS = Path(__file__).parents[2] / "build" / "scenarios"
_BEGIN, _END = "<!-- scenarios -->", "<!-- /scenarios -->"


def table(rows: dict[str, dict[str, str]]) -> str:
    """Markdown, in the order of the list. Raises SystemExit when a row is missing."""
    missing = [scenario.name for scenario in SCENARIOS if scenario.name not in rows]
    if missing:
        raise SystemExit(f"not run yet: {', '.join(missing)}. Run: make scenarios")
    lines = ["| scenario | predicted | load | next kernel |", "| --- | --- | --- | --- |"]
    for scenario in SCENARIOS:
        row = rows[scenario.name]
        codes = f" {', '.join(row['codes'])}" if row["codes"] else ""
        lines.append(f"| {row['scenario']} | {row['predicted']}{codes} | {row['load']} | {row['second']} |")
    return "\n".join(lines)


def main(page: Path) -> None:
    """Replace what stands between the two marks."""
    rows = {row["scenario"]: row for row in (json.loads(path.read_text("utf-8")) for path in ROWS.glob("*.json"))}
    text = page.read_text("utf-8")
    head, begin, rest = text.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise SystemExit(f"{page} has no place for the table: {_BEGIN} and {_END}")
    page.write_text(f"{head}{begin}\n{table(rows)}\n{end}{tail}", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
