# SPDX-License-Identifier: MIT
"""A machine with a monitor and a keyboard: what is seen on the Linux VT, in QEMU's own picture of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootmenu.bootstate.pin import StoredPin
from bootmenu.system.buttons import LONG
from bootmenu.system.processes import Commands
from bootmenu.vm import disk_image
from bootmenu.vm.disk_image import DiskPartition, FileSystem
from tests.builders.entries import whole_image
from tests.vm import stages
from tests.vm.conftest import ARTIFACTS, MachineMaker
from tests.vm.display import MISSING, Cell, Font, Screen
from tests.vm.harness import SILENCE_AFTER_JUMP, Hardware, Machine, Monitor

pytestmark = [pytest.mark.vm, pytest.mark.slow]

COLUMNS, ROWS = 120, 40
DEVICES = ("-device", f"virtio-gpu-pci,xres={COLUMNS * 8},yres={ROWS * 16}", "-device", "virtio-keyboard-pci")
RATE = 3 << 20
"""Bytes a second of a disk so slow that the bar can be seen on its way."""
HELD = 2 * LONG
"""Seconds of a long press."""
BLACK = (0, 0, 0)
PLAIN = (170, 170, 170)
"""The VT's own letters."""
SIGNS = tuple(f"{MISSING} {text}" for text in ("FAIL", "FALLO", "ÉCHEC", "This entry"))
"""Where that glyph is meant."""
READABLE = 3.0
"""Contrast that WCAG 2 wants of large text; the VT's own dark grey on black has 2.8, its dark blue 1.6."""

BROKEN = DiskPartition(
    file_system=FileSystem.FAT,
    label="BROKEN",
    partition_label="broken",
    partition_uuid="4c1f3a52-9d0e-4b57-8a33-2f6f0c5b7e11",
    uuid="B70C-0001",
    files={"loader/entries/omega.conf": b"title Omega without a kernel\nlinux /k\n", "k": b"not a kernel"},
    size=40,
)


@pytest.fixture(scope="session")
def boards(vm_cache: Path) -> stages.Stage:
    """bootmenu's image with the kernel it has by default."""
    return stages.build_first_stage(vm_cache, for_boards=True)


@dataclasses.dataclass(frozen=True)
class Seat:
    """Somebody in front of the machine, who sees its monitor and has its keyboard."""

    vm: Machine
    monitor: Monitor
    font: Font
    folder: Path
    kept: dict[str, Screen] = dataclasses.field(default_factory=dict)

    def look(self) -> Screen:
        """At what is on the monitor now."""
        file = self.folder / "now.ppm"
        self.monitor.run("screendump", filename=str(file))
        return Screen.from_ppm(file.read_bytes(), self.font)

    def press(self, *keys: str) -> None:
        """One key after the other, by QEMU's names; `ctrl-c` are two at once."""
        for key in keys:
            chord = [{"type": "qcode", "data": part} for part in key.split("-")]
            self.monitor.run("send-key", keys=chord)

    def wait_to_see(self, what: str | Callable[[Screen], bool], timeout: float = 60) -> Screen:
        """Until a text is in the picture, or what is asked of it holds: that picture."""
        seen: list[Screen] = []

        def shown(_: Machine) -> bool:
            seen[:] = [self.look()]
            return seen[0].has(what) if isinstance(what, str) else what(seen[0])

        shown.__name__ = f"monitor: {what if isinstance(what, str) else what.__name__}"
        try:
            self.vm.wait_for(shown, timeout)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), "The monitor:", *seen[0].lines])) from None
        finally:
            self.keep(seen[0], "last")
        return seen[0]

    def inspect(self, name: str, what: str, timeout: float = 60) -> Screen:
        """Wait to see a text, and keep the picture to judge it when all of them have been taken."""
        screen = self.wait_to_see(what, timeout)
        self.keep(screen, name)
        self.kept[name] = screen
        return screen

    def hold(self, press: Callable[[], None]) -> None:
        """Press so often that it is one long press, since QEMU releases its button after 0.1 s. Nothing else is done
        meanwhile: a picture takes so long that there would be two short ones."""
        end = self.vm.elapsed + HELD
        while self.vm.elapsed < end:
            press()

    def keep(self, screen: Screen, name: str) -> None:
        """For people to look at."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        (ARTIFACTS / f"{self.vm.name}-{name}.png").write_bytes(screen.png())


@contextlib.contextmanager
def seated(
    machine: MachineMaker, stage: stages.Stage, drives: tuple[Path, ...], folder: Path, extra: tuple[str, ...] = ()
) -> Iterator[Seat]:
    """In front of a machine that has just been switched on. extra: what else QEMU is told."""
    socket = folder / "qmp"
    hardware = Hardware(disks=drives, extra=(*DEVICES, *extra, *Monitor.argv(socket)))
    with machine(hardware, stage=stage, cmdline="console=tty1") as vm:
        vm.wait_for("Booting Linux", 60)
        with Monitor(socket) as monitor:
            seat = Seat(vm, monitor, Font.of_kernel(stage.kernel), folder)
            yield seat
            assert [f"{name}: {fault}" for name, screen in seat.kept.items() for fault in faults(screen)] == []


def marked(screen: Screen) -> list[Cell]:
    """The row with the marker; none in a picture that was taken while it moved."""
    rows = [row for row, line in zip(screen.cells, screen.lines, strict=True) if line.lstrip().startswith("▶ ")]
    return rows[0] if len(rows) == 1 else []


def text(cells: list[Cell]) -> str:
    """What is written there."""
    return "".join(cell.text for cell in cells).rstrip()


def faults(screen: Screen) -> Iterator[str]:
    """What is not a glyph of the font, or cannot be read, or is the cursor or a message of the kernel's."""
    if (screen.width, screen.height) != (COLUMNS * 8, ROWS * 16):
        yield f"{screen.width} by {screen.height} pixels"
    if not any(screen.lines):
        yield "nothing is on it"
    for row, line in zip(screen.cells, screen.lines, strict=True):
        if line.startswith("["):
            yield f"a message of the kernel's: {line}"
        if "\ufffd" in line:
            yield f"no glyph, or the cursor: {line}"
        if line.count(MISSING) != sum(line.count(sign) for sign in SIGNS):
            yield f"the font lacks a glyph: {line}"
        faint = "".join(cell.text if cell.text != " " and cell.contrast < READABLE else " " for cell in row)
        if faint.strip():
            yield f"hard to read: {faint.split()} in {line}"


