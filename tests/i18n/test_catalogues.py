# SPDX-License-Identifier: MIT
"""The translations: the same fields, one language in each, on every console, and never in the way of booting."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from bootmenu import i18n
from bootmenu.i18n import catalogues
from scripts import messages
from scripts.build_hook import LOCALE, compile_catalogues
from scripts.messages import msgids, read, texts, written

LANGUAGES = ["de", "es", "fr", "pt"]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Leave English to the other tests."""
    yield
    i18n.use("en", {})


def translations(code: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the msgids of a language's catalogue and their translations, where there are any."""
    for message in read(code):
        if message.id and any(texts(message.string)):
            yield texts(message.id), texts(message.string)


def test_there_are_the_promised_languages() -> None:
    assert i18n.available() == ["en", *LANGUAGES]
    assert sorted(path.stem for path in LOCALE.glob("*.po")) == LANGUAGES


def fields(template: str) -> list[str]:
    """Return the fields of a template, each with its format."""
    return sorted(
        f"{name}:{spec}" for _text, name, spec, _conversion in Formatter().parse(template) if name is not None
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_have_the_fields_and_the_edges_of_their_messages(code: str) -> None:
    found = dict(translations(code))
    assert len(found) > 400
    for key, values in found.items():
        for value in values:
            assert value, f"{key} is translated in part"
            if "{" in key[-1] and key != ("{",):
                assert fields(value) == fields(key[-1]), (key, value)
            assert (value[0] == " ", value[-1] == " ") == (key[0][0] == " ", key[0][-1] == " "), (key, value)
            assert not set(value) - set(key[0]) - LATIN, (key, value)


LATIN = {*(chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))), *"↑↓„“"}
"""Every console font has these, or to_console replaces them."""

QUOTES = {"de": "„“", "es": "«»", "fr": "«»", "pt": "«»"}


@pytest.mark.parametrize("code", LANGUAGES)
def test_quotation_marks_are_those_of_the_language(code: str) -> None:
    found = [value for _key, values in translations(code) for value in values if set(value) & set("“”„«»‹›‚‘’")]
    assert len(found) > 2
    for text in found:
        assert "".join(char for char in text if char in "“”„«»‹›‚‘’") == QUOTES[code], text
        assert code != "fr" or re.search("«\xa0.*\xa0»", text), text


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("en", "0 of 10 entries with “xyz”"),
        ("de", "0 von 10 Einträgen mit „xyz“"),
        ("es", "0 de 10 entradas con «xyz»"),
        ("fr", "0 sur 10 entrées avec «\xa0xyz\xa0»"),
        ("pt", "0 de 10 entradas com «xyz»"),
    ],
)
def test_the_count_of_a_filter_is_one_sentence(code: str, count: str) -> None:
    from bootmenu.view.wording import matching_count

    i18n.use(code, {})
    assert matching_count(0, 10, "xyz") == count
    assert matching_count(1, 1, "xyz") != matching_count(1, 2, "xyz")


def test_french_has_no_space_that_breaks_before_its_marks() -> None:
    """Except before a mark that is a key: `? (aide)`."""
    said = [re.sub(r"\{(\w+):[^}]*\}", r"{\1}", value) for _key, values in translations("fr") for value in values]
    marked = re.compile(r"[\w»)}\]*/%.]([ \xa0]?)[:;!?»](?! \(aide)(?=[\s.]|$)")
    assert sum(len(marked.findall(text)) for text in said) > 100
    assert [text for text in said if set(marked.findall(text)) - {"\xa0"}] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_straight_quotation_marks_and_decimal_points_are_only_in_what_is_typed(code: str) -> None:
    for key, values in translations(code):
        for value in values:
            assert value.count('"') == key[0].count('"'), value
            assert "'" not in re.sub(r"(?<=\w)'(?=\w|{)", "", value), f"an apostrophe stands in a word: {value}"
            assert not re.search(r"\d\.\d(?!\d\d)", value), value


