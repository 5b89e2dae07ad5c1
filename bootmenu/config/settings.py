# SPDX-License-Identifier: MIT
"""All settings: name, type, default, strictest value, rule for the kernel's command line, and help.

To add a setting, add a field to Settings. settings_layers.py reads the settings, setting_values.py a single value.
"""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.config import setting_values as values
from bootmenu.config.option import CommandLineRule, Declarations
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.place import INTERNAL_ONLY, PlaceRule, split
from bootmenu.model.value import Value

FILE = "/etc/bootmenu.toml"
FIRST_STAGE_MODULES = "/etc/bootmenu/modules"
"""The list of modules that a first stage's init loads: every first stage has it, and no other system."""
FIRST_STAGE_CMDLINE = "/etc/bootmenu/cmdline"
"""Words that a first stage was built with; they count as if the kernel's command line began with them."""
FIRST_STAGE_SECONDS = 10
"""Default timeout in a first stage: an unattended machine has to start."""

_ENTRIES_OF_THE_KIOSK = "what the kiosk offers is for the file to say"
_DECLARED = Declarations()
_setting = _DECLARED.setting


class Profile(StrEnum):
    """The kind of menu."""

    STANDARD = "standard"
    KIOSK = "kiosk"
    """Only what is allowed is offered; everything else asks for the PIN."""


class Verify(StrEnum):
    """Which files must have the SHA-256 that the settings list."""

    LISTED = "listed"
    """The files in the table sha256."""
    ALL = "all"
    """All files: one without a digest is not started."""


class MenuStyle(StrEnum):
    """What is shown while the countdown runs."""

    VISIBLE = "visible"
    """The default entry, and the seconds that are left."""
    HIDDEN = "hidden"
    """One line; a key opens the menu."""
    FORCED = "forced"
    """The menu, and no countdown."""


class Watchdog(StrEnum):
    """What to do with a running hardware watchdog at the jump."""

    LEAVE = "leave"
    """Leave it alone: the next system has the rest of its timeout."""
    FEED = "feed"
    """Restart its timeout right before the jump."""
    DISARM = "disarm"
    """Switch it off, if the driver allows that."""


