#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit=: scans as `bootmenu scan` and as the menu do, which may unlock, and prints both between marks.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mount -t tmpfs tmpfs /run
echo 1 >/proc/sys/kernel/printk
. /vmtest/modules.sh
echo "STORAGE <scan>"
python3 -I -X utf8 -m bootmenu scan --json 2>&1
echo "STORAGE </scan>"
echo "STORAGE <unlocked>"
python3 -I -X utf8 -c '
import os, sys
from bootmenu.view import json_output
from bootmenu.discovery.machine_facts import gather
from bootmenu.discovery.storage.luks import UnlockError
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.system.host import Host
host = Host()
session = MachineSession(host, gather(host))
collect(session)
try:
    session.unlock("vdf", "wrong")
except UnlockError as error:
    print("REFUSED", error.wrong, error.message, file=sys.stderr)
session.unlock("vdf", os.environ["secret"])
print(json_output.json_text(json_output.scan_to_json(*collect(session)), indent=1))
print("RELEASED", session.release(), file=sys.stderr)
' 2>/run/unlocked.err
echo "STORAGE </unlocked>"
echo "STORAGE <left>"
busybox cat /run/unlocked.err /proc/mdstat
busybox ls /dev/mapper /sys/class/block
busybox grep -e /dev/loop -e bootmenu- /proc/self/mountinfo
busybox cat /sys/block/loop*/loop/backing_file 2>/dev/null
echo "STORAGE </left>"
busybox poweroff -f
