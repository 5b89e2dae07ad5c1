# SPDX-License-Identifier: MIT
"""Texts of one list, cut to a number of columns so that those which differ still do. Nothing here knows a screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bootmenu.terminal.cells import CUT, cells, cut

_MOST = 400
"""Texts that are cut by what their words say; of more, each costs a tenth of a millisecond, and a key has to wait."""


@lru_cache(maxsize=8)
def abridged(texts: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Return each text in at most `width` columns. What is too long is cut in the middle where all of them say the
    same; no two that differ become equal, as long as there is room for a number."""
    long = {text for text in texts if cells(text) > width}
    if not long or width <= 0:
        return tuple("" if text in long else text for text in texts)
    counts = Counter(word for text in dict.fromkeys(texts) for word in set(text.split(" ")))
    shown = {
        text: _by_words(text, width, counts) if number < _MOST else _middle(text, width)
        for number, text in enumerate(dict.fromkeys(text for text in texts if text in long))
    }
    taken = Counter([*(text for text in dict.fromkeys(texts) if text not in long), *shown.values()])
    alike: dict[str, list[str]] = {}
    for text, short in shown.items():
        if taken[short] > 1:
            alike.setdefault(short, []).append(text)
    for short, group in alike.items():
        taken[short] -= len(group)
        for text, other in zip(group, _apart(group, width, taken), strict=True):
            shown[text] = other
            taken[other] += 1
    return tuple(shown.get(text, text) for text in texts)


def _alike(texts: Sequence[str]) -> int:
    """Return how many characters all of them begin with."""
    first, last = min(texts), max(texts)
    return next((at for at, char in enumerate(first) if char != last[at]), len(first)) if first != last else 0


def _by_words(text: str, width: int, counts: Mapping[str, int]) -> str:
    """Keep the words that few of the others have, then the first one, since a name begins with what it is, then from
    the left as many of the rest as there is room for."""
    words = text.split(" ")
    kept: set[int] = set()
    # by powers of two: of words that about as many have, the first says the most
    common = [counts[word].bit_length() for word in words]
    common[0] = min(common[0], min(common) + 1)
    for index in sorted(range(len(words)), key=lambda index: (common[index], index)):
        if cells(_joined(words, kept | {index})) <= width:
            kept.add(index)
        elif common[index] == max(common):
            break
    short = _joined(words, kept)
    # a few very long words: letters from both ends say more
    return short if cells(short) * 2 > width else _middle(text, width)


def _joined(words: Sequence[str], kept: set[int]) -> str:
    text, left_out = "", False
    for index, word in enumerate(words):
        if index not in kept:
            left_out = True
            continue
        text += (CUT if left_out else "") + (" " if index and text else "") + word
        left_out = False
    return text + (CUT if left_out else "")


def _middle(text: str, width: int) -> str:
    """Return the beginning and the end of a text."""
    if width < 4:
        return cut(text, width)
    tail = ""
    for char in reversed(text):
        if cells(char + tail) > (width - 1) // 2:
            break
        tail = char + tail
    return cut(text, width - cells(tail)) + tail


def _apart(group: Sequence[str], width: int, taken: Mapping[str, int]) -> list[str]:
    """Cut texts whose words do not tell them apart: by letters in the middle, else so that each begins shortly before
    where they differ, else with a number at the end."""
    start = _alike(group)
    for ways in (
        [_middle(text, width) for text in group],
        [cut(CUT + text[max(1, start - 3) :], width) for text in group],
        [cut(CUT + text[max(1, start) :], width) for text in group],
    ):
        if len(set(ways)) == len(group) and not any(taken.get(way) for way in ways):
            return ways
    ways, number = [], 0
    for text in group:
        while True:
            number += 1
            end = f"#{number}"
            way = cut(text, width - len(end)) + end
            if not taken.get(way) or len(end) > width:
                break
        ways.append(cut(way, width))
    return ways
