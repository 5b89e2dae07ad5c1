# SPDX-License-Identifier: MIT
"""What came of the attacks: counts by kind, and what broke with the command that breaks it again."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic

SEED = 11
_MOST = 12
"""Faults of one kind that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One kind of fault."""

    what: str
    command: str
    """Makes the first attack again that showed it."""
    times: int = 1


@dataclass(slots=True, kw_only=True)
class Tally:
    """One kind of attack."""

    kind: str
    tried: int = 0
    failed: int = 0
    broken: dict[str, Broken] = field(default_factory=dict)
    """By what tells one fault from another."""
    note: str = ""
    """What was measured."""

    def held(self) -> None:
        """One more that did what it should."""
        self.tried += 1

    def broke(self, what: str, command: str, sign: str = "") -> None:
        """One more that did not. sign: what such faults have in common; `what` unless it is given."""
        self.tried += 1
        self.failed += 1
        known = self.broken.get(sign or what)
        self.broken[sign or what] = (
            Broken(what=what, command=command) if known is None else dataclasses.replace(known, times=known.times + 1)
        )

    def add(self, other: Tally) -> None:
        """What another process counted of the same kind."""
        self.tried += other.tried
        self.failed += other.failed
        self.note = self.note or other.note
        for sign, found in other.broken.items():
            known = self.broken.get(sign)
            self.broken[sign] = (
                found if known is None else dataclasses.replace(known, times=known.times + found.times)
            )

    def to_json(self) -> dict[str, object]:
        """For another process."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, object]) -> Tally:
        """And back."""
        fields = dict(value)
        broken = fields.pop("broken")
        assert isinstance(broken, dict)
        return cls(**fields, broken={sign: Broken(**found) for sign, found in broken.items()})  # type: ignore[arg-type]


def table(tallies: Iterable[Tally]) -> Iterator[str]:
    """The lines of it."""
    rows = list(tallies)
    width = max((len(row.kind) for row in rows), default=4)
    yield f"{'kind':<{width}}  {'tried':>7}  {'held':>7}  {'broke':>6}"
    for row in rows:
        counts = f"{row.tried:>7,}  {row.tried - row.failed:>7,}  {row.failed:>6,}"
        yield f"{row.kind:<{width}}  {counts}  {row.note}".rstrip()
    tried, failed = sum(row.tried for row in rows), sum(row.failed for row in rows)
    yield f"{'all':<{width}}  {tried:>7,}  {tried - failed:>7,}  {failed:>6,}"
    for row in rows:
        found = sorted(row.broken.values(), key=lambda one: -one.times)
        for one in found[:_MOST]:
            yield ""
            yield f"BROKEN {row.kind}, {one.times} times: {one.what}"
            yield f"  {one.command}"
        if len(found) > _MOST:
            yield f"... and {len(found) - _MOST} other faults of {row.kind}"


_began = monotonic()


def told(text: str) -> None:
    """A line of progress, on standard error."""
    print(f"[{monotonic() - _began:7.1f} s] {text}", file=sys.stderr, flush=True)
