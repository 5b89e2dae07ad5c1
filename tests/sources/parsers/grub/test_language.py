# SPDX-License-Identifier: MIT
"""GRUB's language: words, quoting, variables, conditions, loops, functions."""

from __future__ import annotations

import pytest

from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.sources import Platform
from tests.sources.parsers.grub.building import entries, menu, messages, value, words


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("a b", "a b"),
        ("a\tb   c", "a b c"),
        ("'a b'", '"a b"'),
        ('"a b"', '"a b"'),
        ("a\\ b", '"a b"'),
        ("a'b'\"c\"d", "abcd"),
        ("'$v ${v}'", '"$v ${v}"'),
        ('"$v ${v}x"', '"one two one twox"'),
        ("$v", "one two"),
        ("x${v}y", "xone twoy"),
        ("$unset", ""),
        ('"$unset"a', "a"),
        ("a $unset b", "a b"),
        ("a\\\nb", "ab"),
        ("a \\\n b", "a b"),
        ('"a\\\nb"', "ab"),
        ("a#b # comment", "a#b"),
        ("\\$v '\\a' \"\\a\"", "$v \\\\a \\\\a"),
        ('"\\$v \\"x\\""', '"$v \\"x\\""'),
        ("a\\;b ';' \"{\"", "a;b ; {"),
        ("a;b", "a"),
        ('$"hello $v"', '"hello one two"'),
        ("'two\nlines'", "two\nlines"),
        ('5$ "5$" a$', "5$ 5$ a$"),
        ("if fi { true }", "if fi"),
        ("if 'fi' done", "if fi done"),
    ],
)
def test_words(shown: str, text: str) -> None:
    assert words("set v='one two'", shown) == text


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("plain", "plain"),
        ("with space", '"with space"'),
        ('q"q', 'q\\"q'),
        ("q'q", "q\\'q"),
        ("b\\s", "b\\\\s"),
        ("\\x20", "\\x20"),
    ],
)
def test_the_command_line_is_quoted_as_grub_does(argument: str, text: str) -> None:
    escaped = "".join("\\" + char if char in "\\'\" $" else char for char in argument)
    assert words("", escaped) == text


@pytest.mark.parametrize(
    ("architecture", "efi", "expected"),
    [
        (Architecture.ARM64, True, "arm64-efi"),
        (Architecture.ARM64, False, "arm64-efi"),
        (Architecture.ARM, True, "arm-efi"),
        (Architecture.ARM, False, "arm-uboot"),
        (Architecture.RISCV64, False, "riscv64-efi"),
        (Architecture.LOONGARCH64, True, "loongarch64-efi"),
        (Architecture.X86_64, True, "x86_64-efi"),
        (Architecture.X86_64, False, "i386-pc"),
        (Architecture.X86_64, None, "x86_64-efi"),
        (Architecture.X86, True, "i386-efi"),
        (Architecture.X86, False, "i386-pc"),
        (Architecture.PPC64, False, "powerpc-ieee1275"),
        (None, True, "-efi"),
        (None, False, "-efi"),
    ],
)
def test_the_platform_is_that_of_the_machine(
    architecture: Architecture | None, efi: bool | None, expected: str
) -> None:
    machine = MachineFacts(architecture=architecture, efi=efi)
    assert words("", "$grub_cpu-$grub_platform", platform=Platform.of(machine)) == expected


PC = Platform(architecture=Architecture.X86_64, efi=False)


def test_a_disk_is_where_a_pc_found_grub() -> None:
    assert words("", "$cmdpath") == "(hd0,gpt2)/EFI/BOOT"
    assert words("", "$cmdpath", platform=PC) == "(hd0)"


