#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Started with rdinit= in place of the first stage's init: puts a menu there that always fails, and goes on.
busybox rm -f /usr/lib/python3/dist-packages/bootmenu/__main__.py*
busybox cat >/usr/lib/python3/dist-packages/bootmenu/__main__.py <<'PY'
import os, sys
with open(os.environ["BOOTMENU_LOG"], "a") as log:
    log.write("the log says the dog ate the menu\n")
print("environment:", sorted(os.environ), "isolated:", sys.flags.isolated, "inspect:", sys.flags.inspect)
if not os.path.exists("/run/once"):
    open("/run/once", "w").close()
    os.kill(os.getpid(), 9)
sys.exit(3)
PY
exec /init
