#!/bin/busybox sh
# SPDX-License-Identifier: MIT
#
# PID 1 of a sample system: says in plain words which system this is and how it was started, and leads back.
# /etc/sample has one line each: the system's name, and what described it to the menu.

PATH=/bin
export PATH
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev 2>/dev/null
/bin/busybox --install -s /bin

# kernel messages would tear the text
echo 1 >/proc/sys/kernel/printk
read -r console _ </sys/class/tty/console/active
console=/dev/${console##* }
[ -c "$console" ] || console=/dev/console
{
	read -r name
	read -r described
} </etc/sample

memory() {
	while read -r key amount _; do
		[ "$key" = MemTotal: ] && echo "$((amount / 1024)) MB" && return
	done </proc/meminfo
}

model() {
	if [ -r /proc/device-tree/model ]; then
		tr -d '\000' </proc/device-tree/model
	elif [ -r /sys/class/dmi/id/product_name ]; then
		cat /sys/class/dmi/id/product_name
	else
		echo "unknown"
	fi
}

describe() {
	read -r up _ </proc/uptime
	line=------------------------------------------------------------------------
	echo
	echo "$line"
	echo " $name"
	echo " This is the system that you chose. bootmenu started it with kexec."
	echo
	echo " described by  $described"
	echo " kernel        Linux $(uname -r), $(uname -m)"
	echo " machine       $(model), $(nproc) CPUs, $(memory) of memory"
	echo " started       ${up%.*} s ago, by the kernel that showed the menu; no firmware ran"
	echo " command line  $(cat /proc/cmdline)" | fold -s -w 78 | sed '2,$s/^/               /'
	echo
	echo " Enter  back to the menu (the machine restarts)"
	echo " s      a shell"
	echo " p      switch off"
	echo "$line"
}

while :; do
	stty sane <"$console"
	describe >"$console"
	stty -echo <"$console"
	key=
	read -r -s -n 1 key <"$console" || sleep 1
	case $key in
	'')
		echo "Back to the menu: the machine restarts." >"$console"
		sync
		reboot -f
		;;
	[sS])
		echo "Leave the shell with exit." >"$console"
		stty sane <"$console"
		setsid -c env HOME=/ TERM=vt220 PS1="$name # " sh <"$console" >"$console" 2>&1
		;;
	[pP])
		echo "The machine switches off." >"$console"
		sync
		poweroff -f
		;;
	esac
done