@pytest.mark.parametrize(
    ("asked", "architecture", "expected"),
    [
        ("-l", Architecture.X86_64, "yes"),
        ("--long-mode", Architecture.X86_64, "yes"),
        ("-p", Architecture.X86_64, "yes"),
        ("", Architecture.X86_64, "no"),
        ("-l", Architecture.X86, "no"),
        ("-l", Architecture.ARM64, "no"),
    ],
)
def test_cpuid_knows_the_processor(asked: str, architecture: Architecture, expected: str) -> None:
    script = f"if cpuid {asked}; then v=yes; else v=no; fi"
    assert words(script, "$v", platform=Platform(architecture=architecture)) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("set v=a", "a"),
        ("v=a", "a"),
        ("v=a=b", "a=b"),
        ("set v='a b'; set v=\"$v c\"", '"a b c"'),
        ("set v=a; unset v", ""),
        ("set v=a; set v", "a"),
        ("set v=a; set", "a"),
        ("export v=a", "a"),
        ("v=a; export v", "a"),
        ("false; set v=$?", "1"),
        ("no_such_command; set v=$?", "1"),
        ("true; set v=$?", "0"),
        ("! true; set v=$?", "1"),
        ("! false; set v=$?", "0"),
        ("!; set v=$?", "1"),
        ("set v=1a; set 1=x; set v=a$1", "a"),
        ("eval 'set v=a; set w=b'; v=$v$w", "ab"),
        ("c=set; $c v=a", "a"),
        ("$unset", ""),
        ("set v=${feature_menuentry_id}", "y"),
        ("set v=$prefix", "(hd0,gpt2)/boot/grub"),
        ("set v=$config_directory/$root", "(hd0,gpt2)/boot/grub/hd0,gpt2"),
        ("save_env v; list_env; v=$?", "0"),
        ("insmod gzio; loadfont unicode; terminal_output gfxterm; echo a; sleep 1; v=$?", "0"),
        ("if background_image /x.png; then v=a; fi", "a"),
        ("if keystatus --shift; then v=a; else v=b; fi", "b"),
    ],
)
def test_variables_and_states(script: str, expected: str) -> None:
    assert value(script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("if true; then v=a; fi", "a"),
        ("if false; then v=a; fi", ""),
        ("if false; then v=a; else v=b; fi", "b"),
        ("if false\nthen v=a\nelif true\nthen v=b\nelse v=c\nfi", "b"),
        ("if false; then v=a; elif false; then v=b; elif true; then v=c; fi", "c"),
        ("if false; true; then v=a; fi", "a"),
        ("if ! false; then v=a; fi", "a"),
        ("if true; then if false; then v=a; else v=b; fi; fi", "b"),
        ("if [ a = a ] ; then\n\n# comment\n\nv=a ; fi", "a"),
        ("for i in a b c; do v=$v$i; done", "abc"),
        ("l='a b'; for i in $l 'c d'; do v=\"$v-$i\"; done", '"-a-b-c d"'),
        ("for i in; do v=a; done", ""),
        ("for i in a b\ndo\nv=$v$i\ndone", "ab"),
        ("while [ x$v != xaaa ]; do v=a$v; done", "aaa"),
        ("until [ x$v = xaa ]; do v=a$v; done", "aa"),
        ("for i in a b c; do if [ $i = b ]; then break; fi; v=$v$i; done", "a"),
        ("for i in a b c; do if [ $i = b ]; then continue; fi; v=$v$i; done", "ac"),
        ("for i in 1 2; do for j in a b; do break 2; done; v=$v$i; done; v=x$v", "x"),
        ("for i in 1 2; do for j in a b; do v=$v$i$j; continue 2; done; v=$v.; done", "1a2a"),
        ("for i in 1 2; do for j in a b; do break; done; v=$v$i$j; done", "1a2a"),
        ("while true; do v=a; break; v=b; done", "a"),
        ("while [ x$v != xaaa ]; do v=a$v; continue; v=; done", "aaa"),
        ("break; continue; v=a", "a"),
        ("for i in a; do break 0; v=$?; done", "1"),
        ("for i in a; do break x; v=$?; done", "1"),
    ],
)
def test_conditions_and_loops(script: str, expected: str) -> None:
    assert value(script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("function f { v=$1-$2-$#; }\nf a b c", "a-b-3"),
        ("function f\n{\nv=$1\n}\nf a", "a"),
        ("function f { for i in $@; do v=$v.$i; done; }\nf 'a b' c", ".a.b.c"),
        ('function f { for i in "$@"; do v="$v.$i"; done; }\nf "a b" c', '".a b.c"'),
        ('function f { for i in "$*"; do v="$v.$i"; done; }\nf "a b" c', '".a b c"'),
        ("function f { shift; v=$1$#; }\nf a b", "b1"),
        ("function f { shift 2; v=$1$#; }\nf a b c", "c1"),
        ("function f { shift 9; v=$?$#; }\nf a b", "12"),
        ("function f { setparams x y; v=$1$2$#; }\nf a", "xy2"),
        ("function f { v=a; return; v=b; }\nf", "a"),
        ("function f { return 3; }\nf; v=$?", "3"),
        ("function f { false; return; }\nf; v=$?", "1"),
        ("function f { false; }\nf; v=$?", "1"),
        ("function f { for i in a b; do v=$v$i; return; done; }\nf", "a"),
        ("function f { for i in a b; do g; done; }\nfunction g { v=a$v; break; }\nf", "aa"),
        ("function f { g x; v=$v$1; }\nfunction g { v=$1; }\nf a", "xa"),
        ("function f { v=a; }\nfunction f { v=b; }\nf", "b"),
        ("function f { if [ $1 = xxx ]; then return; fi; v=$1; f x$1; }\nf x", "xx"),
        ("return; v=$?", "1"),
        ("setparams a; v=$?", "1"),
        ("shift; v=$?$#", "00"),
        ("v=a$1$0$12", "a"),
        ("function f { v=$10$0; }\nf 1 2 3 4 5 6 7 8 9 ten", "ten"),
        ("function load_video { v=a; }\nload_video", "a"),
        ("function test { v=a; }\ntest x; v=b$v", "b"),  # a command of that name goes first
    ],
)
def test_functions(script: str, expected: str) -> None:
    assert value(script) == expected


