#!/bin/sh
# SPDX-License-Identifier: MIT
# A hook of dracut: rd.break=bootmenu opens the menu; quitting it continues the boot.

command -v getargs >/dev/null || . /lib/dracut-lib.sh

if getargs rd.break=bootmenu >/dev/null; then
	/usr/bin/bootmenu-in-initramfs
fi
