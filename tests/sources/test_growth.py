# SPDX-License-Identifier: MIT
"""Work grows with what a disk holds, and not with its square: things that are equal, nested or collide, and lines on
which a careless expression runs for ever."""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import pytest

from bootmenu.sources import Platform, read_partition
from bootmenu.sources.order import Name, matches
from bootmenu.sources.parsers.bls import Text
from bootmenu.sources.parsers.grub import environment
from bootmenu.sources.tree import CONFIG_LIMIT, Remembering, Tree
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.syscalls import Syscalls
from tests.builders.containers import android, board_dtb, fit_of, uki
from tests.builders.entries import whole_image
from tests.builders.trees import OneDisk, write_tree
from tests.properties import ALL, part, rarely
from tests.sources.parsers.reading import read

Files = Mapping[str, bytes | str]
KERNEL = whole_image()
PI = ("raspberrypi,4-model-b", "brcm,bcm2711")


def profiles(count: int, kernel: bytes = KERNEL[:4096]) -> bytes:
    sections = [(".osrel", b"ID=x\n"), (".linux", kernel)]
    for number in range(count):
        sections += [(".profile", b"ID=p%d\n" % number), (".cmdline", b"quiet\n")]
    return uki(*sections)


def addon(text: bytes) -> bytes:
    return uki((".cmdline", text))


