# SPDX-License-Identifier: MIT
"""Say what a partition without a file system holds, by its first bytes and its type: most are of a firmware or of a
loader, and what can be started from them is worth a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable

from bootmenu.i18n import N_
from bootmenu.model.gpt_slot import GptSlot
from bootmenu.model.regex import regex
from bootmenu.model.value import Record
from bootmenu.system.host import Host
from bootmenu.system.processes import CommandError, HangingError
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.i18n import Message

HEAD = 8192
"""Bytes that are read of each."""
_SECONDS = 4.0
_MOST = 100
"""Devices that are read: a phone has about eighty partitions without a file system."""
_DEAD = 2
"""Devices that do not answer, after which no others are read."""

CHROMEOS_KERNEL = "fe3a2a5d-4f32-41a7-b725-accc3285a309"
"""GPT partition type (vboot_reference, firmware/include/gpt.h)."""
_ANDROID_VERSION = 40  # offset of header_version, the same in all versions (mkbootimg, include/bootimg/bootimg.h)
_MAX_ANDROID_VERSION = 8  # a larger number is the size of a device tree that some vendors put there

# U-Boot, env/common.c: a CRC, with redundancy a flag, then NAME=VALUE texts that end with a NUL
_UBOOT_ENVIRONMENT = regex(
    rb".{4,5}?(?:[A-Za-z_][\w.#-]{0,63}=[^\0]*\0)*?(?:bootcmd|bootdelay|baudrate)=[^\0]*\0", re.DOTALL
)


class RawReader(Record):
    """Reads the beginnings of devices, by a process each, as a dead disk would block this one."""

    host: Host
    read: int = 0
    dead: int = 0

    def message(self, path: str, name: str, parttype: str, gpt_attributes: int | None) -> Message | None:
        """Return the message of a problem that says what a device holds, or None if that is unknown.

        path: of its node in /dev. parttype: as lsblk has it, in lower case. gpt_attributes: see Device.
        """
        if name.startswith("mtdblock"):
            return N_("not read: it is flash memory (MTD), of which no file system is known here")
        head = self._head(path)
        if head.startswith(b"CHROMEOS") or parttype == CHROMEOS_KERNEL:
            return _chromeos(head, gpt_attributes or 0)
        return next((found for test in _TESTS if (found := test(head)) is not None), None)

    def _head(self, path: str) -> bytes:
        if not path.startswith("/dev/") or self.read >= _MOST or self.dead >= _DEAD:
            return b""
        self.read += 1
        # the first stage has busybox, without links for its programs
        program = ["dd"] if self.host.commands.find("dd") else ["busybox", "dd"]
        try:
            done = self.host.commands.run(
                [*program, f"if={path}", f"bs={HEAD}", "count=1"], timeout=_SECONDS, keep=HEAD
            )
        except HangingError:
            self.dead += 1
            return b""
        except CommandError:
            return b""
        return done.stdout[:HEAD] if done.returncode == 0 else b""


def _chromeos(head: bytes, attributes: int) -> Message:
    """Return the message for a kernel partition of ChromeOS."""
    if not head.startswith(b"CHROMEOS"):
        return N_("not read: it is a kernel partition of ChromeOS, without a kernel in it")
    slot = GptSlot.of(attributes)
    if slot.successful:
        return N_(
            "not read: it is a ChromeOS kernel, which its own firmware starts (priority {priority}, it has started)",
            priority=slot.priority,
        )
    return N_(
        "not read: it is a ChromeOS kernel, which its own firmware starts (priority {priority}, tries left: {tries})",
        priority=slot.priority,
        tries=slot.tries,
    )


def _android(head: bytes) -> Message | None:
    if head.startswith(b"ANDROID!") and len(head) >= _ANDROID_VERSION + 4:
        version = int.from_bytes(head[_ANDROID_VERSION : _ANDROID_VERSION + 4], "little")
        return N_(
            "not read: it is an Android boot image (version {version}), which starts here only from a file, boot.img",
            version=version if version <= _MAX_ANDROID_VERSION else 0,
        )
    if head.startswith(b"VNDRBOOT"):
        return N_("not read: it is an Android vendor_boot image, which a boot image needs")
    if head.startswith((b"AVB0", b"\xd7\xb7\xab\x1e")) or head[4096:4100] == b"gDla":
        return N_("not read: it belongs to Android (vbmeta, dtbo or super)")
    if head.startswith(b"\x3a\xff\x26\xed"):
        return N_("not readable: it is an Android sparse image that was copied without unpacking it (simg2img)")
    return None


def _uboot(head: bytes) -> Message | None:
    if _UBOOT_ENVIRONMENT.match(head):
        return N_("not read: it is the environment of U-Boot")
    if head.startswith((b"\xd0\x0d\xfe\xed", b"\x27\x05\x19\x56")):
        return N_("not read: it is a FIT image or uImage without a file system around it")
    return None


def _other(head: bytes) -> Message | None:
    # arm64 and bzImage: Documentation/arch/arm64/booting.rst, Documentation/arch/x86/boot.rst
    if head[56:60] == b"ARM\x64" or head[0x202:0x206] == b"HdrS":
        return N_("not read: it is a kernel without a file system around it")
    if len(head) == HEAD and not head.strip(b"\0"):
        return N_("not readable: its beginning is empty")
    return None


_TESTS: tuple[Callable[[bytes], Message | None], ...] = (_android, _uboot, _other)
