# SPDX-License-Identifier: MIT
"""Test that a list of rows remembers what has not changed, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bootstate.state import Attempt, State
from bootmenu.discovery.scan_events import EntryFound
from bootmenu.model.value import replace
from bootmenu.session.scan_results import ScanResults
from bootmenu.view.entry_list import Columns, EntryList, Row
from bootmenu.view.entry_texts import Mark
from tests.builders import fakes
from tests.properties import examples

_LISTED = [event.listing for event in fakes.FULL if isinstance(event, EntryFound)]
_OTHER = replace(_LISTED[0], entry=replace(_LISTED[0].entry, title="Another title"))
_IDS = [listing.entry.id for listing in _LISTED]
_STATES = st.builds(
    State,
    default=st.sampled_from([None, *_IDS]),
    once=st.sampled_from([None, *_IDS]),
    lost=st.lists(st.builds(Attempt, entry=st.sampled_from(_IDS), at=st.just("")), max_size=1).map(tuple),
)
_CHANGES = st.one_of(
    st.tuples(st.just("state"), _STATES),
    st.tuples(st.just("filter"), st.sampled_from(["", "debian", "6.1", "ok", "nothing has this"])),
    st.tuples(st.just("events"), st.sampled_from([fakes.FULL, fakes.EMPTY, fakes.snapshot_events(3, 2)])),
    st.tuples(st.just("unfolded"), st.sampled_from([frozenset(), frozenset({"fold"}), None])),
    st.tuples(st.just("replaced"), st.sampled_from([*_LISTED, _OTHER])),
)


@examples(60)
@given(st.lists(_CHANGES, max_size=6))
def test_its_rows_are_those_of_a_new_list(changes: list[tuple[str, object]]) -> None:
    kept, results = EntryList(), ScanResults()
    state, words = State(), ""
    unfolded: frozenset[str] | None = frozenset()
    for kind, value in [("events", fakes.FULL), *changes]:
        match kind, value:
            case "events", tuple() | list():
                results.begin()
                for event in value:
                    results.add(event)
            case "state", State():
                state = value
            case "filter", str():
                words = value
            case "unfolded", frozenset() | None:
                unfolded = value
            case "replaced", _:
                results.replace(value)  # type: ignore[arg-type]
        rows = kept.rows(results, state, words, unfolded=unfolded)
        assert rows == EntryList().rows(results, state, words, unfolded=unfolded)
        assert rows.columns(70) == Columns.of(list(rows), 70)
        assert rows.columns(50) == Columns.of(list(rows), 50)


def test_a_filter_that_is_removed_makes_no_row_anew() -> None:
    results, made = ScanResults(), EntryList()
    results.begin()
    for event in fakes.FULL:
        results.add(event)
    before = made.rows(results)
    matching = [row for row in made.rows(results, filter_text="debian") if row.entry]
    assert matching
    assert {id(row.entry) for row in matching} <= {id(row.entry) for row in before}
    assert made.rows(results) is before
    assert all(isinstance(row, Row) for row in before)


def test_a_blank_row_is_before_each_partition_but_the_first_where_they_all_fit() -> None:
    results = ScanResults()
    results.begin()
    for event in fakes.FULL:
        results.add(event)
    rows = EntryList().rows(results)
    headings = sum(row.heading for row in rows)
    assert headings > 1
    assert rows.spaced(len(rows) + headings - 2) is rows
    spaced = rows.spaced(len(rows) + headings - 1)
    before = [spaced[index - 1] for index, row in enumerate(spaced) if row.heading and index]
    assert before == [Row(None)] * (headings - 1)
    assert [row for row in spaced if row != Row(None)] == list(rows)


def test_a_filter_keeps_the_numbers_and_the_names() -> None:
    results = ScanResults()
    results.begin()
    for event in fakes.FULL:
        results.add(event)
    rows, matching = EntryList().rows(results), EntryList().rows(results, filter_text="alpine")
    assert [row.number for row in matching if row.entry] == [4]
    assert [row for row in matching if row.entry] == [row for row in rows if row.number == 4]


def test_one_entry_is_marked_as_the_one_that_starts_however_many_configurations_have_a_default() -> None:
    results, made = ScanResults(), EntryList()
    results.begin()
    for event in fakes.FULL[:-1]:
        if isinstance(event, EntryFound):
            entry = replace(event.listing.entry, default=True)
            event = replace(event, listing=replace(event.listing, entry=entry))
        results.add(event)
    assert _marks(made, results, State()) == [], "a better one may follow"
    results.add(fakes.FULL[-1])
    assert _marks(made, results, State()) == [("debian-49", Mark.STARTS)]
    assert _marks(made, results, State(default="alpine")) == [("alpine", Mark.STARTS)]
    assert _marks(made, results, State(default="debian-16k")) == [("alpine", Mark.STARTS)], "the next that can start"
    once = State(default="alpine", once="debian-47")
    assert _marks(made, results, once) == [("debian-47", Mark.NEXT), ("alpine", Mark.STARTS)]
    assert _marks(made, results, replace(once, once="debian-16k")) == [("alpine", Mark.STARTS)]


def _marks(made: EntryList, results: ScanResults, state: State) -> list[tuple[str, Mark]]:
    rows = made.rows(results, state)
    return [(row.listing.entry.id, row.mark) for row in rows if row.listing and row.mark]
