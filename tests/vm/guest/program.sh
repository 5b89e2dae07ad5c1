#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: runs /vmtest/program.py over bootmenu's own package.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mkdir -p /run /tmp /mnt
busybox mount -t tmpfs tmpfs /run
busybox mount -t tmpfs tmpfs /tmp
echo 1 >/proc/sys/kernel/printk
. /vmtest/modules.sh
python3 -I -X utf8 /vmtest/program.py 2>&1
echo "program ended with exit status $?"
busybox poweroff -f
busybox sleep 1000
