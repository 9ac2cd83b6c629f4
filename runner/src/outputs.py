"""Finds what the task made and takes it to where it belongs."""

import errno
import os
import stat

from .base import CHUNK, clean_text, Failure, os_text, parts_of
from .urls import join_url, public_url, shown_url
from .paths import is_pattern, matches, normal, output_base
from .tree import MAX_DEPTH, Odd
from .addresses import Guard
from .transfers import Http, with_retries
from .relay import Relay
from .targets import Target


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
        self.http = self.relayed = None
        self.targets = {}

    def target(self, item):
        if item['i'] not in self.targets:
            self.targets[item['i']] = Target(item, self.job.roots)
        return self.targets[item['i']]

    def deliver(self):
        """Every output is tried; the first problem is the one told. After a failed executor
        problems are only noted."""
        for item in self.plan['outputs']:
            path = normal(item['path'], 'output path')
            try:
                if not self.deliver_item(item, path):
                    self.missing(item, path)
            except Failure as failure:
                self.problem(failure.code.replace('INPUT_', 'OUTPUT_'), item, path, str(failure))
            except Odd as odd:
                self.problem('OUTPUT_FAILED', item, path, str(odd))
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                self.problem('DISK_FULL' if full else 'OUTPUT_FAILED', item, path, os_text(error))
        if self.error and self.succeeded:
            raise self.error

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
                self.make_folder(item, rel)
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
        if item['method'] == 'mount':
            url = join_url(item['url'], rel, False)
            self.target(item).put(rel, fd, info, borrowed, self.job)
        elif item['method'] == 'relay':
            url = join_url(item['url'], rel, True)
            address = self.relay().address('outputs', item['i'], parts_of(rel))
            self.upload(self.relay().http, address, fd, info.st_size, url)
        else:
            url = join_url(item['url'], rel, True)
            self.upload(self.direct(), url, fd, info.st_size, url)
        self.job.outputs.append(
            {'i': item['i'], 'path': path, 'url': public_url(url), 'size': info.st_size}
        )

    def direct(self):
        self.http = self.http or Http(Guard(self.plan), self.plan['limits']['stall_s'])
        return self.http

    def relay(self):
        self.relayed = self.relayed or Relay(self.job)
        return self.relayed

    def make_folder(self, item, rel):
        relay = self.relay()
        headers = {'X-Magnetar-Folder': '1', 'Content-Length': '0'}
        address = relay.address('outputs', item['i'], parts_of(rel))
        self.put(relay.http, address, headers, item['url'])

    def upload(self, http, address, fd, size, url):

        def send(connection):
            os.lseek(fd, 0, os.SEEK_SET)
            while True:
                data = os.read(fd, CHUNK)
                if not data:
                    return
                connection.send(data)
                self.job.check()

        self.put(http, address, {'Content-Length': str(size)}, url, send)

    def put(self, http, address, headers, url, send=None):
        what = 'uploading to ' + shown_url(url)

        def attempt():
            connection, response = http.open('PUT', address, headers, send)
            try:
                if not 200 <= response.status < 300:
                    return http.trouble('OUTPUT_FAILED', what, response)
                return None
            finally:
                connection.close()

        with_retries(self.job, what, attempt)
