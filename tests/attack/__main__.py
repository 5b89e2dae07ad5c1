# SPDX-License-Identifier: MIT
"""`python -m tests.attack [PART] [options]`: run a part or all of them, and print what came of it.

Exits 1 when anything broke.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Sequence

from tests.attack.tally import SEED, Tally, table, told

PARTS = {"inputs": 50_000, "loads": 1_000, "kills": 100, "soak": 60}
"""Each with how much of it there is unless --count or --minutes says otherwise: the soak's are minutes."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=[*PARTS], help="only this one")
    parser.add_argument("--seed", type=int, default=SEED, help="another one makes other attacks")
    parser.add_argument("--count", type=int, help="inputs, loads or kills in place of the part's own number")
    parser.add_argument("--minutes", type=float, help="of the soak")
    parser.add_argument("--flap", type=float, default=1.0, help="seconds between two changes of the soak's device")
    parser.add_argument(
        "--double", action="store_true", help="soak with a machine double, also where loop devices are"
    )
    parser.add_argument("--only", default="", metavar="KIND", help="one kind of a part")
    parser.add_argument("--index", default="", metavar="N[-M]", help="one attack of that kind, or a row of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes for the inputs at a time")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    return parser


def _part(arguments: argparse.Namespace) -> list[Tally]:
    match arguments.part:
        case "inputs":
            from tests.attack import inputs

            count = arguments.count or PARTS["inputs"]
            return inputs.run(arguments.seed, count, only=arguments.only, index=arguments.index, jobs=arguments.jobs)
        case "loads":
            from tests.attack import loads

            return loads.run(
                arguments.seed, arguments.count or PARTS["loads"], only=arguments.only, index=arguments.index
            )
        case "kills":
            from tests.attack import kills

            return kills.run(
                arguments.seed, arguments.count or PARTS["kills"], only=arguments.only, index=arguments.index
            )
        case _:
            from tests.attack import soak

            seconds = 60.0 * (arguments.minutes or PARTS["soak"])
            return [soak.run(arguments.seed, seconds, double=arguments.double or None, flap=arguments.flap)]


def _in_a_process(part: str, words: Sequence[str]) -> list[Tally]:
    """A part has the machine's calls in its hands, and a fault of one part is none of the next."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.attack", part, "--json", *words], stdout=subprocess.PIPE, check=False
    )
    try:
        return [Tally.from_json(value) for value in json.loads(done.stdout)]
    except ValueError:
        tally = Tally(kind=part)
        tally.broke(f"this part of the campaign ended with {done.returncode}", f'make attack ARGS="{part}"')
        return [tally]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 1 when anything broke."""
    # a shell in the background and nohup ignore these, and so would everything that is attacked
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser().parse_args(words)
    if arguments.part is None and (arguments.count or arguments.only or arguments.index):
        _parser().error("--count, --only and --index go with one part")
    if arguments.part is not None:
        tallies = _part(arguments)
    else:
        tallies = []
        for part in PARTS:
            told(f"{part} begin")
            mine = ["--seed", str(arguments.seed), "--jobs", str(arguments.jobs)]
            mine += ["--minutes", str(arguments.minutes)] if part == "soak" and arguments.minutes else []
            tallies += _in_a_process(part, mine)
    if arguments.json:
        print(json.dumps([tally.to_json() for tally in tallies]))
    else:
        for line in table(tallies):
            print(line)
    return 1 if any(tally.failed for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