FILES = {"/boot/a": "x", "/boot/empty": "", "/boot/d/f": "x"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a = a", True),
        ("a == a", True),
        ("a = b", False),
        ("a != b", True),
        ("a '<' b", True),
        ("b '<=' a", False),
        ("b '>' a", True),
        ("a '>=' a", True),
        ("2 -lt 10", True),
        ("0x10 -eq 16", True),
        ("010 -eq 8", True),
        ("-1 -lt 0", True),
        ("3 -le 2", False),
        ("3 -gt 2", True),
        ("2 -ge 2", True),
        ("x -ne y", False),
        ("3x -eq 3", True),
        ("vmlinuz-9 -plt vmlinuz-11", True),
        ("vmlinuz-9 -pgt vmlinuz-11", False),
        ("vmlinuz-19 -pgt vmlinuz-11", True),
        ("-z ''", True),
        ("-z a", False),
        ("-n a", True),
        ("-n ''", False),
        ("a", True),
        ("''", False),
        ("", True),
        ("! a = b", True),
        ("! ! a", True),
        ("a = a -a b = b", True),
        ("a = a -a b = c", False),
        ("a = b -o b = b", True),
        ("a = b -o b = b -a c = d", False),
        ("'(' a = b -o b = b ')' -a c = c", True),
        ("\\( a = b \\)", False),
        ("! ( a = b )", True),
        ("-f /boot/a", True),
        ("-f /boot/gone", False),
        ("-f /boot", False),
        ("-d /boot", True),
        ("-d /boot/a", False),
        ("-d /", True),
        ("-e /boot", True),
        ("-e /boot/a", True),
        ("-s /boot/a", True),
        ("-s /boot/empty", False),
        ("-f (hd0,gpt2)/boot/a", True),
        ("-f ($root)/boot/a", True),
        ("-f $prefix/../a", True),
        ("-f (hd9,1)/boot/a", False),
        ("/boot/a -nt /boot/gone", True),
        ("/boot/gone -nt /boot/a", False),
        ("/boot/gone -ot /boot/a", True),
        ("/boot/a -nt5 /boot/a", False),
        ("-f", True),  # alone it is a text
        ("a =", True),
        ("(", True),
        (")", True),
    ],
)
@pytest.mark.parametrize("form", ["[ {} ]", "test {}"])
def test_tests(form: str, expression: str, expected: bool) -> None:
    script = f"if {form.format(expression)}; then v=yes; else v=no; fi"
    assert value(script, files=FILES) == ("yes" if expected else "no")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("/boot/vmlinuz-*", "/boot/vmlinuz-1 /boot/vmlinuz-2"),
        ("/b*/vmlinuz-?", "/boot/vmlinuz-1 /boot/vmlinuz-2"),
        ("($root)/boot/v*1", "(hd0,gpt2)/boot/vmlinuz-1"),
        ("'/boot/vmlinuz-*'", "/boot/vmlinuz-*"),
        ("/boot/\\*", "/boot/*"),
        ("hd:LABEL=CentOS\\x207\\x20aarch64", "hd:LABEL=CentOS\\x207\\x20aarch64"),
        ("a\\xzz\\x4", "axzzx4"),
        ("/boot/none*", "/boot/none*"),
        ("root=*", "root=*"),
        ("(hd9,1)/boot/*", "(hd9,1)/boot/*"),
        ("(*)/boot", "(*)/boot"),
        ("/boot/*/f", "/boot/d/f"),
        ("$pattern", "/boot/vmlinuz-1 /boot/vmlinuz-2"),
        ('"$pattern"', "/boot/vmlinuz-*"),
    ],
)
def test_wildcards(shown: str, expected: str) -> None:
    files = {"/boot/vmlinuz-2": "", "/boot/vmlinuz-1": "", "/boot/.hidden": "", "/boot/d/f": ""}
    assert words("set pattern='/boot/vmlinuz-*'", shown, files) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("}", "line 1: unexpected “}”"),
        ("a\n\nfi", "line 3: unexpected “fi”"),
        ("a || b", "line 1: unexpected “|”"),
        ("a && b", "line 1: unexpected “&”"),
        ("a > b", "line 1: unexpected “>”"),
        ("case a in", "line 1: unexpected “case”"),
        ("if true; then\necho", "line 1: “if” has no “fi”"),
        ("if true\nfi", "line 2: unexpected “fi”"),
        ("if true }", "line 1: “if” has no “then”"),
        ("while true; do echo", "line 1: “while” has no “done”"),
        ("until true; done", "line 1: unexpected “done”"),
        ("for 1 in a; do b; done", "line 1: “for” has no name"),
        ("for a b; do c; done", "line 1: “for” has no “in”"),
        ("for a in b; c; done", "line 1: “for” has no “do”"),
        ("function { a; }", "line 1: “function” has no name"),
        ("function f a", "line 1: “function” has no body"),
        ("echo 'a\nb", "line 1: a quotation mark (') is not closed"),
        ('echo\necho "a', 'line 2: a quotation mark (") is not closed'),
        ("menuentry a {\n", "line 1: a block ({) is not closed"),
        ("menuentry a", "a menuentry has no title or no body"),
        ("menuentry { true }", "a menuentry has no title or no body"),
        ("submenu a", "a submenu has no title or no body"),
        ("if " * 40, "line 1: blocks are nested more than 32 deep"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    assert messages(text) == [message]


@pytest.mark.parametrize("mistake", ["}", "a || b", "for", "menuentry x { a | b\n}", "function f {\n a & b\n }\n"])
def test_a_mistake_costs_its_own_statement(mistake: str) -> None:
    text = f"menuentry first {{ linux /k }}\n{mistake}\nmenuentry last {{ linux /k }}\n"
    found, problems = menu(text)
    assert [entry.title for entry in found] == ["first", "last"]
    assert len(problems) == 1


def test_what_a_mistake_leaves_behind_is_not_complained_about() -> None:
    assert messages("menuentry a {\n b | c\n}\n") == ["line 2: unexpected “|”"]


def test_carriage_returns_and_a_missing_last_newline() -> None:
    found = entries("menuentry a {\r\nlinux /k\r\n}\r\nmenuentry b { linux /k }")
    assert [(entry.title, entry.kernel.path) for entry in found] == [("a", "/k"), ("b", "/k")]


def test_bodies_run_with_the_variables_of_the_end_and_change_nothing_for_others() -> None:
    found = entries("set v=1\nmenuentry a { set w=a; linux /k $v $w }\nmenuentry b { linux /k $v $w }\nset v=2\n")
    assert [entry.cmdline.text for entry in found] == ["2 a", "2"]


def test_functions_are_known_in_bodies() -> None:
    found = entries("function f { linux /k $1; }\nmenuentry a b { f $2$chosen; set v=1; return; linux /no }\n")
    assert found[0].cmdline.text == "ba"
