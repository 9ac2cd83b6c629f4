"""The file tree `fs/`, which mirrors the container's absolute paths and follows no link to the
host."""

import errno
import fcntl
import os
import stat

from .base import CHUNK, parent, parts_of, write_all
from .host import identity
from .rights import OWN_RIGHTS

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
WRITE_FLAGS = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC

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
        self.shown = {}  # Container path -> what of the host is bound there over what lies in fs/.
        self.written = set()  # Those of them that may be written.
        self.deepest = 0  # Most names on the way to one of them: below that nobody need ask.
        self.made = {}  # The empty files made for tools to write -> their ctime then.
        self.rights = {}  # An operator's mount -> with whose rights things in it are opened.

    def show(self, path, place):
        self.shown[path] = place
        self.deepest = max(self.deepest, len(parts_of(path)))

    def mount(self, path, place, rights, writable):
        """Shows an operator's folder. The client did not choose it, but all that lies in it: there
        nothing changes its owner or mode, and nothing is opened with more than these rights."""
        self.show(path, place)
        self.rights[path] = rights
        if writable:
            self.written.add(path)

    def place(self, path):
        """What a path lies in: an input, an operator's mount, or None for the task's own files."""
        names, place = path.split('/', self.deepest + 1)[1 : self.deepest + 1], None
        for count in range(len(names)):
            place = self.deeper_place(place, names[:count], names[count])
        return place

    def deeper_place(self, place, above, name):
        """What `name` lies in when the folders above it lie in `place`; in one step, however deep,
        because a tool may have made folders in folders by the hundred."""
        if len(above) < self.deepest:
            here = '/' + '/'.join(above + [name])
            if here in self.shown:
                return here
        return place

    def rights_of(self, place):
        return self.rights.get(place, OWN_RIGHTS)

    def host(self, path):
        return self.root + path

    def adopt(self, target, mode=None):
        if self.owner:
            os.chown(target, *self.owner)
        if mode is not None:
            os.chmod(target, mode)

    def folder(self, path, mode=None):
        """Makes a folder and its parents; a link on the way is an error (ENOTDIR)."""
        fd, above, place = os.dup(self.fd), [], None
        try:
            for name in parts_of(path):
                before, place = place, self.deeper_place(place, above, name)
                if place != before:
                    deeper = self.shown[place].open(DIRECTORY_FLAGS)
                else:
                    with self.rights_of(place):
                        deeper = self.folder_in(fd, name, place)
                above.append(name)
                os.close(fd)
                fd = deeper
            if mode is not None and place is None:
                os.chmod(fd, mode)
            return fd
        except BaseException:
            os.close(fd)
            raise

    def folder_in(self, fd, name, place):
        try:
            return os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
        except FileNotFoundError:
            pass
        self.check_writable(place)
        os.mkdir(name, 0o700, dir_fd=fd)
        deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
        if place is None:
            self.adopt(deeper, self.folder_mode)
        else:
            os.chmod(deeper, 0o755)
        return deeper

    def check_writable(self, place):
        if place is not None and place not in self.written:
            raise OSError(errno.EROFS, 'inside a read-only mount')

    def make_folder(self, path, mode=None):
        os.close(self.folder(path, mode))

    def create(self, path, mode):
        """Opens a file for writing, making its parents; an existing link is refused."""
        place, name = self.place(path), os.path.basename(path)
        self.check_writable(place)
        fd = self.folder(parent(path))
        try:
            if place is None:
                file = os.open(name, WRITE_FLAGS | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=fd)
            else:
                with self.rights[place]:
                    file = open_or_create(name, mode, fd)
        finally:
            os.close(fd)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, 'not a regular file')
        if place is None:
            self.adopt(file, mode)
        return file

    def make_empty(self, path):
        """A file to bind where a tool may write one; whoever the image runs as may write it."""
        file = self.create(path, 0o666)
        try:
            os.utime(file, (1, 1))
            info = os.fstat(file)
            self.made[identity(info)] = info.st_ctime_ns
        finally:
            os.close(file)

    def is_untouched(self, info):
        """Whether nothing was done to a file that we made. By both times: the clock of a file
        system may stand still for longer than a tool takes."""
        untouched = self.made.get(identity(info)) == info.st_ctime_ns
        return untouched and info.st_mtime == 1 and not info.st_size

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
        todo, at, stack, links = parts_of(path)[::-1], [], [os.dup(self.fd)], 0
        places = [None]  # What each of them lies in.
        try:
            while todo:
                name = todo.pop()
                if len(stack) > MAX_NAMES:
                    raise Odd('more than %d folders deep' % MAX_NAMES)
                if name == '..':
                    if at:
                        at.pop()
                        places.pop()
                        os.close(stack.pop())
                    continue
                place = self.deeper_place(places[-1], at, name)
                if place != places[-1]:
                    fd = self.shown[place].open(FILE_FLAGS)
                else:
                    with self.rights_of(place):
                        fd, target = self.look(name, stack[-1], place)
                    if target is not None:
                        links += 1
                        if links > 40:
                            raise Odd('too many links')
                        if target.startswith('/'):
                            at, places = [], [None]
                            while len(stack) > 1:
                                os.close(stack.pop())
                        todo += parts_of(target)[::-1]
                        continue
                at.append(name)
                places.append(place)
                stack.append(fd)
            fd = stack.pop()
            return fd, os.fstat(fd), '/' + '/'.join(at)
        finally:
            for fd in stack:
                os.close(fd)

    @staticmethod
    def look(name, folder, place):
        """`(fd, None)` of a file or folder, `(None, target)` of a link."""
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(info.st_mode):
            return None, os.readlink(name, dir_fd=folder)
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
            raise Odd('neither a file nor a folder')
        if place is not None:
            return os.open(name, FILE_FLAGS, dir_fd=folder), None
        return open_readable(name, folder), None

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


def open_or_create(name, mode, folder):
    """For writing; only what is new gets a mode."""
    try:
        file = os.open(name, WRITE_FLAGS | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    except FileExistsError:
        return os.open(name, WRITE_FLAGS | os.O_TRUNC, dir_fd=folder)
    os.chmod(file, mode)
    return file


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
