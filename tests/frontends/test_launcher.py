# SPDX-License-Identifier: MIT
"""Test the start: settings, consoles, session and countdown."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from bootmenu.bootstate.state import State
from bootmenu.bootstate.state_store import StateStore
from bootmenu.config.settings import Profile, Settings
from bootmenu.config.settings_layers import Loaded
from bootmenu.discovery.devices import Device
from bootmenu.discovery.hotplug import Hotplug
from bootmenu.discovery.scan_events import DeviceDone, DeviceFound, EntryFound, Position, ScanFinished
from bootmenu.discovery.scan_feed import ScanFeed
from bootmenu.frontends import countdown, first_stage, menu_run
from bootmenu.frontends.first_frame import CountdownContent, KeyPress, Woken
from bootmenu.frontends.session_startup import SessionStartup
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.model.progress import Stage
from bootmenu.session.machine_session import MachineSession
from bootmenu.system import kmsg
from tests.builders import fakes
from tests.builders.hosts import fake_host


class StickComes:
    """A frame that is looked at while somebody plugs in a stick, and then presses Enter."""

    def __init__(self, feed: ScanFeed) -> None:
        self.feed = feed
        self.pictures: list[CountdownContent] = []

    def show(self, picture: CountdownContent) -> None:
        self.pictures.append(picture)

    def wait(self, _seconds: float | None, *, keys: bool) -> KeyPress | Woken:
        if len(self.pictures) > 1:
            return KeyPress(enter=True)
        there(self.feed, "sdb1", (0,), "stick", default=True)
        return Woken()

    def wake(self) -> None:
        """See Frame."""


def there(feed: ScanFeed, name: str, position: Position, entry: str, *, default: bool = False) -> None:
    device = Device(name=name)
    found = EntryFound(fakes.listing(entry, f"Title of {entry}", device=name, default=default))
    feed.publish(feed.log, (DeviceFound(device, position), found, DeviceDone(device, 1)))


def test_what_is_plugged_in_during_the_countdown_does_not_change_what_starts() -> None:
    feed = ScanFeed()
    there(feed, "sda1", (1,), "own")
    feed.publish(feed.log, [ScanFinished(0.1)])
    shared = SimpleNamespace(
        subscribe=feed.subscribe,
        session=SimpleNamespace(machine=fakes.MACHINE, state_store=SimpleNamespace(state=State())),
    )
    frame = StickComes(feed)
    startup = SimpleNamespace(poll=lambda: shared, loaded=Loaded())
    decision = countdown.count_down(frame, startup, 600)  # type: ignore[arg-type]
    assert decision.listing is not None
    assert decision.listing.entry.id == "own"
    assert [picture.lines[0] for picture in frame.pictures] == [frame.pictures[0].lines[0]] * 2


@pytest.mark.parametrize(
    ("settings", "told"),
    [(Settings(), False), (Settings(state_device="LABEL=X"), True), (Settings(kiosk_pin="scrypt:x"), True)],
)
def test_that_nothing_is_remembered_is_told_where_something_should_be(settings: Settings, told: bool) -> None:
    """A first stage as the README builds it names no place: it would say so on every screen, for ever."""
    memory = StateStore(None, "Nothing is remembered.")
    assert menu_run.state_warning(memory, settings) == ("Nothing is remembered." if told else "")


def test_a_real_machine_is_watched_for_new_media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, object]] = []
    real = MachineSession.__init__

    def remember(self: MachineSession, *arguments: object, **options: object) -> None:
        made.append(options)
        real(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(MachineSession, "__init__", remember)
    woken = threading.Semaphore(0)
    startup = SessionStartup(False, fake_host(tmp_path), Loaded(), woken.release)
    try:
        while startup.poll() is None:
            assert woken.acquire(timeout=30)
    finally:
        startup.close()
    (options,) = made
    assert isinstance(options["changes"], Hotplug)


def test_a_damaged_state_is_mended_as_the_menu_starts_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A countdown that nobody stops shows it to nobody."""
    log = tmp_path / "menu.log"
    monkeypatch.setenv("BOOTMENU_LOG", str(log))
    host = fake_host(tmp_path / "host", {"/var/lib/bootmenu/state.json": b"{"})
    for _ in range(2):
        woken = threading.Semaphore(0)
        startup = SessionStartup(False, host, Loaded(), woken.release)
        try:
            while (shared := startup.poll()) is None:
                assert woken.acquire(timeout=30)
            assert shared.session.state_store.error == ""
        finally:
            startup.close()
    assert log.read_text() == "What was remembered was damaged and could not be read. It begins anew.\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [(Settings(), "no yes\n"), (Settings(profile=Profile.KIOSK), "yes yes\n"), (Settings(shell=False), "no no\n")],
)
def test_the_first_stages_init_is_told_what_the_settings_come_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings, said: str
) -> None:
    monkeypatch.setenv("BOOTMENU_PRINTK", str(tmp_path / "printk"))
    monkeypatch.setattr("os.getppid", lambda: 2)
    first_stage.write_init_settings(settings)
    assert not (tmp_path / "settings").exists(), "a running system has no such init"
    monkeypatch.setattr(first_stage, "first_stage", lambda: True)
    first_stage.write_init_settings(settings)
    assert (tmp_path / "settings").read_text() == said


def test_in_the_initramfs_of_another_program_no_system_runs_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Path(__file__).parents[2] / "data/initramfs-tools/bootmenu-in-initramfs"
    assert " BOOTMENU_INITRAMFS=1 " in script.read_text()
    assert not first_stage.before_a_system()
    monkeypatch.setenv("BOOTMENU_INITRAMFS", "1")
    assert first_stage.before_a_system()
    assert not first_stage.first_stage(), "it may be left"


@pytest.mark.parametrize("saved", ["7\t4\t1\t7\n", "7", "", None])
def test_after_a_jump_that_came_back_the_kernel_is_as_quiet_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: str | None
) -> None:
    printk = tmp_path / "proc-printk"
    printk.write_text("1\t4\t1\t7\n")
    monkeypatch.setattr(kmsg, "PRINTK", printk)
    monkeypatch.setenv("BOOTMENU_PRINTK", str(tmp_path / "saved"))
    if saved is not None:
        (tmp_path / "saved").write_text(saved)
    during: list[str] = []

    class Jumping:
        def execute(self, _plan: object) -> None:
            during.append(printk.read_text().split()[0])
            raise LoadError("it came back", "", stage=Stage.JUMP)

    with pytest.raises(LoadError):
        menu_run.jump(Jumping(), fakes.plan_for(fakes.DEBIAN))  # type: ignore[arg-type]
    assert during == ["7" if saved else "1"]
    assert printk.read_text().split()[0] == "1"


def test_a_level_that_may_not_be_changed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmsg, "PRINTK", tmp_path / "none" / "printk")
    with pytest.raises(OSError, match="of the jump"), kmsg.shown_on_consoles("7"):
        raise OSError("of the jump")