class Settings(Value, kw_only=True):
    """All settings with their defaults."""

    profile: Profile = _setting(
        "profile",
        Profile.STANDARD,
        values.one_of(Profile),
        "standard, or kiosk: only what is allowed exists; kiosk where the file has a table [kiosk] and no profile",
        command_line=CommandLineRule.TIGHTEN,
        because="standard would be the way out of the kiosk",
        strictest=Profile.KIOSK,
    )
    theme: str | None = _setting(
        "theme", None, values.read_text, "colours, by the name of a theme", applies="by the terminal's colours"
    )
    """Name of a theme; None to choose one by the terminal's colours."""
    language: str | None = _setting(
        "language", None, values.read_text, "language of the screens, such as de", applies="by LANG"
    )
    """Language code, `de`; None to use LANG."""
    menu: MenuStyle = _setting(
        "menu",
        MenuStyle.VISIBLE,
        values.one_of(MenuStyle),
        "visible, hidden until a key is pressed, or forced: no countdown",
    )
    timeout: int | None = _setting(
        "timeout",
        None,
        values.read_timeout,
        "seconds until the default entry starts automatically; 0 at once, off never",
        none="off",
        applies=f"{FIRST_STAGE_SECONDS} in a first stage, off elsewhere",
    )
    """Seconds until the default entry starts automatically; 0 for at once, None for never."""
    default: str | None = _setting(
        "default",
        None,
        values.read_text,
        "id of the default entry, or a pattern with * and ?",
        because="it chooses among entries that exist without the PIN; nothing where only the default one does",
    )
    """Id of the default entry, or a pattern for it with * and ?; None for that of the boot configurations."""
    consoles: tuple[str, ...] = _setting(
        "console",
        (),
        values.read_list,
        "terminals that show the menu, such as tty1,ttyAMA0",
        because="each shows the same kiosk, and the kernel's own console= says as much",
    )
    """Terminals on which the menu is shown, `tty1`, `ttyAMA0`; () for the one it was started on."""
    scan_seconds: float = _setting(
        "scan-seconds",
        10.0,
        values.read_seconds_as_float,
        "seconds after which a partition that does not answer is reported",
    )
    watchdog: Watchdog = _setting(
        "watchdog",
        Watchdog.LEAVE,
        values.one_of(Watchdog),
        "leave, feed or disarm a running watchdog at the jump",
        command_line=CommandLineRule.OUTSIDE,
        because="disarm would end what watches over the next system",
    )
    skip_hooks: tuple[str, ...] = _setting(
        "skip-hooks",
        (),
        values.read_list,
        "names of hooks that are not run before a jump",
        command_line=CommandLineRule.OUTSIDE,
        because="a hook may be what refuses the jump",
    )
    carry_over: bool = _setting(
        "carry-over",
        True,
        values.read_flag,
        "add what firmware knows to an entry's own device tree",
        because="it says how an entry is started, not which",
    )
    """Whether firmware fix-ups are applied to an entry's own device tree."""
    sha256: Mapping[str, str] = _setting(
        "sha256",
        {},
        values.read_digests,
        "table of files and the SHA-256 they must have",
        command_line=CommandLineRule.NEVER,
        because="a table has no form there",
    )
    """Expected SHA-256 by file, `sda1:/boot/vmlinuz` or `/boot/vmlinuz`, in the form of references.file_name; a file
    with other content is not started. An empty digest was invalid, and the file is not started at all."""
    verify: Verify = _setting(
        "verify",
        Verify.LISTED,
        values.one_of(Verify),
        "listed, or all: what has no SHA-256 in [sha256] does not start",
        command_line=CommandLineRule.TIGHTEN,
        because="listed would start what nobody has listed",
        strictest=Verify.ALL,
    )
    state_device: str | None = _setting(
        "state.device",
        None,
        values.read_state_device,
        "partition that remembers, such as LABEL=STATE, or LABEL=S on sd",
        command_line=CommandLineRule.OUTSIDE,
        because="another place has another default, and has counted no wrong PIN",
        strictest="",
    )
    """Partition that remembers between boots, in the forms of sources/references.py, and where it is attached, unless
    inside the machine (`LABEL=STATE on usb`). None for a folder of the running system; empty if the setting was
    invalid, and nothing is remembered."""
    state_folder: str = _setting(
        "state.folder",
        "/var/lib/bootmenu",
        values.read_text,
        "folder on it, or of the running system",
        command_line=CommandLineRule.OUTSIDE,
        because="as state.device",
        strictest="",
    )
    """Folder on that partition, or of the running system; empty if it was invalid, and nothing is remembered."""
    rename_counters: bool = _setting(
        "state.rename-counters",
        False,
        values.read_flag,
        "let boot counting rename its files",
        command_line=CommandLineRule.OUTSIDE,
        because="it lets the menu write to the partition of an entry",
    )
    """Whether boot counting may rename its files (`NAME+LEFT-DONE.conf`)."""
    shell: bool = _setting(
        "shell",
        True,
        values.read_flag,
        "offer a shell",
        command_line=CommandLineRule.TIGHTEN,
        because="yes would open one",
        strictest=False,
    )
    kiosk_entries: tuple[str, ...] = _setting(
        "kiosk.entries",
        ("*",),
        values.read_list,
        "patterns of the entries that exist in the kiosk; none: only the default one",
        command_line=CommandLineRule.OUTSIDE,
        because=_ENTRIES_OF_THE_KIOSK,
        strictest=(),
    )
    """Patterns of the ids that the kiosk offers, in the order in which they are shown; () for only the entry that
    would start automatically."""
    kiosk_disks: tuple[PlaceRule, ...] = _setting(
        "kiosk.disks",
        INTERNAL_ONLY,
        values.read_places,
        "places whose entries exist: internal, or PARTUUID=... on sd",
        command_line=CommandLineRule.OUTSIDE,
        because=_ENTRIES_OF_THE_KIOSK,
        strictest=INTERNAL_ONLY,
    )
    kiosk_recovery: tuple[str, ...] = _setting(
        "kiosk.recovery",
        (),
        values.read_list,
        "patterns of the entries that are for repair",
        command_line=CommandLineRule.OUTSIDE,
        because=_ENTRIES_OF_THE_KIOSK,
        strictest=(),
    )
    """Patterns of the ids that are for repair: shown first if the last boot of the default did not complete."""
    kiosk_locked: tuple[str, ...] = _setting(
        "kiosk.locked",
        (),
        values.read_list,
        "patterns of the entries that ask for the PIN",
        command_line=CommandLineRule.OUTSIDE,
        because=_ENTRIES_OF_THE_KIOSK,
        strictest=("*",),
    )
    kiosk_names: Mapping[str, str] = _setting(
        "kiosk.names",
        {},
        values.read_names,
        "table of patterns and plain words for entries",
        command_line=CommandLineRule.NEVER,
        because="a table has no form there",
    )
    """Plain words for entries, by pattern of the id: `*rescue*` = "Repair"; the first match is used."""
    kiosk_actions: tuple[str, ...] = _setting(
        "kiosk.actions",
        (),
        values.read_list,
        "actions that need no PIN",
        command_line=CommandLineRule.OUTSIDE,
        because=_ENTRIES_OF_THE_KIOSK,
        strictest=(),
    )
    """Actions besides starting an entry that need no PIN: `details`, `rescan`, `power`, ..."""
    kiosk_pin: str | None = _setting(
        "kiosk.pin",
        None,
        values.read_pin,
        "the PIN, as bootmenu pin prints it",
        command_line=CommandLineRule.NEVER,
        because="everybody can read /proc/cmdline",
        strictest=None,
        secret=True,
    )
    """`scrypt$N$R$P$SALT$HASH` as `bootmenu pin` prints it; None if what needs a PIN is not offered."""
    kiosk_command_line: bool = _setting(
        "kiosk.command-line",
        False,
        values.read_flag,
        "let the kernel's command line loosen the kiosk",
        command_line=CommandLineRule.NEVER,
        because="it would allow itself",
        strictest=False,
    )
    """Whether the kernel's command line may loosen the kiosk's settings in the file."""
    kiosk_contact: str = _setting(
        "kiosk.contact",
        "",
        values.read_text_or_nothing,
        "whom to call; shown on every screen",
        command_line=CommandLineRule.OUTSIDE,
        because="people call the number that is shown",
    )
    kiosk_idle: int = _setting(
        "kiosk.idle",
        120,
        values.read_seconds,
        "seconds without a key until the countdown begins anew",
        command_line=CommandLineRule.OUTSIDE,
        because="it also ends what the PIN has opened",
    )
    buttons: bool = _setting("kiosk.buttons", False, values.read_flag, "read volume, power and GPIO keys")
    """Whether to read volume, power and GPIO keys from /dev/input."""

    # ---- derived values, not settings

    kiosk_default_of: tuple[str, ...] = ("*",)
    """If kiosk_entries is (): patterns of the ids that may start automatically, the value of kiosk_entries before an
    invalid setting restricted it."""

    @property
    def state_place(self) -> str:
        """Return the bus or the path of the disk that may be written to."""
        return split(self.state_device or "")[1]


OPTIONS = _DECLARED.options(Settings)
