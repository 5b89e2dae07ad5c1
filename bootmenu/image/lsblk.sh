#!/bin/busybox sh
# SPDX-License-Identifier: MIT
#
# lsblk where no udev runs. It asks libudev for file systems and labels, and looks for itself only at devices that
# libudev does not know; libudev knows every device in /sys, so without a udevd all of these columns are empty.
# Here blkid's answers are put where libudev reads udevd's. Block devices of size 0 (unused loops) have none.
# Each device is asked on its own, and a dead one keeps nobody longer than two seconds: nothing ends what waits in it.
told=/run/bootmenu/blkid

ask() {
	blkid -p -o udev "/dev/$(echo "$1" | busybox tr '!' /)" | busybox sed 's/^/E:/' >"$told/$1"
	busybox mv "$told/$1" "/run/udev/data/b$2"
	busybox rm -f "$told/$1.waits"
}

if [ ! -e /run/udev/control ]; then
	busybox mkdir -p /run/udev/data $told
	for folder in /sys/class/block/*; do
		read -r size <"$folder/size" && [ "$size" != 0 ] || continue
		read -r number <"$folder/dev" || continue
		name=${folder##*/}
		[ -e "$told/$name.waits" ] && continue
		: >"$told/$name.waits"
		ask "$name" "$number" </dev/null >/dev/null 2>&1 &
	done
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		busybox ls $told | busybox grep -q waits || break
		busybox usleep 100000
	done
fi
exec /usr/lib/bootmenu/lsblk "$@"