# each makes so many things, which are as alike, as nested or as crossed as they can be
GENERATORS: dict[str, Callable[[int], Files]] = {
    "extlinux-labels": lambda n: {"extlinux.conf": "label x\nkernel /k\nappend a\n" * n},
    "extlinux-menus": lambda n: {
        "extlinux.conf": "menu begin a\nmenu title t\n" * n + "label x\nkernel /k\n" + "menu end\n" * n
    },
    "extlinux-labels-in-menus": lambda n: {"extlinux.conf": "menu begin a\nlabel x\nkernel /k\n" * n},
    "extlinux-includes": lambda n: {"extlinux.conf": "include /other\n" * n, "other": "label x\nkernel /k\n"},
    "extlinux-parts": lambda n: {"extlinux.conf": f"label x\nkernel /k\ninitrd {'/i,' * n}\n" * 10},
    "extlinux-appends": lambda n: {"extlinux.conf": "label x\nkernel /k\n" + "append ${a} $(b) initrd=/i\n" * n},
    "syslinux-configs": lambda n: {
        "syslinux.cfg": "label x\nconfig /other.cfg\n" * n,
        "other.cfg": "label y\nkernel k\n",
    },
    "grub-entries": lambda n: {"grub/grub.cfg": "menuentry x { linux /k a }\n" * n},
    "grub-submenus": lambda n: {"grub/grub.cfg": "submenu x {\n menuentry y { linux /k }\n}\n" * n},
    "grub-default": lambda n: {"grub/grub.cfg": "default=none\n" + "menuentry x { linux /k a; initrd /a /b }\n" * n},
    "grub-conditions": lambda n: {"grub/grub.cfg": "if false; then a\n" + "elif false; then b\n" * n + "fi\n"},
    "grub-functions": lambda n: {"grub/grub.cfg": "function f { linux /k; }\n" * n + "menuentry x { f }\n"},
    "grub-menus": lambda n: {
        "grub/grub.cfg": "configfile /other\n" * min(n, 60),
        "other": "menuentry x { linux /k }\n",
    },
    "bls-files": lambda n: {f"loader/entries/x+{i % 9}-{i}.conf": "title x\nlinux /k\n" for i in range(n)},
    "bls-keys": lambda n: {
        "loader/entries/x.conf": "title x\nlinux /k\n" + "options a\ninitrd /i\nextra /e\nz z\n" * n
    },
    "bls-addons": lambda n: {
        **{f"loader/entries/{i}.conf": "title x\nuki /EFI/Linux/u.efi\n" for i in range(n)},
        "EFI/Linux/u.efi": profiles(1),
        **{f"loader/addons/{i}.addon.efi": addon(b"x") for i in range(5)},
    },
    "uki-profiles": lambda n: {"EFI/Linux/u.efi": profiles(min(n, 250))},
    "uki-addons": lambda n: {
        **{f"EFI/Linux/{i}.efi": profiles(1) for i in range(min(n, 100))},
        **{f"loader/addons/{i}.addon.efi": addon(b"x") for i in range(20)},
    },
    "kboot-labels": lambda n: {"kboot.conf": "initrd=/i\nroot=/dev/sda1\n" + "x='/k quiet root=a'\n" * n},
    "yaboot-images": lambda n: {"yaboot.conf": "append=a\n" + "image=/k\nlabel=x\n" * n},
    "lilo-images": lambda n: {"etc/lilo.conf": "append=a\n" + "image=/k\nlabel=x\n" * n},
    "petitboot-names": lambda n: {"petitboot.conf": "name x\nimage /k\nargs a\n" * n},
    "petitboot-args": lambda n: {"petitboot.conf": "name x\nimage /k\n" + "args a\n" * n},
    "kexecboot-labels": lambda n: {"boot.cfg": "LABEL=x\nKERNEL=/k\nPRIORITY=1\n" * n},
    "refind-stanzas": lambda n: {
        "EFI/refind/refind.conf": "menuentry a {\nloader /vmlinuz\nsubmenuentry b {\n}\n}\n" * n,
        "vmlinuz": KERNEL,
    },
    "refind-companions": lambda n: {
        "EFI/refind/refind.conf": "menuentry a {\nloader /u.efi\n}\n" * n,
        "u.efi": profiles(1),
        **{f"u.efi.extra.d/{i}.cred": "" for i in range(n)},
    },
    "refind-kernels": lambda n: {
        "refind_linux.conf": '"a" "x"\n' * n,
        **{f"vmlinuz-{i}.0": "" for i in range(4)},
        **{f"initrd-{i}.0": "" for i in range(n)},
    },
    "limine-entries": lambda n: {"limine.conf": "/a\nprotocol: linux\npath: boot():/k\nmodule_path: boot():/i\n" * n},
    "limine-levels": lambda n: {"limine.conf": "".join(f"/{'/' * (i % 20)}a\nprotocol: linux\n" for i in range(n))},
    "limine-macros": lambda n: {"limine.conf": "${A}=x\n" * n + "/a\ncmdline: ${A}${B}\n" * n},
    "grub-legacy-titles": lambda n: {"grub/menu.lst": "title a\nroot (hd0,0)\nkernel /k a\ninitrd /i\n" * n},
    "android-images": lambda n: {f"boot-{i}.img": android(KERNEL, version=4) for i in range(n)},
    "raspberrypi": lambda n: {
        "config.txt": "dtoverlay=x\ndtparam=y=z\n[pi4]\n[all]\ninitramfs a,b\n" * n,
        "kernel8.img": KERNEL,
        "start.elf": "",
        "overlays/x.dtbo": board_dtb("x"),
    },
    "uboot-conditions": lambda n: {"boot.ini": "if gpio x; then setenv a ${b}; fi\n" * n + "booti 1\n"},
    "uboot-loads": lambda n: {"boot.ini": "load mmc 0 1 /k; setenv a${a} x; fdt apply 1\n" * n, "k": "k"},
    "uboot-loops": lambda n: {"boot.ini": f'for i in {"a " * n}; do setenv l "${{l}} $i"; done\n'},
    "uboot-variables": lambda n: {"uEnv.txt": "a=b\nuenvcmd=run a\n" * n},
    "bare-kernels": lambda n: {f"vmlinuz-6.1.0-{i}": KERNEL[:64] for i in range(min(n, 200))},
    "bare-links": lambda n: {f"boot/Image-{i}": KERNEL[:64] for i in range(min(n, 200))} | {"boot/dtbs/a.dtb": ""},
    "fit": lambda n: {
        "extlinux.conf": "".join(f"label {i}\nkernel /fit#c{i % 50}\n" for i in range(n)),
        "fit": fit_of({"k": ("kernel", KERNEL, "none")}, {f"c{i}": {"kernel": ["k"]} for i in range(50)}),
    },
}


