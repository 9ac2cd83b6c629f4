"""Finds what the task made and takes it to where it belongs."""

import errno
import os
import stat
import time

from .base import clean_text, Failure, os_text, parts_of, Stopped
from .urls import join_url, public_url
from .paths import is_pattern, matches, normal, output_base
from .tree import MAX_DEPTH, Odd
from .traffic import OverLimit, Traffic
from .targets import Target
from .shelf import Shelf
from .deliveries import Deliveries


def is_utf8(name):
    try:
        name.encode('utf-8')
        return True
    except UnicodeError:
        return False


class Outputs:
    """Finds what the task made and takes it to where it belongs."""

    def __init__(self, job, tree, succeeded):
        self.job, self.tree, self.succeeded = job, tree, succeeded
        self.plan = job.plan
        self.error = None
        self.targets = {}
        self.traffic = Traffic(job, 'output', 'delivering outputs')
        self.rows = []  # Of the output that is being walked.

    def target(self, item):
        if item['i'] not in self.targets:
            self.targets[item['i']] = Target(item, self.job.roots)
        return self.targets[item['i']]

    def deliver(self):
        """Every output is tried; the first problem is the one told. After a failed executor
        problems are only noted."""
        deliveries = Deliveries(self.job, self.traffic)
        with self.traffic, Shelf(self.job) as self.shelf, deliveries as self.deliveries:
            walked = [(item,) + self.walk(item) for item in self.plan['outputs']]
            for item, path, rows, error, is_there in walked:
                arrived, failure = self.deliveries.finish(item)
                rows += [self.moved_row(item, *told) for told in arrived]
                if rows and item.get('why'):
                    rows[0]['why'] = item['why']
                self.job.outputs += rows
                error = failure or error
                if error:
                    self.judge(error, item, path)
                elif not is_there:
                    self.missing(item, path)
        if self.error and self.succeeded:
            raise self.error

    def walk(self, item):
        """`(path, rows, error, whether anything was there)`; what goes over the network is still on
        its way then."""
        path = normal(item['path'], 'output path')
        self.rows, error, is_there = [], None, False
        try:
            is_there = self.deliver_item(item, path)
        except (Failure, Odd, OSError) as problem:
            error = problem
        return path, self.rows, error, is_there

    def judge(self, error, item, path):
        if isinstance(error, Stopped):
            raise error
        if isinstance(error, OverLimit):
            self.error = self.error or error
            self.job.note(str(error))
        elif isinstance(error, Failure):
            self.problem(error.code.replace('INPUT_', 'OUTPUT_'), item, path, str(error))
        elif isinstance(error, Odd):
            self.problem('OUTPUT_FAILED', item, path, str(error))
        elif isinstance(error, OSError):
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            self.problem('DISK_FULL' if full else 'OUTPUT_FAILED', item, path, os_text(error))
        else:
            raise error

    def problem(self, code, item, path, text):
        message = 'output %d (%s): %s' % (item['i'], path, text)
        self.job.note(message)
        self.error = self.error or Failure(
            'OUTPUT_FAILED' if code == 'OUTPUT_REFUSED' else code, message
        )

    def missing(self, item, path):
        message = 'output %d (%s) was not made' % (item['i'], path)
        self.job.note(message)
        if self.plan['missing_output'] == 'error':
            self.error = self.error or Failure('OUTPUT_MISSING', message)

    def deliver_item(self, item, path):
        """False when nothing matches."""
        try:
            found = self.tree.find(path)
        except (FileNotFoundError, NotADirectoryError):
            found = None
        if found and not (item.get('path_prefix') and is_pattern(path)):
            return self.take(item, path, '', found, [])
        if found:
            os.close(found[0])
        if not is_pattern(path):
            return False
        prefix = (
            normal(item['path_prefix'], 'path_prefix')
            if item.get('path_prefix')
            else output_base(path)
        )
        any_taken = False
        for match in self.glob(parts_of(path)):
            rel = (
                match[len(prefix) :].lstrip('/')
                if match.startswith(prefix)
                else os.path.basename(match)
            )
            any_taken = self.take(item, match, rel, self.tree.find(match), []) or any_taken
        return any_taken

    def glob(self, patterns):
        """All paths that match, one component after the other."""
        bases = ['']
        for pattern in patterns:
            paths = []
            for base in bases:
                names = [pattern]
                if is_pattern(pattern):
                    names = [name for name in self.names(base or '/') if matches(name, pattern)]
                paths += [base + '/' + name for name in names if self.exists(base + '/' + name)]
            bases = paths
        return bases

    def exists(self, path):
        try:
            os.close(self.tree.find(path)[0])
            return True
        except (OSError, Odd):
            return False

    def names(self, path):
        try:
            fd, info, _ = self.tree.find(path)
        except (OSError, Odd):
            return []
        try:
            return sorted(os.listdir(fd)) if stat.S_ISDIR(info.st_mode) else []
        finally:
            os.close(fd)

    def take(self, item, path, rel, found, above):
        """Delivers an open file or a whole folder; what has a name that no JSON can tell is left
        out."""
        fd, info, real = found
        try:
            if not is_utf8(path):
                self.left_out(path, 'the name is not UTF-8')
                return False
            if stat.S_ISREG(info.st_mode):
                if self.tree.is_untouched(info):
                    return False
                borrowed = self.tree.place(real) is not None
                self.deliver_file(item, path, rel, fd, info, borrowed)
                return True
            self.job.check()
            key = (info.st_dev, info.st_ino)
            if key in above or len(above) > MAX_DEPTH:
                self.left_out(path, 'leads back into itself or is too deep')
                return True
            if item['method'] == 'mount':
                self.target(item).make(rel)
            names = sorted(os.listdir(fd))
            if item['method'] == 'relay' and not names:
                self.deliveries.folder(item, rel)
            if item['method'] == 'push' and not names:
                self.shelf.empty_folder(item, path, rel)
            for name in names:
                inner = path.rstrip('/') + '/' + name
                try:
                    child = self.tree.find(inner)
                except (OSError, Odd) as odd:
                    self.left_out(inner, odd)
                    continue
                self.take(item, inner, (rel + '/' + name).lstrip('/'), child, above + [key])
            return True
        finally:
            os.close(fd)

    def left_out(self, path, why):
        self.job.note('left out of an output: %s: %s' % (clean_text(os.fsencode(path)), why))

    def deliver_file(self, item, path, rel, fd, info, borrowed):
        self.traffic.use_file(info.st_size)
        if item['method'] == 'push':
            self.shelf.file(item, path, rel, (fd, info), borrowed)
            url = join_url(item['url'], rel, True)
            self.rows.append(self.row(item, path, url, info.st_size))
            return
        if item['method'] != 'mount':
            self.deliveries.file(item, path, rel, fd, info.st_size)
            return
        began = time.monotonic()
        self.target(item).put(rel, fd, info, borrowed, self.job)
        url = join_url(item['url'], rel, False)
        seconds = round(time.monotonic() - began, 3)
        self.rows.append(self.moved_row(item, path, url, info.st_size, seconds, 1))

    @classmethod
    def moved_row(cls, item, path, url, size, seconds, tries):
        return dict(cls.row(item, path, url, size), seconds=seconds, tries=tries)

    @staticmethod
    def row(item, path, url, size):
        return {
            'i': item['i'],
            'path': path,
            'url': public_url(url),
            'size': size,
            'method': item['method'],
        }
