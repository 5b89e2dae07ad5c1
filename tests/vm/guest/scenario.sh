#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: facts, then the verdict, then a real load and the jump.
# Everything is told in lines that begin with "scenario ", for the test that reads them.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mkdir -p /run /tmp
busybox mount -t tmpfs tmpfs /run
busybox mount -t securityfs securityfs /sys/kernel/security
echo 1 >/proc/sys/kernel/printk
bootmenu() {
	python3 -I -X utf8 -m bootmenu "$@"
}
[ -r /vmtest/before.sh ] && . /vmtest/before.sh
set -- /vmtest/kernel --initrd /vmtest/second.cpio
[ -r /vmtest/tree.dtb ] && set -- "$@" --dtb /vmtest/tree.dtb
[ -r /vmtest/overlay.dtbo ] && set -- "$@" --overlay /vmtest/overlay.dtbo
set -- "$@" $(busybox cat /vmtest/options)
cmdline=$(busybox cat /vmtest/cmdline)
echo "scenario facts begin"
bootmenu facts --json
echo "scenario facts end"
echo "scenario check begin"
bootmenu check "$@" --cmdline "$cmdline" --json
echo "scenario check end"
echo "scenario load begin"
bootmenu boot --kernel "$@" --cmdline "$cmdline" --force --json 2>&1
echo "scenario load failed with exit status $?"
busybox dmesg | busybox tail -n 5
echo "scenario is done"
busybox poweroff -f
busybox sleep 1000
