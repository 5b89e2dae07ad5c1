# SPDX-License-Identifier: MIT
"""Which entry starts by itself, and when."""

from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu import language
from bootmenu.autoboot import FIRST_STAGE_SECONDS, Countdown, choose, countdown_seconds
from bootmenu.discovery.scan import Listing
from bootmenu.model.finding import Finding, Severity
from bootmenu.settings import Loaded, Settings
from bootmenu.state import Attempt, State
from tests.ui import fakes

VERDICTS = {
    "ok": (),
    "warn": (fakes.CONSOLE,),
    "unknown": (fakes.COMPATIBLE,),
    "fail": (fakes.PAGE,),
}


def entry(name: str, verdict: str = "ok", *, default: bool = False, left: int | None = None) -> Listing:
    findings: tuple[Finding, ...] = VERDICTS[verdict]
    found = fakes.listing(name, f"Title of {name}", *findings, default=default)
    return dataclasses.replace(found, entry=dataclasses.replace(found.entry, tries_left=left))


def lost(*names: str) -> State:
    return State(lost=tuple(Attempt(entry=name, at="2026-11-14T09:30:00Z") for name in names))


A, B, C = entry("a"), entry("b"), entry("c", default=True)


@pytest.mark.parametrize(
    ("state", "settings", "chosen"),
    [
        (State(), Settings(), "c"),
        (State(default="b"), Settings(), "b"),
        (State(default="b"), Settings(default="a"), "a"),
        (State(default="b", once="c"), Settings(default="a"), "c"),
        (State(), Settings(default="[ab]"), "a"),
        (State(), Settings(default="?"), "a"),
        (State(last=Attempt(entry="b", at="")), Settings(), "c"),
    ],
)
def test_which_is_the_default(state: State, settings: Settings, chosen: str) -> None:
    choice = choose([A, B, C], state, settings, finished=True)
    assert choice.listing is not None
    assert (choice.listing.entry.id, choice.final, choice.why) == (chosen, True, "")


def test_without_any_default_it_is_the_first_that_passes_and_else_the_first_unknown() -> None:
    state, settings = State(), Settings()
    first = choose([entry("a", "unknown"), entry("b", "warn")], state, settings, finished=True)
    assert first.listing is not None
    assert first.listing.entry.id == "b"
    only = choose([entry("a", "unknown"), entry("b", "unknown")], state, settings, finished=True)
    assert only.listing is not None
    assert only.listing.entry.id == "a"


@pytest.mark.parametrize(
    ("listings", "state", "chosen", "why"),
    [
        (
            [entry("a", "fail", default=True), B],
            State(),
            "b",
            "The default Title of a cannot be started here: the next",
        ),
        ([B, entry("a", "fail", default=True)], State(), "b", "cannot be started here: the next one is taken."),
        ([entry("a", "fail"), B], State(), "b", "The first entry Title of a cannot be started here"),
        ([entry("a", default=True, left=0), B], State(), "b", "has no try left"),
        ([entry("a", default=True), B], lost("a"), "b", "was started on 2026-11-14 and never came back"),
        ([entry("a", default=True), entry("b", "fail"), C], lost("a"), "c", "never came back"),
        ([entry("a", "fail", default=True), entry("b", "unknown"), C], State(), "c", "next"),
        ([entry("a", "fail", default=True), entry("b", "unknown")], State(), "b", "next"),
        ([entry("a", "fail", default=True)], State(), None, "no other entry can be started by itself."),
        ([A, B], lost("a", "b"), None, "never came back, and no other entry"),
        ([], State(), None, "There is no entry that could be started."),
        ([A], State(default="gone"), "a", "The default, gone, is not there."),
        ([A], State(once="gone"), "a", "The entry for this boot, gone, is not there."),
    ],
)
def test_what_is_taken_instead(listings: list[Listing], state: State, chosen: str | None, why: str) -> None:
    choice = choose(listings, state, Settings(), finished=True)
    assert (choice.listing.entry.id if choice.listing else None) == chosen
    assert why in choice.why
    assert choice.final


def test_every_reason_is_told_in_other_languages() -> None:
    failing, lone = entry("a", "fail", default=True), entry("a", "fail")
    once = dataclasses.replace(lost("a"), once="a")
    timeless = State(lost=(Attempt(entry="a", at=""),))
    whys = [
        choose(listings, state, Settings(), finished=True).why
        for listings in (
            [failing],
            [failing, B],
            [lone],
            [lone, B],
            [entry("a", left=0, default=True), B],
            [A],
            [A, B],
            [],
        )
        for state in (State(), lost("a"), timeless, once, State(default="gone"), State(once="gone"))
    ]
    reasons = {why for why in whys if why}
    assert len(reasons) > 12
    language.use("de", {})
    try:
        left = {
            why
            for why in reasons
            if re.search("cannot|never|next one|no try|not there|no other|no entry", language.told(why))
        }
    finally:
        language.use("en", {})
    assert not left


