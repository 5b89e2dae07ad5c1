# SPDX-License-Identifier: MIT
"""What holds for every configuration that is read line by line: bounds, encodings, one name for one entry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources.line_formats import LINE_LIMIT, MAX_ENTRIES
from bootmenu.sources.references import located
from bootmenu.sources.tree import CONFIG_LIMIT, TreeErrorReason
from tests.builders.trees import MemoryTree
from tests.properties import examples
from tests.sources.parsers.reading import read

PROPERTY = examples(60)

# by format: the file, and the lines of an entry of that name
FORMATS = {
    "extlinux": ("/boot/extlinux/extlinux.conf", "label {0}\nkernel /k\nappend x\n"),
    "syslinux": ("/isolinux/isolinux.cfg", "LABEL {0}\nLINUX /k\nAPPEND x\n"),
    "kboot": ("/kboot.conf", "{0}='/k x'\n"),
    "petitboot": ("/petitboot.conf", "name {0}\nimage /k\nargs x\n"),
    "yaboot": ("/yaboot.conf", "image=/k\nlabel={0}\nappend=x\n"),
    "elilo": ("/elilo.conf", "image=/k\nlabel={0}\nappend=x\n"),
    "lilo": ("/etc/lilo.conf", "image=/k\nlabel={0}\nappend=x\n"),
    "kexecboot": ("/boot/boot.cfg", "LABEL={0}\nKERNEL=/k\nCMDLINE=x\n"),
}
WORDS = (
    "label menu begin end separator include config default ontimeout kernel linux append initrd fdt fdtdir text "
    "help endtext name image args dtb root device partition literal read-only alias cmdline priority = [a] [ # ; { } "
    "\" ' - "
    "\\ ^ :: , 3, hd: UUID= (hd0,1)/k /k ../k /dev/sda1:/k http://x/k image[64bit] 7"
).split()
TEXTS = st.lists(
    st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=4).flatmap(
        lambda words: st.sampled_from([" ", "=", ""]).map(lambda glue: glue.join(words))
    ),
    max_size=12,
).map("\n".join) | st.text(max_size=80)


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


def config(form: str, text: str | bytes) -> tuple[list[BootEntry], list[Problem]]:
    path = FORMATS[form][0]
    entries, problems = read({path: text})
    assert all(entry.source == form and entry.config and entry.config.path == path for entry in entries)
    return entries, problems


def entry(form: str, name: str) -> str:
    return FORMATS[form][1].format(name)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("k", "\0k"),
        lambda text: "\n\n  # a comment\n" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "  \n\t"),
    ],
)
def test_text_may_come_in_any_shape(form: str, change: object) -> None:
    assert callable(change)
    (found,), problems = config(form, change(entry(form, "a")))
    assert (found.id, found.kernel.path, found.cmdline.text, problems) == ("a", "/k", "x", [])


def test_bytes_that_are_no_text_cost_nothing_but_themselves(form: str) -> None:
    entries, _ = config(form, b"\xff\xfe\n" + entry(form, "a").encode() + b"\n\xff")
    assert [found.id for found in entries] == ["a"]


def test_a_line_separator_of_unicode_is_no_end_of_a_line(form: str) -> None:
    (found,), problems = config(
        form,
        entry(form, "a\u2028b").replace(
            "a\u2028b", '"a\u2028b"' if form in ("yaboot", "elilo", "lilo") else "a\u2028b"
        ),
    )
    assert (found.id, problems) == ("a\u2028b", [])


def test_a_line_that_is_too_long_is_a_problem_and_the_rest_is_listed(form: str) -> None:
    entries, problems = config(form, entry(form, "a") + "y" * (LINE_LIMIT + 1) + "\n" + entry(form, "b"))
    assert [found.id for found in entries] == ["a", "b"]
    number = entry(form, "a").count("\n") + 1
    assert [problem.message for problem in problems] == [f"line {number}: longer than 65,536 characters, left out"]


def test_too_many_entries_are_not_cut_in_silence(form: str) -> None:
    entries, problems = config(form, "".join(entry(form, f"e{number}") for number in range(MAX_ENTRIES + 5)))
    assert len(entries) == MAX_ENTRIES
    assert ["more than 1,000" in problem.message for problem in problems] == [True]


def test_a_million_mistakes_are_fifty_problems(form: str) -> None:
    text = entry(form, "a") + '= "\n' * ((CONFIG_LIMIT - 100) // 4)
    entries, problems = config(form, text)
    assert [found.id for found in entries] == ["a"]
    assert len(problems) == 50


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (TreeErrorReason.MISSING, False),
        (TreeErrorReason.OUTSIDE, False),
        (TreeErrorReason.NOT_A_FOLDER, False),
        (TreeErrorReason.UNREADABLE, True),
        (TreeErrorReason.FORBIDDEN, True),
        (TreeErrorReason.NOT_A_FILE, True),
    ],
)
def test_a_file_in_trouble_is_said_once(form: str, trouble: TreeErrorReason, said: bool) -> None:
    path = FORMATS[form][0]
    entries, problems = read({}, {path: trouble})
    assert (entries, [problem.path for problem in problems]) == ([], [path] if said else [])


def test_a_file_that_is_too_large_is_a_problem(form: str) -> None:
    entries, problems = config(form, "#" * (CONFIG_LIMIT + 1))
    assert (entries, [problem.path for problem in problems]) == ([], [FORMATS[form][0]])


def test_an_entry_keeps_its_id(form: str) -> None:
    once, _ = config(form, entry(form, "a") + entry(form, "b"))
    again, _ = config(form, entry(form, "b") + "\n\n" + entry(form, "a"))
    assert {found.id for found in once} == {found.id for found in again} == {"a", "b"}


@PROPERTY
@given(text=TEXTS, inside=st.booleans())
@pytest.mark.parametrize("form", FORMATS)
def test_any_text_gives_entries_and_problems(form: str, text: str, inside: bool) -> None:
    entries, problems = config(form, (entry(form, "a") if inside else "") + text)
    assert all(found.id and found.title and found.kernel.path.startswith("/") for found in entries)
    assert len([found for found in entries if found.default]) <= 1
    assert len(problems) <= 50


@PROPERTY
@given(data=st.binary(max_size=120))
@pytest.mark.parametrize("form", FORMATS)
def test_any_bytes_give_entries_and_problems(form: str, data: bytes) -> None:
    config(form, entry(form, "a").encode() + data)


@pytest.mark.parametrize(
    ("text", "device", "path"),
    [
        ("k", "sda1", "/boot/k"),
        ("/k", "sda1", "/k"),
        ("\\EFI\\k", "sda1", "/EFI/k"),
        ("::k", "sda1", "/k"),
        ("a:b", "sda1", "/boot/a:b"),
        ("/a:b", "sda1", "/a:b"),
        ("sda1:/k", "sda1", "/k"),
        ("sdb1:/k", "sdb1", "/k"),
        ("/dev/sdb1:k", "sdb1", "/k"),
        ("/dev/disk/by-label/x:/k", "label=x", "/k"),
        ("UUID=AB-CD:/k", "uuid=ab-cd", "/k"),
        ("label=Boot:/k", "label=Boot", "/k"),
        ("LABEL=here:/k", "sda1", "/k"),
        ("(hd0,gpt2)/k", "hd0,gpt2", "/k"),
        ("(hd0,gpt2)", "sda1", "/boot/(hd0,gpt2)"),
    ],
)
def test_where_a_file_is(text: str, device: str, path: str) -> None:
    tree = MemoryTree({}, names=frozenset({"sda1", "label=here"}))
    ref = located(tree, text, "/boot")
    assert (ref.device, ref.path, ref.exists) == (device, path, None)
