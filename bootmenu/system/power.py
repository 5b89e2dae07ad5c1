# SPDX-License-Identifier: MIT
"""Restarting and switching off the machine: through systemd where it is PID 1, by reboot(2) elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Callable

from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.model.closed_set import StrEnum
from bootmenu.system import efi, signals
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError

# UEFI, 8.5.4: EFI_OS_INDICATIONS_BOOT_TO_FW_UI
_SUPPORTED = f"{efi.VARIABLES}/OsIndicationsSupported-{efi.GLOBAL}"
_INDICATIONS = f"{efi.VARIABLES}/OsIndications-{efi.GLOBAL}"
_BOOT_TO_FIRMWARE = 0x1
# include/uapi/linux/reboot.h
_RESTART, _POWER_OFF = 0x01234567, 0x4321FEDC


class Power(StrEnum):
    """A way to restart the machine or to switch it off."""

    REBOOT = "reboot"
    OFF = "poweroff"
    FIRMWARE = "firmware"
    """Restart into the firmware's setup."""


class PowerError(BootmenuError):
    """The machine could not be restarted or switched off, and goes on running."""


def offered(host: Host) -> tuple[Power, ...]:
    """Return what this machine can do."""
    return (Power.REBOOT, Power.OFF, *((Power.FIRMWARE,) if _has_setup(host) else ()))


def perform(host: Host, wanted: Power, release: Callable[[], object]) -> None:
    """Restart or switch off; return only by raising PowerError. release: unmounts what bootmenu has mounted."""
    if wanted is Power.FIRMWARE and not _has_setup(host):
        raise PowerError(
            N_("This firmware cannot be told to show its setup."), N_("Press its key while the machine starts.")
        )
    release()
    if host.exists("/run/systemd/system"):
        _by_systemd(host, wanted)
        return
    if wanted is Power.FIRMWARE:
        _ask_for_setup(host)
    host.syscalls.sync()
    try:
        host.syscalls.reboot(_POWER_OFF if wanted is Power.OFF else _RESTART)
    except OSError as error:
        raise PowerError(f"The kernel refused: {error.strerror}.", "Run as root, outside of a container.") from None


def _by_systemd(host: Host, wanted: Power) -> None:
    arguments = {
        Power.REBOOT: ["reboot"],
        Power.OFF: ["poweroff"],
        Power.FIRMWARE: ["reboot", "--firmware-setup"],
    }
    try:
        done = host.commands.run(["systemctl", *arguments[wanted]], timeout=60)
    except CommandError as error:
        raise PowerError(error.message, error.hint) from None
    if done.returncode != 0:
        raise PowerError(N_("systemd refused: {said}.", said=done.said), N_("Run as root."))
    signals.wait_to_be_ended()


def _has_setup(host: Host) -> bool:
    data = host.read(_SUPPORTED)
    return data is not None and len(data) == 12 and bool(struct.unpack_from("<Q", data, 4)[0] & _BOOT_TO_FIRMWARE)


def _ask_for_setup(host: Host) -> None:
    data = host.read(_INDICATIONS) or b""
    value = struct.unpack_from("<Q", data, 4)[0] if len(data) == 12 else 0
    try:
        efi.write(host.path(_INDICATIONS), struct.pack("<Q", value | _BOOT_TO_FIRMWARE))
    except OSError as error:
        raise PowerError(f"The firmware was not told: {error.strerror}.", "Mount efivarfs for writing.") from None
