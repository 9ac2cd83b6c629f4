"""Whose files the runner opens inside an operator's mount, when it is root and its task is not."""

import errno
import os

from .base import Failure

SANDBOX_UID = 65534
"""Who executors are under bubblewrap when the runner is root: owns nothing outside the task's own
files."""


class Rights:
    """`with rights:` opens files with somebody's rights and no others; with our own for None.

    By setfsuid, the only change of identity that stays within a thread: the one beside the work
    goes on as it was.
    """

    def __init__(self, who):
        self.who = who
        self.libc = None

    def __enter__(self):
        if self.who is None:
            return
        if self.libc is None:
            try:
                import ctypes
            except ImportError:
                raise Failure('RUNTIME_MISSING', 'this Python has no ctypes, which mounts need')
            os.setgroups([])  # Root's own count for group rights, and root needs none.
            self.libc = ctypes.CDLL(None)
        self.change(*self.who)

    def __exit__(self, *_):
        if self.who is not None:
            self.change(0, 0)

    def change(self, uid, gid):
        self.libc.setfsgid(gid)
        self.libc.setfsuid(uid)
        if (self.libc.setfsuid(-1), self.libc.setfsgid(-1)) != (uid, gid):
            raise OSError(errno.EPERM, 'the rights could not be changed')


OWN_RIGHTS = Rights(None)


def rights_in(info, executor):
    """For what lies in an operator's mount: those of the executor where they are known, otherwise
    of the owner of the mount's folder; never root's. An ordinary user has only its own."""
    if os.geteuid():
        return OWN_RIGHTS
    if executor is None and info is not None:
        executor = (info.st_uid or SANDBOX_UID, info.st_gid or SANDBOX_UID)
    return Rights(executor or (SANDBOX_UID, SANDBOX_UID))
