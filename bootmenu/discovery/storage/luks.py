# SPDX-License-Identifier: MIT
"""Open encrypted partitions with cryptsetup(8). The passphrase is passed through a pipe and not stored."""

from __future__ import annotations

import contextlib

from bootmenu.discovery.storage.assembler import StorageError
from bootmenu.errors import BootmenuError
from bootmenu.i18n import N_
from bootmenu.system.processes import CommandError
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.discovery.devices import Device
    from bootmenu.discovery.storage.assembler import Assembler
    from bootmenu.system.host import Host

_SECONDS = 10.0


class UnlockError(BootmenuError):
    """A partition could not be unlocked. wrong: whether the passphrase was wrong, so that another one may work."""

    def __init__(self, message: str, hint: str = "", *, wrong: bool = False) -> None:
        super().__init__(message, hint)
        self.wrong = wrong


_PREFIX = "bootmenu-"


def close_left(host: Host) -> list[str]:
    """Close what an earlier menu left unlocked because it was killed; return the names.

    Only for a first stage, where no other menu runs: the passphrase was given to the earlier menu only.
    """
    closed = []
    for folder in sorted(host.path("/sys/class/block").glob("dm-*/dm")):
        path = f"/sys/class/block/{folder.parent.name}/dm"
        name, uuid = host.text(f"{path}/name") or "", host.text(f"{path}/uuid") or ""
        if name.startswith(_PREFIX) and uuid.startswith("CRYPT-LUKS"):
            with contextlib.suppress(CommandError):
                if host.commands.run(["cryptsetup", "close", name], timeout=_SECONDS).returncode == 0:
                    closed.append(name)
    return closed


def unlock(device: Device, passphrase: str, assembler: Assembler) -> None:
    """Set up the decrypted device, read-only. Raise UnlockError."""
    steps = assembler.steps
    name = f"{_PREFIX}{device.name.replace('/', '!')}"
    try:
        path = assembler.read_only_loop(device)
        # not by --key-file=NAME, and not on the command line, which all processes can read
        data = passphrase.encode("utf-8", "surrogateescape")
        argv = ("cryptsetup", "open", "--type", "luks", "--readonly", "--batch-mode", "--key-file", "-", path, name)
        assembler.run(*argv, data=data)
        assembler.undo_by(name, "cryptsetup", "close", name)
    except StorageError as error:
        assembler.undo(steps)
        # cryptsetup(8), RETURN CODES
        match error.status:
            case 2:
                raise UnlockError(N_("This is not its passphrase."), N_("Try again."), wrong=True) from None
            case 3:
                hint = N_("Its key was made for a machine with more memory: cryptsetup luksConvertKey there.")
                raise UnlockError(N_("There is not enough memory to derive the key."), hint) from None
            case _:
                message = N_("{device} cannot be unlocked: {reason}", device=device.name, reason=error.message)
                raise UnlockError(message, error.hint) from None
