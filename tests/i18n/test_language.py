# SPDX-License-Identifier: MIT
"""The languages: every message is translated, with the same places to fill in, and English is what is left."""

from __future__ import annotations

import ast
import builtins
import errno
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootmenu import i18n
from bootmenu.model.text import quoted
from scripts.messages import TOLD, UNTOLD, collected, merged

LANGUAGES = ["de", "es", "fr", "pt"]
ROOT = i18n.LOCALE.parent


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """The other tests read English."""
    yield
    i18n.use("en", {})


def test_there_are_the_promised_languages() -> None:
    assert i18n.available() == ["en", *LANGUAGES]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_is_translated_with_the_same_places_to_fill_in(code: str) -> None:
    known = i18n.messages((i18n.LOCALE / f"{code}.po").read_text(encoding="utf-8"))
    for key in collected():
        values = known.get(key, ())
        assert values, f"{key} is not in {code}.po: run python -m scripts.messages"
        assert all(values), f"{key} is not translated in {code}.po"
        places = sorted(re.findall(r"\{\w*\}", key[-1]))
        for value in values:
            assert sorted(re.findall(r"\{\w*\}", value)) == places, (key, value)
            assert (value[0] == " ", value[-1] == " ") == (key[0][0] == " ", key[0][-1] == " "), (key, value)
            assert not set(value) - set(key[0]) - LATIN, (key, value)
    assert set(known) == {*collected(), ("",)}, "messages that the source no longer has: run scripts.messages"


LATIN = {*(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))), *"↑↓"}
"""Every console font has these."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_files_are_as_they_are_written(code: str) -> None:
    text = (i18n.LOCALE / f"{code}.po").read_text(encoding="utf-8")
    assert text == merged(i18n.messages(text)), "run python -m scripts.messages"


@pytest.mark.parametrize(
    ("asked", "environ", "code"),
    [
        ("de", {}, "de"),
        ("pt_BR", {}, "pt"),
        ("fr-CA", {"LANG": "de_DE.UTF-8"}, "fr"),
        (None, {"LANG": "de_DE.UTF-8"}, "de"),
        (None, {"LANG": "de_DE.UTF-8", "LC_MESSAGES": "es_ES"}, "es"),
        (None, {"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "en"),
        (None, {"LC_ALL": "", "LANG": "de"}, "de"),
        (None, {}, "en"),
        ("tlh", {"LANG": "de"}, "en"),
        ("../de", {}, "en"),
    ],
)
def test_which_language_is_spoken(asked: str | None, environ: dict[str, str], code: str) -> None:
    assert i18n.use(asked, environ) == code
    assert i18n._("recommended") == {"en": "recommended", "de": "empfohlen"}.get(code, i18n._("recommended"))


def test_a_missing_or_broken_catalogue_is_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    assert i18n.use("de", {}) == "en"
    (tmp_path / "de.po").write_text("nonsense")
    assert i18n.use("de", {}) == "en"
    (tmp_path / "de.po").write_text('msgid "recommended"\nmsgstr ""\n')
    assert i18n.use("de", {}) == "de"
    assert i18n._("recommended") == "recommended"
    for first in ('msgid ""\n', 'msgid ""\nmsgid_plural "x"\n', 'msgid "recommended"\n\nmsgstr "x"\n', ""):
        (tmp_path / "de.po").write_text(first)
        assert i18n.use("de", {}) == "de"
        assert i18n._("recommended") == "recommended"


@pytest.mark.parametrize("rule", ["n - 5", "1 / (n - n)", "n * 99"])
def test_a_plural_rule_that_leads_nowhere_is_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    (tmp_path / "fr.po").write_text(PO.replace("(n > 1)", rule))
    i18n.use("fr", {})
    assert i18n.counted(2, "{n} line", "{n} lines") == "2 lines"


PO = r"""
# a comment
msgid ""
msgstr "Plural-Forms: nplurals=2; plural=(n > 1);\n"

msgid "{n} line"
msgid_plural "{n} lines"
msgstr[0] "{n} ligne"
msgstr[1] "{n} "
"lignes"

