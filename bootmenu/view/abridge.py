# SPDX-License-Identifier: MIT
"""Shorten the texts of a list to a number of columns, keeping different texts different."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bootmenu.terminal.cells import CUT, cells, cut

_MAX_BY_WORDS = 400
"""Number of texts that are shortened word by word: each takes 0.1 ms, and a key press waits for all of them."""


@lru_cache(maxsize=8)
def abridged(texts: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Return each text in at most `width` columns.

    Words that most of the texts share are left out first. Different texts stay different, provided that a number
    fits into `width`.
    """
    long = {text for text in texts if cells(text) > width}
    if not long or width <= 0:
        return tuple("" if text in long else text for text in texts)
    counts = Counter(word for text in dict.fromkeys(texts) for word in set(text.split(" ")))
    shown = {
        text: _elide_words(text, width, counts) if number < _MAX_BY_WORDS else _elide_middle(text, width)
        for number, text in enumerate(dict.fromkeys(text for text in texts if text in long))
    }
    taken = Counter([*(text for text in dict.fromkeys(texts) if text not in long), *shown.values()])
    equal: dict[str, list[str]] = {}
    for text, short in shown.items():
        if taken[short] > 1:
            equal.setdefault(short, []).append(text)
    for short, group in equal.items():
        taken[short] -= len(group)
        for text, other in zip(group, _distinct(group, width, taken), strict=True):
            shown[text] = other
            taken[other] += 1
    return tuple(shown.get(text, text) for text in texts)


def _common_prefix(texts: Sequence[str]) -> int:
    """Return the number of characters that all the texts begin with."""
    first, last = min(texts), max(texts)
    return next((at for at, char in enumerate(first) if char != last[at]), len(first)) if first != last else 0


def _elide_words(text: str, width: int, counts: Mapping[str, int]) -> str:
    """Shorten a text by leaving out words.

    The rarest words are kept first; then the first word, as it usually says what the thing is; then as many others
    as fit, from the left. counts: in how many texts each word occurs.
    """
    words = text.split(" ")
    kept: set[int] = set()
    # by powers of two: among words of about the same frequency, earlier ones matter more
    common = [counts[word].bit_length() for word in words]
    common[0] = min(common[0], min(common) + 1)
    for index in sorted(range(len(words)), key=lambda index: (common[index], index)):
        if cells(_with_gaps(words, kept | {index})) <= width:
            kept.add(index)
        elif common[index] == max(common):
            break
    short = _with_gaps(words, kept)
    # if a few very long words left most of the room empty, characters from both ends say more
    return short if cells(short) * 2 > width else _elide_middle(text, width)


def _with_gaps(words: Sequence[str], kept: set[int]) -> str:
    """Return the words with these indices, and a sign in each place where words are left out."""
    text, left_out = "", False
    for index, word in enumerate(words):
        if index not in kept:
            left_out = True
            continue
        text += (CUT if left_out else "") + (" " if index and text else "") + word
        left_out = False
    return text + (CUT if left_out else "")


def _elide_middle(text: str, width: int) -> str:
    """Shorten a text to its beginning and its end."""
    if width < 4:
        return cut(text, width)
    tail = ""
    for char in reversed(text):
        if cells(char + tail) > (width - 1) // 2:
            break
        tail = char + tail
    return cut(text, width - cells(tail)) + tail


def _distinct(group: Sequence[str], width: int, taken: Mapping[str, int]) -> list[str]:
    """Shorten texts that are equal when shortened by words: cut the middle; or begin shortly before the first
    difference; or append a number. taken: how often each short text is in use."""
    start = _common_prefix(group)
    for shorts in (
        [_elide_middle(text, width) for text in group],
        [cut(CUT + text[max(1, start - 3) :], width) for text in group],
        [cut(CUT + text[max(1, start) :], width) for text in group],
    ):
        if len(set(shorts)) == len(group) and not any(taken.get(short) for short in shorts):
            return shorts
    shorts, number = [], 0
    for text in group:
        while True:
            number += 1
            end = f"#{number}"
            short = cut(text, width - len(end)) + end
            if not taken.get(short) or len(end) > width:
                break
        shorts.append(cut(short, width))
    return shorts
