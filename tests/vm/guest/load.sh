#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: loads and jumps with kexec-tools, without the menu.
# Kernel command line: load.device=NAME load.kernel=PATH load.initrd=PATH [load.dtb=PATH] [load.fact=PATH]
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
. /vmtest/modules.sh
device= kernel= initrd= dtb= fact=
for word in $(busybox cat /proc/cmdline); do
	case $word in
	load.device=*) device=${word#*=} ;;
	load.kernel=*) kernel=${word#*=} ;;
	load.initrd=*) initrd=${word#*=} ;;
	load.dtb=*) dtb=${word#*=} ;;
	load.fact=*) fact=${word#*=} ;;
	esac
done
busybox mount -o ro "/dev/$device" /mnt
kexec -c -l "/mnt/$kernel" --initrd="/mnt/$initrd" ${dtb:+--dtb="/mnt/$dtb"} \
	--command-line="console=ttyAMA0 earlycon panic=1 fact=$fact" 2>&1
echo "LOAD status $? loaded $(busybox cat /sys/kernel/kexec_loaded)"
[ "$(busybox cat /sys/kernel/kexec_loaded)" = 1 ] && kexec -e
busybox poweroff -f
