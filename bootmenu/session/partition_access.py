# SPDX-License-Identifier: MIT
"""Find the partitions of a session, and open those that an entry's files are on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

from bootmenu.discovery import resolve
from bootmenu.discovery.attachment import Presence
from bootmenu.discovery.devices import Device
from bootmenu.discovery.mount_points import MountError
from bootmenu.discovery.storage.assembly import Storage
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_, joined
from bootmenu.model.value import replace
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.config.settings import Settings
    from bootmenu.discovery.mounts import Mounts
    from bootmenu.kexec.demands import Demands
    from bootmenu.model.entry import BootEntry, FileRef, Problem
    from bootmenu.system.directory_tree import DirectoryTree
    from bootmenu.system.host import Host

_PRESENCE_GRACE = 30.0
"""Seconds after the menu's start; a disk that appears within them counts as present from the start."""


class PartitionAccess:
    """Finds, mounts and opens partitions.

    settings: returns the settings in force. find: yields partitions and problems, at every scan, in a thread; None
    for all partitions of this machine. scanned: returns the partitions of the last scan by name.

    If permitted, mounts are made in a private mount namespace, so that they end with this process even if it is
    killed. Create it before other threads start.
    """

    def __init__(
        self,
        host: Host,
        settings: Callable[[], Settings],
        find: Callable[[], Iterable[Device | Problem]] | None,
        scanned: Callable[[], Mapping[str, Device]],
    ) -> None:
        self._host = host
        with contextlib.suppress(OSError):  # here, because the mounts are made in another thread
            host.syscalls.own_mounts()
        self.storage = Storage(host)
        self.unscanned: dict[str, Device] = {}
        """Partitions that are known without a scan, by name."""
        self.digest_devices: Callable[[], Mapping[str, Device]] = self.known
        """Returns the partitions that the settings' SHA-256 digests may be about, by name."""
        self._settings = settings
        self._find = find or self.storage.find
        self._presence = Presence(_PRESENCE_GRACE)
        self._scanned = scanned

    @cached_property
    def mounts(self) -> Mounts:
        """The mounted partitions; made for the first one."""
        from bootmenu.discovery.mounts import Mounts

        return Mounts(self._host, self.storage.loops, private=True)

    def unmount(self, *, held: bool = False) -> list[str]:
        """Unmount everything, with `held` even what is kept mounted; return what could not be unmounted, and why."""
        return self.mounts.release(held=held) if "mounts" in vars(self) else []

    def find(self) -> Iterator[Device | Problem]:
        """Yield the partitions and problems, and mark the partitions that were present from the start."""
        for found in self._find():
            if isinstance(found, Device):
                found = replace(found, place=self._presence.mark(found.place, found.name))
            yield found
        self._presence.scan_completed()

    def may_read(self, device: Device) -> bool:
        """Return whether the entries of other partitions may depend on this one: a kiosk reads only its own."""
        from bootmenu.config.settings import Profile

        settings = self._settings()
        kiosk = settings.profile is Profile.KIOSK
        return not kiosk or any(rule.allows(device.place) for rule in settings.kiosk_disks)

    def known(self) -> dict[str, Device]:
        """Return the partitions by name, including those that a running scan has not found again yet."""
        return {**self.unscanned, **self._scanned()}

    def devices_of(self, entry: BootEntry) -> list[Device]:
        """Return the known partitions that an entry's files are on."""
        self.reassemble()
        known = self.known()
        return [known[name] for name in sorted({ref.device for _, ref in entry.files} & known.keys())]

    @property
    def demands(self) -> Demands:
        """Return the SHA-256 digests that the settings demand of files."""
        from bootmenu.kexec.demands import Demands

        return Demands.from_settings(self._settings(), self.digest_devices().values())

    def reassemble(self) -> None:
        """Assemble the storage again that was closed before a failed jump, except for what needs a passphrase."""
        if self.storage.released:
            with contextlib.suppress(BootmenuError, OSError):  # reported where the storage is needed
                for _ in self.find():
                    pass

    @contextlib.contextmanager
    def unmounted(self, name: str) -> Iterator[None]:
        """Unmount a file system until the end, because it cannot be mounted for writing while mounted read-only."""
        mounted = [known for known in self.mounts.open_trees() if known == name or known.startswith(f"{name}:")]
        self.mounts.release(name)
        try:
            yield
        finally:
            devices = self._scanned()
            for known in mounted:
                if known in devices:
                    with contextlib.suppress(MountError):  # reported where the partition is needed
                        self.mounts.tree(devices[known])

    @contextlib.contextmanager
    def holding(self, entry: BootEntry) -> Iterator[None]:
        """Keep the partitions of an entry's files mounted until the end."""
        with contextlib.ExitStack() as stack:
            for device in self.devices_of(entry):
                with contextlib.suppress(MountError):
                    stack.enter_context(self.mounts.holding(device))
            yield

    @contextlib.contextmanager
    def reading(self, entry: BootEntry) -> Iterator[dict[str, DirectoryTree]]:
        """Open the partitions of an entry's files until the end; yield their trees by device name.

        Raise BootmenuError for a partition that cannot be read now."""
        with contextlib.ExitStack() as stack:
            trees = {}
            for device in self.devices_of(entry):
                try:
                    trees[device.name] = self._open(device, stack)
                except MountError as error:
                    raise BootmenuError(
                        joined(": ", [device.name, error.message]), N_("Check the disk, then scan again.")
                    ) from None
            # other partitions on which a SHA-256 is demanded of these files under another name
            for name in sorted(self.demands.partitions_of(trees) - set(trees)):
                with contextlib.suppress(MountError):  # the file is refused then
                    trees[name] = stack.enter_context(self.mounts.reading(self.digest_devices()[name]))
            yield trees

    @contextlib.contextmanager
    def reading_if_possible(self, names: Iterable[str]) -> Iterator[dict[str, DirectoryTree]]:
        """Open the named partitions until the end; yield the trees of those that can be read, by name."""
        devices = self.known()
        with contextlib.ExitStack() as stack:
            trees = {}
            for name in sorted(set(names) & devices.keys()):
                with contextlib.suppress(MountError):
                    trees[name] = self._open(devices[name], stack)
            yield trees

    def _open(self, device: Device, stack: contextlib.ExitStack) -> DirectoryTree:
        """Return the files of a partition, which stays mounted and open until the stack ends, even if it is released.
        Raise MountError if it cannot be mounted."""
        stack.enter_context(self.mounts.holding(device))
        return stack.enter_context(self.mounts.reading(device))

    def device_of(self, entry: BootEntry, reference: str) -> str:
        """Return the kernel name of the partition that a reference in an entry means, or the reference if there is
        none."""
        devices = self.known()
        own = devices.get(entry.device)
        found = resolve.resolve(reference, own, tuple(devices.values())) if own is not None else None
        return reference if found is None else found.name

    def resolved(self, entry: BootEntry) -> BootEntry:
        """Return the entry with each partition under its kernel name (sda1), if it is known."""
        devices = self.known()
        own = devices.get(entry.device)
        if own is None:
            return entry
        candidates = tuple(devices.values())

        def known(file: FileRef) -> FileRef:
            found = resolve.resolve(file.device, own, candidates)
            return file if found is None else replace(file, device=found.name)

        return entry.with_files(known)

    def release(self) -> list[str]:
        """Unmount everything, even what is kept mounted, and close assembled storage. Return what could not be
        unmounted or closed, and why."""
        return self.unmount(held=True) + self.storage.release()
