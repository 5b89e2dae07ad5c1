# SPDX-License-Identifier: MIT
"""Test that text on the screen is harmless, fits its width and loses nothing."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size

from bootmenu.model.text import megabytes
from bootmenu.terminal.cells import cells, clean, cut, fit, rate, wrap
from bootmenu.terminal.widths import set_width
from bootmenu.view.styled_text import Span, Style, block, clip, line, rule, spread

texts = st.text(max_size=200)
widths = st.integers(min_value=2, max_value=120)


@given(texts)
def test_cleaned_text_has_nothing_that_moves_or_stacks(text: str) -> None:
    safe = clean(text)
    assert all(unicodedata.category(char)[0] != "C" for char in safe)
    assert all(unicodedata.category(char)[0] != "M" for char in safe)
    assert "\n" not in safe


def test_cleaned_text_keeps_what_people_wrote() -> None:
    assert clean("Grüße, 日本 [b]x[/b] 100%") == "Grüße, 日本 [b]x[/b] 100%"
    assert clean("u\u0308ber") == "über"
    assert clean("a\tb\nc\x1b[2Jd") == "a b c?[2Jd"
    assert clean("x" * 10, limit=4) == "xxxx»"


@given(texts.map(clean), widths)
def test_cut_and_fitted_text_is_as_wide_as_it_should_be(text: str, width: int) -> None:
    assert cells(cut(text, width)) <= width
    assert cells(fit(text, width)) == width
    assert cells(fit(text, width, right=True)) == width


@given(texts.map(clean), widths)
def test_wrapping_loses_nothing_and_is_never_too_wide(text: str, width: int) -> None:
    rows = wrap(text, width)
    assert rows
    assert all(cells(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())


def test_long_paths_break_at_their_joints() -> None:
    assert wrap("le disque\xa0: «\xa0un\xa0»", 9) == ["le", "disque :", "« un »"], "not at a no-break space"
    assert wrap("mmcblk0p1:/loader/entries/debian.conf", 28) == ["mmcblk0p1:/loader/entries/", "debian.conf"]


@given(texts.map(clean), texts.map(clean), st.integers(min_value=20, max_value=120))
def test_blocks_fit_their_width(label: str, text: str, width: int) -> None:
    for row in block(width, [Span(label)], 12, text, tail="35.1 MB"):
        assert row.width <= width


@given(texts.map(clean), texts.map(clean), st.integers(min_value=12, max_value=120))
def test_rules_and_spread_lines_are_exactly_as_wide(left: str, right: str, width: int) -> None:
    assert rule(width, [Span(left)] if left else (), [Span(right)] if right else ()).width == width
    assert spread(width, [Span(left)], [Span(cut(right, 10))]).width <= width


def test_a_joint_stands_where_the_rule_is_free() -> None:
    assert rule(10, joint=(4, "┬")).text == "────┬─────"
    assert "┬" not in rule(20, [Span("a title")], joint=(4, "┬")).text


def test_clipped_spans_keep_their_inks() -> None:
    assert clip([Span("abc", Style.FAIL), Span("def")], 5) == (Span("abc", Style.FAIL), Span("d»"))
    assert line("a", selected=True).selected


@pytest.mark.parametrize(
    ("size", "text"),
    [
        *((0, "0 B"), (12, "12 B"), (999, "999 B"), (1000, "1.0 kB"), (49_999, "50.0 kB"), (50_000, "0.1 MB")),
        *((35_100_000, "35.1 MB"), (734_003_200, "734.0 MB")),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert megabytes(size) == text


def test_rates() -> None:
    assert rate(112_400_000) == "112 MB/s"
    assert rate(9_940_000) == "9.9 MB/s"
    assert rate(9_960_000) == "10 MB/s"


def test_every_character_is_as_wide_as_the_screens_take_it_to_be() -> None:
    """The plain menu, the first frame and the rows are measured without Textual, so both must agree on widths."""
    for code in range(sys.maxunicode + 1):
        text = clean(chr(code))
        assert 1 <= cells(text) == cell_len(text) <= 2 * len(text), hex(code)


@given(texts, st.integers(min_value=0, max_value=40))
def test_a_text_is_cut_and_padded_as_the_screens_do_it(text: str, columns: int) -> None:
    assert set_width(clean(text), columns) == set_cell_size(clean(text), columns)
