#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs as root in a fresh Debian tree: each tool writes the configuration of a small machine below /trees, in folders
# that are named as its partitions. /given has a kernel for each architecture and a device tree. Where the tree has
# real kernels, too, their own configurations go into /systems.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive SYSTEMD_RELAX_ESP_CHECKS=1
# in the order of versions, which is not that of characters
VERSIONS="6.1.9 6.1.117"
ROOT=2ae8944a-6255-48ec-a38d-1b58ba0cd0d1
BOOT=8d1f6c0e-52b1-4a79-8f0c-6f0d8b7a2c11
PASSWORD=correct-horse
MACHINE=7f1c2d3e4b5a69788796a5b4c3d2e1f0

echo $MACHINE >/etc/machine-id
echo "UUID=$ROOT / ext4 defaults 0 1" >/etc/fstab
mkdir -p /dev/disk/by-uuid
: >/dev/disk/by-uuid/$ROOT
. /etc/os-release
[ -d /boot.real ] || mv /boot /boot.real

# A /boot with kernels of the architecture, on the root partition or on one of its own
boot() { # ARCHITECTURE WHERE
	if mountpoint -q /boot; then umount /boot; fi
	rm -rf /boot
	mkdir /boot
	if [ "$2" = apart ]; then mount -t tmpfs tmpfs /boot; fi
	for version in $VERSIONS; do
		cp /given/$1 /boot/vmlinuz-$version-$1
		echo initramfs >/boot/initrd.img-$version-$1
	done
}

# What is in /boot now, as partitions of a machine
keep() { # NAME
	mkdir -p /trees/$1/vda1/etc
	cp /usr/lib/os-release /trees/$1/vda1/etc/
	if mountpoint -q /boot; then
		mkdir /trees/$1/vda1/boot
		cp -a /boot /trees/$1/vda2
	else
		cp -a /boot /trees/$1/vda1/
	fi
}