def test_a_choice_for_one_boot_is_tried_although_it_was_lost_but_not_when_it_fails() -> None:
    once = dataclasses.replace(lost("a"), once="a")
    chosen = choose([A, B], once, Settings(), finished=True)
    assert chosen.listing is A
    failing = choose([entry("a", "fail"), B], once, Settings(), finished=True)
    assert failing.listing is B
    assert failing.why.startswith("For this boot Title of a cannot be started here")


def test_a_default_that_was_named_by_its_id_waits_for_no_disk_and_everything_else_does() -> None:
    def final(state: State, settings: Settings) -> bool:
        return choose([A, B, C], state, settings, finished=False).final

    assert final(State(default="b"), Settings())
    assert final(State(once="b"), Settings(default="not seen yet"))
    assert final(State(), Settings(default="b"))
    assert not final(State(), Settings(default="b*"))
    assert not final(State(), Settings())
    assert not final(State(default="b"), Settings(default="not seen yet"))
    assert not final(State(default="b", once="not seen yet"), Settings())
    assert not final(lost("b"), Settings(default="b"))
    assert not choose([], State(), Settings(), finished=False).final


verdicts = st.sampled_from(list(VERDICTS))
some = st.lists(st.tuples(verdicts, st.booleans(), st.sampled_from([None, 0, 2])), max_size=6)
names = st.none() | st.sampled_from(["e0", "e1", "e2", "e9"])


@given(some=some, default=names, once=names, setting=names, gone=st.sets(st.sampled_from(["e0", "e1", "e2"])))
def test_nothing_starts_that_must_not_and_there_is_always_a_reason(
    some: list[tuple[str, bool, int | None]],
    default: str | None,
    once: str | None,
    setting: str | None,
    gone: set[str],
) -> None:
    listings = [
        entry(f"e{index}", verdict, default=marked, left=left) for index, (verdict, marked, left) in enumerate(some)
    ]
    state = dataclasses.replace(lost(*sorted(gone)), default=default, once=once)
    choice = choose(listings, state, Settings(default=setting), finished=True)
    assert choice.final
    chosen = choice.listing
    startable = [
        found
        for found in listings
        if found.report.verdict is not Severity.FAIL and found.entry.tries_left != 0 and found.entry.id not in gone
    ]
    if chosen is None:
        assert not startable
        assert choice.why
        return
    assert chosen.report.verdict is not Severity.FAIL
    assert chosen in startable or chosen.entry.id == once
    early = choose(listings, state, Settings(default=setting), finished=False)
    assert not early.final or early.listing is chosen


@given(seconds=st.integers(0, 1000), passed=st.floats(0, 2000))
def test_a_countdown_ends_and_ticks_once_a_second(seconds: int, passed: float) -> None:
    countdown = Countdown(seconds, 100.0)
    left = countdown.left(100.0 + passed)
    assert 0 <= left <= seconds
    assert (left == 0) == (100.0 + passed >= 100.0 + seconds)
    assert 0 <= countdown.until_tick(100.0 + passed) <= 1.0001
    if left:
        later = 100.0 + passed + countdown.until_tick(100.0 + passed) + 1e-6
        assert countdown.left(later) == left - 1
    assert countdown.over().left(100.0) == 0


@pytest.mark.parametrize(
    ("timeout", "origin", "first_stage", "demo", "seconds"),
    [
        (None, None, True, False, FIRST_STAGE_SECONDS),
        (None, "kernel command line", True, False, None),
        (0, "/etc/bootmenu.toml", True, False, 0),
        (5, "--timeout", True, False, 5),
        (None, None, False, False, None),
        (5, "/etc/bootmenu.toml", False, False, None),
        (5, "--timeout", False, False, 5),
        (5, "/etc/bootmenu.toml", False, True, 5),
        (None, None, False, True, None),
    ],
)
def test_how_long_it_is(
    timeout: int | None, origin: str | None, first_stage: bool, demo: bool, seconds: int | None
) -> None:
    origins = {"timeout": origin} if origin else {}
    loaded = Loaded(settings=Settings(timeout=timeout), origins=origins)
    assert countdown_seconds(loaded, first_stage=first_stage, demo=demo) == seconds