def throttle(seat: Seat, rate: int) -> None:
    """Bytes a second of the first disk; 0 = as fast as it is."""
    names = ("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")
    seat.monitor.run("block_set_io_throttle", device="d0", bps=rate, **dict.fromkeys(names, 0))


def choose(seat: Seat, title: str, step: Callable[[], None]) -> None:
    """Until the marker is on the entry, one step at a time."""
    for _ in range(8):
        before = text(marked(seat.wait_to_see(lambda screen: bool(marked(screen)), 20)))
        if title in before:
            return
        step()

        def moved(screen: Screen, before: str = before) -> bool:
            return text(marked(screen)) not in ("", before)

        seat.wait_to_see(moved, 20)
    raise AssertionError(f"{title} is not in the list")


def test_menu_details_error_and_progress_on_a_monitor(
    machine: MachineMaker, boards: stages.Stage, disk: Path, token: str, tmp_path: Path
) -> None:
    broken = disk_image.write_disk(tmp_path / "broken.img", [BROKEN], tmp_path / "broken", Commands())
    with seated(machine, boards, (disk, broken), tmp_path) as seat:
        seat.wait_to_see("5 entries on 3 partitions", 200)
        seat.inspect("menu", "35 checks passed")
        seat.press("d")
        seat.inspect("details", "What was checked")
        seat.press("slash")
        seat.wait_to_see("Search:")  # keys in one burst would be pasted text
        seat.press(*"kernel")
        seat.wait_to_see(matches_are_marked)
        seat.inspect("search", "Search: kernel")
        seat.press("esc")
        seat.wait_to_see("Tab next check")
        seat.press("ret")
        seat.inspect("evidence", "Enter hides the evidence")
        seat.press("esc")
        seat.wait_to_see("5 entries on 3 partitions")
        seat.press("shift-t")
        languages = seat.inspect("languages", "Português")
        behind = languages.line_of("can be started here")
        assert {cell.ink for cell in behind if cell.text != " "} == {PLAIN}, "the page behind has no colour"
        for number, name, found in (("4", "spanish", "idioma: Español"), ("5", "french", "langue : Français")):
            pick(seat, number)
            seat.inspect(name, found)
            seat.press("shift-t")
            seat.wait_to_see("Português")
        pick(seat, "2")
        seat.wait_to_see("language: English")
        seat.press("end")
        failing = seat.inspect("fail", "IMG-FORMAT")
        assert "FAIL" in text(marked(failing))
        assert len({cell.ground for cell in marked(failing)} - {BLACK}) >= 1, "the row under the marker stands out"
        seat.press("ret")
        seat.inspect("question", "Start it although it cannot work here?")
        seat.press("y")
        seat.inspect("error", "Nothing was changed")
        seat.press("esc")
        seat.wait_to_see("5 entries on 3 partitions")
        choose(seat, "Gamma on ext4", lambda: seat.press("up"))
        throttle(seat, RATE)
        seat.press("ret")
        seat.inspect("progress", "▶ now")
        throttle(seat, 0)
        seat.vm.wait_for(f"second stage says {token}", 120, silence=SILENCE_AFTER_JUMP)
        seat.vm.wait_for(f"bootmenu-test.entry=gamma-{token}", 10)


def matches_are_marked(screen: Screen) -> bool:
    """Return whether every `kernel` that comes first in its line has another ground."""
    rows = zip(screen.cells[1:-2], screen.lines[1:-2], strict=True)
    found = [row[at : at + 6] for row, line in rows if (at := line.lower().find("kernel")) >= 0]
    return bool(found) and all(cell.ground != BLACK for cells in found for cell in cells)


