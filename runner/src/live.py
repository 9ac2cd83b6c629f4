"""Folders of the host in which tasks work themselves: what an input names below a live root."""

import stat

from .base import below, Failure, parts_of
from .host import Inside
from .paths import may, normal, SYSTEM_FOLDERS
from .inputs import source_of


def mount_live(job, runtime):
    """Turns each such input into a mount like those of the operator."""
    for item in [item for item in job.plan['inputs'] if is_candidate(item)]:
        try:
            source = source_of(item, job.roots)
        except (Failure, OSError):
            continue  # When the inputs are brought, it is told.
        with source:
            root = source.place_above(job.roots.live)
            if root and stat.S_ISDIR(source.info.st_mode):
                mount_one(job, runtime, item, source, root)


def is_candidate(item):
    return item['method'] == 'mount' and item['type'] == 'DIRECTORY' and not item.get('check')


def mount_one(job, runtime, item, source, root):
    path = normal(item['path'], 'input path')
    names = source.names[len(root.names) :]
    place = root
    if runtime.opens_live():
        at, place = path, Inside(root, names, source.info)
    else:
        at = place_of_root(item, path, names)
    add_mount(job, item, at, place)
    job.plan['inputs'].remove(item)
    job.inputs.append(
        dict(i=item['i'], path=path, method='mount', size=0, seconds=0, tries=1)
    )
    job.note('input %d is live: the task works in %s' % (item['i'], source.path))
    uid = runtime.owner and runtime.owner[0]
    if uid and not may(source.info, uid, 2):
        job.note('input %d: executors are uid %d, which may not write there' % (item['i'], uid))


def place_of_root(item, path, names):
    """Other runtimes are told a path, and a task that works in the root could put a link to
    anywhere in place of a folder in it. The root itself is out of its reach: it is shown where it
    makes the folder appear at its path."""
    parts = parts_of(path)
    count = len(parts) - len(names)
    if parts[max(count, 0) :] != names:
        raise Failure(
            'BAD_PATH',
            'input %d (%s): this runtime shows a live folder with its whole root only, so the path'
            ' must end in /%s, or the folder must be a root of its own'
            % (item['i'], path, '/'.join(names)),
        )
    return '/' + '/'.join(parts[:count])


def add_mount(job, item, at, place):
    mounts = job.plan['mounts']
    row = {'host': place.path, 'path': at, 'mode': 'rw'}
    if row in mounts:
        return
    if at in SYSTEM_FOLDERS:
        raise Failure('BAD_PATH', 'input %d would hide %s of the image' % (item['i'], at))
    for other in (normal(mount['path'], 'mount') for mount in mounts):
        if below(at, other) or below(other, at):
            raise Failure(
                'BAD_PATH', 'input %d (%s) and the mount %s overlap' % (item['i'], at, other)
            )
    mounts.append(row)
    job.roots.mounts.append(place)
