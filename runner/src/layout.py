"""Which folders and files of the tree are bound into every container of the task."""

import errno

from .base import below, Failure, os_text, parent
from .paths import normal, output_base, SYSTEM_FOLDERS


class Layout:
    """Which folders and files of the tree are bound into every container of the task."""

    def __init__(self, plan):
        self.plan = plan
        self.folders = {'/tmp'}
        self.files = {}  # Path right below a system folder -> made to be written.
        for path in plan['volumes']:
            self.want_folder(normal(path, 'volume'))
        for item in plan['inputs']:
            path = normal(item['path'], 'input path')
            if any(below(path, normal(mount['path'], 'mount')) for mount in plan['mounts']):
                raise Failure('BAD_PATH', 'the input %s would lie in a mount' % path)
            if item['type'] == 'FILE':
                self.want_parent(path, False)
            elif path in SYSTEM_FOLDERS:
                raise Failure('BAD_PATH', 'an input folder would hide %s of the image' % path)
        for item in plan['outputs']:
            self.want_output(item)
        for executor in plan['executors']:
            for key in ('stdin', 'stdout', 'stderr'):
                if executor.get(key):
                    self.want_parent(normal(executor[key], key), key != 'stdin')

    def want_folder(self, path):
        if path in SYSTEM_FOLDERS:
            raise Failure('BAD_PATH', 'a folder of the task would hide %s of the image' % path)
        self.folders.add(path)

    def want_parent(self, path, written):
        if path == '/':
            raise Failure('BAD_PATH', 'the path / cannot be a file')
        if parent(path) in SYSTEM_FOLDERS:
            self.files[path] = self.files.get(path, False) or written
        else:
            self.folders.add(parent(path))

    def want_output(self, item):
        path = normal(item['path'], 'output path')
        if item.get('path_prefix'):
            normal(item['path_prefix'], 'path_prefix')
        if item['type'] == 'DIRECTORY':
            self.want_folder(output_base(path))
        elif output_base(path) == path:
            self.want_parent(path, True)
        else:
            self.want_folder(output_base(path))

    def make(self, tree):
        """Makes every folder once; what a tool does to those inside the bound ones is its own
        affair."""
        for path in sorted(self.folders):
            self.make_folder(tree, path, 0o1777 if path == '/tmp' else None)

    @staticmethod
    def make_folder(tree, path, mode=None):
        try:
            tree.make_folder(path, mode)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Failure('BAD_PATH', 'the folder %s cannot be made: %s' % (path, os_text(error)))

    def outermost(self):
        """The folders to bind: those inside another are part of it."""
        kept = []
        for path in sorted(self.folders):
            if not any(below(path, other) for other in kept):
                kept.append(path)
        return kept

    def single_files(self):
        kept = self.outermost()
        return sorted(
            path for path in self.files if not any(below(path, folder) for folder in kept)
        )

    def written_paths(self):
        """What a tool must be able to write, to tell which inputs cannot be shown read-only."""
        for path in self.plan['volumes']:
            yield normal(path, 'volume'), False
        for item in self.plan['outputs']:
            yield output_base(normal(item['path'], 'output path')), True
        for executor in self.plan['executors']:
            for key in ('stdout', 'stderr', 'workdir'):
                if executor.get(key):
                    yield normal(executor[key], key), False

    def needs_copy(self, path):
        """An input that may be written over, that is part of an output, or that has others or a
        mount in it, cannot be bound read-only."""
        others = [normal(item['path'], 'input path') for item in self.plan['inputs']]
        others += [normal(mount['path'], 'mount') for mount in self.plan['mounts']]
        if any(below(other, path) and other != path for other in others):
            return True
        return any(
            below(written, path) or (is_output and below(path, written))
            for written, is_output in self.written_paths()
        )