TWICE = {
    "de": r"Kennwort|Passwort|(?<!irtuelle )Maschine|Schreibmarke|von selbst|Vorführ|Kommandozeile|Device-Tree",
    "es": r"núcleo|(?<!frase de )contraseña|no se lee\b|línea de comandos|ficher|solo en \{|arranca solo\b",
    "fr": r"(?<!/)firmware|mot de passe|kernel(?!\.)|arborescence|tout seul|(?<!n'est )pas (lu|mont)",
    "pt": r"núcleo|\bsenha|palavra-passe|veredito|comandos|arquivo|sozinho\b(?! mostra)|\bcargas?\b(?! de teste)",
}
"""A second word for what has one already, in the glossary of the file, and words that say something else."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_thing_has_one_word(code: str) -> None:
    said = [value for _key, values in translations(code) for value in values]
    assert [text for text in said if re.search(TWICE[code], text, re.IGNORECASE)] == []
    assert all(
        re.search(pattern, "Kennwort firmware núcleo Mot de passe", re.IGNORECASE) for pattern in TWICE.values()
    )


KEYS = ("Enter", "PgDn", "PgUp", "Tab", "Space", "Backspace", "Home", "End", "Del", "Esc")


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_abbreviation_looks_like_a_key(code: str) -> None:
    found = dict(translations(code))
    keys = {found[key,][0].lower() for key in KEYS}
    assert len(keys) == len(KEYS)
    short = [values[0] for key, values in found.items() if values[0].endswith(".") and key[0] not in KEYS]
    assert [text for text in short if text.rstrip(".").lower() in keys] == []


@pytest.mark.parametrize("code", ["es", "fr", "pt"])
def test_no_language_has_the_words_of_another(code: str) -> None:
    """A catalogue that shares the messages of the source with another takes over its translations."""
    german = dict(translations("de"))
    same = [values for key, values in translations(code) if values == german.get(key) and values != key]
    assert [values for values in same if values[0].isalpha()] == []
    said = [value for _key, values in translations(code) for value in values]
    assert [text for text in said if re.search(r"\b(und|nicht|ist|mit|wird|Maschine)\b", text)] == []


ENGLISH = re.compile(r"\b(the|is|of|are|not|than|there|with|its|it|and|which|this|cannot|here)\b")
"""Words that none of the other languages has."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_translation_has_english_in_it(code: str) -> None:
    said = [value for _key, values in translations(code) for value in values]
    assert [text for text in said if ENGLISH.search(re.sub(r"„[^“]*“|«[^»]*»|`[^`]*`|\[[^]]*\]", "", text))] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_use_what_their_header_promises(code: str) -> None:
    """One word for each thing: the header's comment is the glossary."""
    catalogue = read(code)
    assert str(catalogue.locale) == code
    for key, values in translations(code):
        assert len(values) == (catalogue.num_plurals if len(key) == 2 else 1), key


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
def test_which_language_is_used(asked: str | None, environ: dict[str, str], code: str) -> None:
    assert i18n.use(asked, environ) == code
    assert i18n._("recommended") == {"en": "recommended", "de": "empfohlen"}.get(code, i18n._("recommended"))


def compiled(folder: Path, code: str, po: str) -> None:
    """Write a catalogue as the build does."""
    (folder / f"{code}.po").write_text(po, encoding="utf-8")
    (folder / f"{code}.mo").unlink(missing_ok=True)
    compile_catalogues(folder)


PO = r"""
# a comment
msgid ""
msgstr "Language: fr\nContent-Type: text/plain; charset=utf-8\nPlural-Forms: nplurals=2; plural=(n > 1);\n"

msgid "{n} line"
msgid_plural "{n} lines"
msgstr[0] "{n} ligne"
msgstr[1] "{n} "
"lignes"

msgid "say \"this\""
msgstr "dis \"cela\"\tet\\"

msgid "not yet"
msgstr ""
"""


def test_a_catalogue_is_compiled_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    compiled(tmp_path, "fr", PO)
    assert i18n.use("fr", {}) == "fr"
    assert [i18n.ngettext("{n} line", "{n} lines", n) for n in (0, 1, 2)] == ["0 ligne", "1 ligne", "2 lignes"]
    assert i18n._('say "this"') == 'dis "cela"\tet\\'
    assert i18n._("not yet") == "not yet"
    assert i18n.number(1234.5, ",") == "1,234.5", "it says nothing about numbers"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fr.mo", "fr.po"]


