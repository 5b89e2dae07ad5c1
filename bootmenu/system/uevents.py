# SPDX-License-Identifier: MIT
"""What the kernel tells of devices that come and go: datagrams of a netlink socket (lib/kobject_uevent.c)."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket

_NETLINK_KOBJECT_UEVENT = 15  # include/uapi/linux/netlink.h
_KERNEL = 1  # the group of the kernel's own messages; udevd's have another
_BUFFER = 1024 * 1024
_LONGEST = 16 * 1024  # UEVENT_BUFFER_SIZE is 2048, and the header comes on top


class KernelEvents:
    """Open from the moment it is made: what happens before anybody listens is kept. Raises OSError."""

    def __init__(self) -> None:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, kind, _NETLINK_KOBJECT_UEVENT)
        try:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.bind((0, _KERNEL))
            self._closed, self._close = os.pipe2(os.O_CLOEXEC)
        except BaseException:
            self._socket.close()
            raise

    def receive(self) -> bytes | None:
        """Wait for a message; b"" = some were lost; None = it was closed. One thread at a time."""
        while True:
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            poll.register(self._closed, select.POLLIN)
            if any(descriptor == self._closed for descriptor, _ in poll.poll()):
                return None
            try:
                data, _, flags, sender = self._socket.recvmsg(_LONGEST)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno in (errno.ENOBUFS, errno.ENOMEM):
                    return b""
                raise
            # anybody may send to a netlink socket; the kernel's own port is 0
            if sender[0] == 0 and not flags & socket.MSG_TRUNC:
                return data

    def close(self) -> None:
        """Whoever waits is told. Any thread may close it."""
        with contextlib.suppress(OSError):
            os.write(self._close, b"\0")
