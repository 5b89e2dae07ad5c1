# SPDX-License-Identifier: MIT
"""Messages are English as text and translated when they are shown, whole or not at all."""

from __future__ import annotations

import ast
import builtins
import copy
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu import i18n
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.i18n import N_, English, Message, joined, localized, ngettext, ngettext_lazy
from scripts.messages import PACKAGE, msgids

LANGUAGES = ["de", "es", "fr", "pt"]


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Leave English to the other tests."""
    yield
    i18n.use("en", {})


CANNOT = N_("{name} cannot be started here", name="Debian")


def skipped(why: str) -> Message:
    return N_("{problem}: the next one is taken.", problem=N_("The default {why}", why=why))


NEXT = skipped(CANNOT)


def test_a_message_is_english_as_text_whatever_the_language() -> None:
    i18n.use("de", {})
    text = "The default Debian cannot be started here: the next one is taken."
    assert text == NEXT == str(NEXT) == f"{NEXT}"
    assert type(str(NEXT)) is str
    assert json.loads(json.dumps({"why": NEXT})) == {"why": text}


def test_a_message_is_translated_with_the_messages_in_it() -> None:
    assert localized(NEXT) == str(NEXT)
    i18n.use("de", {})
    assert localized(CANNOT) == "Debian lässt sich hier nicht starten"
    assert localized(NEXT) == f"Die Vorgabe {localized(CANNOT)}; der nächste Eintrag wird genommen."
    assert localized(joined("; ", [CANNOT, "sda1", CANNOT])) == f"{localized(CANNOT)}; sda1; {localized(CANNOT)}"
    assert joined("; ", [CANNOT, "sda1"]) == "Debian cannot be started here; sda1"


def test_other_texts_and_messages_without_a_translation_stay_as_they_are() -> None:
    i18n.use("de", {})
    assert localized("recommended") == "recommended", "not a Message"
    assert localized(N_("no translator has seen {what}", what="this")) == "no translator has seen this"
    assert localized(N_("a {brace} without a value")) == "a {brace} without a value"


def test_a_message_with_english_in_it_stays_english_as_a_whole() -> None:
    i18n.use("de", {})
    for reason in (
        English("Input/output error"),
        OSError(5, "Input/output error"),
        FormatError("Input/output error").message,
        FormatError("Input/output error"),
        ValueError("Input/output error"),
        N_("{name}: Input/output error", name=English("")),
        joined(", ", [English("Input/output error")]),
    ):
        message = N_("What was remembered could not be read: {reason}.", reason=reason)
        assert localized(message) == str(message)
        assert localized(skipped(message)).startswith("The default What")
    translated = BootmenuError(CANNOT).message
    assert localized(skipped(translated)) == localized(NEXT)


def test_errors_keep_their_messages() -> None:
    i18n.use("de", {})
    error = BootmenuError(CANNOT, N_("nothing selected"))
    assert (localized(error.message), localized(error.hint)) == (localized(CANNOT), "nichts gewählt")
    assert str(error) == "Debian cannot be started here"
    plain = BootmenuError("Try again.", "Try again.")
    assert (localized(plain.message), localized(plain.hint)) == ("Try again.", "Try again.")
    assert {type(value) for value in error.to_json().values()} == {str}


def test_a_message_can_be_copied() -> None:
    i18n.use("de", {})
    for other in (copy.copy(NEXT), copy.deepcopy(NEXT), pickle.loads(pickle.dumps(NEXT))):
        assert isinstance(other, Message)
        assert localized(other) == localized(NEXT)


@pytest.mark.parametrize(
    ("code", "number", "word"),
    [
        *(("en", 0, "entries"), ("en", 1, "entry"), ("en", 2, "entries")),
        *(("de", 0, "Einträge"), ("de", 1, "Eintrag"), ("de", 2, "Einträge")),
        *(("fr", 0, "entrée"), ("fr", 1, "entrée"), ("fr", 2, "entrées")),
        *(("pt", 0, "entradas"), ("pt", 1, "entrada"), ("pt", 2, "entradas")),
    ],
)
def test_plurals_follow_the_language(code: str, number: int, word: str) -> None:
    i18n.use(code, {})
    assert ngettext("{n} entry", "{n} entries", number) == f"{number} {word}"
    lazy = ngettext_lazy("{n} entry", "{n} entries", number)
    assert lazy == f"{number} {'entry' if number == 1 else 'entries'}"
    assert localized(lazy) == f"{number} {word}"


@pytest.mark.parametrize(
    ("code", "size", "count"),
    [
        *(("en", "2.5", "1,234"), ("de", "2,5", "1.234"), ("es", "2,5", "1.234")),
        *(("fr", "2,5", "1\u00a0234"), ("pt", "2,5", "1.234")),
    ],
)
def test_numbers_are_written_as_the_language_has_it(code: str, size: str, count: str) -> None:
    i18n.use(code, {})
    assert size in localized(N_("unpacked to {size:.1f} MB", size=2.5))
    assert count in localized(N_("there are more than {n:,} folders", n=1234))
    assert (i18n.number(2.5, ".1f"), i18n.number(1234, ",")) == (size, count)
    assert localized(joined(" ", ["1,234.5", CANNOT])).startswith("1,234.5"), "a text is no number"
    assert "2.5" in str(N_("unpacked to {size:.1f} MB", size=2.5))


def test_sizes_and_times_on_screens_have_the_decimal_comma() -> None:
    from bootmenu.model.progress import Progress, Stage, StageState
    from bootmenu.model.text import megabytes
    from bootmenu.terminal.cells import rate, seconds
    from bootmenu.view.wording import stage_line

    progress = Progress(stage=Stage.KERNEL, state=StageState.DONE, done=35_100_000, seconds=0.26)
    assert (megabytes(35_100_000), rate(1_500_000), seconds(0.26)) == ("35.1 MB", "1.5 MB/s", "0.3 s")
    assert "35.1 MB    0.3 s" in stage_line(progress)
    i18n.use("de", {})
    assert (megabytes(35_100_000), rate(1_500_000), seconds(0.26)) == ("35,1 MB", "1,5 MB/s", "0,3 s")
    assert "35,1 MB    0,3 s" in stage_line(progress)
    assert "." not in "".join(str(value) for value in (megabytes(3200), seconds(75)))
    i18n.use("fr", {})
    assert (megabytes(35_100_000), megabytes(3200), rate(1_500_000)) == ("35,1 Mo", "3,2 ko", "1,5 Mo/s")


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_value_stands_in_the_translation_as_it_is(name: str, other: str) -> None:
    i18n.use("de", {})
    assert name in localized(N_("{name} cannot be started here", name=name))
    assert localized(other) == other
    assert localized(joined(", ", [name, other])) == f"{name}, {other}"


# ---- how the source uses them ------------------------------------------------------------------------------------


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Return where the source calls one of these functions."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name != "i18n":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield f"{path.relative_to(PACKAGE.parent)}:{node.lineno}", node


def test_templates_are_literal_and_have_a_field_for_each_value() -> None:
    wrong = []
    for where, call in calls("N_", "ngettext", "ngettext_lazy"):
        templates = call.args[:1] if getattr(call.func, "id", "") == "N_" else call.args[:2]
        given = {keyword.arg for keyword in call.keywords} | ({"n"} if len(templates) == 2 else set())
        for template in templates:
            if not (isinstance(template, ast.Constant) and isinstance(template.value, str)):
                wrong.append(f"{where}: only a literal is found by those who translate")
            elif (len(templates) == 1 or template is templates[1]) and fields(template.value) != given and given:
                wrong.append(f"{where}: {given ^ fields(template.value)}")
    assert wrong == []


def test_every_literal_message_is_in_the_catalogues() -> None:
    """Babel overlooks a call inside an f-string, and the message stays English."""
    found = {text for message in msgids() for text in message}
    texts = {
        argument.value: where
        for where, call in calls("_", "N_", "ngettext", "ngettext_lazy")
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    assert {text: where for text, where in texts.items() if text not in found} == {}


def fields(template: str) -> set[str | None]:
    """Return the names of the fields."""
    return {name for _text, name, _spec, _conversion in Formatter().parse(template) if name is not None}


TECHNICAL = (
    *("bootmenu/system/recorded_host.py", "bootmenu/sources/patterns.py"),
    *("bootmenu/frontends/tui/themes.py", "bootmenu/kexec/methods/__init__.py", "bootmenu/system/syscalls.py"),
    *(
        "bootmenu/bootstate/pin.py",
        "bootmenu/commands/",
        "bootmenu/config/",
        "bootmenu/image/",
        "bootmenu/bugreport/",
        "bootmenu/vm/",
    ),
    *("bootmenu/cli.py", "bootmenu/registry.py", "bootmenu/errors.py", "bootmenu/i18n/", "bootmenu/model/"),
)
"""For those who write themes, settings, or commands."""


def test_what_tools_and_libraries_say_is_quoted() -> None:
    """Every value of a text that comes from a program, or from an error that is not ours, is handed to `quoted`."""
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE.parent))
        if name.startswith(TECHNICAL):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for handler in ast.walk(tree):
            if isinstance(handler, ast.ExceptHandler) and handler.name and foreign(handler.type):
                wrong += [f"{name}:{value.lineno}" for value in values(handler) if names(value, handler.name)]
        wrong += [f"{name}:{value.lineno}" for value in values(tree) if "error_text" in ast.unparse(value)]
    assert wrong == []


def values(tree: ast.AST) -> Iterator[ast.expr]:
    """Return what is put into texts and not quoted."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.FormattedValue) and node.conversion == -1:
            parts = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
            parts = [keyword.value for keyword in node.keywords if not isinstance(keyword.value, ast.Name)]
        yield from (part for part in parts if not re.search(r"\bquoted\(", ast.unparse(part)))


