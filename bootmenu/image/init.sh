#!/bin/busybox sh
# SPDX-License-Identifier: MIT
#
# PID 1 of the first stage: mounts, inserts modules, and keeps the menu running on the console. It never ends,
# because the end of PID 1 is a kernel panic.
#
# Kernel command line:
#   bootmenu.term=NAME      TERM of the menu (default: linux on a screen, vt220 on a serial line)
#   bootmenu.size=CxR       size of a serial line's terminal, in columns and rows (default: 80x24)
#   bootmenu.loglevel=N     kernel messages below this level reach the console (default 1: emergencies)
#   bootmenu.shell=no       never offer a shell
#   bootmenu.profile=kiosk  plain words on the console, and never a shell
# The last two only tighten what /etc/bootmenu.toml says. The first three open nothing: a terminal that can do little gets
# the plain menu, with the same policy, and the kernel's own loglevel= says as much.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
set -f

# A mistake in this script must not end it: begin again instead. (Redirections stay off the shell's special
# built-ins, whose failure would end the shell.)
trap 'busybox sleep 5; exec /bin/busybox sh /init' EXIT

state=/run/bootmenu
log=$state/menu.log
settings=/etc/bootmenu.toml
menu=
kiosk=no

mounted() {
	busybox grep -q " $1 " /proc/mounts 2>/dev/null
}

mount_all() {
	[ -e /proc/mounts ] || busybox mount -t proc -o nosuid,nodev,noexec proc /proc
	mounted /sys || busybox mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
	mounted /sys/kernel/security || busybox mount -t securityfs -o nosuid,nodev,noexec securityfs /sys/kernel/security
	mounted /dev || busybox mount -t devtmpfs -o mode=0755,nosuid devtmpfs /dev
	busybox mkdir -p /dev/pts /dev/shm
	mounted /dev/pts || busybox mount -t devpts -o gid=0,mode=620,nosuid,noexec devpts /dev/pts
	mounted /run || busybox mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs /run
	mounted /tmp || busybox mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp
	busybox mkdir -p $state
}

# What no device asks for, and what the devices that are there ask for, by one process: on a slow board each takes longer
# than the kernel takes for a module. Devices that come later, be it because their bus was found only now, are served by
# mdev, which waits for them from before on. Without mdev it is every module.
insert_modules() {
	[ -r /etc/bootmenu/modules ] || return 0
	if busybox mdev -d 2>>$state/init.log; then
		names=$(busybox find /sys/devices -path /sys/devices/system -prune -o -name modalias \
			-exec busybox sort -u /etc/bootmenu/modules {} + 2>/dev/null)
	else
		echo "mdev does not run: every module is inserted, and none for what is plugged in" >>$state/init.log
		names=$(busybox sed 's,\.ko:.*,,; s,.*/,,' "/lib/modules/$(busybox uname -r)/modules.dep" 2>/dev/null)
	fi
	IFS='
'
	# shellcheck disable=SC2086 # a line each
	busybox modprobe -aq $names 2>>$state/init.log
	unset IFS
}

# Where the machine was started by EFI firmware the kernel has made this folder, empty, and the mount brings the module.
mount_efi_variables() {
	variables=/sys/firmware/efi/efivars
	[ -d $variables ] || return 0
	mounted $variables ||
		busybox mount -t efivarfs -o nosuid,nodev,noexec efivarfs $variables 2>>$state/init.log
}

read_command_line() {
	term= size= loglevel=1 shell=yes profile=
	words= built=
	[ -r /etc/bootmenu/cmdline ] && read -r built </etc/bootmenu/cmdline
	read -r words </proc/cmdline
	for word in $built $words; do
		case $word in
		bootmenu.term=*) term=${word#*=} ;;
		bootmenu.size=[1-9]*x[1-9]*) size=${word#*=} ;;
		bootmenu.loglevel=[0-9]*) loglevel=${word#*=} ;;
		bootmenu.shell | bootmenu.shell=yes | bootmenu.shell=true | bootmenu.shell=on | bootmenu.shell=1) ;;
		bootmenu.shell=*) shell=no ;;
		bootmenu.profile) profile=unknown ;;
		bootmenu.profile=*) profile=${word#*=} profile=${profile:-unknown} ;;
		esac
	done
}

# A kernel that has no room for the whole archive goes on without the rest (init/initramfs.c). Its root file system takes
# half of the memory that is not set aside for other things, unless it is a ramfs.
check_room() {
	[ -e /var/lib/bootmenu/unpacked ] && return
	read -r _ memory _ </proc/meminfo
	say "this machine's memory ($((memory / 1024)) MB) had no room for all of this image, and parts of it are missing"
	say "  add rootfstype=ramfs to the kernel command line, build a smaller image, or add memory"
	tell "This machine has too little memory for its menu."
}

