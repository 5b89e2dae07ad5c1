#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit=: makes an array, a volume group, an encrypted partition and subvolumes on empty disks, by the
# tools that own them, and fills each with a file system of the first disk's folder /payload.
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev
busybox mount -t tmpfs tmpfs /run
busybox mkdir -p /mnt /pool
. /vmtest/modules.sh
set -ex
export MDADM_NO_UDEV=1
payload=/mnt/payload
busybox mount -t ext4 -o ro,noload /dev/vda /mnt

lvm pvcreate --yes /dev/vdb
lvm vgcreate vg /dev/vdb
lvm lvcreate --yes --wipesignatures n --zero n --config 'activation { udev_rules=0 udev_sync=0 }' --size 16m --name root vg
busybox dd if=$payload/lvm.img of=/dev/vg/root bs=1M conv=fsync
lvm vgchange --activate n --config 'activation { udev_rules=0 udev_sync=0 }' vg

# the bitmap is what md(4) likes to bring up to date
mdadm --create /dev/md9 --run --level=1 --raid-devices=2 --metadata=1.2 --bitmap=internal --assume-clean /dev/vdc /dev/vdd
busybox dd if=$payload/md.img of=/dev/md9 bs=1M conv=fsync
mdadm --stop /dev/md9

mdadm --create /dev/md8 --run --level=0 --raid-devices=2 --metadata=1.2 --name=torn /dev/vde /dev/vdf
mdadm --stop /dev/md8

busybox printf %s "$secret" >/run/key
cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /run/key /dev/vdg
cryptsetup open --key-file /run/key /dev/vdg plain
busybox dd if=$payload/luks.img of=/dev/mapper/plain bs=1M conv=fsync
cryptsetup close plain

busybox mount -t btrfs /dev/vdh /pool
python3 -I -c '
import fcntl, os, struct
# include/uapi/linux/btrfs.h: BTRFS_IOC_SUBVOL_CREATE with its struct btrfs_ioctl_vol_args
pool = os.open("/pool", os.O_RDONLY)
for name in (b"@", b"@home"):
    fcntl.ioctl(pool, 0x5000940E, bytearray(struct.pack("q4088s", 0, name)))
'
busybox cp -r $payload/btrfs/. /pool/@
busybox umount /pool
busybox sync
echo "STORAGE made"
busybox poweroff -f
