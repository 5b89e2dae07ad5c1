# SPDX-License-Identifier: MIT
"""Which entry starts automatically, and when."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu import i18n
from bootmenu.bootstate.state import Attempt, State
from bootmenu.config.settings import FIRST_STAGE_SECONDS, Profile, Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import Listing
from bootmenu.model.entry import CommandLine, FileRef
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.place import Place
from bootmenu.model.value import replace
from bootmenu.session.autoboot import Chooser, Countdown, choose, countdown_seconds
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
from tests.builders import containers, fakes, machines
from tests.builders.entries import whole_image
from tests.builders.places import BESIDE, CARD, INSIDE, STICK
from tests.builders.trees import write_tree

VERDICTS = {
    "ok": (),
    "warn": (fakes.CONSOLE,),
    "unknown": (fakes.COMPATIBLE,),
    "fail": (fakes.PAGE,),
}


def entry(name: str, verdict: str = "ok", *, default: bool = False, left: int | None = None) -> Listing:
    findings: tuple[Finding, ...] = VERDICTS[verdict]
    found = fakes.listing(name, f"Title of {name}", *findings, default=default)
    return replace(found, entry=replace(found.entry, tries_left=left))


def lost(*names: str) -> State:
    return State(lost=tuple(Attempt(entry=name, at="2026-11-14T09:30:00Z") for name in names))


def worded(name: str, text: str, *unset: str, default: bool = False) -> Listing:
    """An entry with that command line, in which nothing sets these variables."""
    found = entry(name, "warn", default=default)
    return replace(found, entry=replace(found.entry, cmdline=CommandLine(text, unset=tuple(unset))))


def kept_back(name: str) -> Listing:
    """An entry that its parser found to need a hand."""
    found = entry(name)
    return replace(found, entry=replace(found.entry, manual="it is on a file"))


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
    assert (choice.listing.entry.id, choice.final, choice.reason) == (chosen, True, "")


UNFINISHED = (
    (worded("u", ""), "has no command line"),
    (worded("u", " \t"), "has no command line"),
    (worded("u", "root=/dev/sda2 quiet", "console"), "has $console in its command line, which nothing here sets"),
    (worded("u", "$kernelopts quiet"), "has $kernelopts in its command line, which nothing here sets"),
    (worded("u", "${bootargs}"), "has $bootargs in its command line, which nothing here sets"),
    (worded("u", "ro root= quiet"), "has an empty root= in its command line"),
    (worded("u", "ro root=UUID= quiet"), "has an empty root= in its command line"),
    (kept_back("u"), "never starts automatically (it is on a file)"),
)


@pytest.mark.parametrize(("unfinished", "reason"), UNFINISHED)
@pytest.mark.parametrize(
    ("state", "settings", "what"),
    [
        (State(), Settings(), "The first entry"),
        (State(default="u"), Settings(), "The default"),
        (State(), Settings(default="u"), "The default"),
        (State(once="u"), Settings(), "For this boot"),
    ],
)
def test_an_unfinished_command_line_is_never_counted_down_to(
    unfinished: Listing, reason: str, state: State, settings: Settings, what: str
) -> None:
    choice = choose([unfinished, A], state, settings, finished=True)
    unnamed = unfinished.entry.manual and what == "The first entry"
    told = "" if unnamed else f"{what} Title of u {reason}: the next one is taken."
    assert (choice.listing, choice.reason) == (A, told)
    # nor is it what stands in for another one
    failing = entry("f", "fail")
    assert choose([failing, unfinished, B], state, settings, finished=True).listing is B
    alone = choose([unfinished], state, settings, finished=True)
    assert alone.listing is None
    assert alone.reason == f"{what} Title of u {reason}, and no other entry can start automatically."


def test_a_pattern_passes_over_what_never_starts_by_itself() -> None:
    choice = choose([kept_back("a"), A, B], State(), Settings(default="[ab]"), finished=True)
    assert (choice.listing, choice.reason) == (A, "")
    choice = choose([A, kept_back("b"), B], State(), Settings(default="b*"), finished=True)
    assert (choice.listing, choice.reason) == (B, "")


def test_dollars_that_are_no_variables_are_none() -> None:
    for text in ("memmap=64K$0x18690000 root=/dev/sda2", "root=/dev/sda2 a=$b $1 $"):
        assert choose([worded("a", text)], State(), Settings(), finished=True).listing is not None


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
        ([entry("a", default=True), B], lost("a"), "b", "did not complete its last boot (2026-11-14)"),
        ([entry("a", default=True), entry("b", "fail"), C], lost("a"), "c", "did not complete its last boot"),
        ([entry("a", "fail", default=True), entry("b", "unknown"), C], State(), "c", "next"),
        ([entry("a", "fail", default=True), entry("b", "unknown")], State(), "b", "next"),
        ([entry("a", "fail", default=True)], State(), None, "no other entry can start automatically."),
        ([A, B], lost("a", "b"), None, "did not complete its last boot (2026-11-14), and no other entry"),
        ([], State(), None, "There is no entry that could be started."),
        ([A], State(default="gone"), "a", "The default, gone, is not there."),
        ([A], State(once="gone"), "a", "The entry for this boot, gone, is not there."),
    ],
)
def test_what_is_taken_instead(listings: list[Listing], state: State, chosen: str | None, why: str) -> None:
    choice = choose(listings, state, Settings(), finished=True)
    assert (choice.listing.entry.id if choice.listing else None) == chosen
    assert why in choice.reason
    assert choice.final


def test_every_reason_is_told_in_other_languages() -> None:
    failing, lone = entry("a", "fail", default=True), entry("a", "fail")
    once = replace(lost("a"), once="a")
    timeless = State(lost=(Attempt(entry="a", at=""),))
    whys = [
        choose(listings, state, Settings(), finished=True).reason
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
    chooser = Chooser()
    whys += [chooser.choose(listings, State(), Settings(), finished=True).reason for listings in ([A, B], [B])]
    reasons = {why for why in whys if why}
    assert len(reasons) > 12
    assert any("not there any more" in why for why in reasons)
    i18n.use("de", {})
    try:
        left = {
            why
            for why in reasons
            if re.search("cannot|complete|next one|no try|not there|no other|no entry", i18n.localized(why))
        }
    finally:
        i18n.use("en", {})
    assert not left


def test_a_choice_for_one_boot_is_tried_although_it_was_lost_but_not_when_it_fails() -> None:
    once = replace(lost("a"), once="a")
    chosen = choose([A, B], once, Settings(), finished=True)
    assert chosen.listing is A
    failing = choose([entry("a", "fail"), B], once, Settings(), finished=True)
    assert failing.listing is B
    assert failing.reason.startswith("For this boot Title of a cannot be started here")


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
    state = replace(lost(*sorted(gone)), default=default, once=once)
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
        assert choice.reason
        return
    assert chosen.report.verdict is not Severity.FAIL
    assert chosen in startable or chosen.entry.id == once
    early = choose(listings, state, Settings(default=setting), finished=False)
    assert not early.final or early.listing is chosen


# ---- while disks come and go ------------------------------------------------------------------------------


def at(place: Place, name: str, verdict: str = "ok", *, default: bool = False) -> Listing:
    return replace(entry(name, verdict, default=default), places=(place,))


def started(*looks: list[Listing], state: State | None = None, settings: Settings | None = None) -> list[str]:
    """What would start after each of these looks of one countdown."""
    chooser, found = Chooser(), []
    for listings in looks:
        choice = chooser.choose(listings, state or State(), settings or Settings(), finished=True)
        assert choice.final
        found.append(choice.listing.entry.id if choice.listing else "")
    return found


OWN = at(CARD, "own")
NEW = [
    [at(STICK, "new"), OWN],
    [OWN, at(STICK, "new", default=True)],
    [at(CARD, "new", default=True), OWN],
    [replace(OWN, entry=replace(OWN.entry, default=True)), at(CARD, "new", default=True)],
]


@pytest.mark.parametrize("then", NEW)
def test_what_is_plugged_in_during_the_countdown_changes_nothing(then: list[Listing]) -> None:
    assert started([OWN], then, then[::-1], [OWN]) == ["own"] * 4


def test_a_disk_that_makes_another_entry_startable_changes_nothing() -> None:
    """root= of the first may be on the stick; nobody has named either of them."""
    failing, waiting = at(INSIDE, "a", "fail"), at(INSIDE, "a", "unknown")
    for before in (failing, waiting):
        assert started([before, at(INSIDE, "b")], [at(INSIDE, "a"), at(INSIDE, "b"), at(STICK, "c")]) == ["b", "b"]


def test_a_pattern_that_a_new_disk_matches_too_changes_nothing() -> None:
    looks = ([at(CARD, "own2")], [at(CARD, "own1"), at(CARD, "own2")])
    assert started(*looks, settings=Settings(default="own*")) == ["own2", "own2"]


def test_what_was_named_and_is_slow_starts_when_it_comes() -> None:
    slow = at(BESIDE, "slow")
    for state, settings in ((State(default="slow"), Settings()), (State(), Settings(default="slow"))):
        assert started([OWN], [OWN, slow], [slow, OWN], state=state, settings=settings) == ["own", "slow", "slow"]


def test_a_disk_inside_that_is_slow_is_before_a_stick_but_not_before_another_inside_or_a_choice() -> None:
    slow = at(INSIDE, "slow", default=True)
    assert started([at(STICK, "stick")], [at(STICK, "stick"), slow]) == ["stick", "slow"]
    assert started([at(BESIDE, "own")], [at(BESIDE, "own"), slow]) == ["own", "own"]
    assert started([OWN], [slow, OWN], state=State(default="own", default_disks=(CARD.disk,))) == ["own", "own"]
    late = at(replace(INSIDE, late=True), "slow")
    assert started([at(STICK, "stick")], [late, at(STICK, "stick")]) == ["stick", "stick"]


def test_a_pattern_of_the_settings_names_what_comes_late() -> None:
    """But nothing changes among those that it names."""
    settings = Settings(default="ow*")
    late = at(replace(CARD), "own-2")
    assert started([at(CARD, "other")], [at(CARD, "other"), OWN], settings=settings) == ["other", "own"]
    assert started([OWN], [late, OWN], settings=settings) == ["own", "own"]


def test_what_is_taken_away_is_passed_over_until_it_is_back() -> None:
    chooser, rest = Chooser(), [at(CARD, "other")]
    for listings, chosen, why in (
        ([OWN, *rest], "own", ""),
        (rest, "other", "The default Title of own is not there any more: the next one is taken."),
        ([*rest, OWN], "own", ""),
        ([at(CARD, "own", "fail"), *rest], "other", "The default Title of own cannot be started here: the next one"),
        # a copy with its id is another disk
        ([at(replace(CARD, disk="copy"), "own"), *rest], "own", "not there any more"),
        ([], "", "There is no entry that could be started."),
        ([OWN, *rest], "own", ""),
    ):
        choice = chooser.choose(listings, State(), Settings(), finished=True)
        assert (choice.listing.entry.id if choice.listing else "") == chosen
        assert why in choice.reason
        assert bool(why) == bool(choice.reason)


places = st.sampled_from([INSIDE, BESIDE, CARD, STICK, Place()])


@given(
    there=st.lists(st.tuples(places, verdicts, st.booleans()), min_size=1, max_size=4),
    more=st.lists(st.tuples(st.sampled_from([CARD, STICK, Place()]), verdicts, st.booleans()), max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_no_disk_from_outside_ever_changes_what_starts(
    there: list[tuple[Place, str, bool]], more: list[tuple[Place, str, bool]], order: random.Random
) -> None:
    own = [at(place, f"own{n}", verdict, default=marked) for n, (place, verdict, marked) in enumerate(there)]
    new = [at(place, f"new{n}", verdict, default=marked) for n, (place, verdict, marked) in enumerate(more)]
    both = [*own, *new]
    order.shuffle(both)
    before, after = started(own, both)
    if before:  # else nothing counts down
        assert after == before


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


def test_from_a_disk_to_what_is_counted_down_to(tmp_path: Path) -> None:
    write_tree(
        tmp_path / "disk",
        {
            "sbin/init": "#!/bin/sh",
            "vmlinuz": whole_image(),
            "loader/entries/a.conf": "title A\nlinux /vmlinuz\noptions $kernelopts\n",
            "loader/entries/b.conf": "title B\nlinux /vmlinuz\noptions root=/dev/sda1 $tuned_params\n",
            "extlinux/extlinux.conf": "label C\nlinux /vmlinuz\nappend root=${uuid}\nlabel D\nlinux /vmlinuz\n",
            "boot/grub/grub.cfg": "menuentry E { linux /vmlinuz root=/dev/sda1 rootflags=$dev\n }\n"
            "menuentry F { linux /vmlinuz root=/dev/sda1 console=ttyAMA0 $unset\n }\n",
        },
    )
    devices = Device.from_tree_options([f"{tmp_path / 'disk'},name=sda1"])
    with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: devices)) as session:
        listings, _ = collect(session)
    assert [listing.entry.title for listing in listings] == ["B", "A", "C", "D", "E", "F"]
    failed = {listing.entry.title for listing in listings if listing.report.verdict is Severity.FAIL}
    assert failed == {"C"}, "its root= has nothing behind it; the others are passed over for what is unset"
    alone = {
        listing.entry.title: choose([listing], State(), Settings(), finished=True).listing for listing in listings
    }
    assert [title for title, chosen in alone.items() if chosen] == ["F"]
    choice = choose(listings, State(), Settings(), finished=True)
    assert choice.listing is alone["F"]
    assert choice.reason == "The default C cannot be started here: the next one is taken."
    choice = choose([each for each in listings if each.entry.title != "C"], State(), Settings(), finished=True)
    assert (
        choice.reason == "The default E has $dev in its command line, which nothing here sets: the next one is taken."
    )


def test_kernels_that_nobody_gave_a_command_line_are_offered_and_never_start(tmp_path: Path) -> None:
    unified = containers.uki((".linux", whole_image()), (".osrel", b"NAME=U\n"))
    write_tree(
        tmp_path / "disk",
        {
            "sbin/init": "#!/bin/sh",
            "boot/Image-6.1": whole_image(),
            "boot/fitImage": containers.fit(),
            "boot/linux.itb": containers.fit(),
            "boot/stub.efi": whole_image(),
            "EFI/Linux/unified.efi": unified,
        },
    )
    devices = Device.from_tree_options([f"{tmp_path / 'disk'},name=sda1"])
    for profile in Profile:
        with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: devices)) as session:
            listings, _ = collect(session)
        assert len(listings) == 5
        settings = Settings(profile=profile)
        assert {listing.report.verdict for listing in listings} <= {Severity.WARN, Severity.UNKNOWN}
        choice = choose(listings, State(), settings, finished=True)
        assert choice.listing is None
        assert "has no command line, and no other entry can start automatically." in choice.reason
        write_tree(tmp_path / "disk", {"etc/kernel/cmdline": "root=/dev/sda1\n"})
        with contextlib.closing(MachineSession(Host(), machines.virt(), lambda: devices)) as session:
            listings, _ = collect(session)
        named = choose(listings, State(), settings, finished=True).listing
        assert named is not None
        assert named.entry.config == FileRef(device="sda1", path="/etc/kernel/cmdline", exists=True)
        (tmp_path / "disk/etc/kernel/cmdline").unlink()
