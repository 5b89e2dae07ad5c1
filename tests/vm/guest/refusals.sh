#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: verdicts, and what the kernel then says to a real load.
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
# name, command line, kernel and options
ask() {
	name=$1 cmdline=$2
	shift 2
	echo "refusal $name check begin"
	bootmenu check "$@" --cmdline "$cmdline" --json
	echo "refusal $name check end"
	echo "refusal $name load begin"
	bootmenu boot --kernel "$@" --cmdline "$cmdline" --load-only --force 2>&1
	echo "refusal $name load end"
}
plain="console=ttyS0 panic=1"
long=$(busybox printf '%02020d' 0)
busybox truncate -s 500M /run/huge.cpio
ask whole "$plain" /vmtest/kernel --initrd /vmtest/second.cpio
ask half "$plain" /vmtest/kernel --initrd /run/huge.cpio
ask low "$plain" /vmtest/low
ask long "$long" /vmtest/kernel
echo integrity >/sys/kernel/security/lockdown
ask signed "$plain" /vmtest/kernel
ask unsigned "$plain" /vmtest/unsigned
ask tools "$plain" /vmtest/kernel --method kexec_tools
busybox umount /sys/kernel/security
echo "refusal facts begin"
bootmenu facts --json
echo "refusal facts end"
busybox dmesg | busybox tail -n 20
echo "refusals are done"
busybox poweroff -f
busybox sleep 1000
