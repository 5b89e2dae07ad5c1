# SPDX-License-Identifier: MIT
"""config.txt, as the firmware of each model of Raspberry Pi takes it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import read_partition
from bootmenu.sources.parsers.raspberrypi.autoboot_txt import Slots, slots
from bootmenu.sources.tree import TreeErrorReason
from tests.builders.trees import MemoryTree
from tests.properties import examples
from tests.sources.parsers.reading import read

PI2 = ("raspberrypi,2-model-b", "brcm,bcm2836")
PI3 = ("raspberrypi,3-model-b", "brcm,bcm2837")
PI3PLUS = ("raspberrypi,3-model-b-plus", "brcm,bcm2837")
PI4 = ("raspberrypi,4-model-b", "brcm,bcm2711")
PI400 = ("raspberrypi,400", "brcm,bcm2711")
CM4 = ("raspberrypi,4-compute-module", "brcm,bcm2711")
PI5 = ("raspberrypi,5-model-b", "brcm,bcm2712")
OTHER = ("linux,dummy-virt",)


@dataclass
class CountingTree(MemoryTree):
    """Remembers which files were read."""

    reads: list[str] = field(default_factory=list)

    def read(self, path: str, limit: int) -> bytes:
        self.reads.append(path)
        return super().read(path, limit)


KERNELS = {f"/{name}": "" for name in ("kernel8.img", "kernel_2712.img", "kernel7l.img", "kernel7.img", "kernel.img")}
TREES = {
    f"/{name}.dtb": ""
    for name in (
        "bcm2709-rpi-2-b bcm2710-rpi-2-b bcm2710-rpi-3-b bcm2710-rpi-3-b-plus bcm2711-rpi-4-b bcm2711-rpi-400"
        " bcm2711-rpi-cm4 bcm2712-rpi-5-b bcm2837-rpi-3-b"
    ).split()
}


def scan(
    config: str, board: tuple[str, ...] = PI4, files: dict[str, str | bytes] | None = None
) -> tuple[list[BootEntry], list[Problem]]:
    """Of a firmware partition, without what else is found on it."""
    tree: dict[str, str | bytes] = {**KERNELS, **TREES, "/config.txt": config, **(files or {})}
    entries, problems = read(tree, board=board)
    return [entry for entry in entries if entry.source == "raspberrypi"], problems


def one(config: str, board: tuple[str, ...] = PI4, files: dict[str, str | bytes] | None = None) -> BootEntry:
    (entry,), problems = scan(config, board, files)
    assert not problems
    return entry


def messages(config: str, board: tuple[str, ...] = PI4, files: dict[str, str | bytes] | None = None) -> list[str]:
    return [problem.message for problem in scan(config, board, files)[1]]


def overlay_map(**nodes: dict[str, str]) -> bytes:
    tree = DeviceTree(root=Node(""))
    for name, properties in nodes.items():
        values = [(key, value.encode() + b"\0" if value else b"") for key, value in properties.items()]
        tree.root.children.append(Node(name.replace("_", "-"), values))
    return tree.to_bytes()


@pytest.mark.parametrize(
    ("board", "config", "kernel", "dtb"),
    [
        (PI2, "", "/kernel7.img", "/bcm2709-rpi-2-b.dtb"),
        (("raspberrypi,2-model-b", "brcm,bcm2837"), "arm_64bit=1", "/kernel8.img", "/bcm2710-rpi-2-b.dtb"),
        (PI3, "", "/kernel7.img", "/bcm2710-rpi-3-b.dtb"),
        (PI3, "arm_64bit=1", "/kernel8.img", "/bcm2710-rpi-3-b.dtb"),
        (PI3, "arm_control=0x200", "/kernel8.img", "/bcm2710-rpi-3-b.dtb"),
        (PI3PLUS, "arm_64bit=0x1", "/kernel8.img", "/bcm2710-rpi-3-b-plus.dtb"),
        (PI4, "", "/kernel8.img", "/bcm2711-rpi-4-b.dtb"),
        (PI4, "arm_64bit=0", "/kernel7l.img", "/bcm2711-rpi-4-b.dtb"),
        (PI400, "", "/kernel8.img", "/bcm2711-rpi-400.dtb"),
        (CM4, "", "/kernel8.img", "/bcm2711-rpi-cm4.dtb"),
        (PI5, "", "/kernel_2712.img", "/bcm2712-rpi-5-b.dtb"),
        (PI5, "arm_64bit=0", "/kernel_2712.img", "/bcm2712-rpi-5-b.dtb"),
        (PI5, "kernel=my.img", "/my.img", "/bcm2712-rpi-5-b.dtb"),
        (("raspberrypi,model-zero", "brcm,bcm2835"), "arm_64bit=1", "/kernel.img", None),
        (PI4, "device_tree=own.dtb", "/kernel8.img", "/own.dtb"),
        (PI4, "device_tree=", "/kernel8.img", None),
        (PI3, "upstream_kernel=1\narm_64bit=1", "/kernel8.img", "/bcm2837-rpi-3-b.dtb"),
    ],
)
def test_kernel_and_tree_of_each_model(board: tuple[str, ...], config: str, kernel: str, dtb: str | None) -> None:
    (entry,), _ = scan(config, board)
    assert (entry.kernel.path, entry.dtb.path if entry.dtb else None) == (kernel, dtb)
    assert (entry.id, entry.source, entry.default) == ("config.txt", "raspberrypi", True)


def test_a_prefix_that_only_upstream_kernel_implies_makes_no_noise() -> None:
    assert messages("upstream_kernel=1", PI3) == []
    assert messages("upstream_kernel=1", PI3, {"/kernel8.img": "", "/upstream/kernel8.img": ""}) == []
    assert one("upstream_kernel=1", PI4).kernel.path == "/kernel8.img"
    files: dict[str, str | bytes] = {"/upstream/kernel8.img": "", "/upstream/bcm2711-rpi-4-b.dtb": ""}
    assert one("upstream_kernel=1", PI4, files).kernel.path == "/upstream/kernel8.img"
    assert messages("os_prefix=upstream/", PI4) == [
        "os_prefix=upstream/ is ignored, as by the firmware: it has no kernel"
    ]


def test_the_fifth_model_takes_the_common_kernel_where_its_own_is_missing() -> None:
    entries, _ = read({"/config.txt": "", "/kernel8.img": ""}, board=PI5)
    assert [entry.kernel.path for entry in entries] == ["/kernel8.img"]


@pytest.mark.parametrize("board", [(), OTHER, ("raspberrypi,99-model-z",)])
def test_on_another_machine_the_tree_is_chosen_among_those_that_are_there(board: tuple[str, ...]) -> None:
    entry = one("", board)
    assert (entry.kernel.path, entry.dtb) == ("/kernel8.img", None)
    assert entry.dtb_folder is not None
    assert entry.dtb_folder.path == "/"


@pytest.mark.parametrize(
    ("config", "board", "kernel"),
    [
        ("[pi3]\nkernel=a\n[pi4]\nkernel=b", PI3, "/a"),
        ("[pi3]\nkernel=a\n[pi4]\nkernel=b", PI4, "/b"),
        ("kernel=x\n[pi3]\n[all]\nkernel=a", PI4, "/a"),
        ("kernel=x\n[pi3+]\nkernel=a", PI3, "/x"),
        ("kernel=x\n[pi3+]\nkernel=a", PI3PLUS, "/a"),
        ("kernel=x\n[pi3]\nkernel=a", PI3PLUS, "/a"),
        ("kernel=x\n[pi4]\nkernel=a\n[pi400]\nkernel=b", PI400, "/b"),
        ("kernel=x\n[pi4]\nkernel=a\n[pi400]\nkernel=b", PI4, "/a"),
        ("kernel=x\n[cm4]\nkernel=a", CM4, "/a"),
        ("kernel=x\n[cm4]\nkernel=a", PI4, "/x"),
        ("kernel=x\n[pi5]\nkernel=a", PI5, "/a"),
        ("kernel=x\n[pi02]\nkernel=a", ("raspberrypi,model-zero-2-w",), "/a"),
        ("kernel=x\n[board-type=0x14]\nkernel=a", CM4, "/a"),
        ("kernel=x\n[board-type=0x11]\nkernel=a", CM4, "/x"),
        ("kernel=x\n[none]\nkernel=a\n[pi4]\nkernel=b", PI4, "/x"),
        ("kernel=x\n[none]\n[all]\nkernel=a", PI4, "/a"),
        ("kernel=x\n[boot_partition=1]\nkernel=a", PI4, "/a"),
        ("kernel=x\n[boot_partition=2]\nkernel=a", PI4, "/x"),
        ("kernel=x\n[HDMI:1]\nkernel=a", PI4, "/a"),
        (" [pi4]\n  kernel=a  \n#kernel=c\n", PI4, "/a"),
        ("kernel=a\nKERNEL=b\nkernel_address=1", PI4, "/a"),
        ("kernel=x\n[pi4]\nkernel=a", OTHER, "/x"),
    ],
)
def test_sections_hold_for_their_models_and_combine(config: str, board: tuple[str, ...], kernel: str) -> None:
    assert one(config, board).kernel.path == kernel


@pytest.mark.parametrize(
    ("section", "board"),
    [("gpio4=1", PI4), ("EDID=VSC-TD2220", PI4), ("0x12345678", PI4), ("partition=2", PI4), ("pi4", ())],
)
def test_what_only_the_firmware_knows_is_left_out_and_said(section: str, board: tuple[str, ...]) -> None:
    (entry,), (problem,) = scan(
        f"kernel=x\n[{section}]\ndisable_splash=1\nkernel=a\n[all]\ncmdline=c", board, {"/c": "c"}
    )
    assert (entry.kernel.path, entry.cmdline.text) == ("/x", "c")
    assert problem.path == "/config.txt"
    assert problem.message == f"line 4: kernel is left out: only the firmware knows whether [{section}] applies"


def test_a_section_that_does_not_hold_anyway_is_no_question() -> None:
    assert messages("[pi3]\n[gpio4=1]\nkernel=a\n[none]\nkernel=b\n[gpio4=1]\nhdmi_group=1\n") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[what=1]", "line 1: [what=1] is an unknown section, left out"),
        ("kernel", "line 1: kernel: has no value"),
        ("kernel = a", "line 1: kernel: no space is allowed around the equals sign"),
        ("initramfs=a", "line 1: initramfs: must be followed by a space and a value"),
        ("include", "line 1: include: must be followed by a space and a value"),
        ("include none.txt", "line 1: /none.txt does not exist"),
        ("kernel=" + "a" * 92, "line 1: kernel: the firmware reads only 98 characters of a line"),
        ("cmdline=none.txt", "no command line: does not exist"),
        ("dtoverlay=none", "dtoverlay=none is left out, as by the firmware: /overlays/none.dtbo does not exist"),
        ("dtparam=nvme,pciex1_gen=3", "parameters of the device tree are not applied: nvme, pciex1_gen=3"),
        ("os_prefix=new/", "os_prefix=new/ is ignored, as by the firmware: it has no kernel"),
    ],
)
def test_what_makes_no_sense_is_a_problem_and_the_entry_stays(line: str, message: str) -> None:
    entries, problems = scan(line)
    assert [problem.message for problem in problems] == [message]
    assert len(entries) == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("boot_ramdisk=1", "boots from inside boot.img, which is not supported"),
        ("kernel=u-boot.bin", "starts u-boot.bin, not a kernel: U-Boot has its own configuration"),
        ("", "names no kernel, and kernel8.img and kernel7l.img do not exist"),
    ],
)
def test_what_starts_no_kernel_gives_a_problem_and_no_entry(config: str, message: str) -> None:
    entries, problems = read({"/config.txt": config, "/start4.elf": ""}, board=PI4)
    assert not entries
    assert [problem.message for problem in problems] == [message]


@pytest.mark.parametrize(
    ("config", "initramfs"),
    [
        ("initramfs a.gz followkernel", ["/a.gz"]),
        ("initramfs a.gz,b.gz 0x00800000", ["/a.gz", "/b.gz"]),
        ("initramfs a.gz", ["/a.gz"]),
        ("ramfsfile=a.gz,b.gz\nramfsaddr=-1", ["/a.gz", "/b.gz"]),
        ("[pi3]\ninitramfs a\n[pi4]\ninitramfs b\n", ["/b"]),
        ("auto_initramfs=1", ["/initramfs8"]),
        ("auto_initramfs=1\narm_64bit=0", []),
        ("auto_initramfs=1\ninitramfs a", ["/a"]),
        ("auto_initramfs=1\nkernel=vmlinuz", []),
        ("auto_initramfs=0", []),
        ("auto_initramfs=yes", []),
    ],
)
def test_the_initramfs(config: str, initramfs: list[str]) -> None:
    assert [ref.path for ref in one(config, files={"/initramfs8": ""}).initrds] == initramfs


def test_the_command_line_is_the_first_line_of_its_file() -> None:
    assert one("", files={"/cmdline.txt": " a b \n"}).cmdline.text == "a b"
    assert one("cmdline=other.txt", files={"/other.txt": "c"}).cmdline.text == "c"
    assert one("").cmdline.text == ""
    files: dict[str, str | bytes] = {"/cmdline.txt": "a\nb\n"}
    assert messages("", files=files) == ["only the first line is used as the command line"]


@pytest.mark.parametrize(
    ("board", "config", "console"),
    [
        (PI4, "", "ttyS0"),
        (PI4, "dtoverlay=disable-bt", "ttyAMA0"),
        (PI3, "dtoverlay=pi3-miniuart-bt", "ttyAMA0"),
        (PI2, "", "ttyAMA0"),
        (PI5, "", "ttyAMA10"),
        (PI5, "dtparam=uart0_console", "ttyAMA0"),
        (OTHER, "", "serial0"),
    ],
)
def test_serial0_is_the_port_that_this_model_has_there(board: tuple[str, ...], config: str, console: str) -> None:
    text = "console=serial0,115200 console=tty1 kgdboc=serial0 x=serial01"
    (entry,), _ = scan(config, board, {"/cmdline.txt": text})
    assert entry.cmdline.text == f"console={console},115200 console=tty1 kgdboc={console} x=serial01"


def test_a_prefix_holds_for_every_file_of_the_system() -> None:
    files: dict[str, str | bytes] = {
        "/new/kernel8.img": "",
        "/new/bcm2711-rpi-4-b.dtb": "",
        "/new/cmdline.txt": "new",
        "/new/initramfs8": "",
        "/overlays/a.dtbo": "",
    }
    config = "os_prefix=new/\nauto_initramfs=1\ndtoverlay=a"
    entry = one(config, files=files)
    assert entry.dtb is not None
    assert [entry.kernel.path, entry.dtb.path, entry.initrds[0].path] == [
        "/new/kernel8.img",
        "/new/bcm2711-rpi-4-b.dtb",
        "/new/initramfs8",
    ]
    assert entry.cmdline.text == "new"
    assert [ref.path for ref in entry.overlays] == ["/overlays/a.dtbo"], "shared without a README"
    entry = one(config, files={**files, "/new/overlays/README": "", "/new/overlays/a.dtbo": ""})
    assert [ref.path for ref in entry.overlays] == ["/new/overlays/a.dtbo"]
    entry = one(f"{config}\nkernel=/kernel8.img", files=files)
    assert entry.kernel.path == "/kernel8.img", "an absolute path takes no prefix"


def test_a_prefix_may_be_the_beginning_of_a_name() -> None:
    files: dict[str, str | bytes] = {"/test-kernel8.img": "", "/test-bcm2711-rpi-4-b.dtb": ""}
    assert one("os_prefix=test-", files=files).kernel.path == "/test-kernel8.img"
    entry = one("os_prefix=test-", OTHER, files)
    assert entry.kernel.path == "/test-kernel8.img"
    assert messages("os_prefix=test-", PI3, {"/test-kernel7.img": ""}) == [
        "os_prefix=test- is ignored, as by the firmware: it has no device tree"
    ]


def test_overlays_are_those_for_this_board_in_order() -> None:
    files: dict[str, str | bytes] = {
        f"/overlays/{name}.dtbo": "" for name in ("vc4-kms-v3d", "vc4-kms-v3d-pi4", "disable-bt", "own")
    }
    files["/overlays/overlay_map.dtb"] = overlay_map(
        vc4_kms_v3d={"bcm2835": "", "bcm2711": "vc4-kms-v3d-pi4"},
        pi3_disable_bt={"renamed": "disable-bt"},
        pi5_only={"bcm2712": ""},
    )
    config = "dtoverlay=vc4-kms-v3d\ndtoverlay=pi3-disable-bt\ndtoverlay=own\ndtoverlay=\n"
    paths = [ref.path for ref in one(config, files=files).overlays]
    assert paths == [f"/overlays/{name}.dtbo" for name in ("vc4-kms-v3d-pi4", "disable-bt", "own")]
    assert one(config, PI3, files).overlays[0].path == "/overlays/vc4-kms-v3d.dtbo"
    assert messages("dtoverlay=pi5-only", files=files) == ["dtoverlay=pi5-only is left out: it is not for this board"]


def test_parameters_belong_to_the_overlay_before_them_and_are_said_not_to_be_applied() -> None:
    files: dict[str, str | bytes] = {"/overlays/a.dtbo": "", "/overlays/b.dtbo": ""}
    config = (
        "dtparam=audio=on\ndtoverlay=a,x=1,y\ndtparam=z=2\ndtoverlay=b\ndtoverlay=\ndtparam=i2c_arm=on,sd_debug=on"
    )
    assert messages(config, files=files) == [
        "dtoverlay=a: not applied: x=1, y, z=2",
        "parameters of the device tree are not applied: sd_debug=on",
    ]
    assert [ref.path for ref in scan(config, files=files)[0][0].overlays] == ["/overlays/a.dtbo", "/overlays/b.dtbo"]


def test_a_colon_may_separate_an_overlay_from_its_parameters() -> None:
    files: dict[str, str | bytes] = {"/overlays/gpio-ir.dtbo": ""}
    config = "dtoverlay=gpio-ir:gpio_pin=17,pull=up:x\ndtoverlay=:"
    (entry,), _ = scan(config, files=files)
    assert [ref.path for ref in entry.overlays] == ["/overlays/gpio-ir.dtbo"]
    assert messages(config, files=files) == ["dtoverlay=gpio-ir: not applied: gpio_pin=17, pull=up:x"]


@pytest.mark.parametrize("data", [b"", b"\xd0\x0d\xfe\xed" + bytes(60), b"no tree"])
def test_a_broken_overlay_map_costs_a_problem(data: bytes) -> None:
    files: dict[str, str | bytes] = {"/overlays/overlay_map.dtb": data, "/overlays/a.dtbo": ""}
    (entry,), problems = scan("dtoverlay=a", files=files)
    assert [ref.path for ref in entry.overlays] == ["/overlays/a.dtbo"]
    assert [problem.path for problem in problems] == ["/overlays/overlay_map.dtb"]


def test_includes_are_inserted_where_they_stand() -> None:
    files: dict[str, str | bytes] = {"/extra.txt": "kernel=a\n[pi3]\n", "/pi3.txt": "kernel=b"}
    assert one("include extra.txt\nkernel=c", files=files).kernel.path == "/a", "the section goes on behind it"
    assert one("kernel=x\n[pi3]\ninclude pi3.txt", files=files).kernel.path == "/x"


def test_includes_in_a_circle_end() -> None:
    files: dict[str, str | bytes] = {"/a.txt": "include config.txt\n" * 3}
    found = messages("include a.txt\n" * 100, files=files)
    assert found
    assert len(found) <= 60
    assert all("too many includes" in message for message in found)


def test_files_that_are_too_long_together_are_no_configuration() -> None:
    files: dict[str, str | bytes] = {"/a.txt": "#\n" * 300_000}
    found = messages("include a.txt\n" * 3, files=files)
    assert found == [f"line {number}: /a.txt makes the configuration too long" for number in (2, 3)]


def test_endless_includes_are_read_a_few_times_only() -> None:
    files: dict[str, str | bytes] = {**KERNELS, "/config.txt": "include a.txt\n" * 70_000, "/a.txt": "#" * 1_000_000}
    tree = CountingTree({path: data.encode() if isinstance(data, str) else data for path, data in files.items()})
    list(read_partition(tree))
    assert tree.reads.count("/a.txt") == 32


def test_what_the_firmware_does_not_read_of_a_line_does_not_count() -> None:
    (entry,), _ = scan("kernel=" + "a" * 91 + "b")
    assert entry.kernel.path == "/" + "a" * 91


def test_tryboot_is_an_entry_of_its_own() -> None:
    entries, _ = scan("kernel=a", files={"/tryboot.txt": "kernel=a\n[tryboot]\nkernel=b"})
    assert [(entry.id, entry.title, entry.kernel.path, entry.default) for entry in entries] == [
        ("config.txt", "Raspberry Pi: a", "/a", True),
        ("tryboot.txt", "Raspberry Pi: b (tryboot)", "/b", False),
    ]


def test_a_section_for_tryboot_is_an_entry_of_its_own() -> None:
    entries, _ = scan("kernel=a\n[tryboot]\nkernel=b\n[pi4]\nkernel=c")
    assert [(entry.id, entry.title, entry.kernel.path, entry.default) for entry in entries] == [
        ("config.txt", "Raspberry Pi: a", "/a", True),
        ("config.txt (tryboot)", "Raspberry Pi: c (tryboot)", "/c", False),
    ]
    entries, _ = scan("kernel=a\n[tryboot]\nhdmi_mode=1\n")
    assert [entry.id for entry in entries] == ["config.txt"], "it makes no difference"


AB = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (AB, Slots(usual=2, tried=3)),
        ("boot_partition=3", Slots(usual=3, tried=3)),
        ("", Slots(usual=1, tried=1)),
        ("boot_partition=0\n[tryboot]\nboot_partition=2", Slots(usual=1, tried=2)),
        ("[none]\nboot_partition=2", Slots(usual=1, tried=1)),
        ("boot_partition=x", Slots(usual=1, tried=1)),
        ("#" * 512 + "\nboot_partition=2", None),
    ],
)
def test_autoboot_txt_names_the_partitions(text: str, found: Slots | None) -> None:
    tree = MemoryTree({"/autoboot.txt": text.encode()}, device="mmcblk0p1", names=frozenset())
    assert slots(tree) == found
    assert slots(MemoryTree({}, device="mmcblk0p2", names=frozenset())) is None


def test_a_folder_of_a_root_partition_is_a_firmware_partition_too() -> None:
    files = {f"/boot/firmware{path}": "" for path in (*KERNELS, *TREES)}
    entries, _ = read({**files, "/boot/firmware/config.txt": "", "/boot/config.txt": "moved"}, board=PI4)
    assert [entry.kernel.path for entry in entries if entry.config] == ["/boot/firmware/kernel8.img"]


def test_a_config_txt_of_something_else_is_none() -> None:
    assert read({"/config.txt": "kernel=a"}, board=PI4) == ([], [])


@pytest.mark.parametrize("path", ["/config.txt", "/tryboot.txt"])
def test_one_unreadable_file_hides_no_other(path: str) -> None:
    files: dict[str, bytes | str] = {**KERNELS, "/config.txt": "", "/tryboot.txt": ""}
    entries, problems = read(files, {path: TreeErrorReason.UNREADABLE}, board=PI4)
    assert problems or path == "/tryboot.txt"
    assert len([entry for entry in entries if entry.source == "raspberrypi"]) == (1 if path == "/tryboot.txt" else 0)


LINES = st.one_of(
    st.sampled_from(
        "[all] [none] [pi4] [pi3+] [cm4] [tryboot] [gpio4=1] [EDID=a] [boot_partition=1] [board-type=x] [ [] [HDMI:0]"
        " include&a.txt include&config.txt kernel=a os_prefix=x/ os_prefix=/ arm_64bit=1 arm_64bit=x device_tree="
        " dtparam=x device_tree=.. initramfs&a,b&0 initramfs&, auto_initramfs=1 dtoverlay=a dtoverlay=,,"
        " dtoverlay=a,b=c dtparam=, upstream_kernel=1 overlay_prefix=../.. cmdline=config.txt".split()
    ).map(lambda line: line.replace("&", " ")),
    st.text(max_size=12),
)


@examples(200)
@given(
    st.lists(LINES, max_size=15).map("\n".join), st.sampled_from([(), OTHER, PI3, PI4, PI5]), st.binary(max_size=40)
)
def test_any_text_gives_entries_and_problems(text: str, board: tuple[str, ...], data: bytes) -> None:
    files: dict[str, str | bytes] = {
        "/a.txt": text,
        "/x/kernel8.img": "",
        "/x/bcm2711-rpi-4-b.dtb": "",
        "/overlays/a.dtbo": "",
        "/overlays/overlay_map.dtb": data,
        "/cmdline.txt": data,
    }
    entries, problems = scan(text, board, files)
    assert [entry.default for entry in entries] in ([], [True], [False], [True, False])
    assert len(problems) <= 400
    assert all(ref.path.startswith("/") for entry in entries for _, ref in entry.files)


@examples(100)
@given(st.binary(max_size=200))
def test_any_bytes_give_entries_and_problems(data: bytes) -> None:
    scan("", files={"/config.txt": data})


def test_u_boot_under_the_name_of_a_kernel() -> None:
    entries, (problem,) = scan("arm_64bit=1\n", files={"/kernel8.img": b"\x0a\0\0\x14" * 9 + b"U-Boot 2024.01\0"})
    assert not entries
    assert "starts kernel8.img, not a kernel" in problem.message


def test_all_files_may_be_below_os_prefix() -> None:
    # Home Assistant OS on a Raspberry Pi 5
    files: dict[str, str | bytes] = dict.fromkeys(("/slot-B/kernel_2712.img", "/slot-B/bcm2712-rpi-5-b.dtb"), "")
    files["/cmdline.txt"] = "root=x"
    entries, _ = read({**files, "/config.txt": "os_prefix=slot-B/\ncmdline=/cmdline.txt\n"}, board=PI5)
    (entry,) = (entry for entry in entries if entry.source == "raspberrypi")
    assert (entry.kernel.path, entry.cmdline.text) == ("/slot-B/kernel_2712.img", "root=x")
    assert entry.default


def test_picore_writes_sections_in_capitals_and_kernels_after_a_space() -> None:
    config = "[PI3]\nkernel k.img\n[PI4]\ninitramfs a.gz,b.gz followkernel\nkernel kernel8.img\n[ALL]\ncmdline=c\n"
    (entry,), problems = scan(config, files={"/c": "quiet"})
    assert not problems
    assert (entry.kernel.path, [file.path for file in entry.initrds]) == ("/kernel8.img", ["/a.gz", "/b.gz"])
    assert entry.cmdline.text == "quiet"


@pytest.mark.parametrize("path", ["/boot.scr", "/boot/extlinux/extlinux.conf", "/EFI/BOOT/BOOTAA64.EFI"])
def test_u_boot_whose_configuration_is_there_is_no_problem(path: str) -> None:
    assert scan("kernel=u-boot.bin\n", files={path: "", "/u-boot.bin": ""})[0] == []
    _, problems = scan("kernel=u-boot.bin\n", files={path: ""})
    assert not any("not a kernel" in problem.message for problem in problems)


@pytest.mark.parametrize(("setting", "decides"), [("kernel=x", True), ("cmdline=x", True), ("dtparam=i2c", False)])
def test_what_only_the_firmware_can_decide_never_starts_automatically(setting: str, decides: bool) -> None:
    (entry,), (problem,) = scan(f"arm_64bit=1\n[gpio4=1]\n{setting}\n[all]\n", files={"/cmdline.txt": "root=/dev/x"})
    assert entry.cmdline.variables == (("[gpio4=1]",) if decides else ())
    assert "only the firmware knows" in problem.message