# What surely is no kiosk to bootmenu/config/settings.py: lines of the simplest form, and no word of a kiosk among them unless
# the profile is the standard one. What cannot be read, is empty, or has NULs is one.
is_standard() {
	[ -f "$settings" ] && [ -r "$settings" ] && [ -s "$settings" ] || return 1
	[ "$(busybox tr -d '\000' <"$settings" | busybox wc -c)" -eq "$(busybox wc -c <"$settings")" ] || return 1
	key="(\"[^\"]*\"|'[^']*'|[A-Za-z0-9_.-]+)"
	value="(\"[^\"\\]*\"|'[^']*'|[A-Za-z0-9_.+-]+|\[.*\]|\{.*\})"
	line="(\[[A-Za-z0-9_.-]+\]|$key[[:space:]]*=[[:space:]]*$value)?[[:space:]]*(#.*)?"
	busybox grep -qvE "^[[:space:]]*$line\$" "$settings" && return 1
	# before the first table
	busybox sed '/^[[:space:]]*\[/q' "$settings" |
		busybox grep -qE "^[[:space:]]*profile[[:space:]]*=[[:space:]]*[\"']standard[\"']" && return 0
	! busybox grep -v '^[[:space:]]*#' "$settings" | busybox grep -qiE 'kiosk|profil'
}

# The file, then the kernel command line, which only tightens. In doubt it is a kiosk, until the menu has read it.
read_profile() {
	kiosk=no contact=
	if [ -e "$settings" ] || [ -L "$settings" ]; then
		is_standard || kiosk=yes
		contact=$(busybox sed -n 's/^[[:space:]]*contact[[:space:]]*=[[:space:]]*"\([^"\\]*\)".*/\1/p' "$settings")
		busybox grep -qiE "^[[:space:]]*[\"']?shell" "$settings" &&
			! busybox grep -qE '^[[:space:]]*shell[[:space:]]*=[[:space:]]*true[[:space:]]*(#.*)?$' "$settings" && shell=no
	fi
	case $profile in
	'' | [sS][tT][aA][nN][dD][aA][rR][dD]) ;;
	*) kiosk=yes ;;
	esac
	[ "$kiosk" = yes ] || return 0
	shell=no
	echo 0 >/proc/sys/kernel/sysrq
}

# The menu has read all settings, and writes down what they come to: kiosk yes or no, shell yes or no.
heed_menu() {
	[ -r $state/settings ] && read -r kiosk shell <$state/settings
	[ "$kiosk" = yes ] && shell=no
}

# The last name is the one behind /dev/console. Its own name is used, because /dev/console cannot be a
# controlling terminal; tty0 is whichever screen is in front.
choose_console() {
	name=
	[ -r /sys/class/tty/console/active ] && read -r name </sys/class/tty/console/active
	name=${name##* }
	[ "$name" = tty0 ] && name=tty1
	console=/dev/$name
	[ -n "$name" ] && [ -c "$console" ] || console=/dev/console
	case $name in
	tty[0-9]*) terminal=${term:-linux} ;;
	*) terminal=${term:-vt220} ;;
	esac
}

# In the kiosk what is technical goes to the log only.
say() {
	if [ "$kiosk" = yes ]; then
		echo "bootmenu: $*" >>$state/init.log
	else
		echo "bootmenu: $*" >"$console"
	fi
}

# What happens, for the users of a kiosk.
tell() {
	[ "$kiosk" = yes ] || return 0
	busybox printf '\r\n   %s\r\n' "$1" >"$console"
	[ -z "$contact" ] || busybox printf '   %s\r\n' "$contact" >"$console"
}

# Kernel messages would tear the screen. The level found first is kept for those who restore it.
hush_kernel() {
	[ -s $state/printk ] || busybox cat /proc/sys/kernel/printk >$state/printk
	echo "$loglevel" >/proc/sys/kernel/printk
}

unhush_kernel() {
	read -r level _ <$state/printk && echo "$level" >/proc/sys/kernel/printk
}

# What is typed before anything reads it is not shown, on no console: it can be a PIN.
hush_keys() {
	names=
	[ -r /sys/class/tty/console/active ] && read -r names </sys/class/tty/console/active
	for each in ${console#/dev/} $names; do
		[ "$each" = tty0 ] && each=tty1
		[ -c "/dev/$each" ] && busybox stty -echo 2>/dev/null <"/dev/$each"
	done
}

prepare_terminal() {
	busybox stty sane -echo 2>/dev/null <"$console"
	hush_keys
	# A serial line does not know its size: busybox then prints 0 0 or fails, depending on its version.
	case $(busybox stty size 2>/dev/null <"$console") in
	'' | '0 0')
		busybox stty rows 24 cols 80 <"$console"
		[ -z "$size" ] || busybox stty cols "${size%x*}" rows "${size#*x}" 2>/dev/null <"$console"
		;;
	esac
}

restore_terminal() {
	busybox stty sane -echo 2>/dev/null <"$console"
	# off: alternate screen, hidden cursor, colours
	busybox printf '\033[?1049l\033[?25h\033[0m\r\n' >"$console"
}

