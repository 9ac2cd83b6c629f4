"""What moves for the task: how much it is so far, how much it may be, what is told of it."""

import time

from .base import _thread, Failure

TOLD = 50
UNITS = ('bytes', 'KiB', 'MiB', 'GiB', 'TiB')


class OverLimit(Failure):
    """A limit of the whole task, whichever transfer met it."""


def shown_bytes(count, unit=None):
    """`(number, unit)`; with the unit of another number where both are shown."""
    power = 0
    while (power < UNITS.index(unit)) if unit else (count >= 1024 and power < len(UNITS) - 1):
        count /= 1024
        power += 1
    return '%.1f' % count if power else '%d' % count, UNITS[power]


class Traffic:
    """All transfers of one phase; they run in several threads."""

    def __init__(self, job, kind, doing):
        limits = job.plan['limits']
        self.job, self.kind, self.doing = job, kind, doing
        self.most = {unit: limits.get('%s_%s' % (kind, unit)) for unit in ('bytes', 'files')}
        self.lock = _thread.allocate_lock()
        self.used = {'bytes': 0, 'files': 0}  # Of what is limited.
        self.bytes = self.files = self.done = 0  # What went or has to go over the network.
        self.expected = self.unknown = 0  # Bytes announced; files whose size nobody has said.
        self.is_counted = False  # Whether all files are known, so that `of` can be told.
        self.moved = []  # (bytes, order, line) of what arrived.

    def __enter__(self):
        self.job.traffic = self
        return self

    def __exit__(self, *_):
        self.job.traffic = None
        self.tell()

    def plan(self, size=None):
        """A file that is going to be moved; None where nobody says yet how long it is."""
        with self.lock:
            self.files += 1
            self.expected += size or 0
            self.unknown += size is None

    def use(self, unit, count):
        """Right before it is stored."""
        with self.lock:
            self.used[unit] += count
        self.assert_room(unit, 0)

    def use_file(self, size):
        self.use('files', 1)
        self.use('bytes', size)

    def assert_room(self, unit, count):
        most = self.most[unit]
        if most is not None and self.used[unit] + count > most:
            raise OverLimit(
                '%s_FAILED' % self.kind.upper(),
                'the %ss of the task have more than %d %s, its limit (task_%s_%s)'
                % (self.kind, most, unit, self.kind, unit),
            )

    def text(self):
        """One line for people who wait."""
        files, moved = '%d' % self.done, shown_bytes(self.bytes)
        if self.is_counted:
            files += ' of %d' % self.files
        if self.is_counted and not self.unknown and self.expected >= self.bytes:
            total, unit = shown_bytes(self.expected)
            moved = '%s of %s' % (shown_bytes(self.bytes, unit)[0], total), unit
        return '%s: %s files, %s %s' % ((self.doing, files) + moved)

    def note(self, name, method, row):
        """A transfer that ended well, for the summary."""
        tries = '1 try' if row['tries'] == 1 else '%d tries' % row['tries']
        words = name, method, row['size'], row['seconds'], tries
        self.moved.append((row['size'], len(self.moved), '%s: %s, %d bytes, %.1f s, %s' % words))

    def tell(self):
        """The largest transfers in the system logs, and the sum of all when there are more."""
        kept = sorted(sorted(self.moved, key=lambda row: -row[0])[:TOLD], key=lambda row: row[1])
        for _, _, line in kept:
            self.job.note(line)
        if len(self.moved) > len(kept):
            size = sum(row[0] for row in self.moved)
            self.job.note(
                '%ss: %d files, %d bytes in all; the %d largest are named'
                % (self.kind, len(self.moved), size, TOLD)
            )


class Transfer:
    """One file on its way."""

    def __init__(self, traffic, check, wait, size=None):
        self.traffic, self.check, self.wait = traffic, check, wait
        self.size = size  # As it was planned, then as the other side says.
        self.began = self.ended = time.monotonic()
        self.tries = self.bytes = self.used = 0

    def announce(self, size):
        """How many bytes it is going to be in all, as soon as anybody says."""
        if size is None:
            return
        with self.traffic.lock:
            self.traffic.unknown -= self.size is None
            self.traffic.expected += size - (self.size or 0)
            self.size = size

    def expect(self, size):
        """The same of what is about to be stored: what is too much need not be moved to know it."""
        self.announce(size)
        if size is not None:
            self.traffic.assert_room('bytes', size - self.used)

    def grow(self, count):
        """Right before so many bytes more are stored."""
        self.used += count
        self.pass_on(count)
        self.traffic.use('bytes', count)

    def pass_on(self, count):
        self.bytes += count
        with self.traffic.lock:
            self.traffic.bytes += count

    def start_over(self):
        with self.traffic.lock:
            self.traffic.bytes -= self.bytes
            self.traffic.used['bytes'] -= self.used
        self.bytes = self.used = 0

    @property
    def seconds(self):
        return round(self.ended - self.began, 3)

    def finish(self):
        self.ended = time.monotonic()
        self.announce(self.bytes)
        with self.traffic.lock:
            self.traffic.done += 1


def row_of(transfers):
    """What the report says of files that belong together; of an empty folder as well."""
    began = min([one.began for one in transfers], default=0)
    ended = max([one.ended for one in transfers], default=0)
    return {
        'size': sum(one.bytes for one in transfers),
        'seconds': round(ended - began, 3),
        'tries': max([one.tries for one in transfers], default=1),
    }