# grub-probe asks devices, and there are none: this one knows the machine of the trees
mv /usr/sbin/grub-probe /usr/sbin/grub-probe.real
cat >/usr/sbin/grub-probe <<END
#!/bin/sh
device=
while [ \$# -gt 0 ]; do
	case \$1 in
	--target=*) target=\${1#*=} ;;
	-t) target=\$2; shift ;;
	--device) device=\$2; shift ;;
	/boot*) if mountpoint -q /boot; then path=/dev/vda2; else path=/dev/vda1; fi ;;
	/*) path=/dev/vda1 ;;
	esac
	shift
done
device=\${device:-\$path}
case \$target in
device) echo \$device ;;
fs_uuid) if [ \$device = /dev/vda1 ]; then echo $ROOT; else echo $BOOT; fi ;;
fs) echo ext2 ;;
partmap) echo gpt ;;
partuuid) echo 0cd0d1aa-0\${device#/dev/vda} ;;
hints_string) echo "--hint-bios=hd0,gpt\${device#/dev/vda}" ;;
compatibility_hint) echo "hd0,gpt\${device#/dev/vda}" ;;
esac
END
chmod 755 /usr/sbin/grub-probe
# as grub-pc and grub-efi do when they are configured
cp /usr/share/grub/default/grub /etc/default/grub

boot amd64 together
mkdir /boot/grub
update-grub
keep grub

boot amd64 apart
mkdir /boot/grub
mkdir -p /etc/default/grub.d
cat >/etc/default/grub.d/test.cfg <<'END'
GRUB_DEFAULT=saved
GRUB_SAVEDEFAULT=true
GRUB_DISABLE_SUBMENU=true
GRUB_TIMEOUT=7
GRUB_CMDLINE_LINUX_DEFAULT="quiet splash"
GRUB_CMDLINE_LINUX='console=ttyS0,115200 dyndbg="file core.c +p"'
END
update-grub
grub-set-default "gnulinux-${VERSIONS% *}-amd64-advanced-$ROOT"
keep grub-saved

rm /etc/default/grub.d/test.cfg
boot amd64 together
mkdir /boot/grub
echo 'GRUB_DEFAULT=saved' >/etc/default/grub.d/test.cfg
update-grub
grub-set-default "gnulinux-advanced-$ROOT>gnulinux-${VERSIONS% *}-amd64-advanced-$ROOT"
keep grub-submenu
rm /etc/default/grub.d/test.cfg

device_trees() { # FOLDER: of every version
	for version in $VERSIONS; do
		mkdir -p $1$version-arm64/broadcom
		cp /given/board.dtb $1$version-arm64/broadcom/bcm2711-rpi-4-b.dtb
	done
}

device_trees /usr/lib/linux-image-
boot arm64 together
u-boot-update
keep extlinux
mkdir -p /trees/extlinux/vda1/usr/lib
for version in $VERSIONS; do cp -a /usr/lib/linux-image-$version-arm64 /trees/extlinux/vda1/usr/lib/; done

boot arm64 apart
device_trees /boot/dtbs/
cat >>/etc/default/u-boot <<'END'
U_BOOT_SYNC_DTBS="true"
U_BOOT_FDT="broadcom/bcm2711-rpi-4-b.dtb"
U_BOOT_DEFAULT="l1"
U_BOOT_PARAMETERS="ro console=ttyS1,115200"
END
sed -i 's/^U_BOOT_FDT_DIR/#&/' /etc/default/u-boot
u-boot-update
keep extlinux-apart

# raspi-firmware asks dpkg whether this is an ARM machine
boot arm64 together
mkdir -p /shims /boot/firmware
printf '#!/bin/sh\necho arm64\n' >/shims/dpkg
chmod 755 /shims/dpkg
printf 'ROOTPART=LABEL=RASPIROOT\nCONSOLES="tty0 ttyS1,115200"\n' >>/etc/default/raspi-firmware
DEB_MAINT_PARAMS=configure PATH=/shims:$PATH /etc/kernel/postinst.d/z50-raspi-firmware
mkdir -p /trees/raspi
cp -a /boot/firmware /trees/raspi/vda1

kernel_install() { # NAME LAYOUT ARCHITECTURE
	boot $3 together
	if mountpoint -q /efi; then umount /efi; fi
	mkdir -p /efi
	mount -t tmpfs tmpfs /efi
	mkdir -p /efi/loader/entries /efi/EFI/Linux
	printf 'layout=%s\nBOOT_ROOT=/efi\nuki_generator=ukify\n' $2 >/etc/kernel/install.conf
	echo "root=UUID=$ROOT ro quiet console=ttyS0" >/etc/kernel/cmdline
	rm -f /etc/kernel/tries
	for version in $VERSIONS; do
		kernel=/boot/vmlinuz-$version-$3
		# the stub's builder wants a real one
		if [ $2 = uki ]; then cp /boot.real/vmlinuz-*-$3 $kernel; fi
		mkdir -p /lib/modules/$version-$3
		kernel-install add $version-$3 $kernel /boot/initrd.img-$version-$3
		echo 3 >/etc/kernel/tries
	done
	# the older one, by a pattern
	printf 'default *-%s-*\ntimeout 3\n' "${VERSIONS% *}" >/efi/loader/loader.conf
	bootctl --esp-path=/efi list --json=short >/trees/$1.json
	mkdir -p /trees/$1
	cp -a /efi /trees/$1/vda1
}

kernel_install bls bls arm64
if [ -x /usr/bin/ukify ]; then kernel_install uki uki amd64; fi

umount /efi
rm -rf /boot /efi /etc/kernel/cmdline /etc/kernel/install.conf /lib/modules/6.1.9-* /lib/modules/6.1.117-* /usr/lib/linux-image-6.1.*
if ls /boot.real/vmlinuz-* >/dev/null 2>&1; then
	sed -i '/^U_BOOT_/d' /etc/default/u-boot
	echo 'U_BOOT_PARAMETERS="ro console=ttyAMA0"' >>/etc/default/u-boot
	sed -i 's/^GRUB_CMDLINE_LINUX=.*/GRUB_CMDLINE_LINUX="console=ttyS0"/' /etc/default/grub
	for architecture in amd64 arm64; do
		mkdir -p /systems/$architecture /boot
		mv /boot.real/*-$architecture /boot/
		case $architecture in
		amd64)
			mkdir /boot/grub
			update-grub
			;;
		arm64)
			u-boot-update
			unmkinitramfs /boot/initrd.img-*-arm64 /unpacked
			mkdir /systems/initramfs
			if [ -d /unpacked/main ]; then set -- /unpacked/*; else set -- /unpacked; fi
			for part; do cp -a $part/. /systems/initramfs; done
			rm -rf /unpacked
			rm /boot/initrd.img-*-arm64
			;;
		esac
		mv /boot /systems/$architecture/
	done
	dpkg-query -W -f '${Architecture} ${Package}\n' | sed -n 's/^amd64 //p' >/systems/packages
	echo root:$PASSWORD | chpasswd
	echo realpkg >/etc/hostname
fi
mv /usr/sbin/grub-probe.real /usr/sbin/grub-probe
rm -rf /boot.real /given /shims /dev/disk /make-trees.sh