def test_an_older_catalogue_is_compiled_anew(tmp_path: Path) -> None:
    compiled(tmp_path, "fr", PO)
    before = (tmp_path / "fr.mo").read_bytes()
    (tmp_path / "fr.po").write_text(PO.replace("ligne", "LIGNE"), encoding="utf-8")
    compile_catalogues(tmp_path)
    assert (tmp_path / "fr.mo").read_bytes() != before


def test_a_missing_or_damaged_catalogue_is_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    assert i18n.use("de", {}) == "en"
    whole = (LOCALE / "de.mo").read_bytes()
    for data in (b"", b"nonsense", whole[:20], whole[:-100], bytes(100)):
        (tmp_path / "de.mo").write_bytes(data)
        assert i18n.use("de", {}) == "en"
        assert i18n._("recommended") == "recommended"
    (tmp_path / "de.mo").unlink()
    (tmp_path / "de.mo").mkdir()
    assert i18n.use("de", {}) == "en"


@pytest.mark.parametrize("rule", ["n - 5", "1 / (n - n)", "n * 99"])
def test_a_plural_rule_that_leads_nowhere_is_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    monkeypatch.setattr(i18n, "LOCALE", tmp_path)
    (tmp_path / "fr.mo").write_bytes(compiled_with(f"nplurals=2; plural=({rule});"))
    assert i18n.use("fr", {}) == ("en" if "/" in rule else "fr")
    assert i18n.ngettext("{n} line", "{n} lines", 2) == "2 lines"
    assert i18n._("recommended") == "recommended"


def compiled_with(rule: str) -> bytes:
    """Return a compiled catalogue with a rule that Babel would refuse."""
    rows = {
        b"": f"Content-Type: text/plain; charset=utf-8\nPlural-Forms: {rule}\n".encode(),
        b"{n} line\0{n} lines": b"{n} ligne\0{n} lignes",
    }
    keys, values, start = b"", b"", 28 + 16 * len(rows)
    for key in rows:
        keys += struct.pack("<II", len(key), start)
        start += len(key) + 1
    for value in rows.values():
        values += struct.pack("<II", len(value), start)
        start += len(value) + 1
    head = struct.pack("<7I", 0x950412DE, 0, len(rows), 28, 28 + 8 * len(rows), 0, 0)
    return head + keys + values + b"".join(text + b"\0" for text in (*rows, *rows.values()))


@given(st.binary(max_size=200))
def test_any_bytes_give_translations_or_none(data: bytes) -> None:
    path = LOCALE / "de.mo"
    whole = path.read_bytes()
    damaged = whole[: len(data) * 20] + data + whole[len(data) * 21 :]

    class File:
        stem = "de"

        def open(self, _mode: str) -> io.BytesIO:
            return io.BytesIO(damaged)

    found = catalogues.read(File())  # type: ignore[arg-type]
    assert found is None or isinstance(found.gettext("recommended"), str)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_line_of_keys_fits_and_keeps_what_matters(code: str) -> None:
    from bootmenu.view.key_help import labelled
    from bootmenu.view.page_edges import footer
    from bootmenu.view.screen_ids import ScreenId

    i18n.use(code, {})
    for place in ScreenId:
        shown = footer(labelled(place), 80)
        assert shown.width <= 80
        labels = labelled(place)
        assert not labels or labels[0][1] in shown.text
    menu = footer(labelled(ScreenId.MENU, {"unfilter", "lock", "unlock", "demo"}), 80).text
    assert i18n._("boot") in menu
    assert i18n._("help") in menu


CHECK = {"de": "rüf", "es": "comprob", "fr": "vérif", "pt": "verific"}
"""Part of the word for a check, which a test load is not."""