# On the console at once, until the menu draws its own: the same title, and nothing in the kiosk or where the settings
# speak of what is hidden.
show_first_frame() {
	[ "$kiosk" = yes ] && return
	[ "$terminal" = dumb ] && return
	[ -e "$settings" ] && busybox grep -qi hidden "$settings" && return
	case "$built $words" in *bootmenu.menu=*) return ;; esac
	busybox printf '\033[?25l\033[m\033[H\033[J\033[1m bootmenu\033[m\r\n' >"$console"
}

# Once, with the menu waiting: its Python starts meanwhile, and looks at nothing before the gate is there.
insert_everything() {
	[ -e $state/gate ] && return
	insert_modules
	mount_efi_variables
	hush_keys
	# another console may have come with the modules
	before=$console
	choose_console
	if [ "$console" != "$before" ]; then
		busybox kill -KILL "$menu" 2>/dev/null
		wait_for_menu
		prepare_terminal
		show_first_frame
		start_menu
	fi
	echo >$state/gate
}

# Nothing of the kernel's environment gets through: KEY=value on its command line would reach Python. After three
# quick failures it is the plain menu, which needs the least.
start_menu() {
	set -- menu
	[ "$failures" -ge 3 ] && set -- menu --plain
	busybox setsid -c busybox env -i PATH="$PATH" HOME=/root TERM="$terminal" LANG=C.UTF-8 \
		BOOTMENU_LOG=$log BOOTMENU_PRINTK=$state/printk BOOTMENU_GATE=$state/gate \
		python3 -I -X utf8 -m bootmenu "$@" <"$console" >"$console" 2>&1 &
	menu=$!
}

start_shell() {
	busybox stty sane 2>/dev/null <"$console"
	busybox setsid -c busybox env -i PATH="$PATH" HOME=/root TERM="$terminal" LANG=C.UTF-8 BOOTMENU_LOG=$log \
		busybox sh -l <"$console" >"$console" 2>&1
	hush_keys
}

# wait also takes the status of orphans. A signal to PID 1 ends it early, with the menu still there.
wait_for_menu() {
	wait "$menu"
	status=$?
	while busybox kill -0 "$menu" 2>/dev/null; do
		wait "$menu"
		status=$?
	done
	menu=
}

seconds() {
	read -r up _ </proc/uptime
	now=${up%%.*}
}

pause() {
	busybox sleep "$1" &
	wait $!
}

explain_end() {
	if [ "$status" -gt 128 ]; then
		say "the menu was ended by signal $((status - 128)) (SIG$(busybox kill -l $((status - 128)) 2>/dev/null)) after $lived s"
	else
		say "the menu ended with exit status $status after $lived s"
	fi
	tell "One moment, please. This terminal starts again."
	[ "$kiosk" = no ] && [ -s $log ] && busybox tail -n 10 $log >"$console"
}

# After five quick failures: somebody may want to look.
offer_shell() {
	say "the menu has failed $failures times in a row"
	if [ "$shell" = no ]; then
		say "it is started again in 60 s"
		pause 60
		return
	fi
	say "it is started again in 60 s; press Enter for a shell"
	seconds
	began=$now
	if read -r -t 60 _ <"$console"; then
		say "this is the first stage's shell; leave it with exit"
		start_shell
		return
	fi
	seconds
	[ $((now - began)) -lt 59 ] && pause $((60 - now + began))
}

# What busybox poweroff, halt and reboot send to PID 1, and outside of the kiosk Ctrl+Alt+Del.
leave() {
	say "$1"
	if [ -n "$menu" ]; then
		busybox kill -TERM "$menu" 2>/dev/null
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			busybox kill -0 "$menu" 2>/dev/null || break
			busybox sleep 0.3
		done
	fi
	busybox sync
	busybox "$1" -f
}

mount_all 2>/dev/null
busybox --install -s 2>/dev/null
read_command_line
read_profile 2>/dev/null
choose_console
check_room
hush_keys
trap 'leave reboot' TERM
# Ctrl+Alt+Del. In the kiosk it does nothing: switching off is no passer-by's, and Esc does for a load.
if [ "$kiosk" = yes ]; then trap : INT; else trap 'leave reboot' INT; fi
trap 'leave halt' USR1
trap 'leave poweroff' USR2
echo 0 >/proc/sys/kernel/ctrl-alt-del

failures=0
delay=1
while :; do
	choose_console
	hush_kernel
	prepare_terminal
	say "starting the menu"
	seconds
	started=$now
	show_first_frame
	start_menu
	insert_everything
	wait_for_menu
	heed_menu
	seconds
	lived=$((now - started))
	unhush_kernel
	restore_terminal
	explain_end
	if [ "$lived" -ge 60 ]; then
		failures=0
		delay=1
	fi
	failures=$((failures + 1))
	if [ "$failures" -ge 5 ]; then
		offer_shell
	else
		say "it is started again in $delay s"
		pause "$delay"
		delay=$((delay * 2))
		[ "$delay" -gt 30 ] && delay=30
	fi
done
