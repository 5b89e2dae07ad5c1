#!/bin/bash
# SPDX-License-Identifier: MIT
# The menu in an initramfs of dracut: dracut --add bootmenu. rd.break=bootmenu on the kernel command line opens it before the
# root file system is mounted.

# called by dracut: 255, only if it is asked for
check() {
	require_binaries bootmenu python3 setsid || return 1
	return 255
}

# called by dracut
depends() {
	echo base
}

# called by dracut
installkernel() {
	hostonly='' instmods vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8 isofs loop squashfs ext4 btrfs xfs f2fs exfat
}

# called by dracut
install() {
	# shellcheck disable=SC2154  # dracut sets initdir and moddir
	bootmenu image copy --into "$initdir" || return 1
	inst_multiple setsid env
	inst_multiple -o /etc/bootmenu.toml
	inst_simple "$moddir/bootmenu-in-initramfs" /usr/bin/bootmenu-in-initramfs
	inst_hook pre-mount 01 "$moddir/bootmenu.sh"
}
