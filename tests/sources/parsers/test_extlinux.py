# SPDX-License-Identifier: MIT
"""extlinux.conf, as U-Boot and syslinux read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.tree import CONFIG_LIMIT
from tests.builders.trees import MemoryTree
from tests.properties import examples
from tests.sources.parsers.reading import read

PROPERTY = examples(150)
PATH = "/boot/extlinux/extlinux.conf"

KEYS = (
    "label default ontimeout menu timeout kernel linux config initrd append fdt fdtdir devicetree fdtoverlays "
    "include text localboot endtext ui prompt nonsense"
).split()
LINES = st.builds(
    lambda key, space, value: f"{key}{space}{value}",
    st.sampled_from(KEYS) | st.text(max_size=6),
    st.sampled_from([" ", "\t", "", "  "]),
    st.sampled_from(
        [
            "",
            "a",
            "-",
            "help",
            "label x",
            "default",
            "include x",
            "begin x",
            "end",
            "x",
            "/boot/Image",
            "../Image",
            PATH,
        ]
    )
    | st.text(max_size=12),
)


def config(text: str, **more: str) -> tuple[list[BootEntry], list[Problem]]:
    return read({PATH: text, **more})


def one(text: str, *overlays: str) -> BootEntry:
    (entry,), problems = config(text, **dict.fromkeys(overlays, ""))
    assert not problems
    return entry


def test_a_whole_label() -> None:
    entry = one(
        """\
# a comment
DEFAULT one
LABEL one
    MENU LABEL ^First one
    LINUX ../Image
    INITRD ../a.img,/b.img
    FDT ../board.dtb
    FDTOVERLAYS /o1.dtbo /o2.dtbo
    APPEND root=/dev/sda2 quiet
