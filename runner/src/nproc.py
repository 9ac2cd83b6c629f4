"""How many processes a sandbox may have, so that those of others do not count."""

import os

from .base import log

COUNTS_APART = (5, 14)
"""Since this Linux, RLIMIT_NPROC counts a user's processes for each user namespace."""


def kernel_version():
    numbers = ''.join(c if c.isdigit() else ' ' for c in os.uname()[2]).split()
    return tuple(map(int, numbers[:2]))


def limit_processes(pid, count, owner):
    """Limits a sandbox that waits to begin. From outside, because bwrap has no option for it, and
    only now: a limit that was there when its namespace was made would count the whole host. False
    when the kernel refuses."""
    import resource

    def limit():
        resource.prlimit(pid, resource.RLIMIT_NPROC, (count, count))

    try:
        if not owner:
            limit()
            return True
        if in_child(lambda: (become(owner), limit())):
            return True
    except OSError as error:
        log('RLIMIT_NPROC: %s' % error)
    return has_ended(pid)  # Its end will say why.


def has_ended(pid):
    try:
        with open('/proc/%d/stat' % pid) as file:
            return file.read().rpartition(')')[2].split()[0] in 'ZX'
    except OSError:
        return True


def become(owner):
    os.setgroups([])
    os.setgid(owner[1])
    os.setuid(owner[0])


def in_child(work):
    """Root in a container may lack the capability to limit others, and the sandbox's own uid needs
    none."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0
