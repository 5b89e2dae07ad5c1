# SPDX-License-Identifier: MIT
# Read by the other programs of this folder: inserts the modules that init would.
while read -r module; do
	busybox modprobe "$module" || echo "not inserted: $module"
done </etc/bootmenu/modules
# twice, for the devices that come with the first ones have modules, too
for _ in 1 2; do
	# shellcheck disable=SC2046 # names without spaces
	busybox modprobe -aq $(busybox find /sys/devices -name modalias -exec busybox cat {} + | busybox grep -v ' ')
done
