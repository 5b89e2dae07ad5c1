#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: tries what the menu will need, prints it between marks,
# then goes on with the real init.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
echo 1 >/proc/sys/kernel/printk
. /vmtest/modules.sh

look() {
	echo "LOOK <$1>"
	shift
	"$@" 2>&1
	echo "LOOK </$?>"
}

# The mount fails, for there is no such file system, but the kernel has called modprobe.
load_on_demand() {
	busybox mount -t btrfs -o ro /dev/vda2 /mnt
	busybox grep -w btrfs /proc/filesystems
}

look modules busybox cat /proc/modules
look kexec kexec --version
look devices python3 -I -X utf8 -c '
import json
from bootmenu.discovery.devices import Device, find
from bootmenu.model.codec import to_json
from bootmenu.system.host import Host
print(json.dumps([to_json(found) for found in find(Host()) if isinstance(found, Device)]))'
look vfat busybox mount -t vfat -o ro /dev/vda1 /mnt
look umount busybox umount /mnt
look ext4 busybox mount -t ext4 -o ro /dev/vda2 /mnt
look umount busybox umount /mnt
look btrfs load_on_demand
look nothing python3 -I -c pass
look textual busybox time -f 'import took %e s' python3 -I -c 'import textual.app; print(textual.app.__file__)'
look python python3 -I -c '
import ctypes, hashlib, importlib.metadata, json, lzma, sys, zlib, bz2, zstandard, elftools.elf.elffile, rich.console
import asyncio
import bootmenu, importlib, pathlib, pkgutil
for module in pkgutil.walk_packages(bootmenu.__path__, "bootmenu."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from textual.app import App
class Brief(App):
    def on_ready(self):
        self.exit(7)
assert Brief().run(headless=True) == 7
themes = sorted(p.name for p in (pathlib.Path(bootmenu.__file__).parent / "themes").glob("*"))
print(json.dumps({
    "sha256": hashlib.sha256(b"").hexdigest()[:8],
    "textual": importlib.metadata.version("textual"),
    "libfdt": ctypes.CDLL("libfdt.so.1").fdt_check_header is not None,
    "zstd": zstandard.decompress(zstandard.compress(b"ok")).decode(),
    "encoding": sys.getfilesystemencoding(),
    "themes": themes,
}))'
look config busybox ls /boot
exec /init
