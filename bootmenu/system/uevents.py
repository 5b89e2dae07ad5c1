# SPDX-License-Identifier: MIT
"""The kernel's messages about devices that come and go: datagrams of a netlink socket (lib/kobject_uevent.c)."""

from __future__ import annotations

import contextlib
import errno
import select
import threading

from bootmenu.system.waker import Waker
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
else:
    import _socket as socket  # the class alone: what the module socket adds takes a quarter of Python's own start

_NETLINK_KOBJECT_UEVENT = 15  # include/uapi/linux/netlink.h
_KERNEL = 1  # the group of the kernel's own messages; udevd's have another
_BUFFER = 1024 * 1024
_LONGEST = 16 * 1024  # UEVENT_BUFFER_SIZE is 2048, and the header comes on top


class KernelEvents:
    """A socket that is open from its creation to `close`: messages before the first `receive` are kept."""

    def __init__(self) -> None:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, kind, _NETLINK_KOBJECT_UEVENT)
        self._changing = threading.Lock()
        """Of the two that follow."""
        self._ended = False
        self._waiting = False
        """Whether a thread waits for a message; it closes everything afterwards."""
        try:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.bind((0, _KERNEL))
            self._waker = Waker()
        except BaseException:
            self._socket.close()
            raise

    def receive(self) -> bytes | None:
        """Wait for a message and return it; b"" if some were lost, None if it was closed. One thread at a time."""
        with self._changing:
            self._waiting = not self._ended
        try:
            return self._receive() if self._waiting else None
        finally:
            with self._changing:
                self._waiting = False
                over = self._ended
            if over:
                self._let_go()

    def _receive(self) -> bytes | None:
        poll = select.poll()
        for source in (self._socket, self._waker):
            poll.register(source, select.POLLIN)
        while True:
            poll.poll()
            if self._ended:
                return None
            try:
                data, _, flags, sender = self._socket.recvmsg(_LONGEST)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOBUFS, errno.ENOMEM):
                    return b""
                raise
            # any process can send to a netlink socket; the kernel's port is 0
            if sender[0] == 0 and not flags & socket.MSG_TRUNC:
                return data

    def close(self) -> None:
        """Wake the thread that waits, and close everything. Any thread may call this, repeatedly."""
        with self._changing:
            self._ended = True
            unheard = not self._waiting
        self._waker.wake()
        if unheard:
            self._let_go()

    def _let_go(self) -> None:
        self._socket.close()
        self._waker.close()
