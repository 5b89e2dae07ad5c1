#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# The next kernel's init: tells how it was started, then powers off.
busybox=/bin/busybox
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount -t devtmpfs devtmpfs /dev
for word in $($busybox cat /proc/cmdline); do
	case $word in
	say=*) exec >"/dev/${word#say=}" 2>&1 ;; # its console may be elsewhere on purpose
	esac
done
echo "second stage says $($busybox cat /token)"
echo "second stage command line: $($busybox cat /proc/cmdline)"
echo "second stage cpus: $($busybox cat /sys/devices/system/cpu/online)"
for word in $($busybox cat /proc/cmdline); do
	case $word in
	bootmenu-test.tree)
		$busybox find /proc/device-tree/ -type f | while read -r path; do
			set -- $($busybox md5sum "$path")
			echo "second stage tree ${path#/proc/device-tree} $1"
		done
		;;
	exists=*)
		no=no
		[ -e "${word#exists=}" ] && no=
		echo "second stage has ${no:+no }${word#exists=}"
		;;
	fact=*)
		path=${word#fact=}
		echo "second stage fact $path: $($busybox tr '\0' ' ' <"/proc/device-tree/$path")"
		;;
	esac
done
echo "second stage is done"
$busybox poweroff -f