def names(value: ast.expr, error: str) -> bool:
    """Return whether a value is what an error says by itself."""
    return ast.unparse(value) in (error, f"str({error})", f"str({error})[:200]")


def foreign(kind: ast.expr | None) -> bool:
    """Return whether an exception that is caught may be a library's, which speaks English."""
    texts = {ast.unparse(part) for part in (kind.elts if isinstance(kind, ast.Tuple) else [kind] if kind else [])}
    ours = {
        text for text in texts if re.fullmatch(r"_?\w+(Error|Kernel|Jump)", text) and hasattr(builtins, text) is False
    }
    return bool(texts - ours - {"OSError"})


def test_the_rule_about_quotes_sees_both_kinds_of_texts() -> None:
    source = 'try:\n    f()\nexcept ValueError as error:\n    a = f"{error}"\n    b = N_("{x}", x=str(error))\n'
    tree = ast.parse(source)
    handler = next(node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler))
    assert foreign(handler.type)
    assert [names(value, "error") for value in values(handler)] == [True, True]


def test_the_source_has_messages_at_all() -> None:
    assert len(list(calls("N_"))) > 200
    assert Path(PACKAGE, "i18n", "__init__.py").exists()


def test_a_problem_is_shown_with_its_place_in_the_language_or_in_english_as_a_whole() -> None:
    from bootmenu.model.entry import Problem

    i18n.use("de", {})
    problem = Problem(device="sda1", path="", message=N_("does not answer"))
    assert (str(problem), localized(problem.located)) == ("sda1: does not answer", "sda1: antwortet nicht")
    assert type(problem.to_json()["message"]) is str
    plain = Problem(device="sda1", path="/boot/grub.cfg", message="unknown keyword")
    assert localized(plain.located) == str(plain) == "sda1:/boot/grub.cfg: unknown keyword"
