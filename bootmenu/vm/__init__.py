# SPDX-License-Identifier: MIT
"""Try the menu in a virtual machine on this host: a first stage, a disk of sample systems, and QEMU."""
