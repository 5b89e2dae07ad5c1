# SPDX-License-Identifier: MIT
"""What U-Boot would start: scripts, board settings, and the shell that they are written in."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.formats.kernels import uimage
from bootmenu.formats.reader import Buffer
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources import Platform, read_partition
from bootmenu.sources.parsers.uboot import hush_interpreter
from bootmenu.sources.parsers.uboot.boot_scripts import interpreter
from bootmenu.sources.parsers.uboot.environment_text import as_dict
from bootmenu.sources.parsers.uboot.hush_interpreter import ScriptEndedError
from bootmenu.sources.parsers.uboot.hush_state import CannotFollowError
from bootmenu.sources.tree import Remembering
from tests.builders.containers import boot_script
from tests.builders.trees import MemoryTree, OneDisk
from tests.properties import Offenders, examples
from tests.sources.parsers.reading import read

FILES = {"/boot/Image": b"kernel", "/boot/uInitrd": b"initramfs", "/boot/dtb/a.dtb": b"tree", "/boot/o.dtbo": b"o"}
LOAD = (
    "load mmc 0:1 ${kernel_addr_r} /boot/Image\n"
    "load mmc 0:1 ${ramdisk_addr_r} /boot/uInitrd\n"
    "load mmc 0:1 ${fdt_addr_r} /boot/dtb/a.dtb\n"
)
BOOT = "booti ${kernel_addr_r} ${ramdisk_addr_r} ${fdt_addr_r}\n"


def script(text: str, more: Mapping[str, bytes | str] | None = None) -> tuple[list[BootEntry], list[Problem]]:
    """What a boot.scr with this text starts, beside the files above."""
    entries, problems = read({**FILES, "/boot/boot.scr": boot_script(text), **(more or {})})
    return [entry for entry in entries if entry.source == "uboot"], problems


def one(text: str, more: Mapping[str, bytes | str] | None = None) -> BootEntry:
    (entry,), problems = script(text, more)
    assert not problems
    return entry


# ---- the shell


def printed(text: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the `echo` of a script prints."""
    lines: list[str] = []

    def echo(_run: object, _name: str, words: list[str]) -> int:
        lines.append(" ".join(words).rstrip())
        return 0

    monkeypatch.setitem(hush_interpreter.COMMANDS, "echo", echo)
    run = interpreter(MemoryTree({}), Platform(), "/")
    try:
        run.run_script(text, "/boot.scr")
    except ScriptEndedError:
        pass
    except CannotFollowError:
        lines.append("syntax error")
    return [line for line in lines if line]


def test_the_shell_does_what_real_u_boot_did(monkeypatch: pytest.MonkeyPatch) -> None:
    # recorded from Debian's U-Boot 2023.01 for QEMU: scripts that were made by chance, and by hand before them
    recorded = json.loads((Path(__file__).parent / "hush.json").read_text("utf-8"))
    assert len(recorded) > 100
    with Offenders() as offenders:
        for case in recorded:
            text = "\n".join(case["script"]) + "\n"
            with offenders.among(text):
                lines = printed(text, monkeypatch)
                if any("\ue001" in line for line in lines):
                    continue  # depends on what the versions of U-Boot do differently
                assert lines == case["printed"]


@pytest.mark.parametrize(
    "text",
    [
        "if true; then echo\n",
        "echo 'a\n",
        "echo ${a\n",
        "echo a | b\n",
        "echo a &\n",
        "fi\n",
        "for; do done\n",
        "for i a; do true; done\n",
        "if true; then true; fi true\n",
        "echo a\\",
        "while true; do true; done\n",
        "setenv a b; while test -n a -a -n b; do setenv a ${a}${a}; done\n",
        "setenv f run f; run f\n",
        "if " * 40 + "\n",
        "gpio && " * 5000 + "true\n",
        "if gpio; then true; " + "elif gpio; then true; " * 5000 + "fi\n",
        "setenv f '" + "if true; then " * 30 + "run f" + "; fi" * 30 + "'\nrun f\n",
        "echo a\n" * 50_000,
        "".join(f"setenv a{number} x\n" for number in range(2500)),
        "setenv a x\n" + "setenv a ${a}${a}\n" * 20,
    ],
)
def test_a_script_that_cannot_be_followed(text: str) -> None:
    entries, (problem,) = script(text + LOAD + BOOT)
    assert not entries
    assert problem.path == "/boot/boot.scr"
    assert problem.message.startswith("line ")