def calls(work: Callable[[], object]) -> int:
    """Calls and returns, of Python's functions and C's."""
    count = 0

    def hook(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(hook)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", part(GENERATORS, 6))
def test_twice_as_many_things_take_about_twice_the_calls(name: str, tmp_path: Path) -> None:
    made = []
    for number, count in enumerate((0, 100, 200)):
        root = write_tree(tmp_path / str(number), {"there": "", **GENERATORS[name](count)})
        with DirectoryTree(str(root), "sda1", Syscalls()) as tree:
            made.append(calls(lambda tree=tree: list(read_partition(Remembering(tree), Platform(board=PI)))))  # type: ignore[misc]
    nothing, some, twice = made  # the first one imports what has to be
    assert twice - some < 1.3 * some + 500, f"{some:,} calls for 100 of them, {twice:,} for 200, {nothing:,} for none"


# the partitions of a disk, whose configurations lead to each other; the first is the EFI system partition
DISKS: dict[str, Callable[[int], list[Files]]] = {
    "grub-stubs": lambda n: [
        {f"EFI/{i}/grub.cfg": "root=p2\nconfigfile /grub/grub.cfg\n" for i in range(min(n, 32))},
        {"grub/grub.cfg": "menuentry x { linux /k a }\n" * n},
    ],
    "grub-circle": lambda n: [
        {"EFI/a/grub.cfg": "configfile (p2)/grub/grub.cfg\n" * min(n, 200)},
        {"grub/grub.cfg": "configfile (p1)/EFI/a/grub.cfg\nmenuentry x { configfile (p1)/EFI/a/grub.cfg }\n" * n},
    ],
    "grub-entries-in-a-circle": lambda n: [
        {"EFI/a/grub.cfg": "menuentry y { configfile (p2)/grub/grub.cfg }\n" * n},
        {"grub/grub.cfg": "menuentry x { configfile (p1)/EFI/a/grub.cfg }\n" * 3},
    ],
    "grub-searches": lambda n: [
        {"EFI/a/grub.cfg": "search --file --set=root /gone\nsearch --label --set=a b\n" * n},
        *({"grub/grub.cfg": "menuentry x { linux (p1)/k }\n" * n} for _ in range(4)),
    ],
    "grub-loopbacks": lambda n: [
        {"EFI/a/grub.cfg": "submenu x { loopback l (p2)/i$1; menuentry y { linux (l)/k } }\n" * n},
        {f"i{i}": "" for i in range(n)},
    ],
    "partitions": lambda n: [
        {f"EFI/a{i}/grub.cfg": "root=p2\nsource /grub/grub.cfg\n", "grub/grub.cfg": "menuentry x { linux /k a }\n"}
        for i in range(n // 10)
    ],
    "bls": lambda n: [
        {"loader/loader.conf": "default x*\n" * n, **{f"EFI/Linux/{i}.efi": profiles(1) for i in range(min(n, 50))}},
        {f"loader/entries/x{i}.conf": "title x\nlinux /k\n" for i in range(n)},
    ],
    "bls-variables": lambda n: [
        {"EFI/a/grub.cfg": "set kernelopts=a\n" * n},
        {
            "grub2/grub.cfg": "blscfg\n",
            **{f"loader/entries/x{i}.conf": "title x\nlinux /k\noptions $kernelopts\n" for i in range(n)},
        },
    ],
    "refind": lambda n: [
        {"EFI/refind/refind.conf": "menuentry x {\nvolume p2\nloader /k\n}\n" * n},
        {f"vmlinuz-6.1.0-{i}": KERNEL[:64] for i in range(min(n, 100))},
    ],
    "limine": lambda n: [{"limine.conf": "/x\nprotocol: linux\npath: boot(2):/k\n" * n}, {"k": ""}],
    "uboot": lambda n: [{"boot.ini": "load mmc 0:2 1 /k; load mmc 0:1 1 /k\n" * n}, {"boot.ini": "booti 1\n" * n}],
}


@pytest.mark.parametrize("name", part(DISKS))
def test_twice_as_many_things_on_several_partitions_take_about_twice_the_calls(name: str, tmp_path: Path) -> None:
    made = []
    for number, count in enumerate((0, 100, 200)):
        with ExitStack() as opened:
            trees: list[Tree] = []
            for at, files in enumerate(DISKS[name](count), 1):
                root = write_tree(tmp_path / f"{number}-{at}", {"there": "", **files})
                trees.append(opened.enter_context(DirectoryTree(str(root), f"p{at}", Syscalls())))

            def work(trees: list[Tree] = trees) -> None:
                for tree in trees[:2]:
                    list(read_partition(OneDisk(tree.device, trees).tree, Platform(board=PI)))

            made.append(calls(work))
    nothing, some, twice = made
    assert twice - some < 1.3 * some + 500, f"{some:,} calls for 100 of them, {twice:,} for 200, {nothing:,} for none"


# ---- long texts -------------------------------------------------------------------------------------------

PATHS = [
    f"/{name}"
    for name in (
        "extlinux.conf syslinux.cfg kboot.conf yaboot.conf petitboot.conf boot.cfg boot.ini uEnv.txt"
        " loader/entries/x.conf grub/grub.cfg config.txt loader/loader.conf cmdline.txt start.elf"
        " limine.conf limine.cfg refind_linux.conf EFI/refind/refind.conf menu.lst etc/lilo.conf elilo.conf"
    ).split()
]
_WORDS = (
    "\\ \" ' ( (hd (hd0, ) $ ${ ${a $(a = a= # , [ ] { } a 1 +1 -1 \\\" 'a * ? *a .. / // /. : :: \\x20 a:/"
    " +1-1 1. ~ é initrd= > >> | & ; `"
).split()
_LINES = (
    "|a|a b|args x|label x|menu begin|menu title x|if a|for a in b; do|'|\"|text help|[x]|image=x|name x\nimage /k"
    "|KERNEL=x|dtoverlay=x|include x|\\|a=\\|z z|#"
).split("|")
PIECES = [
    *_WORDS,
    *(f"{line}\n" for line in _LINES),
    " ",
    "\t",
    "a ",
    '" ',
    "\\ ",
    "initrd=a ",
    "if true; then ",
    "\u2028",
    "\0",
]
BEFORE = (
    "|append |label x\nkernel /|label x\nkernel /k\nappend |options |image = /|name x\nimage /k\nargs |a=\"|a='/k "
    "|menuentry '|linux /|set a=|default |title |x=/k "
).split("|")


def hostile(piece: str, size: int) -> Files:
    body = piece * (size // len(piece))
    if "\n" in piece:
        text = body
    else:
        text = "".join(f"{before}{body}\n" for before in BEFORE)
    return dict.fromkeys(PATHS, text[: CONFIG_LIMIT - 1])


def seconds(work: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)


def grows_no_faster(half: Callable[[], object], whole: Callable[[], object]) -> bool:
    """By the time of the processor, as neither expressions nor copies are calls. A square would need four times as
    long."""
    return any(seconds(whole, times) < 3.5 * seconds(half, times) + 0.1 for times in (1, 3, 5))


@pytest.mark.parametrize("piece", part(PIECES, 24))
def test_lines_twice_as_long_take_about_twice_the_time(piece: str) -> None:
    half, whole = hostile(piece, 30_000), hostile(piece, 60_000)
    assert grows_no_faster(lambda: read(half, board=PI), lambda: read(whole, board=PI))


@pytest.mark.parametrize("piece", ["args x\n", *rarely(" ", "\\\n", "z z\n", "a ", "#\n")])
def test_a_file_takes_memory_of_its_size(piece: str) -> None:
    size = CONFIG_LIMIT // (8 if ALL else 32)
    text = piece * (size // len(piece))
    for path in PATHS:
        tracemalloc.start()
        try:
            read({path: text, "/start.elf": ""})
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert most < 80 * size, f"{path}: {most / size:.0f} bytes for each"


@pytest.mark.parametrize("piece", ["a=\\\n", "a=b\\\n\\", "=\\\n", "a", "#\\\n", "a=b\n"])
def test_an_environment_block_is_read_once(piece: str) -> None:
    def block(size: int) -> bytes:
        return environment.SIGNATURE + (piece * (size // len(piece))).encode()

    half, whole = block(environment.LIMIT // 2), block(environment.LIMIT)
    assert seconds(lambda: environment.parse(whole), 3) < 0.5
    assert grows_no_faster(lambda: environment.parse(half), lambda: environment.parse(whole))


def test_globs_of_a_disk_are_matched_without_trying_everything() -> None:
    entry = Text(Name("a" * 255), {}, "")
    for pattern in ("*a" * 120 + "b", "*" * 255, "[" * 255, "[a-" * 80, "?*" * 120 + "z", "[!a]*" * 50):
        assert seconds(lambda pattern=pattern: matches(pattern, entry), 3) < 0.5  # type: ignore[misc]


@pytest.mark.parametrize("source", ["/extlinux.conf", "/kboot.conf", "/petitboot.conf"])
def test_what_a_thousand_labels_inherit_is_bounded(source: str) -> None:
    long = "x" * 60_000
    text = {
        "/extlinux.conf": f"append {long}\n" + "label x\nkernel /k\n" * 900,
        "/kboot.conf": f"root={long}\n" + "x='/k a'\n" * 900,
        "/petitboot.conf": f"name x\nimage /k\nargs {long}\n" * 16,
    }[source]
    entries, problems = read({source: text})
    assert 0 < sum(len(entry.cmdline.text) for entry in entries) <= CONFIG_LIMIT
    if len(entries) < 16:
        assert any("too large" in problem.message for problem in problems)


def test_any_mixture_of_hostile_pieces_is_read_in_bounded_calls() -> None:
    chance = random.Random(0)
    for _ in range(20 if ALL else 4):
        text = "".join(chance.choices(PIECES, k=3000))
        files = dict.fromkeys(PATHS, text)
        assert calls(lambda files=files: read(files, board=PI)) < 6_000_000  # type: ignore[misc]