msgid "say \"this\""
msgstr "dis \"cela\"\tet\\"
"""


def test_plurals_escapes_and_strings_that_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    (tmp_path / "fr.po").write_text(PO)
    assert i18n.counted(1, "{n} line", "{n} lines") == "1 line"
    i18n.use("fr", {})
    assert [i18n.counted(n, "{n} line", "{n} lines") for n in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]
    assert i18n._('say "this"') == 'dis "cela"\tet\\'


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PO.splitlines()), max_size=8).map("\n".join)))
def test_any_text_gives_messages_or_an_error(text: str) -> None:
    try:
        found = i18n.messages(text)
    except ValueError:
        return
    assert all(isinstance(key, tuple) for key in found)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_line_of_keys_fits_and_keeps_what_matters(code: str) -> None:
    from bootmenu.view.actions import Place, labelled
    from bootmenu.view.banner import footer

    i18n.use(code, {})
    for place in Place:
        shown = footer(labelled(place), 80)
        assert shown.width <= 80
        labels = labelled(place)
        assert not labels or labels[0][1] in shown.text
    menu = footer(labelled(Place.MENU, {"unfilter", "lock", "unlock", "demo"}), 80).text
    assert i18n._("boot") in menu
    assert i18n._("help") in menu


# ---- what was said elsewhere -------------------------------------------------------------------------------------


def test_a_sentence_from_elsewhere_is_told_with_its_values() -> None:
    i18n.use("de", {})
    assert i18n.told("/boot/vmlinuz is empty.") == "/boot/vmlinuz ist leer."
    assert i18n.told("sda1:/a is for A, this machine is B; they share only C.") == (
        "sda1:/a ist für A, diese Maschine ist B; gemeinsam haben sie nur C."
    )
    assert i18n.told("sda1:/a is no usable device tree: tag 0x7 is unknown (at byte 0x38).") == (
        "sda1:/a ist kein brauchbarer Gerätebaum: Marke 0x7 ist unbekannt (bei Byte 0x38)."
    ), "what is said within it as well"
    assert i18n.told("a text from a disk") == "a text from a disk"
    i18n.use("en", {})
    assert i18n.told("/boot/vmlinuz is empty.") == "/boot/vmlinuz is empty."


def test_nearly_everything_that_the_checks_say_is_translated() -> None:
    from tests.compat.examples import examples

    i18n.use("de", {})
    said = {text for example in examples() for found in example.findings() for text in (found.message, found.hint)}
    assert len(said) > 300
    left = {text for text in said if text and i18n.told(text) == text}
    assert left == {"Leave it out."}, "one that an example invents"


ENGLISH = re.compile(r"\b(the|is|of|are|not|than|there|with|its|it|and|which|this|cannot|here)\b")
"""Words that none of the other languages has."""


def mixed(text: str) -> bool:
    """Whether a sentence of another language has English in it that nobody is quoted with."""
    return ENGLISH.search(re.sub(r"“[^”]*”|`[^`]*`|\[[^]]*\]", "", text)) is not None


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_translation_mixes_languages(code: str) -> None:
    known = i18n.messages((i18n.LOCALE / f"{code}.po").read_text(encoding="utf-8"))
    assert [value for key, values in known.items() if key != ("",) for value in values if mixed(value)] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_checks_and_parsers_say_is_told_without_a_word_of_english(code: str) -> None:
    from tests.compat.examples import examples
    from tests.trees import goldens

    said = {text for example in examples() for found in example.findings() for text in (found.message, found.hint)}
    for name in goldens.names():
        found = json.loads((goldens.FOLDER / name / "scan.json").read_text("utf-8"))
        said |= {problem["message"] for problem in found["problems"]}
    i18n.use(code, {})
    assert [i18n.told(text) for text in said - {"Leave it out."} if mixed(i18n.told(text))] == []


def fragments() -> list[str]:
    """Return pieces of our own sentences: what a tool says in the same words must not be taken for them."""
    pieces = {piece for key in collected() for piece in re.split(r"\{\w*\}", key[0]) if piece.strip()}
    return sorted(pieces | {"not enough devices to start the array", ": ", "; ", ".", " and ", "“", "”", "/dev/md0"})


TOOLS = st.lists(st.sampled_from(fragments()) | st.text(max_size=8), min_size=1, max_size=6).map(" ".join)
"""What a tool may say."""
FRAMES = sorted({key[0] for key in collected() if "{0}" in key[0] and "{10}" not in key[0]})


@pytest.mark.parametrize("code", LANGUAGES)
@given(TOOLS.filter(lambda said: len(said) < 600), st.sampled_from(FRAMES), st.integers(0, 9))
@example("not enough devices: to start", "{0} is damaged: {1}.", 1)
def test_what_a_tool_says_stays_as_it_is_in_every_sentence(code: str, said: str, frame: str, place: int) -> None:
    i18n.use(code, {})
    places = sorted(set(re.findall(r"\{(\d)\}", frame)))
    quote = quoted(said)

    def filled(text: str) -> str:
        values = {number: f"x{number}" for number in places} | {places[place % len(places)]: text}
        return re.sub(r"\{(\d)\}", lambda match: values[match[1]], frame.replace("{{", "{").replace("}}", "}"))

    told = i18n.told(filled(quote))
    assert quote in told
    assert told == i18n.told(filled("“X”")).replace("“X”", quote), "and changes nothing around it"
    for sentence in (f"mdadm: {quote}", f"md0: mdadm: {quote}", f"{quote}.", quote):
        assert i18n.told(sentence) == sentence


def test_what_tools_and_libraries_say_is_quoted_wherever_it_is_told() -> None:
    """Every value of a text that comes from a program, or from an error that is not ours, is handed to `quoted`."""
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        name = f"bootmenu/{path.relative_to(ROOT)}"
        if not name.startswith(TOLD) or name in UNTOLD:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for handler in ast.walk(tree):
            if isinstance(handler, ast.ExceptHandler) and handler.name and foreign(handler.type):
                wrong += [f"{name}:{value.lineno}" for value in values(handler) if names(value, handler.name)]
        wrong += [f"{name}:{value.lineno}" for value in values(tree) if "error_text" in ast.unparse(value)]
    assert wrong == []


def values(tree: ast.AST) -> Iterator[ast.FormattedValue]:
    """Return what is put into texts and not quoted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and not re.search(r"\bquoted\(", ast.unparse(node.value)):
            yield node