@pytest.mark.parametrize("code", LANGUAGES)
def test_tests_are_not_called_checks(code: str) -> None:
    found = [values[0] for key, values in translations(code) if re.search(r"\b[Tt]est", key[0])]
    assert len(found) > 5
    assert [text for text in found if CHECK[code] in text.lower()] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_log_of_the_kernel_is_not_called_like_the_kernel(code: str) -> None:
    i18n.use(code, {})
    assert i18n._("kernel log") != i18n._("kernel")


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_page_of_power_is_not_called_like_one_of_its_choices(code: str) -> None:
    from bootmenu.view.wording import POWER_WORDS

    i18n.use(code, {})
    assert i18n._("Power").lower() == i18n._("power").lower()
    assert i18n._("Power") not in [i18n._(choice) for choice in POWER_WORDS.values()]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_texts_of_the_simulated_kiosk_are_translated(code: str) -> None:
    from bootmenu.config.settings import Profile, Settings
    from bootmenu.demo.demo_kiosk import demonstrated

    english, english_pin = demonstrated(Settings(profile=Profile.KIOSK))
    i18n.use(code, {})
    used, pin = demonstrated(Settings(profile=Profile.KIOSK))
    assert not {*used.kiosk_names.values()} & {*english.kiosk_names.values()}
    assert (used.kiosk_contact, pin) != (english.kiosk_contact, english_pin)
    assert used.kiosk_contact.endswith(": 0800 123 456")
    assert "2580" in pin
    own = demonstrated(Settings(profile=Profile.KIOSK, kiosk_contact="Call me", kiosk_names={"x": "y"}))[0]
    assert (own.kiosk_contact, own.kiosk_names) == ("Call me", {"x": "y"})


def test_where_there_is_nothing_but_ascii_german_is_written_with_two_letters() -> None:
    from bootmenu.terminal.character_sets import to_ascii

    i18n.use("de", {}, ascii_only=True)
    assert i18n._("device tree") == "Geraetebaum"
    assert i18n.ngettext("{n} entry", "{n} entries", 2) == "2 Eintraege"
    assert "/ WOERTER;" in i18n._("list only entries with these words: / WORDS; / alone lists all of them")
    assert i18n._("Changes to the entry's device tree").startswith("Aenderungen"), "not AEnderungen"
    for code in LANGUAGES:
        i18n.use(code, {}, ascii_only=True)
        assert "?" not in to_ascii("".join(i18n._(key[0]) for key in msgids() if "?" not in key[0]))


# ---- the release step --------------------------------------------------------------------------------------------


def test_updating_keeps_translations_comments_and_plural_forms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Catalog(fuzzy=False)
    found.add("kept", locations=[("bootmenu/x.py", 0)])
    found.add("new", locations=[("bootmenu/x.py", 0)])
    monkeypatch.setattr(messages, "LOCALE", tmp_path)
    monkeypatch.setattr(messages, "extracted", lambda: found)
    monkeypatch.setattr(messages, "compile_catalogues", lambda: None)
    head = '# SPDX-License-Identifier: MIT\n# entry = entrée\nmsgid ""\nmsgstr ""\n"Language: fr\\n"\n'
    head += '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n'
    head += '"Content-Type: text/plain; charset=utf-8\\n"\n"Generated-By: somebody\\n"\n\n'
    path = tmp_path / "fr.po"
    path.write_text(f'{head}msgid "kept"\nmsgstr "gardé"\n\nmsgid "old"\nmsgstr "vieux"\n', encoding="utf-8")
    assert messages.main(["--check"]) == 1
    assert "1 not translated\n  new\n" in capsys.readouterr().out
    assert "vieux" in path.read_text("utf-8")
    assert messages.main([]) == 0
    text = path.read_text("utf-8")
    assert 'msgid "kept"\nmsgstr "gardé"' in text
    assert 'msgid "new"\nmsgstr ""' in text
    assert "# entry = entrée" in text
    assert "nplurals=2; plural=(n > 1);" in text
    assert "vieux" not in text
    assert "Generated-By" not in text
    assert messages.main([]) == 0
    assert path.read_text("utf-8") == text
    path.write_text(text.replace('msgid "new"\nmsgstr ""', 'msgid "new"\nmsgstr "neuf"'), encoding="utf-8")
    assert messages.main(["--check"]) == 0


def test_the_extractor_finds_every_kind_of_message() -> None:
    found = msgids()
    for key in ("{name} cannot be started here",), ("recommended",), ("{n} entry", "{n} entries"), ("1,234.5",):
        assert key in found
    assert ("{n} overlay", "{n} overlays") in found, "ngettext_lazy"


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_files_are_as_they_are_written(code: str) -> None:
    data = (LOCALE / f"{code}.po").read_bytes()
    assert written(read_po(io.BytesIO(data), locale=code)) == data, "run make messages"
