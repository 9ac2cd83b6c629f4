"""Brings every input into the tree."""

import errno
import os
import stat
import time

from .base import Failure, os_text, write_all
from .urls import shown_url
from .paths import normal, SYSTEM_FOLDERS
from .host import identity, reopen, step, Way
from .tree import copy_fd, FILE_FLAGS, MAX_DEPTH
from .addresses import Guard
from .transfers import fetch_ftp, fetch_http, Http
from .relay import Relay


def source_of(item, roots):
    """The way to a `mount` input on the host. The literal spelling first: a file may really be
    called `a%20b`."""
    seen = None
    for spelling in item['files']:
        way = Way(spelling)
        try:
            if not spelling.startswith('/') or not way.place_above(roots.read) or not way.names:
                seen = seen or Failure(
                    'INPUT_REFUSED', '%s is not below a folder inputs may be read from' % spelling
                )
            elif way.error:
                seen = Failure('INPUT_FAILED', '%s: %s' % (spelling, os_text(way.error)))
            elif is_file_or_folder(way.info):
                found, way = way, None
                return found
            else:
                raise Failure('INPUT_FAILED', '%s is neither a file nor a folder' % spelling)
        finally:
            if way:
                way.close()
    raise seen or Failure('INPUT_FAILED', 'no file is named')


def is_file_or_folder(info):
    return stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)


class Inputs:
    """Brings every input into the tree, or shows it there read-only without moving a byte."""

    def __init__(self, job, tree, layout, runtime):
        self.job, self.tree, self.layout, self.runtime = job, tree, layout, runtime
        self.plan = job.plan
        self.guard = None

    def bring(self):
        for item in self.plan['inputs']:
            path = normal(item['path'], 'input path')
            began = time.monotonic()
            try:
                size = getattr(self, item['method'])(item, path)
            except Failure as failure:
                raise Failure(failure.code, 'input %d (%s): %s' % (item['i'], path, failure))
            except OSError as error:
                code = (
                    'DISK_FULL' if error.errno in (errno.ENOSPC, errno.EDQUOT) else 'INPUT_FAILED'
                )
                raise Failure(code, 'input %d (%s): %s' % (item['i'], path, os_text(error)))
            self.job.inputs.append(
                {
                    'i': item['i'],
                    'path': path,
                    'size': size,
                    'seconds': round(time.monotonic() - began, 3),
                }
            )

    def content(self, item, path):
        """Executable, because scripts arrive this way and are started directly."""
        data = item['content'].encode('utf-8')
        fd = self.tree.create(path, 0o755)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
        return len(data)

    def mount(self, item, path):
        with source_of(item, self.job.roots) as source:
            is_folder = stat.S_ISDIR(source.info.st_mode)
            if is_folder and path in SYSTEM_FOLDERS:
                raise Failure('BAD_PATH', 'an input folder would hide %s of the image' % path)
            if not self.needs_copy(item, path, source):
                if is_folder:
                    self.tree.make_folder(path)
                else:
                    os.close(self.tree.create(path, 0o644))
                self.tree.show(path, source.inside(self.job.roots.read))
                return 0 if is_folder else source.info.st_size
            if is_folder:
                self.layout.want_folder(path)  # Nothing binds its parent: the copy is bound itself.
            return self.copy(reopen(source.fd, FILE_FLAGS), source.path, path, [])

    def needs_copy(self, item, path, source):
        if self.layout.needs_copy(path):
            return True
        if source.lies_in(self.job.roots.written):  # The runtime would be told a path to believe.
            reason = 'tasks may write where it lies'
        elif not self.runtime.can_read(source.path):
            reason = 'executors could not read it where it lies'
        else:
            return False
        self.job.note('input %d is copied: %s' % (item['i'], reason))
        return True

    def copy(self, source, real, path, above):
        """Takes an open file or folder, and closes it; what it was called when it was opened may be
        something else by now."""
        try:
            info = os.fstat(source)
            if stat.S_ISDIR(info.st_mode):
                return self.copy_folder(source, real, path, above + [identity(info)])
            target = self.tree.create(path, 0o755 if info.st_mode & 0o111 else 0o644)
            try:
                return copy_fd(source, target, self.job.check)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def copy_folder(self, folder, real, path, above):
        """Links inside are followed as long as they stay below a readable root."""
        if above[-1] in above[:-1]:
            return 0
        if len(above) > MAX_DEPTH + 1:
            raise Failure('INPUT_FAILED', 'a folder of the input is too deep')
        self.tree.make_folder(path)
        size = 0
        for name in sorted(os.listdir(folder)):
            found = self.open_entry(folder, name, real + '/' + name)
            if found is None:
                self.job.note(
                    'left out of the input: %s/%s leads elsewhere or is no file' % (path, name)
                )
            else:
                size += self.copy(*found, path + '/' + name, above)
        return size

    def open_entry(self, folder, name, entry):
        """`(fd, real path)`; None when it leads out of the readable roots or is no file."""
        try:
            fd = step(name, folder)
        except FileNotFoundError:
            return None
        try:
            info = os.fstat(fd)
            if not stat.S_ISLNK(info.st_mode):
                return (reopen(fd, FILE_FLAGS), entry) if is_file_or_folder(info) else None
        finally:
            os.close(fd)
        with Way(entry) as way:
            inside = way.error is None and way.place_above(self.job.roots.read, True)
            if inside and is_file_or_folder(way.info):
                return reopen(way.fd, FILE_FLAGS), way.path
            return None

    def relay(self, item, path):
        relay = Relay(self.job)
        entries = relay.entries(item['i'])
        if entries is None:
            part = '%s/part-%d' % (self.job.own, item['i'])
            size = relay.fetch(item['i'], [], part)
            self.tree.move_in(part, path, 0o644)
            return size
        self.layout.want_folder(path)
        self.tree.make_folder(path)
        size, files = 0, []
        for entry in entries:
            if entry['kind'] == 'folder':
                self.tree.make_folder('/'.join([path] + entry['path']))
            else:
                files.append(entry)
        for entry, part, bytes_got in relay.fetch_each(item['i'], files):
            self.tree.move_in(part, '/'.join([path] + entry['path']), 0o644)
            size += bytes_got
        return size

    def direct(self, item, path):
        url = item['url']
        scheme = url.partition('://')[0].lower()
        if scheme not in ('http', 'https', 'ftp'):
            raise Failure('INPUT_REFUSED', 'this kind of URL is not fetched: ' + shown_url(url))
        if item['type'] == 'DIRECTORY':
            raise Failure('INPUT_FAILED', 'a folder cannot be fetched from ' + shown_url(url))
        part = '%s/part-%d' % (self.job.own, item['i'])
        stall_s = self.plan['limits']['stall_s']
        if scheme == 'ftp':
            size = fetch_ftp(self.job, Guard(self.plan, 'ftp'), url, part, stall_s)
        else:
            self.guard = self.guard or Guard(self.plan)
            size = fetch_http(self.job, Http(self.guard, stall_s), url, part)
        self.tree.move_in(part, path, 0o644)
        return size
