"""Deletes what a task left behind, whatever a tool made of it."""

import os
import time

from .base import log, os_text
from .tree import DIRECTORY_FLAGS

BATCH = 10000
STALE_S = 3600


class Removal:
    """Empties one folder. Each folder in it is moved to its top before it is emptied itself, so
    that no path is long, two folders are open at a time, and how deep a tool dug does not matter.
    No link is followed, not even one that is planted meanwhile."""

    def __init__(self, top):
        self.top = top
        self.moved = 0

    def run(self):
        while any([self.remove(*entry) for entry in some_entries(self.top)]):
            pass

    def remove(self, name, is_folder):
        """Something at the top; False when it stays."""
        try:
            if not is_folder:
                os.unlink(name, dir_fd=self.top)
                return True
            fd = open_up(name, self.top)
            try:
                while any([self.take(*entry, fd) for entry in some_entries(fd)]):
                    pass
            finally:
                os.close(fd)
            os.rmdir(name, dir_fd=self.top)
            return True
        except OSError:
            return False

    def take(self, name, is_folder, folder):
        """Something in a folder at the top; False when it stays."""
        try:
            if is_folder:
                self.move_up(name, folder)
            else:
                os.unlink(name, dir_fd=folder)
            return True
        except OSError:
            return False

    def move_up(self, name, folder):
        self.moved += 1
        place = '%d.%d' % (os.getpid(), self.moved)
        try:
            os.rename(name, place, src_dir_fd=folder, dst_dir_fd=self.top)
        except PermissionError:  # Who may not write a folder may not move it.
            os.close(open_up(name, folder))
            os.rename(name, place, src_dir_fd=folder, dst_dir_fd=self.top)


def some_entries(fd):
    """`(name, whether it is a folder)`; not all at once: a tool may have made millions."""
    from itertools import islice

    with os.scandir('/proc/self/fd/%d' % fd) as entries:
        return [
            (entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(entries, BATCH)
        ]


def open_up(name, folder):
    """Opens a folder although its mode may forbid it. Changes modes by descriptor, because chmod by
    name would follow a link."""
    try:
        fd = os.open(name, DIRECTORY_FLAGS, dir_fd=folder)
    except PermissionError:
        shut = os.open(name, os.O_PATH | DIRECTORY_FLAGS, dir_fd=folder)
        try:
            os.chmod('/proc/self/fd/%d' % shut, 0o700)
        finally:
            os.close(shut)
        fd = os.open(name, DIRECTORY_FLAGS, dir_fd=folder)
    if os.fstat(fd).st_mode & 0o700 != 0o700:
        os.chmod(fd, 0o700)
    return fd


def remove_tree(path):
    try:
        fd = os.open(path, DIRECTORY_FLAGS)
        try:
            Removal(fd).run()
        finally:
            os.close(fd)
        os.rmdir(path)
    except FileNotFoundError:
        pass  # Pulsar was quicker.
    except OSError as error:
        log('not all of %s could be removed: %s' % (path, os_text(error)))


def is_private(folder):
    """Whether it is ours and nobody else may enter it."""
    info = os.lstat(folder)
    return info.st_mode & 0o170077 == 0o040000 and info.st_uid == os.geteuid()


def take_away(job):
    """Moves the task's files out of the job folder in one step; the place to delete now.

    Pulsar deletes a job folder by recursion and gives up at the first surprise: it should neither
    meet a tree that is too deep for it nor one that is being deleted.
    """
    fs, place = job.own + '/fs', '%s/gone/%s' % (job.kept, job.name)
    try:
        if not is_private(job.kept):
            return fs
        if os.path.isdir(fs):
            os.makedirs(place, 0o700, exist_ok=True)
            os.rename(fs, '%s/%d' % (place, os.getpid()))
        return place
    except OSError as error:
        log('the files of the task stay in its job folder until they are gone: ' + os_text(error))
        return fs


def remove_stale(job):
    """What runners left that were killed together with their watchdogs."""
    gone = job.kept + '/gone'
    try:
        for name in os.listdir(gone) if is_private(job.kept) else ():
            if time.time() - os.lstat(gone + '/' + name).st_ctime > STALE_S:
                remove_tree(gone + '/' + name)
    except FileNotFoundError:
        pass  # There is none yet, or its own runner was quicker.
