# SPDX-License-Identifier: MIT
"""The system's libfdt, as the judge of what a device tree is. Debian: package libfdt1, which dtc depends on.

It says what 1.8.1 says, also where an older one is installed, as in Debian 12 and 13.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os


class LibFdt:
    """fdt_check_full of libfdt.so.1. Raises OSError where the library is missing."""

    def __init__(self) -> None:
        self._check = ctypes.CDLL("libfdt.so.1").fdt_check_full
        self._check.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

    def accepts(self, data: bytes) -> bool:
        """Whether it takes these bytes for a sound device tree."""
        # libfdt/fdt.c:fdt_check_header asks for it since 1.8.0
        if len(data) >= 20 and (int.from_bytes(data[16:20], "big") % 8 or int.from_bytes(data[8:12], "big") % 4):
            return False
        if int.from_bytes(data[20:24], "big") >= 16:
            return self._error(data) == 0
        # libfdt 1.6.1 follows a null pointer where an old tree's path has no slash: let only a child die of it
        child = os.fork()
        if child == 0:
            faulthandler.disable()
            try:
                os._exit(0 if self._error(data) == 0 else 1)
            finally:
                os._exit(2)
        return os.waitpid(child, 0)[1] == 0

    def _error(self, data: bytes) -> int:
        # libfdt refuses a tree that does not lie at a multiple of 8; malloc's, and so ctypes', memory does
        memory = ctypes.create_string_buffer(data, max(len(data), 1))
        assert ctypes.addressof(memory) % 8 == 0
        return int(self._check(ctypes.addressof(memory), len(data)))