WORDS = st.sampled_from(
    ["a", "${a}", '"${b} c"', "'x y'", "$?", "-n", "=", "!", "\\", '"', "'", "${", "}", "#", "0x10", "/boot/Image",
     "mmc", "0:1", "${kernel_addr_r}", "${fdt_addr_r}", "sub", "gsub", "(a|b)*", "${a:-b}", "-t",
     "${fdtfile}", "${board}"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["setenv", "env", "env import", "echo", "test", "itest", "setexpr", "run", "load", "fdt", "fdt apply", "source",
     "booti", "bootz", "part uuid", "unzip", "if", "then", "else", "elif", "fi", "for i in", "do", "done", "while",
     "until", "exit", "a=", "true", "false", "gpio", "size", "fstype"]
)  # fmt: skip
SEPARATORS = st.sampled_from([";", "\n", "&&", "||", " ", "\\\n", "|"])


@examples(300)
@given(st.lists(st.tuples(NAMES, st.lists(WORDS, max_size=5), SEPARATORS), max_size=30))
def test_any_script_ends_within_its_budget(parts: list[tuple[str, list[str], str]]) -> None:
    text = "".join(f"{name} {' '.join(words)} {separator} " for name, words, separator in parts)
    run = interpreter(MemoryTree(FILES), Platform(), "/boot/")
    with contextlib.suppress(ScriptEndedError, CannotFollowError):
        run.run_script(text, "/boot/boot.scr")
    assert run.steps >= -2000
    script(text)


@examples(100)
@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_text_is_read(text: str) -> None:
    script(text)
    read({**FILES, "/boot/boot.ini": text, "/boot/uEnv.txt": text, "/boot/armbianEnv.txt": "rootdev=x\n" + text})


@examples(100)
@given(st.binary(max_size=200), st.integers(0, 100))
def test_a_damaged_image_of_a_script(data: bytes, cut: int) -> None:
    good = boot_script("echo a\n")
    for spoilt in (data, good[:cut], good[:cut] + data, data[:4] + good):
        try:
            uimage.script(Buffer(spoilt))
        except FormatError:
            continue
        assert spoilt.startswith(good[:64])


# ---- entries


def test_an_entry_has_what_the_script_loads() -> None:
    entry = one(
        LOAD + "fdt addr ${fdt_addr_r}\nload mmc 0:1 0x1 boot/o.dtbo && fdt apply 0x1\n"
        "setenv bootargs root=/dev/mmcblk0p2 ro ${extra}\n" + BOOT
    )
    assert (entry.source, entry.title, entry.default) == ("uboot", "Image (boot.scr)", True)
    assert (entry.kernel.path, [ref.path for ref in entry.initrds]) == ("/boot/Image", ["/boot/uInitrd"])
    assert entry.dtb is not None
    assert (entry.dtb.path, [ref.path for ref in entry.overlays]) == ("/boot/dtb/a.dtb", ["/boot/o.dtbo"])
    assert entry.cmdline.text == "root=/dev/mmcblk0p2 ro"
    assert entry.cmdline.variables == ()


@pytest.mark.parametrize(
    ("bootargs", "unset"),
    [
        ("root=${mmcroot} ro", ("mmcroot",)),
        ("root=${rootdev} ro", ("rootdev",)),
        ("quiet ${optargs}", ("optargs",)),
        ("root=/dev/sda1 console=${console} ${optargs}", ()),
        ("console=tty1", ()),
    ],
)
def test_a_variable_that_only_u_boot_knows(bootargs: str, unset: tuple[str, ...]) -> None:
    assert one(f'{LOAD}setenv bootargs "{bootargs}"\n{BOOT}').cmdline.variables == unset


def test_the_device_tree_of_this_board_is_chosen_from_its_directory() -> None:
    text = LOAD.replace("/boot/dtb/a.dtb", "${prefix}dtb/${fdtfile}")
    entry = one(f"{text}setenv bootargs root=/dev/sda1\n{BOOT}")
    assert (entry.dtb, entry.dtb_folder and entry.dtb_folder.path) == (None, "/boot/dtb")


def test_what_the_hardware_answers_may_not_matter() -> None:
    entry = one(
        "itest.b *0x28 == 0x00 && echo SD\nif gpio input 10; then setenv led on; else setenv led off; fi\n"
        + LOAD + 'setenv bootargs "root=/dev/sda1"\n'
        + 'if test "${board}" = "x"; then setenv bootargs "${bootargs} x=1"; fi\n'
        + BOOT
    )  # fmt: skip
    assert entry.cmdline.text == "root=/dev/sda1"
    assert entry.cmdline.variables == ()


def test_what_the_hardware_answers_may_decide() -> None:
    text = "setenv bootargs root=/dev/sda{}\n"
    entries, (problem,) = script(
        LOAD + "if gpio input 10; then " + text.format(1) + BOOT + "else " + text.format(2) + BOOT + "fi\n"
    )
    assert [entry.cmdline.text for entry in entries] == ["root=/dev/sda1", "root=/dev/sda2"]
    assert [entry.default for entry in entries] == [False, False]
    assert all(entry.cmdline.variables == ("gpio input 10",) for entry in entries)
    assert "depends on “gpio input 10”" in problem.message


def test_what_is_not_there_is_said() -> None:
    entries, (problem,) = script(LOAD.replace("Image", "zImage") + BOOT)
    assert not entries
    assert problem.message == "line 4: the kernel of booti, /boot/zImage, is missing"


def test_a_script_that_only_runs_what_is_compiled_in() -> None:
    entries, (problem,) = script("run load_kernel boot_kernel\n")
    assert not entries
    assert problem.message == "the script starts no kernel: “run load_kernel” is known to U-Boot only"


def test_an_entry_after_what_is_compiled_in_never_starts_by_itself() -> None:
    assert one(f"run mmcargs\n{LOAD}setenv bootargs root=/dev/sda1\n{BOOT}").cmdline.variables == ("run mmcargs",)


def test_a_loop_over_what_the_loader_boots_from() -> None:
    entry = one(
        'for target in ${boot_targets}; do if test "${target}" = "usb0"; then\n'
        + LOAD + "setenv bootargs root=/dev/sda1\n" + BOOT + "fi; done\n"
    )  # fmt: skip
    assert entry.kernel.path == "/boot/Image"


def test_a_second_attempt_counts_when_the_first_fails() -> None:
    entry = one("load mmc 0:1 ${kernel_addr_r} /boot/no && booti ${kernel_addr_r}\nsetenv bootargs root=/dev/sda1\n"
                + LOAD + BOOT)  # fmt: skip
    assert entry.kernel.path == "/boot/Image"


def test_settings_without_a_script_that_can_be_followed() -> None:
    entries, (problem,) = script(
        "while true; do true; done\n", {"/boot/armbianEnv.txt": "rootdev=UUID=ab\nextraargs=a b\nfdtfile=a.dtb\n"}
    )
    assert problem.path == "/boot/boot.scr"
    assert [entry.cmdline.text for entry in entries] == ["root=UUID=ab rootwait console=tty1 a b"]
    assert entries[0].dtb is not None
    assert entries[0].dtb.path == "/boot/dtb/a.dtb"


def test_an_extlinux_conf_comes_first() -> None:
    text = LOAD + "setenv bootargs root=/dev/sda1\n" + BOOT
    conf = {"/boot/extlinux/extlinux.conf": "default l\nlabel l\nkernel /boot/other\n"}
    assert [entry.default for entry in script(text, conf)[0]] == [False]
    settings = {**conf, "/boot/armbianEnv.txt": "rootdev=/dev/sda1\n"}
    assert [entry.default for entry in script("false\n", settings)[0]] == [False]


def test_the_processor_of_this_machine_is_known() -> None:
    text = f'{LOAD}if test "${{cpu}}" = "armv8"; then setenv bootargs root=/dev/sda1; fi\n{BOOT}'
    files = {**FILES, "/boot/boot.scr": boot_script(text)}
    for architecture, cmdline in ((Architecture.ARM64, "root=/dev/sda1"), (Architecture.ARM, "")):
        found = read_partition(MemoryTree(files), Platform(architecture=architecture))
        (entry, *_) = (item for item in found if isinstance(item, BootEntry))
        assert entry.cmdline.text == cmdline


def test_no_kernel_is_offered_twice() -> None:
    entries, _ = read({**FILES, "/boot/boot.scr": boot_script(LOAD + BOOT)})
    assert [entry.kernel.path for entry in entries] == ["/boot/Image"]


def test_settings_files() -> None:
    text = " # no\na=1\n  b = 2\r\nc=\nd=x\\\\y\\nz\na=\nnothing\n=x\ne=a=b\n"
    assert as_dict(text) == {"b ": " 2", "d": "x\\ynz", "e": "a=b"}


# ---- update slots, and what U-Boot stores

SLOTS = (
    'test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"\n'
    'test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3\ntest -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3\n'
    'for slot in "${BOOT_ORDER}"; do if test -n "${chosen}"; then true;\n'
    'elif test "${slot}" = A -a ${BOOT_A_LEFT} -gt 0; then setenv chosen root=/dev/mmcblk0p2 rauc.slot=A;\n'
    'elif test "${slot}" = B -a ${BOOT_B_LEFT} -gt 0; then setenv chosen root=/dev/mmcblk0p3 rauc.slot=B; fi; done\n'
    "setenv bootargs ${chosen}\n"
)


def stored(*variables: str, flags: bytes = b"") -> bytes:
    """A file in which U-Boot keeps its environment."""
    data = b"".join(variable.encode() + b"\0" for variable in variables) + bytes(64)
    return zlib.crc32(data).to_bytes(4, "little") + flags + data


def test_each_update_slot_has_an_entry_and_none_starts_by_itself() -> None:
    entries, (problem,) = script(SLOTS + LOAD + BOOT)
    assert [entry.cmdline.get("rauc.slot") for entry in entries] == ["A", "B"]
    assert not any(entry.default for entry in entries)
    assert all(entry.cmdline.variables == ("BOOT_ORDER",) for entry in entries)
    assert "which slot it starts depends on “BOOT_ORDER”" in problem.message


@pytest.mark.parametrize(
    ("files", "slot"),
    [
        ({"/uboot.env": stored("BOOT_ORDER=B A", "BOOT_A_LEFT=3", "BOOT_B_LEFT=2")}, "B"),
        ({"/uboot.env": stored("BOOT_ORDER=B A", "BOOT_A_LEFT=3", "BOOT_B_LEFT=0")}, "A"),
        ({"/uboot.env": stored("BOOT_ORDER=B A")[:-1]}, None),
        (
            {
                "/uboot.env": stored("BOOT_ORDER=A B", flags=b"\xff"),
                "/uboot-redund.env": stored("BOOT_ORDER=B A", flags=b"\0"),
            },
            "B",
        ),
        (
            {
                "/uboot.env": stored("BOOT_ORDER=A B", flags=b"\2"),
                "/uboot-redund.env": stored("BOOT_ORDER=B A", flags=b"\1"),
            },
            "A",
        ),
    ],
)
def test_the_slot_is_the_one_that_u_boot_has_stored(files: dict[str, bytes], slot: str | None) -> None:
    entries, problems = script(SLOTS + LOAD + BOOT, files)
    assert len(entries) == 2
    assert [entry.cmdline.get("rauc.slot") for entry in entries if entry.default] == ([slot] if slot else [])
    assert bool(problems) == (slot is None)


@given(st.binary(max_size=200), st.booleans())
@examples(50)
def test_any_stored_environment_is_read(data: bytes, sealed: bool) -> None:
    data = zlib.crc32(data).to_bytes(4, "little") + data if sealed else data
    entries, _ = script(LOAD + BOOT, {"/uboot.env": data, "/uboot-redund.env": data})
    assert len(entries) == 1


def test_what_a_script_stores_itself_is_not_known() -> None:
    entry = one(
        'setenv bring "mmc read ${loadaddr} ${where} 10; env import -c ${loadaddr} 2000;"\n'
        'setenv keep "env export -c -s 2000 ${loadaddr} MACHINE_ID;"\nrun bring\n'
        'test -n "${MACHINE_ID}" || setenv first systemd.condition-first-boot=true\n'
        + LOAD
        + 'setenv bootargs "root=/dev/sda1 systemd.machine_id=${MACHINE_ID} ${first}"\n'
        + BOOT
    )
    assert entry.cmdline.text == "root=/dev/sda1"


def test_the_loaders_own_command_for_loading() -> None:
    load = "${loadcmd} ${kaddr} boot/Image\nimi ${kaddr} && ${loadcmd} ${raddr} boot/uInitrd"
    entry = one(f"{load} && bootm ${{kaddr}} ${{raddr}}\n")
    assert (entry.kernel.path, [file.path for file in entry.initrds]) == ("/boot/Image", ["/boot/uInitrd"])


def test_a_file_that_is_not_known_replaces_what_was_loaded_before() -> None:
    entries, (problem,) = script("load mmc 0:1 1000 /boot/uInitrd\nload mmc 0:1 1000 /boot/${board}\nbooti 1000\n")
    assert not entries
    assert "the kernel of booti is not known" in problem.message


def test_sizes_that_are_not_known_keep_files_apart() -> None:
    text = "setexpr at ${kernel_addr_r} + ${cpuid}\nload mmc 0:1 ${at} /boot/Image\nsetenv kernel ${at}\n"
    entry = one(f"{text}setexpr at ${{at}} + 9000\nload mmc 0:1 ${{at}} /boot/uInitrd\nbooti ${{kernel}} ${{at}}\n")
    assert (entry.kernel.path, entry.initrds[0].path) == ("/boot/Image", "/boot/uInitrd")


def test_a_loop_that_waits_for_the_hardware() -> None:
    entry = one(LOAD + "setenv bootargs root=/dev/sda1\nwhile gpio input 10; do setenv led on; done\n" + BOOT)
    assert entry.cmdline.text == "root=/dev/sda1"
    assert entry.default


def test_the_command_line_of_a_raspberry_pis_firmware() -> None:
    more = {"/config.txt": "kernel=u-boot.bin\n", "/cmdline.txt": "console=tty1 quiet\nnot this\n"}
    text = "fdt addr ${fdt_addr}\nfdt get value firmware /chosen bootargs\n" + LOAD
    entries, _ = script(f'{text}setenv bootargs "${{firmware}} root=/dev/sda1"\n{BOOT}', more)
    assert [entry.cmdline.text for entry in entries] == ["console=tty1 quiet root=/dev/sda1"]


def test_a_command_line_in_a_file() -> None:
    text = "fileenv mmc 0:1 ${ramdisk_addr_r} cmdline.txt more\n" + LOAD
    entry = one(f'{text}setenv bootargs "root=/dev/sda1 ${{more}}"\n{BOOT}', {"/cmdline.txt": "quiet\n"})
    assert entry.cmdline.text == "root=/dev/sda1 quiet"


def test_a_console_that_is_not_known_is_not_taken_away() -> None:
    entry = one(LOAD + 'setenv bootargs "root=/dev/sda1 console=${cons} ubootpart=${board} usb=${none}"\n' + BOOT)
    assert entry.cmdline.text == "root=/dev/sda1 usb="


# ---- boards


@pytest.mark.parametrize("name", ["cfgload", "s905_autoscript"])
def test_the_scripts_of_amlogics_boards(name: str) -> None:
    text = (
        "fatload ${device} ${devnr}:${partnr} ${loadaddr} kernel.img\n"
        "fatload ${device} ${devnr}:${partnr} ${dtb_mem_addr} dtb.img\nbootm ${loadaddr}\n"
    )
    files = {f"/{name}": boot_script(text), "/kernel.img": b"kernel", "/dtb.img": b"tree"}
    entries, problems = read(files)
    (entry,) = (entry for entry in entries if entry.source == "uboot")
    assert (entry.kernel.path, entry.dtb and entry.dtb.path) == ("/kernel.img", "/dtb.img")
    assert not problems
    entries, _ = read({**FILES, **files, "/boot.scr": boot_script(LOAD + BOOT)})
    assert [entry.kernel.path for entry in entries if entry.source == "uboot"] == ["/boot/Image"]


def test_a_configuration_that_only_u_boot_knows_is_the_images_default() -> None:
    assert one("load mmc 0:1 ${loadaddr} /boot/Image\nbootm ${loadaddr}#conf-${fdtfile}\n").kernel.part == ""
    assert one("load mmc 0:1 ${loadaddr} /boot/Image\nbootm ${loadaddr}#conf-1\n").kernel.part == "conf-1"


def test_a_script_that_tells_disks_apart_means_its_own() -> None:
    text = "if mmc dev {0} && test -e mmc {0}:1 /boot/Image; then setenv bootargs root=/dev/mmcblk{0}p1; {1} fi\n"
    commands = "load mmc {0}:1 ${{kernel_addr_r}} /boot/Image; booti ${{kernel_addr_r}};"
    whole = "".join(text.format(disk, commands.format(disk)) for disk in (1, 0))
    tree = MemoryTree({**FILES, "/boot/boot.scr": boot_script(whole)}, device="mmcblk0p1")
    (entry,) = (entry for entry in read_partition(tree) if isinstance(entry, BootEntry) and entry.source == "uboot")
    assert entry.cmdline.text == "root=/dev/mmcblk0p1"
    assert entry.default


UENV = (
    "uname_r=4.19.94-ti-r42\nenable_uboot_overlays=1\ndisable_uboot_overlay_video=1\n"
    "uboot_overlay_addr0=/lib/firmware/BB-CAN0-00A0.dtbo\nuboot_overlay_addr4=BB-SPIDEV0-00A0.dtbo\n"
    "uboot_overlay_pru=/lib/firmware/missing.dtbo\ncmdline=quiet\n"
)


@pytest.mark.parametrize(("more", "kind"), [("enable_uboot_cape_universal=1\n", "-uboot-univ"), ("", "-uboot")])
def test_beaglebones_overlays_are_those_of_uname_boot(more: str, kind: str) -> None:
    trees = "/boot/dtbs/4.19.94-ti-r42"
    names = [f"{trees}/am335x-boneblack{kind}.dtb" for kind in ("", "-uboot", "-uboot-univ")]
    names += [f"{trees}/am335x-bone.dtb", f"{trees}/overlays/BB-SPIDEV0-00A0.dtbo", "/boot/vmlinuz-4.19.94-ti-r42"]
    names += [f"/lib/firmware/BB-{name}-00A0.dtbo" for name in ("ADC", "CAN0", "BONE-eMMC1-01", "HDMI-TDA998x")]
    tree = MemoryTree({"/boot/uEnv.txt": (UENV + more).encode(), **dict.fromkeys(names, b"x")})
    found = list(read_partition(tree, Platform(board=("ti,am335x-bone-black", "ti,am335x-bone", "ti,am33xx"))))
    (entry,) = (entry for entry in found if isinstance(entry, BootEntry))
    assert entry.dtb
    assert entry.dtb.path == f"{trees}/am335x-boneblack{kind}.dtb"
    assert [file.path for file in entry.overlays] == [
        "/lib/firmware/BB-ADC-00A0.dtbo",
        "/lib/firmware/BB-CAN0-00A0.dtbo",
        f"{trees}/overlays/BB-SPIDEV0-00A0.dtbo",
        "/lib/firmware/BB-BONE-eMMC1-01-00A0.dtbo",
    ]
    assert entry.cmdline.get("console") == "ttyS0,115200n8"
    assert (entry.cmdline.get("bone_capemgr.uboot_capemgr_enabled") == "1") == bool(more)
    (problem,) = (problem for problem in found if isinstance(problem, Problem))
    assert "overlay /lib/firmware/missing.dtbo is left out" in problem.message


def test_a_command_of_uenv_txt_that_starts_nothing_is_reported() -> None:
    entries, (problem,) = read({"/uEnv.txt": "uenvcmd=run bootcmd_ti_mmc\n", "/Image": b"kernel"})
    assert [entry.source for entry in entries] == ["bare"]
    assert "“run bootcmd_ti_mmc” is known to U-Boot only" in problem.message


def test_a_section_of_an_ini_file() -> None:
    config = '; mine\n[generic]\nmode="1080p60hz" ; a comment\nmax = 7\nnone=\n[other]\nmode=x\n'
    text = "load mmc 0:1 ${loadaddr} config.ini && ini generic ${loadaddr}\n" + LOAD
    entry = one(f'{text}setenv bootargs "root=/dev/x mode=${{mode}} max=${{max}}"\n{BOOT}', {"/config.ini": config})
    assert entry.cmdline.text == "root=/dev/x mode=1080p60hz max=7"


@pytest.mark.parametrize("name", ["xu4", "xu3"])
def test_hardkernels_boards_are_known_to_their_scripts(name: str) -> None:
    text = "".join(
        f'if test "${{board_name}}" = "{name}"; then load mmc 0:1 44000000 {name}.dtb; fi\n'
        for name in ("xu4", "xu3")
    )
    text = f"ODROIDXU-UBOOT-CONFIG\n{text}{LOAD}bootz ${{kernel_addr_r}} - 0x44000000\n"
    tree = MemoryTree({**FILES, "/boot.ini": text.encode(), "/xu4.dtb": b"", "/xu3.dtb": b""})
    found = read_partition(tree, Platform(board=(f"hardkernel,odroid-{name}",)))
    (entry,) = (entry for entry in found if isinstance(entry, BootEntry) and entry.source == "uboot")
    assert entry.dtb
    assert entry.dtb.path == f"/{name}.dtb"


def test_only_the_way_that_loads_something_can_start_it() -> None:
    text = "if gpio input 10; then load mmc 0:1 1000 /boot/Image; fi\nsetenv bootargs root=/dev/sda1\nbooti 1000\n"
    assert one(text).kernel.path == "/boot/Image"


def test_a_value_of_which_a_part_is_not_known_is_left_out() -> None:
    text = "if test $stdout = serial@1; then a=,0xfe660000; else a=,0xff1a0000; fi\n"
    entry = one(LOAD + text + 'setenv bootargs "root=/dev/x earlycon=uart,mmio32${a}"\n' + BOOT)
    assert entry.cmdline.text == "root=/dev/x"
    entry = one(LOAD + "setenv bootargs root=/dev/mmcblk${board}p1\n" + BOOT)
    assert entry.cmdline.variables == ("board",)


@pytest.mark.parametrize("stored_part", ["", "3"])
def test_a_slot_that_is_the_number_of_a_partition(stored_part: str) -> None:
    text = (
        'if test -z "${rootpart}"; then setenv rootpart 2; saveenv; fi\n'
        "load mmc 0:${rootpart} ${loadaddr} /boot/Image\n"
        "setenv bootargs root=/dev/mmcblk0p${rootpart}\nbooti ${loadaddr}\n"
    )
    files = {"/boot.scr": boot_script(text)}
    if stored_part:
        files["/uboot.env"] = stored(f"rootpart={stored_part}")
    trees = [MemoryTree(files, device="mmcblk0p1")]
    trees += [MemoryTree({"/boot/Image": b"kernel"}, device=f"mmcblk0p{number}") for number in (2, 3)]
    tree = Remembering(trees[0], neighbours=OneDisk("mmcblk0p1", trees))
    entries = [entry for entry in read_partition(tree) if isinstance(entry, BootEntry)]
    assert [entry.cmdline.get("root") for entry in entries if entry.default] == (
        [f"/dev/mmcblk0p{stored_part}"] if stored_part else []
    )
    assert {entry.kernel.device for entry in entries} == {"mmcblk0p2", "mmcblk0p3"}


@pytest.mark.parametrize("name", ["armbian", "dietpi", "orangepi", "Board"])
def test_settings_of_distributions_that_took_armbians_scripts(name: str) -> None:
    entries, _ = read({f"/{name}Env.txt": "rootdev=UUID=1\n", "/Image": b"kernel"})
    assert [entry.cmdline.get("root") for entry in entries if entry.default] == ["UUID=1"]


def test_a_command_of_uenv_txt_under_another_name() -> None:
    text = (
        "optargs=quiet\nargs=setenv bootargs root=/dev/x ${optargs}\nget=load mmc 0:1 ${loadaddr} Image\n"
        "boot_os=run args; run get; booti ${loadaddr}\n"
    )
    entries, problems = read({"/uEnv.txt": text, "/Image": b"kernel"})
    assert [entry.cmdline.text for entry in entries if entry.default] == ["root=/dev/x quiet"]
    assert not problems


def test_menders_slots() -> None:
    load, boot = "load {} ${{loadaddr}} /boot/Image\nsetenv bootargs root={}\n", "booti ${loadaddr}\n"
    found = load.format("${mender_uboot_root}", "${mender_kernel_root}") + boot
    own = load.format("mmc 0:${mender_boot_part}", "/dev/mmcblk0p${mender_boot_part}") + boot
    for text, roots in (
        (f"run mender_setup\n{found}", ["/dev/mmcblk0p2", "/dev/mmcblk0p3"]),
        (f"if test -z ${{done}}; then setenv mender_boot_part 2; fi\n{own}", ["/dev/mmcblk0p2"]),
    ):
        trees = [MemoryTree({"/boot.scr": boot_script(text)}, device="mmcblk0p1")]
        trees += [MemoryTree({"/boot/Image": b"kernel"}, device=f"mmcblk0p{number}") for number in (2, 3)]
        tree = Remembering(trees[0], neighbours=OneDisk("mmcblk0p1", trees))
        entries = [entry for entry in read_partition(tree) if isinstance(entry, BootEntry)]
        assert [entry.cmdline.get("root") for entry in entries] == roots
        assert all(entry.cmdline.variables == ("mender_boot_part",) for entry in entries)


def test_a_comparison_without_one_side_is_not_decided() -> None:
    # U-Boot sets the variable; without it, `test = 1` would be true
    text = "setenv root a\nif test ${other} = 1; then setenv root b; fi\n" + LOAD
    entry = one(f"{text}setenv bootargs quiet root=/dev/${{root}}\n{BOOT}")
    assert entry.cmdline.variables == ("root",)


def test_a_command_line_that_was_loaded_as_a_file() -> None:
    text = "load mmc 0:1 42000000 cmdline.txt\nsetexpr.s bootargs *0x42000000\n"
    assert one(text + LOAD + BOOT, {"/cmdline.txt": "quiet root=/dev/x\n"}).cmdline.text == "quiet root=/dev/x"
