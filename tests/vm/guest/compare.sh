#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: loads the same files by bootmenu itself and by kexec-tools,
# tells time and memory of both, then loads by the method in /vmtest/method and jumps.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mkdir -p /run /tmp /mnt
busybox mount -t tmpfs tmpfs /run
echo 1 >/proc/sys/kernel/printk
. /vmtest/modules.sh
if [ -b /dev/vda ]; then
	busybox mount -o ro /dev/vda /mnt
	echo "compare measure begin"
	python3 -I /vmtest/measure.py
	echo "compare measure end"
fi
python3 -I -X utf8 -m bootmenu boot --kernel /vmtest/kernel --initrd /vmtest/second.cpio \
	--cmdline "$(busybox cat /vmtest/cmdline)" --method "$(busybox cat /vmtest/method)" --force 2>&1
echo "compare load failed with exit status $?"
busybox poweroff -f
busybox sleep 1000