def pick(seat: Seat, number: str) -> None:
    """Take the answer with a number, in two steps: keys in one burst would be pasted text."""
    seat.press(number)
    seat.wait_to_see(f"║  ▶ {number}")
    seat.press("ret")


STICK = DiskPartition(
    file_system=FileSystem.FAT,
    label="BOOT",
    partition_label="boot",
    partition_uuid="0f5a1d50-3a0c-4a7c-9d3f-6d2f2e9a7c12",
    uuid="571C-0002",
    files={
        "loader/loader.conf": b"default alpha-evil.conf\n",
        "loader/entries/alpha-evil.conf": b"title Alpha of a stranger\nlinux /k\noptions console=tty1\n",
        "k": whole_image(),
    },
    size=40,
)
"""What somebody has plugged in, hoping that the kiosk takes it for its own."""

STATE = DiskPartition(
    file_system=FileSystem.EXT4,
    label="STATE",
    partition_label="state",
    partition_uuid="0f5a1d50-3a0c-4a7c-9d3f-6d2f2e9a7c13",
    uuid="5a1d0f50-3a0c-4a7c-9d3f-6d2f2e9a7c14",
    files={"readme": b"What a kiosk remembers is here.\n"},
    size=40,
)
"""Without it the first try of a PIN waits for five minutes."""

KIOSK = """
profile = "kiosk"
state.device = "LABEL=STATE"
[kiosk]
recovery = ["*beta*"]
locked = ["*delta*"]
contact = "Help: call 555-0100"
buttons = true
pin = "{pin}"
[kiosk.names]
"*alpha*" = "Start the terminal"
"*beta*" = "Repair the terminal"
"*gamma*" = "Start the old version"
"*delta*" = "Start the newest version"
"""

WAYS_OUT = (
    *("ctrl-c", "ctrl-q", "ctrl-z", "ctrl-backslash", "ctrl-d", "ctrl-x", "ctrl-p", "esc", "q", "s", "p", "e"),
    *("alt-f2", "ctrl-alt-f2", "alt-right", "ctrl-alt-delete"),
    *("alt-sysrq-h", "alt-sysrq-r", "alt-sysrq-k", "alt-sysrq-e", "alt-sysrq-i", "alt-sysrq-b", "alt-sysrq-o"),
    *("shift-scroll_lock", "ctrl-scroll_lock", "alt_r-scroll_lock", "scroll_lock"),
)
"""Of menus, terminals and kernels: those with the ScrollLock key print (drivers/tty/vt/keyboard.c)."""


def test_a_kiosk_with_a_keyboard_is_not_left_and_one_button_repairs(
    machine: MachineMaker, boards: stages.Stage, disk: Path, token: str, tmp_path: Path
) -> None:
    """The button is QEMU's power button, which the device tree calls gpio-keys. In a USB port is a stick."""
    stick = disk_image.write_disk(tmp_path / "stick.img", [STICK], tmp_path / "stick", Commands())
    drive = f"if=none,id=stick,format=raw,readonly=on,file={stick}"
    usb = ("-device", "qemu-xhci", "-drive", drive, "-device", "usb-storage,drive=stick")
    settings = KIOSK.format(pin=StoredPin.new("2580", n=1 << 10)).encode()
    stage = stages.with_files(boards, {"etc/bootmenu.toml": settings}, tmp_path / "kiosk.cpio")
    state = disk_image.write_disk(tmp_path / "state.img", [STATE], tmp_path / "state", Commands())
    with seated(machine, stage, (disk, state), tmp_path, usb) as seat:

        def button() -> None:
            seat.monitor.run("system_powerdown")

        seat.wait_to_see("Service", 200)
        kiosk = seat.inspect("kiosk", "Press to go on, hold to start.")
        assert kiosk.has("Help: call 555-0100")
        assert sum(line.count("Start the terminal") for line in kiosk.lines) == 1, "the stranger's is not there"
        for keys in WAYS_OUT:
            seat.press(keys)
        seat.press("1")
        choose(seat, "Service", button)
        seat.inspect("tried", "Service")
        seat.press("ret")
        seat.inspect("pin", "Please enter the PIN.")
        seat.press("2", "5", "8", "0", "ret")
        unlocked = seat.inspect("unlocked", "5 entries on 4 partitions")
        assert unlocked.has("Alpha of a stranger")
        assert unlocked.has("· USB")
        seat.press("esc")
        seat.wait_to_see("Service")
        choose(seat, "Repair the terminal", button)
        throttle(seat, RATE)

        seat.hold(button)
        seat.inspect("kiosk-progress", " %")
        throttle(seat, 0)
        seat.vm.wait_for(f"second stage says {token}", 120, silence=SILENCE_AFTER_JUMP)
        seat.vm.wait_for(f"bootmenu-test.entry=beta-{token}", 10)
        assert "bootmenu: " not in seat.vm.text.partition("second stage")[0], "nothing technical is told"
