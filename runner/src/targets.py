"""One `mount` output on the host."""

import os
import stat

from .base import Failure, parent, parts_of
from .host import Replaced, Way
from .tree import copy_fd, DIRECTORY_FLAGS


class Target:
    """One `mount` output on the host: stays below an allowed root, belongs to whoever owns the
    folder it lands in."""

    def __init__(self, item, roots):
        path = item['file'].rstrip('/')
        if not path.startswith('/') or '..' in path.split('/'):
            raise Failure('OUTPUT_FAILED', 'not an absolute path: %s' % path)
        # The last name may be a link: to a folder it is followed, any other is replaced.
        self.root = None
        is_folder = self.find(path, roots)
        if not is_folder:
            with Way(parent(path), roots.shared) as way:
                way.rest += parts_of(path)[-1:]
                self.place(way, roots)
        if self.root is None:
            raise Failure(
                'OUTPUT_FAILED', '%s is not below a folder outputs may be written to' % item['file']
            )

    def find(self, path, roots):
        try:
            with Way(path, roots.shared) as way:
                is_folder = way.error is None and stat.S_ISDIR(way.info.st_mode)
                if is_folder:
                    self.place(way, roots)
                return is_folder
        except Replaced:
            return False  # The link itself is replaced, or there is one above it.

    def place(self, way, roots):
        self.root = way.place_above(roots.write, True)
        if self.root:
            self.index = roots.write.index(self.root)
            self.names = (way.names + way.rest)[len(self.root.names) :]

    def make(self, rel):
        os.close(self.folder(self.names + parts_of(rel)))

    def folder(self, names):
        """Opens a folder below the root, making it and its parents, and following no link."""
        fd = self.root.open(DIRECTORY_FLAGS)
        try:
            for name in names:
                try:
                    deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                except FileNotFoundError:
                    os.mkdir(name, 0o755, dir_fd=fd)
                    deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                    os.fchmod(deeper, 0o755)
                    self.give(deeper, fd)
                os.close(fd)
                fd = deeper
            return fd
        except BaseException:
            os.close(fd)
            raise

    @staticmethod
    def give(fd, folder_fd):
        if os.geteuid() == 0:
            owner = os.fstat(folder_fd)
            os.fchown(fd, owner.st_uid, owner.st_gid)

    def put(self, rel, fd, info, borrowed, job):
        names = self.names + parts_of(rel)
        folder = self.folder(names[:-1])
        part = '.%s.%d.part' % (job.plan['job'], os.getpid())
        job.watchdog.tell_part(self.index, names[:-1] + [part])
        try:
            try:
                file = None
                if info.st_nlink == 1 and not borrowed and self.link(fd, part, folder):
                    file = os.dup(fd)  # Not what has the name: a task may write the folder too.
                if file is None:
                    file = os.open(
                        part,
                        os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                        0o600,
                        dir_fd=folder,
                    )
                    os.lseek(fd, 0, os.SEEK_SET)
                    copy_fd(fd, file, job.check)
                try:
                    self.give(file, folder)
                    os.fchmod(file, 0o755 if info.st_mode & 0o111 else 0o644)
                finally:
                    os.close(file)
                os.rename(part, names[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                try:
                    os.unlink(part, dir_fd=folder)
                except OSError:
                    pass
                raise
        finally:
            os.close(folder)

    @staticmethod
    def link(fd, name, folder):
        """On the same file system the finished file gets a second name instead of being copied."""
        try:
            os.link('/proc/self/fd/%d' % fd, name, dst_dir_fd=folder, follow_symlinks=True)
            return True
        except (OSError, NotImplementedError):
            return False
