# SPDX-License-Identifier: MIT
"""Open the state where the settings say, or explain why it cannot be kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bootmenu.bootstate.state import StateError
from bootmenu.bootstate.state_backends import EfiBackend, FolderBackend, PartitionBackend, no_aside
from bootmenu.bootstate.state_store import StateStore
from bootmenu.discovery.devices import Device
from bootmenu.discovery.resolve import names_of
from bootmenu.i18n import N_
from bootmenu.model.place import is_at, split
from bootmenu.sources.references import canonical
from bootmenu.system import efi
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.bootstate.state_backends import Aside
    from bootmenu.config.settings import Settings
    from bootmenu.model.entry import Problem
    from bootmenu.system.host import Host

EFI = "efi"
"""As `state.device`: the EFI variable."""


def _read_only(host: Host, device: Device) -> bool:
    folders = [f"/sys/class/block/{device.name}"]
    for entry in host.path("/sys/class/block").glob("dm-*"):
        # a device-mapper volume goes by the name that it was given (dm/name), as in lsblk
        if host.text(f"/sys/class/block/{entry.name}/dm/name") in (device.name, f"{device.name}\n"):
            folders.append(f"/sys/class/block/{entry.name}")
    return any(host.flag(f"{folder}/ro") for folder in folders)


def open_state_store(
    host: Host, settings: Settings, devices: Iterable[Device | Problem], aside: Aside = no_aside
) -> StateStore:
    """Return the state of this machine with the backend that the settings name. devices: only read to find a
    partition; what that raises is passed on."""
    if "" in (settings.state_device, settings.state_folder):
        return StateStore(None, N_("Nothing is remembered between boots: its place in the settings is invalid."))
    if settings.state_device is None:
        folder = host.path(settings.state_folder)
        if folder.is_dir():
            return StateStore(FolderBackend(folder))
        return StateStore(
            None, N_("Nothing is remembered between boots: the settings name no place for it (state.device).")
        )
    if settings.state_device.lower() == EFI:
        trouble = _why_no_efi(host)
        return StateStore(None, trouble) if trouble else StateStore(EfiBackend(host), keeps_own=False)
    try:
        device = _find_partition(settings.state_device, devices)
    except StateError as error:
        return StateStore(None, N_("Nothing is remembered between boots: {reason}", reason=error.message))
    if device.folder is not None:
        return StateStore(FolderBackend(Path(device.folder) / settings.state_folder.lstrip("/")))
    if _read_only(host, device):
        return StateStore(None, _unwritable(settings.state_device))
    return StateStore(PartitionBackend(host, device, settings.state_folder, aside=aside))


def why_not_kept(host: Host, settings: Settings, devices: Iterable[object]) -> str:
    """Return why the partition that the settings name cannot keep the state, as far as known without mounting it;
    empty if nothing is known to prevent it. What reading the devices raises is passed on."""
    if not settings.state_device:
        return ""
    if settings.state_device.lower() == EFI:
        return _why_no_efi(host)
    try:
        device = _find_partition(settings.state_device, devices)
    except StateError as error:
        return N_("Nothing is remembered between boots: {reason}", reason=error.message)
    return "" if device.folder is not None or not _read_only(host, device) else _unwritable(settings.state_device)


_NO_EFI = N_("Nothing is remembered between boots: there are no EFI variables here.")
_NOT_MOUNTED = N_(
    "Nothing is remembered between boots: efivarfs is not mounted at /sys/firmware/efi/efivars, or its module is "
    "missing."
)
_READ_ONLY_EFI = N_(
    "Nothing is remembered between boots: the EFI variables can only be read. This firmware may not let a running "
    "system write them."
)


def _why_no_efi(host: Host) -> str:
    access = efi.access(host.text("/proc/self/mountinfo") or "")
    if access == "rw":
        return ""
    if access == "ro":
        return _READ_ONLY_EFI
    return _NOT_MOUNTED if host.exists(efi.VARIABLES) else _NO_EFI


def _unwritable(name: str) -> str:
    # a volume that needs a tool to be assembled is assembled read-only: writing would fail only at the jump, when it
    # is too late to show an error
    return N_(
        "Nothing is remembered between boots: {name} can only be read. On LVM, RAID or LUKS it cannot be written; "
        "name a plain partition, or efi, in state.device.",
        name=name,
    )


def _find_partition(setting: str, devices: Iterable[object]) -> Device:
    """Return the partition that the settings name.

    Raise StateError if there is none, if it is attached elsewhere than the settings say, or if several have the name,
    as anybody can give a disk that name.
    """
    name, where = split(setting)
    wanted = canonical(name)
    named = [device for device in devices if isinstance(device, Device) and wanted in names_of(device)]
    here = [device for device in named if is_at(device.place, where)]
    if len(here) > 1:
        devices = ", ".join(device.name for device in here)
        raise StateError(N_("there are {n} partitions {name}: {devices}.", n=len(here), name=name, devices=devices))
    if here:
        return here[0]
    if not named:
        raise StateError(N_("the partition {name} is not there.", name=setting))
    where = named[0].place.path or named[0].place.bus
    raise StateError(
        N_(
            "{name} ({device}) is on {where}, and the settings do not say so. If it is meant, write: "
            'state.device = "{name} on {where}".',
            name=name,
            device=named[0].name,
            where=where,
        )
    )