""",
        "/o1.dtbo",
        "/o2.dtbo",
    )
    assert (entry.id, entry.title, entry.source, entry.default) == ("one", "First one", "extlinux", True)
    assert entry.kernel.path == "/boot/extlinux/../Image"
    assert [ref.path for ref in entry.initrds] == ["/boot/extlinux/../a.img", "/b.img"]
    assert entry.dtb is not None
    assert entry.dtb.path == "/boot/extlinux/../board.dtb"
    assert [ref.path for ref in entry.overlays] == ["/o1.dtbo", "/o2.dtbo"]
    assert entry.cmdline.text == "root=/dev/sda2 quiet"
    assert entry.config is not None
    assert entry.config.path == PATH


@pytest.mark.parametrize(
    ("text", "cmdlines"),
    [
        ("append global\nlabel a\nkernel /k\nlabel b\nkernel /k\nappend own\n", ["global", "own"]),
        ("append global\nlabel a\nkernel /k\nappend -\n", [""]),
        ("label a\nkernel /k\n", [""]),
    ],
)
def test_a_label_s_append_replaces_the_global_one(text: str, cmdlines: list[str]) -> None:
    entries, _ = config(text)
    assert [entry.cmdline.text for entry in entries] == cmdlines


@pytest.mark.parametrize(
    ("text", "defaults"),
    [
        ("default b\nlabel a\nkernel /k\nlabel b\nkernel /k\n", [False, True]),
        ("label a\nkernel /k\nlabel b\nmenu default\nkernel /k\n", [False, True]),
        ("default a\nlabel a\nkernel /k\nlabel b\nmenu default\nkernel /k\n", [True, False]),
        ("default a\nlabel a\nkernel /k\nlabel a\nkernel /j\n", [True, False]),
        ("label a\nkernel /k\n", [True]),
        ("default gone\nlabel a\nkernel /k\n", [True]),
        ("default menu.c32\nlabel a\nkernel /k\nlabel b\nmenu default\nkernel /k\n", [False, True]),
        ("default b vga=1\nlabel a\nkernel /k\nlabel b\nkernel /k\n", [False, True]),
        ("default b c\nlabel b\nkernel /k\nlabel b c\nkernel /k\n", [False, True]),
        ("label a\nmenu default\nkernel /k\nlabel b\nmenu default\nkernel /k\n", [True, False]),
        ("default a\nontimeout b\nlabel a\nkernel /k\nlabel b\nkernel /k\n", [False, True]),
        ("default a\nontimeout /k x\nlabel a\nkernel /k\nlabel b\nkernel /k\n", [True, False]),
        ("default b\nlabel a\nmenu default\nkernel /k\nlabel b\nlocalboot 0\n", [False]),
        ("menu begin\nlabel a\nmenu default\nkernel /k\nmenu end\nlabel b\nmenu default\nkernel /k\n", [False, True]),
        (
            "menu begin\nmenu start\nlabel a\nmenu default\nkernel /k\nmenu end\nlabel b\nmenu default\nkernel /k\n",
            [True, False],
        ),
    ],
)
def test_the_default(text: str, defaults: list[bool]) -> None:
    entries, _ = config(text)
    assert [entry.default for entry in entries] == defaults


def test_help_texts_are_skipped() -> None:
    entry = one("label a\ntext help\nkernel /wrong\nlabel b\nendtext\nkernel /right\n")
    assert entry.kernel.path == "/right"


def test_what_makes_no_sense_is_a_problem_with_its_line() -> None:
    entries, problems = config("speeling mistake\nlabel a\nkernel /k\nfdt\n")
    assert len(entries) == 1
    assert [(problem.path, problem.message) for problem in problems] == [
        (PATH, "line 1: unknown keyword “speeling”, ignored"),
        (PATH, "line 4: “fdt” has no value, ignored"),
    ]


def test_a_label_without_kernel_is_a_problem_and_one_for_the_firmware_is_none() -> None:
    entries, problems = config("label a\nlabel b\nlocalboot 0\nlabel c\nmenu separator\n")
    assert not entries
    assert [problem.message for problem in problems] == ["label “a” names no kernel"]


def test_includes_are_followed_relative_to_the_file_and_not_for_ever() -> None:
    entries, problems = config("include more.conf\n", **{"/boot/extlinux/more.conf": "label m\nkernel k\n"})
    assert ([entry.id for entry in entries], problems) == (["m"], [])
    assert entries[0].kernel.path == "/boot/extlinux/k"
    _, problems = config("include extlinux.conf\n")
    assert [problem.message for problem in problems] == [f"line 1: {PATH} includes itself"]
    _, problems = config("include gone.conf\nlabel a\nkernel /k\n")
    assert [problem.path for problem in problems] == ["/boot/extlinux/gone.conf"]


def test_includes_that_double_are_bounded() -> None:
    text = "include extlinux.conf\n" * 100 + "label a\nkernel /k\n"
    entries, problems = config(text)
    assert 0 < len(entries) <= 1000
    assert len(problems) <= 50


def test_two_labels_of_one_name_are_two_entries() -> None:
    entries, _ = config("label a\nkernel /k\nlabel a\nkernel /j\n")
    assert [entry.kernel.path for entry in entries] == ["/k", "/j"]


@pytest.mark.parametrize(
    "text", ["menu", "label a\nmenu\nkernel /k\n", "text", "include", "append", "default", "label"]
)
def test_a_key_without_value_costs_nothing_but_itself(text: str) -> None:
    config(text)
    entries, _ = config(f"{text}\nlabel last\nkernel /k\n")
    assert entries[-1].id == "last"


@PROPERTY
@given(st.lists(LINES, max_size=12).map("\n".join))
def test_any_statements_give_entries_and_problems(text: str) -> None:
    entries, problems = config(text, **{"/boot/extlinux/x": text})
    assert all(entry.title and entry.id and entry.kernel.path.startswith("/") for entry in entries)
    assert len(problems) <= 50


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("menu begin tag\nlabel a\nkernel /k\nmenu end\nlabel b\nkernel /k\n", ["tag › a", "b"]),
        ("menu begin\nmenu title ^Old ones\nlabel a\nmenu label ^A one\nkernel /k\n", ["Old ones › A one"]),
        ("menu begin x\nmenu label Old\nmenu begin y\nlabel a\nkernel /k\nmenu end\nmenu end\n", ["Old › y › a"]),
        ("menu title Boot\nlabel a\nmenu indent 2\nkernel /k\n", ["a"]),
        ("menu end\nmenu end\nlabel a\nkernel /k\n", ["a"]),
        ("menu begin\n" * 20 + "label a\nkernel /k\n" + "menu end\n" * 20 + "label b\nkernel /k\n", ["a", "b"]),
        ("menu begin x\n" * 20 + "menu end\n" * 4 + "label a\nkernel /k\n", [" › ".join(["x"] * 16 + ["a"])]),
    ],
)
def test_submenus_are_part_of_the_title(text: str, titles: list[str]) -> None:
    entries, problems = config(text)
    assert ([entry.title for entry in entries], problems) == (titles, [])


@pytest.mark.parametrize(
    "text",
    [
        "kernel chain.c32",
        "kernel CHAIN.C32",
        "kernel dos.bss",
        "com32 chain.c32",
        "linux /k\nlocalboot 0",
        "linux /k\nmenu hide",
        "linux /k\nmenu disable",
        "menu goto tag",
        "menu exit",
        "menu quit",
        "menu help file.txt",
        "menu separator",
        "boot x.bin",
        "bss x.bss",
        "pxe x.0",
        "fdimage x.img",
        "comboot x.cbt",
    ],
)
def test_what_is_no_linux_or_not_offered_is_quietly_left_out(text: str) -> None:
    entries, problems = config(f"label x\n{text}\nlabel a\nkernel /k\n")
    assert ([entry.id for entry in entries], problems) == (["a"], [])


@pytest.mark.parametrize("path", ["linux /vmlinuz.c32", "kernel /vmlinuz-6.1.0", "kernel /kernel.img"])
def test_what_may_well_be_linux_is_offered(path: str) -> None:
    assert one(f"label a\n{path}\n").kernel.path == path.split()[1]


def test_an_image_of_a_disk_is_none_for_isolinux() -> None:
    assert read({"/isolinux/isolinux.cfg": "label a\nkernel /dos.img\n"}) == ([], [])


def test_a_separator_ends_a_label_and_leaves_it_whole() -> None:
    entries, problems = config("label a\nkernel /k\nmenu separator\nappend global\nlabel b\nkernel /k\n")
    assert [(entry.id, entry.cmdline.text) for entry in entries] == [("a", ""), ("b", "global")]
    assert not problems


def test_a_label_is_its_own_kernel_where_there_is_such_a_file() -> None:
    (entry,), problems = config("label vmlinuz\nappend x\n", **{"/boot/extlinux/vmlinuz": ""})
    assert (entry.kernel.path, problems) == ("/boot/extlinux/vmlinuz", [])


@pytest.mark.parametrize(
    ("text", "initrds"),
    [
        ("append a initrd=/i,/j b", ["/i", "/j"]),
        ("append initrd=/i initrd=/j", ["/j"]),
        ("append noinitrd=/i xinitrd=/j", []),
        ("append initrd=", []),
        ("append initrd=/i\ninitrd /j", ["/j"]),
        ("initrd /i\ninitrd /j,/k", ["/i", "/j", "/k"]),
        ("initrd i", ["/boot/extlinux/i"]),
    ],
)
def test_the_initramfs(text: str, initrds: list[str]) -> None:
    entry = one(f"label a\nkernel /k\n{text}\n")
    assert [ref.path for ref in entry.initrds] == initrds
    if text.startswith("append"):
        assert entry.cmdline.text == text.partition("\n")[0].removeprefix("append ")


@pytest.mark.parametrize(
    ("text", "dtb", "folder"),
    [
        ("fdt /a.dtb", "/a.dtb", None),
        ("devicetree /a.dtb\nfdt /b.dtb", "/a.dtb", None),
        ("fdtdir ../dtbs", None, "/boot/extlinux/../dtbs"),
        ("devicetreedir /\nfdtdir /b", None, "/"),
        ("fdtdir /dtbs\nfdt /a.dtb", "/a.dtb", None),
        ("fdtdir /dtbs\nfdt -", None, None),
    ],
)
def test_the_device_tree(text: str, dtb: str | None, folder: str | None) -> None:
    entry = one(f"label a\nkernel /k\n{text}\n")
    assert (entry.dtb.path if entry.dtb else None) == dtb
    assert (entry.dtb_folder.path if entry.dtb_folder else None) == folder


def test_a_configuration_of_a_fit_image() -> None:
    entry = one("label a\nkernel /fit.itb#conf-1\n")
    assert (entry.kernel.path, entry.kernel.part) == ("/fit.itb", "conf-1")
    (entry,), problems = config("label a\nkernel /fit.itb#conf-1#overlay#two\n")
    assert (entry.kernel.path, entry.kernel.part) == ("/fit.itb", "conf-1")
    assert [problem.message for problem in problems] == ["label “a” wants “overlay#two” on top of “conf-1”, left out"]
    (entry,), _ = config("label a\nkernel /k#1\n", **{"/k#1": ""})
    assert (entry.kernel.path, entry.kernel.part) == ("/k#1", "")


def test_files_of_other_partitions_and_of_a_network() -> None:
    entries, problems = config("label a\nkernel ::k\ninitrd (hd0,1)/i\nlabel b\nkernel server::k\n")
    assert (entries[0].kernel.path, entries[0].initrds[0].device) == ("/k", "hd0,1")
    assert [problem.message for problem in problems] == [
        "label “b”: “server::k” is on the network, which is not supported"
    ]


def test_an_included_file_goes_on_where_the_other_stopped() -> None:
    entries, problems = config(
        "append x\nlabel a\ninclude sub/more.conf\nlabel c\nkernel k\n",
        **{"/boot/extlinux/sub/more.conf": "kernel k\nlabel b\nkernel k\nmenu begin y\n"},
    )
    assert not problems
    assert [(entry.title, entry.kernel.path) for entry in entries] == [
        ("a", "/boot/extlinux/k"),
        ("b", "/boot/extlinux/k"),
        ("y › c", "/boot/extlinux/k"),
    ]


@pytest.mark.parametrize("key", ["include", "menu include"])
def test_an_include_with_a_tag_is_a_submenu(key: str) -> None:
    entries, problems = config(
        f"{key} more.conf Old ones\nlabel b\nkernel /k\n", **{"/boot/extlinux/more.conf": "label a\nkernel /k\n"}
    )
    assert ([entry.title for entry in entries], problems) == (["Old ones › a", "b"], [])


def test_a_label_with_config_is_another_configuration() -> None:
    entries, problems = read(
        {
            "/isolinux/isolinux.cfg": "append x\ndefault b\nlabel a\nconfig plain.cfg\nlabel b\nconfig /arch/a.cfg\n"
            "append /arch/\n",
            "/isolinux/plain.cfg": "default p\nlabel p\nlinux p\n",
            "/arch/a.cfg": "default q\nlabel q\nlinux q\nlabel back\nconfig /isolinux/isolinux.cfg\n",
        }
    )
    assert [(entry.id, entry.kernel.path, entry.cmdline.text, entry.default) for entry in entries] == [
        ("p", "/isolinux/p", "", False),
        ("q", "/arch/q", "", True),
    ]
    assert [entry.config.path for entry in entries if entry.config] == ["/isolinux/plain.cfg", "/arch/a.cfg"]
    assert not problems, "it leads back to its menu, as a page of help does"


INSTALLER = "debian-installer/amd64"
NETBOOT: dict[str, bytes | str] = {
    f"/{INSTALLER}/linux": "",
    f"/{INSTALLER}/pxelinux.cfg/default": f"path {INSTALLER}/boot-screens/\n"
    f"include {INSTALLER}/boot-screens/menu.cfg\n"
    f"default {INSTALLER}/boot-screens/vesamenu.c32\n",
    f"/{INSTALLER}/boot-screens/menu.cfg": f"menu title Debian GNU/Linux installer menu (BIOS mode)\n"
    f"include {INSTALLER}/boot-screens/gtk.cfg\nlabel install\nmenu label ^Install\nkernel {INSTALLER}/linux\n"
    f"append vga=788 initrd={INSTALLER}/initrd.gz --- quiet\nmenu begin dark\nmenu title Dark\nlabel help\n"
    f"config {INSTALLER}/boot-screens/prompt.cfg\nmenu end\nlabel help\nconfig {INSTALLER}/boot-screens/prompt.cfg\n",
    f"/{INSTALLER}/boot-screens/prompt.cfg": f"include {INSTALLER}/boot-screens/menu.cfg\nlabel menu\n"
    f"kernel {INSTALLER}/boot-screens/vesamenu.c32\nconfig {INSTALLER}/boot-screens/syslinux.cfg\n",
    f"/{INSTALLER}/boot-screens/syslinux.cfg": f"include {INSTALLER}/boot-screens/menu.cfg\n",
}


def test_the_netboot_tree_of_debians_installer_is_read_without_noise() -> None:
    """After debian-installer-12-netboot-amd64, whose /pxelinux.cfg is a link, and has no gtk.cfg."""
    copied = NETBOOT | {"/pxelinux.cfg/default": NETBOOT[f"/{INSTALLER}/pxelinux.cfg/default"]}
    for files in (NETBOOT, copied):
        entries, problems = read(files)
        assert not problems
        assert {entry.title for entry in entries} == {"Install"}
        assert {(entry.source, entry.kernel.path) for entry in entries} == {("syslinux", f"/{INSTALLER}/linux")}
        assert {ref.path for entry in entries for ref in entry.initrds} == {f"/{INSTALLER}/initrd.gz"}


def test_an_include_that_is_not_there_is_said_where_the_loader_says_it() -> None:
    """U-Boot ends with an error, and SYSLINUX goes on."""
    text = "include gone.cfg\nlabel a\nkernel /k\n"
    for path, said in (("/extlinux/extlinux.conf", 1), ("/syslinux.cfg", 0), ("/pxelinux.cfg/default", 0)):
        entries, problems = read({path: text})
        assert len(entries) == 1
        assert len(problems) == said


def test_includes_are_bounded_in_depth_number_and_size() -> None:
    chain = {f"/boot/extlinux/{n}": f"label {n}\nkernel /k\ninclude {n + 1}\n" for n in range(30)}
    entries, problems = config("include 0\n", **chain)
    assert len(entries) == 15
    assert [problem.message for problem in problems] == ["line 3: includes are nested deeper than 16"]

    _, problems = config("include a\n" * 260, **{"/boot/extlinux/a": ""})
    assert {problem.message.partition(": ")[2] for problem in problems} == {"more than 256 files are included"}

    entries, problems = config(
        "include a\ninclude b\nlabel c\nkernel /k\n",
        **{
            "/boot/extlinux/a": "#\n" * ((CONFIG_LIMIT - 100) // 2),
            "/boot/extlinux/b": "#" * 100,
        },
    )
    assert ([entry.id for entry in entries], [problem.path for problem in problems]) == (["c"], ["/boot/extlinux/b"])


def test_a_long_title_of_a_menu_is_not_repeated_for_every_label() -> None:
    # sixteen of 60,000 characters before each of a thousand titles would be a gigabyte
    text = f"menu begin\nmenu title {'m' * 60_000}\n" * 2 + "label a\nlinux /k\n" * 2
    entries, _ = read({PATH: text})
    assert [len(entry.title) < 1000 and entry.title.endswith(" › a") for entry in entries] == [True, True]


def test_a_label_that_names_a_thousand_files_is_cut_and_said() -> None:
    (entry,), problems = config("append initrd=" + "a," * 1000 + "\nlabel a\nkernel /k\n")
    assert len(entry.initrds) == 64
    assert [problem.message for problem in problems] == ["label “a” names more than 64 files: the rest is left out"]


def test_a_help_text_without_end_is_said() -> None:
    _, problems = config("label a\nkernel /k\ntext help\nlabel b\n")
    assert [problem.message for problem in problems] == ["a help text is not closed: the rest of the file is ignored"]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/extlinux/extlinux.conf", "extlinux"),
        ("/boot/extlinux.conf", "extlinux"),
        ("/syslinux.cfg", "syslinux"),
        ("/boot/syslinux/syslinux.cfg", "syslinux"),
        ("/EFI/syslinux/syslinux.cfg", "syslinux"),
        ("/isolinux/isolinux.cfg", "syslinux"),
        ("/boot/isolinux/isolinux.cfg", "syslinux"),
    ],
)
def test_where_it_lies(path: str, source: str) -> None:
    (entry,), _ = read({path: "label a\nlinux k\n"})
    assert (entry.source, entry.kernel.path) == (source, f"{path.rpartition('/')[0]}/k")


def test_the_overlays_of_a_jetson() -> None:
    entry = one("label a\nlinux /k\nfdt /b.dtb\noverlays /o.dtbo,/p.dtbo\n", "/o.dtbo", "/p.dtbo")
    assert [ref.path for ref in entry.overlays] == ["/o.dtbo", "/p.dtbo"]


def test_variables_of_the_boot_loader_are_left_out_and_said() -> None:
    text = "label a\nlinux /k\nappend ${cbootargs} quiet a=$(b) c=${d} ${cbootargs} $x $ {y}\n"
    (entry,), problems = config(text)
    assert entry.cmdline.text == "quiet a= c=  $x $ {y}"
    assert entry.cmdline.unset == ("cbootargs", "b", "d")
    (entry,), _ = config("label a\nlinux /k\nappend ${cbootargs} root=/dev/mmcblk0p1\n")
    assert entry.cmdline.unset == ()  # every Jetson's, which starts without
    (entry,), _ = config("label a\nlinux /k\nappend console=${console} root=PARTUUID=${uuid}\n")
    assert entry.cmdline.unset == ("uuid",)
    assert [problem.message for problem in problems] == [
        "label “a”: “${cbootargs}, $(b), ${d}” is known to the boot loader only, and left out of the options"
    ]
    (entry,), problems = read({"/syslinux.cfg": text})
    assert (entry.cmdline.text.startswith("${cbootargs} quiet"), problems) == (True, [])
    assert entry.cmdline.variables[:1] == ("cbootargs",)


def test_an_overlay_that_is_missing_is_left_out() -> None:
    (entry,), (problem,) = config("label a\nlinux /k\nfdtoverlays /o.dtbo /p.dtbo\n", **{"/p.dtbo": ""})
    assert [ref.path for ref in entry.overlays] == ["/p.dtbo"]
    assert problem.message == "label “a”: overlay /o.dtbo does not exist, left out"


@pytest.mark.parametrize(
    ("board", "title"),
    [(("st,stm32mp157c-dk2", "st,stm32mp157"), "dk2"), (("st,other",), "any"), ((), "any")],
)
def test_openstlinux_has_a_configuration_for_each_disk_and_board(board: tuple[str, ...], title: str) -> None:
    files = {
        "/mmc0_extlinux/stm32mp157c-dk2_extlinux.conf": b"label dk2\nkernel /uImage\n",
        "/mmc0_extlinux/extlinux.conf": b"label any\nkernel /uImage\n",
        "/mmc1_extlinux/extlinux.conf": b"label other\nkernel /uImage\n",
    }
    found = read_partition(MemoryTree(files, device="mmcblk0p8"), Platform(board=board))
    assert [entry.title for entry in found if isinstance(entry, BootEntry)] == [title]


def test_u_boot_takes_the_first_label_if_no_default_is_set() -> None:
    text = "timeout 10\nlabel a\nlocalboot 1\nlabel b\nlinux /k\nlabel c\nlinux /k\n"
    for first in ("", "default missing\n"):
        entries, _ = config(first + text)
        assert [entry.id for entry in entries if entry.default] == ["b"]
    entries, _ = read({"/syslinux.cfg": text})
    assert not any(entry.default for entry in entries)


def test_a_variable_of_the_boot_loader_is_reported_once() -> None:
    text = "".join(f"label {name}\nlinux /k\nappend ${{cbootargs}} root=/dev/x\n" for name in "abc")
    entries, (problem,) = config(text)
    assert [entry.cmdline.text for entry in entries] == ["root=/dev/x"] * 3
    assert problem.message.startswith("label “a”: “${cbootargs}”")
