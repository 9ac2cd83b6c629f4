"""Inputs that the server laid into the job before it started: the job can reach nobody."""

import os

from .base import Failure
from .formats import loads
from .relay import is_name
from .tree import FILE_FLAGS
from .digests import assert_digest


def pushed_entries(job, i):
    """What the server says of an input, parents first; files are numbered in this order."""
    found, is_whole = [], False
    with open('%s/inputs/push/%d.jsonl' % (job.root, i), 'rb') as lines:
        for line in lines:
            entry = loads(line.decode('utf-8'))
            is_whole = bool(entry.get('end'))
            if not is_whole:
                if not all(is_name(name) for name in entry['path']):
                    raise Failure('INPUT_FAILED', 'a name that cannot be')
                found.append(entry)
    if not is_whole:
        raise Failure('INPUT_FAILED', 'its list is not whole')
    return found


class Pushed:
    """One input that lies in the job already. Its files are renamed, never copied."""

    def __init__(self, job, tree, layout, traffic):
        self.job, self.tree, self.layout, self.traffic = job, tree, layout, traffic

    def bring(self, item, path):
        entries = pushed_entries(self.job, item['i'])
        if [entry['path'] for entry in entries] != [[]]:
            if item.get('check'):
                raise Failure('INPUT_FAILED', '%s is a folder' % item['check']['url'])
            self.layout.want_folder(path)  # Nothing else binds it.
            self.tree.make_folder(path)
        size = count = 0
        for entry in entries:
            target = '/'.join([path] + entry['path'])
            if entry['kind'] == 'folder':
                self.tree.make_folder(target)
                continue
            part = '%s/inputs/push/%d/%d' % (self.job.root, item['i'], count)
            self.assert_good(item, entry, part)
            self.traffic.use_file(entry['size'])
            self.tree.move_in(part, target, 0o644)
            size += entry['size']
            count += 1
        return size

    def assert_good(self, item, entry, part):
        with open(os.open(part, FILE_FLAGS), 'rb', 0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != entry['size']:
                raise Failure('INPUT_FAILED', '%d of %d bytes are there' % (size, entry['size']))
            assert_digest(item, file.fileno(), self.job.check)
