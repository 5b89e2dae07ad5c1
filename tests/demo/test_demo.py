# SPDX-License-Identifier: MIT
"""The demonstration machine is one machine: what one page says of it, no other denies."""

from __future__ import annotations

import re

import pytest

from bootmenu import i18n
from bootmenu.demo import demonstration, recorded_machine, running_tree
from bootmenu.formats import dtb, dtb_facts
from bootmenu.kexec.kernel_errors import SimulatedJump
from bootmenu.session.scan_collection import collect
from bootmenu.view.boot_plan import plan_lines, plan_rows
from bootmenu.view.dtb_page import DtbText, tree
from bootmenu.view.report_lines import report_lines

UNREAD = re.compile(r"not be read|cannot be read|not known|not readable")


def test_the_running_tree_is_that_of_the_recorded_machine() -> None:
    assert dtb_facts.facts(dtb.DeviceTree.from_bytes(running_tree())) == recorded_machine().tree


def test_nothing_is_unread_that_another_page_shows() -> None:
    with demonstration(pace=None) as session:
        listings, _ = collect(session)
        assert len(listings) == 10
        whole = [listing for listing in listings if listing.entry.kernel.exists]
        assert len(whole) == 9, "one kernel is gone on purpose"
        for listing in whole:
            pages = [*(line.text for line in report_lines(listing.report, 80)), *plan_lines(session.plan(listing))]
            pages += [line.text for line in tree(DtbText.read(session, listing), "", 200)]
            assert not [line for line in pages if UNREAD.search(line)], listing.entry.title
            assert "/dts-v1/;" in "".join(pages)
        differences = {listing.entry.title: DtbText.read(session, listing).against_running for listing in whole}
    assert differences["Debian GNU/Linux 12 (bookworm)"] == ()
    assert any("/cpus/cpu@3" in text for text in differences["Alpine Linux edge, two CPUs"] or ())


def test_the_end_of_a_load_names_the_kernel_of_the_entry() -> None:
    with demonstration(pace=None) as session:
        listings, _ = collect(session)
        same_title = [listing for listing in listings if listing.entry.name == "Debian GNU/Linux 12 (bookworm)"]
        ends = set()
        for listing in same_title:
            with pytest.raises(SimulatedJump) as reached:
                session.execute(session.plan(listing))
            ends.add(reached.value.message)
        assert len(ends) == len(same_title) > 1
        assert "Here the machine would start Debian GNU/Linux 12 (bookworm), 6.1.0-49-arm64." in ends


def test_lines_of_the_device_tree_are_in_one_language() -> None:
    """Edits are English everywhere, so their label is a noun; what became of a node is translated."""
    i18n.use("de", {})
    try:
        with demonstration(pace=None) as session:
            listings, _ = collect(session)
            whole = [listing for listing in listings if listing.entry.kernel.exists]
            lines = {text for one in whole for text in DtbText.read(session, one).against_running or ()}
            labels = {row.name for one in whole for row in plan_rows(session.plan(one))}
    finally:
        i18n.use("en", {})
    assert any(re.search("Eigenschaft.*Knoten darunter", text) for text in lines), lines
    assert not [text for text in lines if re.search("propert(y|ies)|nodes? below|reserved", text)]
    assert "Anpassung" in labels
    assert all(label[0].isupper() for label in labels), "German nouns"
