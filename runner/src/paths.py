"""Paths as a task names them, patterns in them, and who may read what on the host."""

import os
import stat

from .base import below, Failure, parent, parts_of

# Never hidden by a writable folder of the task: files below these are bound one by one. The server
# has the same tables (src/tasks/validation/text-rules.ts): it refuses what would fail here.
SYSTEM_FOLDERS = frozenset(
    '/ /bin /boot /etc /home /lib /lib32 /lib64 /libx32 /opt /root /run /sbin /srv /usr /usr/bin'
    ' /usr/include /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/libx32 /usr/local'
    ' /usr/local/bin /usr/local/lib /usr/local/sbin /usr/local/share /usr/sbin /usr/share /usr/src'
    ' /var /var/cache /var/lib /var/log /var/run /var/tmp'.split()
)
KERNEL_FOLDERS = ('/proc', '/sys', '/dev')


def is_of_kernel(path):
    return any(below(path, folder) for folder in KERNEL_FOLDERS)


def absolute(path, what):
    """An absolute container path without doubled slashes, dots or a trailing slash."""
    if not path.startswith('/') or '\0' in path or '..' in path.split('/'):
        raise Failure('BAD_PATH', '%s must be an absolute path without "..": %r' % (what, path))
    return '/' + '/'.join(parts_of(path))


def normal(path, what):
    """The same for what is made or bound there."""
    path = absolute(path, what)
    if is_of_kernel(path):
        raise Failure('BAD_PATH', '%s lies in a folder of the kernel: %s' % (what, path))
    return path


def has_bracket(name):
    """Whether a path component has a bracket expression: a lone `[` is an ordinary character."""
    start = name.find('[')
    while start >= 0:
        first = start + (2 if name[start + 1 : start + 2] == '!' else 1)
        if name.find(']', first + 1) > 0:  # A `]` right at the beginning is one of the characters.
            return True
        start = name.find('[', start + 1)
    return False


def is_pattern(text):
    return '*' in text or '?' in text or any(has_bracket(name) for name in text.split('/'))


def output_base(path):
    """The folder all matches of a pattern lie in; the path itself when it is none."""
    names = parts_of(path)
    for i, name in enumerate(names):
        if is_pattern(name):
            return '/' + '/'.join(names[:i])
    return path


def matches(name, pattern):
    """One path component against one pattern, as a shell does: `*` and `?` never match a leading
    dot."""
    if name.startswith('.') and not pattern.startswith('.'):
        return False
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def may(info, uid, bit):
    """Whether a uid in its own group has `bit` (4 read, 1 enter) by the plain mode."""
    shift = 6 if info.st_uid == uid else 3 if info.st_gid == uid else 0
    return bool(info.st_mode >> shift & bit)


def closed_folder(path, uid):
    """The outermost folder on the way to `path` that uid cannot enter."""
    at = ''
    for name in parts_of(path):
        at += '/' + name
        if not may(os.stat(at), uid, 1):
            return at
    return None


def readable_by_other(path, uid, deep=True):
    if closed_folder(parent(path), uid):
        return False
    info = os.stat(path)
    if not may(info, uid, 4) or (stat.S_ISDIR(info.st_mode) and not may(info, uid, 1)):
        return False
    if not deep or not stat.S_ISDIR(info.st_mode):
        return True
    todo = [path]
    while todo:
        folder = todo.pop()
        for name in os.listdir(folder):
            inner = folder + '/' + name
            info = os.lstat(inner)
            if stat.S_ISLNK(info.st_mode):
                continue
            if not may(info, uid, 4) or (not stat.S_ISREG(info.st_mode) and not may(info, uid, 1)):
                return False
            if stat.S_ISDIR(info.st_mode):
                todo.append(inner)
    return True
