"""The file tree `fs/`, which mirrors the container's absolute paths and follows no link to the
host."""

import errno
import fcntl
import os
import stat

from .base import below, CHUNK, parent, parts_of, write_all

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC

MAX_DEPTH = 200
"""Of folders that are walked: each costs a descriptor and a call inside a call."""
MAX_NAMES = 500
"""On the way to a file: each costs a descriptor, of which a process has 1024 or more."""


class Odd(Exception):
    """Something that cannot be an output: a device, a pipe, a link that leads out."""


class Tree:
    """Opens task paths as the container would see them. A task may have planted links, so nothing
    here follows one to the host."""

    def __init__(self, root, owner, folder_mode):
        self.root = root
        self.owner = owner
        self.folder_mode = folder_mode
        os.mkdir(root, 0o700)
        self.adopt(root)
        self.fd = os.open(root, DIRECTORY_FLAGS)
        self.shown = {}  # Container path -> host path bound there instead of what lies in fs/.
        self.written = set()  # Those of them that may be written: an operator's mounts.

    def host(self, path):
        return self.root + path

    def adopt(self, target, mode=None):
        if self.owner:
            os.chown(target, *self.owner)
        if mode is not None:
            os.chmod(target, mode)

    def folder(self, path, mode=None):
        """Makes a folder and its parents; a link on the way is an error (ENOTDIR)."""
        fd, here, writable = os.dup(self.fd), '', True
        try:
            for name in parts_of(path):
                here += '/' + name
                try:
                    if here in self.shown:
                        writable = here in self.written
                        deeper = os.open(self.shown[here], DIRECTORY_FLAGS)
                    else:
                        deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                except FileNotFoundError:
                    if not writable:
                        raise OSError(errno.EROFS, 'inside a read-only mount')
                    os.mkdir(name, 0o700, dir_fd=fd)
                    deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                    self.adopt(deeper, self.folder_mode)
                os.close(fd)
                fd = deeper
            if mode is not None:
                os.chmod(fd, mode)
            return fd
        except BaseException:
            os.close(fd)
            raise

    def make_folder(self, path, mode=None):
        os.close(self.folder(path, mode))

    def create(self, path, mode):
        """Opens a file for writing, making its parents; an existing link is refused."""
        if any(below(path, shown) and shown not in self.written for shown in self.shown):
            raise OSError(errno.EROFS, 'inside a read-only mount')
        fd = self.folder(parent(path))
        try:
            flags = (
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            file = os.open(os.path.basename(path), flags, 0o600, dir_fd=fd)
        finally:
            os.close(fd)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, 'not a regular file')
        self.adopt(file, mode)
        return file

    def move_in(self, host_file, path, mode):
        """Renames a finished file of ours into the tree."""
        fd = self.folder(parent(path))
        try:
            self.adopt(host_file, mode)
            os.rename(host_file, os.path.basename(path), dst_dir_fd=fd)
        finally:
            os.close(fd)

    def find(self, path):
        """`(fd, stat, path)` of a file or folder as the container would resolve it; fd is open for
        reading."""
        todo, at, stack, links = parts_of(path), [], [os.dup(self.fd)], 0
        try:
            while todo:
                name = todo.pop(0)
                if len(stack) > MAX_NAMES:
                    raise Odd('more than %d folders deep' % MAX_NAMES)
                if name == '..':
                    if at:
                        at.pop()
                        os.close(stack.pop())
                    continue
                here = '/' + '/'.join(at + [name])
                bound = self.shown.get(here)
                if bound is not None:
                    fd = os.open(bound, FILE_FLAGS)
                else:
                    info = os.stat(name, dir_fd=stack[-1], follow_symlinks=False)
                    if stat.S_ISLNK(info.st_mode):
                        links += 1
                        if links > 40:
                            raise Odd('too many links')
                        target = os.readlink(name, dir_fd=stack[-1])
                        if target.startswith('/'):
                            at = []
                            while len(stack) > 1:
                                os.close(stack.pop())
                        todo = parts_of(target) + todo
                        continue
                    if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
                        raise Odd('neither a file nor a folder')
                    fd = open_readable(name, stack[-1])
                at.append(name)
                stack.append(fd)
            fd = stack.pop()
            return fd, os.fstat(fd), '/' + '/'.join(at)
        finally:
            for fd in stack:
                os.close(fd)

    def stands_firm(self, path):
        """Raises when a link was planted where something is about to be bound."""
        fd = os.dup(self.fd)
        names = parts_of(path)
        try:
            for name in names[:-1]:
                deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                os.close(fd)
                fd = deeper
            if stat.S_ISLNK(os.stat(names[-1], dir_fd=fd, follow_symlinks=False).st_mode):
                raise OSError(errno.ELOOP, 'a link')
        finally:
            os.close(fd)


def open_readable(name, folder_fd):
    """A tool may have taken its own right to read away; the owner (or root) gives it back."""
    try:
        return os.open(name, FILE_FLAGS, dir_fd=folder_fd)
    except PermissionError:
        info = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        if stat.S_ISLNK(info.st_mode):
            raise
        os.chmod(
            name,
            stat.S_IMODE(info.st_mode) | (0o700 if stat.S_ISDIR(info.st_mode) else 0o400),
            dir_fd=folder_fd,
        )
        return os.open(name, FILE_FLAGS, dir_fd=folder_fd)


def copy_fd(source, target, check):
    """Copies the rest of an open file; shares the blocks where the file system can. Returns the
    size."""
    FICLONE = 0x40049409
    try:
        fcntl.ioctl(target, FICLONE, source)
        return os.fstat(source).st_size
    except OSError:
        pass
    size = 0
    while True:
        check()
        try:
            count = os.sendfile(target, source, size, 1 << 24)
        except OSError as error:
            if size or error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            count = copy_plain(source, target)
            return count
        if not count:
            return size
        size += count


def copy_plain(source, target):
    size = 0
    while True:
        data = os.read(source, CHUNK)
        if not data:
            return size
        write_all(target, data)
        size += len(data)
