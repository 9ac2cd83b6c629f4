"""Outputs that wait in the job until the server fetches them: the job can reach nobody."""

import os

from .base import Failure, parts_of
from .formats import dumps
from .tree import copy_fd, DIRECTORY_FLAGS
from .targets import Target

MOST_PUSHED = 100000
"""The server fetches one after another."""


class Shelf:
    """Where outputs wait for the server: each file under a number in the folder that Pulsar hands
    out, and a list of them beside the report."""

    def __init__(self, job):
        self.job = job
        self.folder = job.root + '/outputs/push'
        self.numbers = {}  # (device, inode) -> number: a file may be two outputs.
        self.files = self.rows = 0
        self.list = None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.list:
            self.list.close()
            self.job.pushed = 0 if kind else self.rows

    def add(self, item, path, rel, size, stored):
        if self.list is None:
            self.list = open(self.job.shared + '/pushed.jsonl', 'w')
        if self.rows == MOST_PUSHED:
            raise Failure(
                'OUTPUT_FAILED',
                'more than %d files, too many for the server to fetch' % MOST_PUSHED,
            )
        row = {'i': item['i'], 'path': path, 'names': parts_of(rel), 'size': size}
        if stored is not None:
            row['stored'] = str(stored)
        self.list.write(dumps(row) + '\n')
        self.rows += 1

    def empty_folder(self, item, path, rel):
        self.add(item, path, rel, 0, None)

    def file(self, item, path, rel, found, borrowed):
        fd, info = found
        key = (info.st_dev, info.st_ino)
        if key not in self.numbers:
            self.put(fd, info, borrowed)
            self.numbers[key] = self.files
            self.files += 1
        self.add(item, path, rel, info.st_size, self.numbers[key])

    def put(self, fd, info, borrowed):
        os.makedirs(self.folder, 0o700, exist_ok=True)
        folder = os.open(self.folder, DIRECTORY_FLAGS)
        try:
            name = str(self.files)
            if info.st_nlink == 1 and not borrowed and Target.link(fd, name, folder):
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(name, flags, 0o600, dir_fd=folder)
            try:
                os.lseek(fd, 0, os.SEEK_SET)
                copy_fd(fd, file, self.job.check)
            finally:
                os.close(file)
        finally:
            os.close(folder)