def names(value: ast.FormattedValue, error: str) -> bool:
    """Whether a value is what an error says by itself."""
    return ast.unparse(value.value) in (error, f"str({error})", f"str({error})[:200]")


def foreign(kind: ast.expr | None) -> bool:
    """Whether an exception that is caught may be a library's, which speaks English."""
    texts = {ast.unparse(part) for part in (kind.elts if isinstance(kind, ast.Tuple) else [kind] if kind else [])}
    ours = {
        text for text in texts if re.fullmatch(r"_?\w+(Error|Kernel|Jump)", text) and hasattr(builtins, text) is False
    }
    return bool(texts - ours - {"OSError"})


@given(st.text(max_size=200), st.integers(1, 5000))
def test_any_text_is_told_in_bounded_time(text: str, times: int) -> None:
    i18n.use("de", {})
    i18n.told(text)
    i18n.told(f"{text} is for " * times)
    i18n.use("en", {})


def test_what_the_system_says_is_known_by_its_own_words() -> None:
    """Without a locale of its own, as in a first stage, the C library speaks English."""
    words = {os.strerror(number) for number in errno.errorcode}
    assert set(i18n.SYSTEM_ERRORS) <= words
    i18n.use("de", {})
    assert i18n.told(f"/boot/x: reading failed: {os.strerror(errno.EIO)}.") == (
        "/boot/x: Lesen fehlgeschlagen: Ein-/Ausgabefehler."
    )


@pytest.mark.parametrize(
    ("code", "forms"), [("de", "many one many"), ("fr", "one one many"), ("pt", "many one many")]
)
def test_plurals_follow_the_language(code: str, forms: str) -> None:
    i18n.use(code, {})
    one, many = (i18n.counted(n, "{n} entry", "{n} entries").split()[1] for n in (1, 2))
    said = [i18n.counted(n, "{n} entry", "{n} entries").split()[1] for n in (0, 1, 2)]
    assert said == [{"one": one, "many": many}[form] for form in forms.split()]
    assert one != many


def test_where_there_is_nothing_but_ascii_german_is_written_with_two_letters() -> None:
    from bootmenu.terminal.character_sets import to_ascii

    i18n.use("de", {}, ascii_only=True)
    assert i18n._("device tree") == "Geraetebaum"
    for code in LANGUAGES:
        i18n.use(code, {}, ascii_only=True)
        assert "?" not in to_ascii("".join(i18n._(key[0]) for key in collected() if "?" not in key[0]))
