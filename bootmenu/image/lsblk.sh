#!/bin/busybox sh
# SPDX-License-Identifier: MIT
#
# lsblk where no udev runs. It asks libudev for file systems and labels, and looks for itself only at devices that
# libudev does not know; libudev knows every device in /sys, so without a udevd all of these columns are empty.
# Here blkid's answers are put where libudev reads udevd's. Block devices of size 0 (unused loops) have none.
if [ ! -e /run/udev/control ]; then
	busybox mkdir -p /run/udev/data
	for folder in /sys/class/block/*; do
		read -r size <"$folder/size" && [ "$size" != 0 ] || continue
		read -r number <"$folder/dev" || continue
		name=${folder##*/}
		blkid -p -o udev "/dev/${name//!//}" 2>/dev/null | busybox sed 's/^/E:/' >"/run/udev/data/b$number"
	done
fi
exec /usr/lib/bootmenu/lsblk "$@"
