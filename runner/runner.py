"""The job runner of Magnetar: carries out the plan of one attempt on a Pulsar host.

docs/runner.md is its contract. It runs in `<job>/working` of Pulsar's job directory, keeps what is
its own in `<job>/tes` and leaves what the server reads in `<job>/metadata/tes`. Standard library
only, Python 3.6 or newer. A short task spends most of its time starting Python, so only C modules
that are always built in are imported here; everything else is imported where it is used.

Sections: stand-ins for slow modules, the attempt, beacons, the file tree, inputs, processes and
streams, runtimes, executors, outputs, and how an attempt goes from its plan to its report.
"""

import errno
import fcntl
import os
import select
import stat
import sys
import time

try:  # The public modules wrap these and cost 5 ms each to import (enum, threading, re).
    import _signal as signal
    import _socket as socket
    import _thread
except ImportError:  # Another Python than CPython.
    import signal
    import socket
    import _thread

VERSION = 1
SANDBOX_UID = 65534
"""Who executors are under bubblewrap when the runner is root: owns nothing outside the task's own
files."""

CHUNK = 1 << 18
REPORT_LIMIT = 960 * 1024
RESERVE = 1 << 20
HEARTBEAT_S = 5.0
SYSTEM_LOG_LINES = 200

# Never hidden by a writable folder of the task: files below these are bound one by one.
SYSTEM_FOLDERS = frozenset(
    '/ /bin /boot /etc /home /lib /lib32 /lib64 /libx32 /opt /root /run /sbin /srv /usr /usr/bin'
    ' /usr/include /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/local /usr/local/bin'
    ' /usr/local/lib /usr/local/sbin /usr/local/share /usr/sbin /usr/share /usr/src /var /var/cache'
    ' /var/lib /var/log /var/run /var/tmp'.split()
)
KERNEL_FOLDERS = ('/proc', '/sys', '/dev')


class Failure(Exception):
    """The attempt cannot go on for a reason that is not the executor's."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Stopped(Exception):
    """Somebody or a limit wants this attempt to end; `job.stop` says which."""


# --------------------------------------------------------------------------------------------------
# Small stand-ins for modules that are slow to import
# --------------------------------------------------------------------------------------------------


def json_tools():
    """`(loads, dumps)`; the C halves of `json` without its import of `re`, or `json` itself where
    they are missing."""
    try:
        import _json

        class Context:
            strict = True
            object_hook = object_pairs_hook = None
            parse_float, parse_int, parse_constant = float, int, float
            memo = {}

        scan = _json.make_scanner(Context)

        def default(value):
            raise TypeError('cannot write %r as JSON' % type(value))

        encode = _json.make_encoder(
            None, default, _json.encode_basestring_ascii, None, ':', ',', False, False, False
        )
        loads = lambda text: scan(text.strip(), 0)[0]  # noqa: E731
        dumps = lambda value: ''.join(encode(value, 0))  # noqa: E731
        if loads(dumps({'a': [1, 'ü', None]})) != {'a': [1, 'ü', None]}:
            raise ValueError
        return loads, dumps
    except (ImportError, AttributeError, TypeError, ValueError):
        import json

        return json.loads, json.dumps


loads, dumps = json_tools()


def sha256(data):
    try:
        from _sha2 import sha256 as make
    except ImportError:
        try:
            from _sha256 import sha256 as make
        except ImportError:
            from hashlib import sha256 as make
    return make(data)


def sign(key, message):
    """HMAC-SHA256 (RFC 2104) in hex; `hmac` would load OpenSSL."""
    key = key.encode()
    if len(key) > 64:
        key = sha256(key).digest()
    key = key.ljust(64, b'\0')
    inner = sha256(bytes(b ^ 0x36 for b in key) + message).digest()
    return sha256(bytes(b ^ 0x5C for b in key) + inner).hexdigest()


def utc(seconds=None):
    """RFC 3339 with milliseconds."""
    now = time.time() if seconds is None else seconds
    t = time.gmtime(now)
    return '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ' % (t[:6] + (int(now * 1000) % 1000,))


def log(message):
    """One line of runner.log. Never give it a URL that was not through `shown_url`."""
    try:
        os.write(2, ('%s %s\n' % (utc(), message)).encode('utf-8', 'replace'))
    except OSError:
        pass  # A full disk must not end the task.


def clean_text(data):
    """Bytes of a tool as text that every JSON reader and database takes."""
    return data.decode('utf-8', 'replace').replace('\0', '\ufffd')


def write_file(path, text):
    """Puts a small file in place in one step, so that a reader sees the old one or the new one."""
    part = path + '.part'
    with open(part, 'wb') as file:
        file.write(text.encode())
    os.rename(part, path)


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def below(path, folder):
    return path == folder or path.startswith(folder.rstrip('/') + '/')


def os_text(error):
    return error.strerror or str(error)


# --------------------------------------------------------------------------------------------------
# The attempt: its folders, its lock, its report
# --------------------------------------------------------------------------------------------------


class Job:
    """Where the attempt lives, what it has found so far, and whether it must stop."""

    def __init__(self, root):
        self.root = root
        self.own = root + '/tes'
        self.shared = root + '/metadata/tes'
        self.report_path = self.shared + '/report.json'
        self.plan_path = self.own + '/plan.json'
        self.plan = {}
        self.name = os.path.basename(root)
        self.phase = 'preflight'
        self.began = utc()
        self.deadline = None
        self.running = None  # The executor that runs: {'i', 'out', 'err'}, for tails and heartbeat.
        self.stop = None  # ReportState-like reason: 'CANCELED' or 'WALLTIME'.
        self.interruptible = False
        self.system_logs = []
        self.host = {
            'python': '%d.%d.%d' % sys.version_info[:3],
            'node': os.uname()[1],
            'uid': str(os.geteuid()),
        }
        self.executors, self.inputs, self.outputs = [], [], []
        self.pulse = self.watchdog = self.runtime = None

    def note(self, message):
        """A line for the task's system logs."""
        log(message)
        if len(self.system_logs) < SYSTEM_LOG_LINES:
            self.system_logs.append(message[:2000])

    def check(self):
        if self.stop:
            raise Stopped(self.stop)

    def ask_to_stop(self, reason):
        """From any thread. The signal wakes the main thread out of whatever it waits for."""
        if self.stop is None:
            self.stop = reason
            log('stopping: ' + reason)
        os.kill(os.getpid(), signal.SIGUSR1)

    def on_signal(self, number, _frame):
        if number != signal.SIGUSR1 and self.stop is None:
            self.stop = 'CANCELED'
            log('stopping: signal %d' % number)
        if self.interruptible:
            self.interruptible = False
            raise Stopped(self.stop)

    def report(self, state, error):
        report = {
            'v': VERSION,
            'job': self.plan.get('job', self.name),
            'state': state,
            'start': self.began,
            'end': utc(),
            'error': error,
            'host': self.host,
            'system_logs': self.system_logs,
            'executors': self.executors,
            'inputs': self.inputs,
            'outputs': self.outputs,
        }
        return fit(report, self.shared)

    def save(self, text):
        """The report, also on a full disk: the space was reserved at the start. False when it could
        not be written."""
        try:
            os.unlink(self.own + '/reserve')
        except OSError:
            pass
        try:
            write_file(self.report_path, text)
            return True
        except OSError as error:
            log('report not written: ' + os_text(error))
            return False


def fit(report, folder):
    """The report as JSON below its limit: it travels in a status answer. Long lists go to a file,
    then tails shrink."""
    text = dumps(report)
    for key in ('outputs', 'inputs'):
        if len(text) <= REPORT_LIMIT or len(report[key]) <= 1000:
            continue
        try:
            with open('%s/%s.jsonl' % (folder, key), 'w') as file:
                file.writelines(dumps(row) + '\n' for row in report[key])
            place = 'all are in metadata/tes/%s.jsonl' % key
        except OSError as error:
            place = 'no room for the others: ' + os_text(error)
        report['system_logs'].append(
            '%d of %d %s are listed; %s' % (1000, len(report[key]), key, place)
        )
        report[key] = report[key][:1000]
        text = dumps(report)
    room = 65536
    while len(text) > REPORT_LIMIT and room > 64:
        for executor in report['executors']:
            for stream in ('stdout', 'stderr'):
                if len(executor[stream]) > room:
                    executor[stream] = '[cut]\n' + executor[stream][-room:]
        room //= 2
        text = dumps(report)
    return text


# --------------------------------------------------------------------------------------------------
# Beacons
# --------------------------------------------------------------------------------------------------


def split_url(url):
    """`(scheme, userinfo, host, port, target)`; urllib would cost more than the whole start."""
    scheme, _, rest = url.partition('://')
    scheme = scheme.lower()
    cut = min(i for i in (rest.find('/'), rest.find('?'), rest.find('#'), len(rest)) if i >= 0)
    authority, target = rest[:cut], rest[cut:].partition('#')[0]
    userinfo, _, hostport = authority.rpartition('@')
    if hostport.startswith('['):
        host, _, port = hostport[1:].partition(']')
        port = port.lstrip(':')
    else:
        host, _, port = hostport.partition(':')
    if not host or any(ord(c) <= 32 or ord(c) == 127 for c in url) or (port and not port.isdigit()):
        raise Failure('INPUT_REFUSED', 'not a usable URL: ' + shown_url(url))
    if not target.startswith('/'):
        target = '/' + target
    return (
        scheme,
        userinfo,
        host.lower(),
        int(port or {'https': 443, 'ftp': 21}.get(scheme, 80)),
        target,
    )


def shown_url(url):
    """A URL for people: no userinfo, no query; both carry secrets."""
    head, mark, rest = url.partition('://')
    rest = rest.partition('?')[0].partition('#')[0]
    authority, slash, path = rest.partition('/')
    return clean_text(
        (head + mark + authority.rpartition('@')[2] + slash + path).encode('utf-8', 'replace')
    )[:500]


def is_whole(answer):
    """Whether an answer's head is here, and as much of a body as it announces: closing earlier
    would reset the connection."""
    head, end, body = answer.partition(b'\r\n\r\n')
    length = head.lower().partition(b'\r\ncontent-length:')[2].split(b'\r\n')[0].strip()
    return bool(end) and len(body) >= (int(length) if length.isdigit() else 0)


def post_plain(host, port, head, body, timeout):
    """Status of one POST over plain http, by hand: http.client costs 30 ms to import."""
    # As bytes: a str would load the IDNA codec, 7 ms of tables.
    family, kind, proto, _, address = socket.getaddrinfo(
        host.encode('ascii'), port, 0, socket.SOCK_STREAM
    )[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        sock.sendall(head + body)
        answer = b''
        while not is_whole(answer) and len(answer) < 65536:
            piece = sock.recv(65536)
            if not piece:
                break
            answer += piece
        words = answer.split(b' ', 2)
        return int(words[1][:3]) if len(words) > 1 and words[0].startswith(b'HTTP/') else 0
    finally:
        sock.close()


def post_beacon(beacon, body, timeout):
    """Sends one signed beacon; the HTTP status, or 0 when nobody answered."""
    try:
        scheme, _, host, port, target = split_url(beacon['url'])
        now = str(int(time.time()))
        headers = {
            'Host': '%s:%d' % ('[%s]' % host if ':' in host else host, port),
            'Content-Type': 'application/json',
            'Content-Length': str(len(body)),
            'Connection': 'close',
            'X-Magnetar-Time': now,
            'X-Magnetar-Signature': 'sha256=' + sign(beacon['key'], now.encode() + b'.' + body),
        }
        if scheme == 'http':
            lines = ['POST %s HTTP/1.1' % target] + ['%s: %s' % item for item in headers.items()]
            return post_plain(host, port, ('\r\n'.join(lines) + '\r\n\r\n').encode(), body, timeout)
        import http.client

        connection = http.client.HTTPSConnection(host, port, timeout=timeout)
        try:
            connection.request('POST', target, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
    except Exception as error:  # Whatever happens to a beacon, the task goes on.
        log('beacon not delivered: %s' % error)
        return 0


class Pulse:
    """The thread beside the work: beacons in order, the heartbeat file, and every outside reason to
    stop."""

    def __init__(self, job):
        self.job = job
        self.beacon = job.plan.get('beacon')
        self.queue = []
        self.wake_in, self.wake_out = os.pipe()
        self.over = self.started = False
        self.idle = _thread.allocate_lock()
        self.done = _thread.allocate_lock()
        self.done.acquire()

    def gate(self):
        """Whether the attempt may begin. A server that cannot be reached costs one more try and
        does not hold it up."""
        body = self.body('start')
        for pause in (0.3, None):
            status = post_beacon(self.beacon, body, 1.5) if self.beacon else 200
            if status or pause is None:
                break
            time.sleep(pause)
        if status not in (0, 200, 410):
            log('the gate answered %d; going on' % status)
        return status != 410

    def start(self):
        self.started = True
        _thread.start_new_thread(self.run, ())

    def body(self, event, **fields):
        return dumps(dict(fields, v=VERSION, job=self.job.plan['job'], event=event)).encode()

    def send(self, event, **fields):
        if self.beacon:
            with self.idle:
                self.queue.append((event, self.body(event, **fields)))
            os.write(self.wake_out, b'.')

    def finish(self):
        """No more beacons but the last, which the caller sends. The report repeats the ends of
        executors still waiting."""
        with self.idle:
            self.queue = [item for item in self.queue if item[0] == 'executor']
        self.over = True
        os.write(self.wake_out, b'.')
        if self.started:
            self.done.acquire(1, 2.0)

    def end(self, report_text):
        """The report itself, spliced in as it was written: tried a few times, because it saves the
        server a poll."""
        if not self.beacon:
            return
        head = dumps({'v': VERSION, 'job': self.job.plan['job'], 'event': 'end'})
        body = ('%s,"report":%s}' % (head[:-1], report_text)).encode()
        until = time.monotonic() + 2
        while True:
            status = post_beacon(self.beacon, body, 1.5)
            if status in (200, 204, 410) or time.monotonic() > until:
                return
            time.sleep(0.25)

    def run(self):
        try:
            self.loop()
        except Exception as error:
            log('pulse thread ended: %r' % error)
        finally:
            self.done.release()

    def loop(self):
        job = self.job
        interval = self.beacon['interval_s'] if self.beacon else 0
        now = time.monotonic()
        next_beat, next_alive, shown = now, now + interval, None
        while True:
            self.deliver()
            if self.over and not self.queue:
                return
            now = time.monotonic()
            state = (job.phase, job.running and job.running['i'])
            if now >= next_beat or state != shown:
                next_beat, shown = now + HEARTBEAT_S, state
                self.heartbeat(*state)
            if interval and now >= next_alive:
                next_alive = now + interval
                self.alive()
            self.watch(now)
            select.select([self.wake_in], [], [], 0.5)
            if select.select([self.wake_in], [], [], 0)[0]:
                os.read(self.wake_in, 4096)

    def deliver(self):
        while True:
            with self.idle:
                item = self.queue.pop(0) if self.queue else None
            if item is None:
                return
            if post_beacon(self.beacon, item[1], 3) == 410:
                self.job.ask_to_stop('CANCELED')

    def alive(self):
        running = self.job.running
        fields = {}
        if running:
            fields['tails'] = {
                'i': running['i'],
                'stdout': running['out'].tail(),
                'stderr': running['err'].tail(),
            }
        self.send('alive', **fields)

    def heartbeat(self, phase, executor):
        beat = {'time': utc(), 'phase': phase}
        if executor is not None:
            beat['executor'] = executor
        try:
            write_file(self.job.shared + '/heartbeat.json', dumps(beat))
        except OSError as error:
            log('heartbeat not written: ' + os_text(error))

    def watch(self, now):
        """Pulsar's cancel may mark the job and miss the process; DELETE removes the folder under a
        running job."""
        job = self.job
        if job.stop or self.over:
            return
        if os.path.exists(job.root + '/cancelled') or not os.path.isdir(job.own):
            job.ask_to_stop('CANCELED')
        elif job.deadline and now > job.deadline:
            job.ask_to_stop('WALLTIME')


# --------------------------------------------------------------------------------------------------
# The file tree: fs/ mirrors the container's absolute paths
# --------------------------------------------------------------------------------------------------

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC


def parts_of(path):
    return [part for part in path.split('/') if part not in ('', '.')]


def normal(path, what):
    """An absolute container path without doubled slashes, dots or a trailing slash."""
    if not path.startswith('/') or '\0' in path or '..' in path.split('/'):
        raise Failure('BAD_PATH', '%s must be an absolute path without "..": %r' % (what, path))
    path = '/' + '/'.join(parts_of(path))
    if any(below(path, folder) for folder in KERNEL_FOLDERS):
        raise Failure('BAD_PATH', '%s lies in a folder of the kernel: %s' % (what, path))
    return path


def parent(path):
    return path.rpartition('/')[0] or '/'


class Odd(Exception):
    """Something that cannot be an output: a device, a pipe, a link that leads out."""


class Tree:
    """Opens task paths as the container would see them. A task may have planted links, so nothing
    here follows one to the host."""

    def __init__(self, root, owner, folder_mode):
        self.root = root
        self.owner = owner
        self.folder_mode = folder_mode
        os.mkdir(root, 0o700)
        self.adopt(root)
        self.fd = os.open(root, DIRECTORY_FLAGS)
        self.shown = {}  # Container path -> host path bound there instead of what lies in fs/.
        self.written = set()  # Those of them that may be written: an operator's mounts.

    def host(self, path):
        return self.root + path

    def adopt(self, target, mode=None):
        if self.owner:
            os.chown(target, *self.owner)
        if mode is not None:
            os.chmod(target, mode)

    def folder(self, path, mode=None):
        """Makes a folder and its parents; a link on the way is an error (ENOTDIR)."""
        fd, here, writable = os.dup(self.fd), '', True
        try:
            for name in parts_of(path):
                here += '/' + name
                try:
                    if here in self.shown:
                        writable = here in self.written
                        deeper = os.open(self.shown[here], DIRECTORY_FLAGS)
                    else:
                        deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                except FileNotFoundError:
                    if not writable:
                        raise OSError(errno.EROFS, 'inside a read-only mount')
                    os.mkdir(name, 0o700, dir_fd=fd)
                    deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                    self.adopt(deeper, self.folder_mode)
                os.close(fd)
                fd = deeper
            if mode is not None:
                os.chmod(fd, mode)
            return fd
        except BaseException:
            os.close(fd)
            raise

    def make_folder(self, path, mode=None):
        os.close(self.folder(path, mode))

    def create(self, path, mode):
        """Opens a file for writing, making its parents; an existing link is refused."""
        if any(below(path, shown) and shown not in self.written for shown in self.shown):
            raise OSError(errno.EROFS, 'inside a read-only mount')
        fd = self.folder(parent(path))
        try:
            flags = (
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            file = os.open(os.path.basename(path), flags, 0o600, dir_fd=fd)
        finally:
            os.close(fd)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, 'not a regular file')
        self.adopt(file, mode)
        return file

    def move_in(self, host_file, path, mode):
        """Renames a finished file of ours into the tree."""
        fd = self.folder(parent(path))
        try:
            self.adopt(host_file, mode)
            os.rename(host_file, os.path.basename(path), dst_dir_fd=fd)
        finally:
            os.close(fd)

    def find(self, path):
        """`(fd, stat, path)` of a file or folder as the container would resolve it; fd is open for
        reading."""
        todo, at, stack, links = parts_of(path), [], [os.dup(self.fd)], 0
        try:
            while todo:
                name = todo.pop(0)
                if name == '..':
                    if at:
                        at.pop()
                        os.close(stack.pop())
                    continue
                here = '/' + '/'.join(at + [name])
                bound = self.shown.get(here)
                if bound is not None:
                    fd = os.open(bound, FILE_FLAGS)
                else:
                    info = os.stat(name, dir_fd=stack[-1], follow_symlinks=False)
                    if stat.S_ISLNK(info.st_mode):
                        links += 1
                        if links > 40:
                            raise Odd('too many links')
                        target = os.readlink(name, dir_fd=stack[-1])
                        if target.startswith('/'):
                            at = []
                            while len(stack) > 1:
                                os.close(stack.pop())
                        todo = parts_of(target) + todo
                        continue
                    if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
                        raise Odd('neither a file nor a folder')
                    fd = open_readable(name, stack[-1])
                at.append(name)
                stack.append(fd)
            fd = stack.pop()
            return fd, os.fstat(fd), '/' + '/'.join(at)
        finally:
            for fd in stack:
                os.close(fd)

    def stands_firm(self, path):
        """Raises when a link was planted where something is about to be bound."""
        fd = os.dup(self.fd)
        names = parts_of(path)
        try:
            for name in names[:-1]:
                deeper = os.open(name, DIRECTORY_FLAGS, dir_fd=fd)
                os.close(fd)
                fd = deeper
            if stat.S_ISLNK(os.stat(names[-1], dir_fd=fd, follow_symlinks=False).st_mode):
                raise OSError(errno.ELOOP, 'a link')
        finally:
            os.close(fd)


def open_readable(name, folder_fd):
    """A tool may have taken its own right to read away; the owner (or root) gives it back."""
    try:
        return os.open(name, FILE_FLAGS, dir_fd=folder_fd)
    except PermissionError:
        info = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        if stat.S_ISLNK(info.st_mode):
            raise
        os.chmod(
            name,
            stat.S_IMODE(info.st_mode) | (0o700 if stat.S_ISDIR(info.st_mode) else 0o400),
            dir_fd=folder_fd,
        )
        return os.open(name, FILE_FLAGS, dir_fd=folder_fd)


def copy_fd(source, target, check):
    """Copies the rest of an open file; shares the blocks where the file system can. Returns the
    size."""
    FICLONE = 0x40049409
    try:
        fcntl.ioctl(target, FICLONE, source)
        return os.fstat(source).st_size
    except OSError:
        pass
    size = 0
    while True:
        check()
        try:
            count = os.sendfile(target, source, size, 1 << 24)
        except OSError as error:
            if size or error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            count = copy_plain(source, target)
            return count
        if not count:
            return size
        size += count


def copy_plain(source, target):
    size = 0
    while True:
        data = os.read(source, CHUNK)
        if not data:
            return size
        write_all(target, data)
        size += len(data)


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
            try:
                tree.make_folder(path, 0o1777 if path == '/tmp' else None)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise Failure(
                    'BAD_PATH', 'the folder %s cannot be made: %s' % (path, os_text(error))
                )

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
        """An input that may be written over, that is part of an output, or that has others in it,
        cannot be bound read-only."""
        others = (normal(item['path'], 'input path') for item in self.plan['inputs'])
        if any(below(other, path) and other != path for other in others):
            return True
        return any(
            below(written, path) or (is_output and below(path, written))
            for written, is_output in self.written_paths()
        )


def is_pattern(text):
    return any(c in text for c in '*?[')


def output_base(path):
    """The folder all matches of a pattern lie in; the path itself when it is none."""
    names = parts_of(path)
    for i, name in enumerate(names):
        if is_pattern(name):
            return '/' + '/'.join(names[:i])
    return path


# --------------------------------------------------------------------------------------------------
# Inputs
# --------------------------------------------------------------------------------------------------


class Guard:
    """Which addresses a URL of a client may reach. Names are resolved once and the answer is what
    gets connected."""

    def __init__(self, plan):
        import ipaddress

        self.parse = ipaddress.ip_address
        self.hosts, self.networks = set(), []
        for entry in plan['storage']['http_allow']:
            try:
                self.networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self.hosts.add(entry.lower())
        # The server's own transfer URLs of this job are part of the plan's trust, nothing else at
        # its address is.
        beacon = plan.get('beacon')
        self.own = beacon['url'].rpartition('/')[0] + '/' if beacon else None

    def address(self, url, host, port):
        """`(family, kind, proto, sockaddr)` to connect to, or a Failure."""
        try:
            found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except OSError as error:
            raise OSError(errno.EHOSTUNREACH, 'cannot resolve %s: %s' % (host, os_text(error)))
        own = self.own and url.startswith(self.own) and '..' not in url.lower().replace('%2e', '.')
        trusted = own or host in self.hosts or '%s:%d' % (host, port) in self.hosts
        for family, kind, proto, _, sockaddr in found:
            if not trusted and not self.is_public(sockaddr[0].partition('%')[0]):
                raise Failure(
                    'INPUT_REFUSED', '%s is at a private or local address' % shown_url(url)
                )
        family, kind, proto, _, sockaddr = found[0]
        return family, kind, proto, sockaddr

    def is_public(self, text):
        ip = self.parse(text)
        if any(ip in network for network in self.networks if network.version == ip.version):
            return True
        packed = ip.packed
        if ip.version == 6:  # An IPv4 address in IPv6 clothes: mapped, NAT64, 6to4.
            if ip.ipv4_mapped:
                return self.is_public(str(ip.ipv4_mapped))
            if packed[:12] == bytes.fromhex('0064ff9b') + bytes(8):
                return self.is_public(str(self.parse(packed[12:])))
            if packed[:2] == b'\x20\x02':
                return self.is_public(str(self.parse(packed[2:6])))
        elif packed[0] == 100 and packed[1] & 0xC0 == 64:
            return False
        return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class Http:
    """One kind of request with redirects, each hop checked, and retries by the caller."""

    def __init__(self, guard, stall_s):
        self.guard = guard
        self.stall_s = stall_s

    def connect(self, url):
        import http.client

        scheme, userinfo, host, port, target = split_url(url)
        if scheme not in ('http', 'https'):
            raise Failure('INPUT_REFUSED', 'redirected to another scheme: ' + shown_url(url))
        import socket as sockets

        family, kind, proto, sockaddr = self.guard.address(url, host, port)
        sock = sockets.socket(family, kind, proto)
        try:
            sock.settimeout(self.stall_s)
            sock.connect(sockaddr)
            if scheme == 'https':
                import ssl

                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(host, port, timeout=self.stall_s)
        if scheme == 'https':
            connection.default_port = 443
        connection.sock = sock
        return connection, userinfo, (scheme, host, port), target

    def open(self, method, url, headers, send=None):
        """`(connection, response)` after redirects. Userinfo becomes Basic auth for the first host
        only."""
        from urllib.parse import quote, unquote, urljoin

        authorization, first = None, None
        for _ in range(10):
            connection, userinfo, origin, target = self.connect(url)
            try:
                if first is None:
                    first = origin
                    if userinfo:
                        import base64

                        authorization = (
                            'Basic ' + base64.b64encode(unquote(userinfo).encode()).decode()
                        )
                connection.putrequest(
                    method, quote(target, safe="%/?:@!$&'()*+,;=-._~[]|"), skip_accept_encoding=True
                )
                for name, value in headers.items():
                    connection.putheader(name, value)
                if authorization and origin == first:
                    connection.putheader('Authorization', authorization)
                connection.putheader('Accept-Encoding', 'identity')
                connection.putheader('User-Agent', 'magnetar-runner')
                connection.endheaders()
                if send:
                    send(connection)
                response = connection.getresponse()
            except BaseException:
                connection.close()
                raise
            place = response.getheader('Location')
            if response.status not in (301, 302, 303, 307, 308) or not place:
                return connection, response
            connection.close()
            url = urljoin(url, place)
        raise Failure('INPUT_FAILED', 'too many redirects: ' + shown_url(url))


RETRY_STATUS = (408, 425, 429, 500, 502, 503, 504)


def with_retries(job, what, attempt, progress=lambda: 0):
    """Runs `attempt` until it answers None. A string is a reason to try again; five in a row
    without progress are the end."""
    failures, before, pause = 0, progress(), 0.25
    while True:
        job.check()
        try:
            reason = attempt()
            if reason is None:
                return
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = os_text(error)
        except Exception as error:
            if type(error).__module__.split('.')[0] not in ('http', 'ftplib', 'ssl'):
                raise
            reason = '%s %s' % (type(error).__name__, error)
        if progress() > before:
            failures, before, pause = 0, progress(), 0.25
        failures += 1
        log('%s: %s' % (what, clean_text(reason.encode('utf-8', 'replace'))))
        if failures >= 5:
            raise Failure('INPUT_FAILED', '%s: %s' % (what, reason))
        time.sleep(pause)
        pause = min(pause * 2, 8)


def fetch_http(job, http, url, part):
    """Downloads to `part`, going on where a broken transfer ended when the server can."""
    what = 'fetching ' + shown_url(url)
    with open(part, 'wb') as file:

        def attempt():
            offset = file.tell()
            headers = {'Range': 'bytes=%d-' % offset} if offset else {}
            connection, response = http.open('GET', url, headers)
            try:
                if response.status in RETRY_STATUS:
                    return 'answered %d' % response.status
                if response.status == 416 or (
                    response.status == 206
                    and not (response.getheader('Content-Range') or '').startswith(
                        'bytes %d-' % offset
                    )
                ):
                    file.seek(0)
                    file.truncate()
                    return 'the server cannot resume'
                if response.status not in (200, 206):
                    raise Failure('INPUT_FAILED', '%s: answered %d' % (what, response.status))
                if response.status == 200 and offset:
                    file.seek(0)
                    file.truncate()
                return receive(job, response, file)
            finally:
                connection.close()

        with_retries(job, what, attempt, file.tell)
        return file.tell()


def receive(job, response, file):
    wanted = response.getheader('Content-Length')
    got = 0
    while True:
        data = response.read(CHUNK)
        if not data:
            break
        file.write(data)
        got += len(data)
        job.check()
    file.flush()
    if wanted is not None and got != int(wanted):
        return 'the connection broke after %d of %s bytes' % (got, wanted)
    return None


def fetch_ftp(job, guard, url, part, stall_s):
    import ftplib
    from urllib.parse import unquote

    _, userinfo, host, port, target = split_url(url)
    user, _, password = userinfo.partition(':')
    path = unquote(target)
    if any(ord(c) < 32 for c in path + unquote(userinfo)):
        raise Failure('INPUT_REFUSED', 'control characters in ' + shown_url(url))
    what = 'fetching ' + shown_url(url)
    with open(part, 'wb') as file:

        def attempt():
            sockaddr = guard.address(url, host, port)[3]
            with ftplib.FTP(timeout=stall_s) as ftp:
                ftp.connect(sockaddr[0], port)
                ftp.login(unquote(user) or 'anonymous', unquote(password) or 'anonymous@')
                ftp.voidcmd('TYPE I')
                offset = file.tell()
                try:
                    size = ftp.size(path)
                except ftplib.error_perm:
                    size = None
                try:
                    data = ftp.transfercmd('RETR ' + path, offset or None)
                except ftplib.error_perm as error:
                    raise Failure('INPUT_FAILED', '%s: %s' % (what, error))
                with data:
                    while True:
                        piece = data.recv(CHUNK)
                        if not piece:
                            break
                        file.write(piece)
                        job.check()
                file.flush()
                ftp.voidresp()
                if size is not None and file.tell() != size:
                    return 'the connection broke after %d of %d bytes' % (file.tell(), size)
                return None

        with_retries(job, what, attempt, file.tell)
        return file.tell()


def allowed_root(real, roots):
    """The root a real path lies strictly below, or None; the roots may have links themselves."""
    for root in roots:
        root = os.path.realpath(root)
        if real != root and below(real, root):
            return root
    return None


def source_of(item, roots):
    """The real host path of a `mount` input. The literal spelling first: a file may really be
    called `a%20b`."""
    seen = None
    for spelling in item['files']:
        real = os.path.realpath(spelling)
        if (
            not spelling.startswith('/')
            or real == '/'
            or not (allowed_root(real, roots) or real in map(os.path.realpath, roots))
        ):
            seen = seen or Failure(
                'INPUT_REFUSED', '%s is not below a folder inputs may be read from' % spelling
            )
            continue
        try:
            info = os.stat(real)
        except OSError as error:
            seen = Failure('INPUT_FAILED', '%s: %s' % (spelling, os_text(error)))
            continue
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
            raise Failure('INPUT_FAILED', '%s is neither a file nor a folder' % spelling)
        return real, info
    raise seen or Failure('INPUT_FAILED', 'no file is named')


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
        real, info = source_of(item, self.plan['storage']['read'])
        is_folder = stat.S_ISDIR(info.st_mode)
        if is_folder and path in SYSTEM_FOLDERS:
            raise Failure('BAD_PATH', 'an input folder would hide %s of the image' % path)
        copy = self.layout.needs_copy(path)
        if not copy and not self.runtime.can_read(real):
            self.job.note(
                'input %d is copied: executors could not read it where it lies' % item['i']
            )
            copy = True
        if not copy:
            if is_folder:
                self.tree.make_folder(path)
            else:
                os.close(self.tree.create(path, 0o644))
            self.tree.shown[path] = real
            return 0 if is_folder else info.st_size
        if is_folder:
            return self.copy_folder(real, path, [])
        return self.copy_file(real, path)

    def copy_file(self, real, path):
        source = os.open(real, FILE_FLAGS)
        try:
            target = self.tree.create(path, 0o755 if os.fstat(source).st_mode & 0o111 else 0o644)
            try:
                return copy_fd(source, target, self.job.check)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def copy_folder(self, real, path, above):
        """Links inside are followed as long as they stay below a readable root."""
        info = os.stat(real)
        if (info.st_dev, info.st_ino) in above:
            return 0
        self.tree.make_folder(path)
        size = 0
        for name in sorted(os.listdir(real)):
            entry, target = os.path.realpath(real + '/' + name), path + '/' + name
            if not allowed_root(entry, self.plan['storage']['read']) or not os.path.exists(entry):
                self.job.note('left out of the input: %s leads elsewhere' % target)
            elif os.path.isdir(entry):
                size += self.copy_folder(entry, target, above + [(info.st_dev, info.st_ino)])
            elif os.path.isfile(entry):
                size += self.copy_file(entry, target)
        return size

    def direct(self, item, path):
        url = item['url']
        scheme = url.partition('://')[0].lower()
        if scheme not in ('http', 'https', 'ftp'):
            raise Failure('INPUT_REFUSED', 'this kind of URL is not fetched: ' + shown_url(url))
        if item['type'] == 'DIRECTORY':
            raise Failure('INPUT_FAILED', 'a folder cannot be fetched from ' + shown_url(url))
        self.guard = self.guard or Guard(self.plan)
        part = '%s/part-%d' % (self.job.own, item['i'])
        stall_s = self.plan['limits']['stall_s']
        if scheme == 'ftp':
            size = fetch_ftp(self.job, self.guard, url, part, stall_s)
        else:
            size = fetch_http(self.job, Http(self.guard, stall_s), url, part)
        self.tree.move_in(part, path, 0o644)
        return size


# --------------------------------------------------------------------------------------------------
# Processes and streams
# --------------------------------------------------------------------------------------------------


def spawn(argv, env, stdin, stdout, stderr, keep=(), prepare=None):
    """fork and exec by hand: `subprocess` costs 15 ms to import. Every other fd of ours closes on
    exec."""
    try:
        argv = [os.fsencode(part) for part in argv]
        env = {os.fsencode(key): os.fsencode(value) for key, value in env.items()}
    except (UnicodeError, ValueError) as error:
        raise Failure('BAD_COMMAND', str(error))
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.umask(0o022)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            for number, fd in enumerate((stdin, stdout, stderr)):
                os.dup2(fd, number)
            for fd in keep:
                os.set_inheritable(fd, True)
            if prepare:
                prepare()
            os.execvpe(argv[0], argv, env)
        except OSError as error:
            os.write(tell, str(error.errno).encode())
        except BaseException as error:
            os.write(2, repr(error).encode())
            os.write(tell, b'0')
        os._exit(127)
    os.close(tell)
    trouble = os.read(told, 16)
    os.close(told)
    if trouble:
        os.waitpid(pid, 0)
        number = int(trouble)
        raise OSError(number, os.strerror(number) if number else 'cannot start the program')
    return pid


def exit_code(status):
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def run_cli(argv, env, timeout, enough=None):
    """`(code, stdout bytes, stderr)` of a short command of a runtime; code 124 after the time
    limit, or `enough` bytes."""
    null = os.open('/dev/null', os.O_RDWR | os.O_CLOEXEC)
    out_in, out_out = os.pipe()
    err_in, err_out = os.pipe()
    try:
        pid = spawn(argv, env, null, out_out, err_out)
    except BaseException:
        os.close(out_in)
        os.close(err_in)
        raise
    finally:
        for fd in (null, out_out, err_out):
            os.close(fd)
    texts, until = {out_in: b'', err_in: b''}, time.monotonic() + timeout
    try:
        waiting = [out_in, err_in]
        while (
            waiting and time.monotonic() < until and not (enough and len(texts[out_in]) >= enough)
        ):
            for fd in select.select(waiting, [], [], 0.2)[0]:
                piece = os.read(fd, 65536)
                if not piece:
                    waiting.remove(fd)
                elif len(texts[fd]) < 1 << 20:
                    texts[fd] += piece
        late = bool(waiting)
        if late:
            os.kill(pid, signal.SIGKILL)
        code = exit_code(os.waitpid(pid, 0)[1])
        return (124 if late else code), texts[out_in], clean_text(texts[err_in])
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        os.close(out_in)
        os.close(err_in)


class Pump:
    """Takes one stream of an executor: all of it to its TES file, the head to a capped log, the end
    into memory.

    It goes on reading whatever happens to the files, so a full disk never blocks the tool.
    """

    def __init__(self, log_path, log_bytes, tail_bytes, redirect):
        self.fd, self.writer = os.pipe()
        os.set_blocking(self.fd, False)
        try:
            fcntl.fcntl(self.fd, 1031, 1 << 20)  # F_SETPIPE_SZ: fewer wake-ups for talkative tools.
        except OSError:
            pass
        self.log_fd = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self.log_left = log_bytes
        self.tail_bytes = tail_bytes
        self.redirect = redirect
        self.end = b''
        self.total = 0
        self.error = None

    def take(self):
        """Reads once; False at the end of the stream."""
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.total += len(data)
        if len(data) >= self.tail_bytes:
            self.end = data[len(data) - self.tail_bytes :]
        else:
            self.end = (self.end + data)[-self.tail_bytes :]
        if self.redirect is not None and self.error is None:
            try:
                write_all(self.redirect, data)
            except OSError as error:
                self.error = error
        if self.log_left:
            kept = data[: self.log_left]
            self.log_left -= len(kept)
            try:
                write_all(self.log_fd, kept)
            except OSError as error:
                log('log file: ' + os_text(error))
                self.log_left = 0
        return True

    def drain(self):
        """What is in the pipe now; a background process of the tool may hold its other end for
        ever."""
        for _ in range(64):
            if not select.select([self.fd], [], [], 0)[0] or not self.take():
                return

    def tail(self):
        data, total = self.end, self.total
        if total <= len(data):
            return clean_text(data)
        start = 0
        while start < 3 and start < len(data) and data[start] & 0xC0 == 0x80:
            start += 1
        return '[the last %d of %d bytes]\n%s' % (
            len(data) - start,
            total,
            clean_text(data[start:]),
        )

    def start_closed(self):
        os.close(self.writer)

    def close(self):
        for fd in (self.fd, self.log_fd):
            os.close(fd)


# --------------------------------------------------------------------------------------------------
# Runtimes. Rendering a command line is a pure function of a Spec; the classes below start, signal
# and judge.
# --------------------------------------------------------------------------------------------------


class Spec:
    """One container, as every runtime understands it."""

    def __init__(self, **fields):
        self.name = self.job = self.server = self.lock = self.image = ''
        self.command, self.env, self.workdir, self.user = [], {}, None, None
        self.network, self.stdin = 'default', False
        self.cpus = self.ram_bytes = None
        self.pids = 4096
        self.binds = []  # (host, path, writable), outer before inner.
        self.root = []  # bubblewrap: how the root file system is put together.
        self.cidfile = None
        self.node = ''
        self.keep_id = False  # podman without root: be the same uid inside.
        self.__dict__.update(fields)


DENIED_NAMES = (
    'LD_',
    'DOCKER_',
    'CONTAINER',
    'PODMAN_',
    'XDG_',
    'REGISTRY_',
    'GO',
    'SSL_',
    'TES_',
    'APPTAINER',
    'SINGULARITY',
)
DENIED_EXACT = frozenset(
    'PATH HOME USER TMPDIR BUILDAH_ISOLATION HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY'.split()
)
IMAGE_LETTERS = frozenset('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:@+-')


def is_identifier(name):
    return name.isidentifier() and all(ord(c) < 128 for c in name)


def safe_in_cli(name):
    """Whether a variable of the task may stand in the environment of a runtime's own tool."""
    return (
        is_identifier(name)
        and name.upper() not in DENIED_EXACT
        and not name.upper().startswith(DENIED_NAMES)
    )


def csv_field(text):
    return '"%s"' % text.replace('"', '""') if any(c in text for c in ',"\n\r') else text


def check_image(image):
    if not image or len(image) > 512 or not image[0].isalnum() or not set(image) <= IMAGE_LETTERS:
        raise Failure('IMAGE_BAD', 'not an image name: %r' % image[:100])


def labels(spec):
    """By these a later runner finds what a dead one left, and the server what belongs to a job."""
    words = []
    for key in ('job', 'server', 'node', 'lock'):
        words += ['--label', 'tes.%s=%s' % (key, getattr(spec, key))]
    return words


def engine_argv(cli, spec):
    """`docker run` or `podman run`. No `--rm`: the exit code is asked for afterwards."""
    argv = [cli, 'run', '--name', spec.name] + labels(spec)
    argv += ['--init', '--log-driver', 'none', '--pull', 'never']
    if spec.cidfile:
        argv += ['--cidfile', spec.cidfile]
    if spec.network != 'default':
        argv += ['--network', spec.network]
    argv += ['--security-opt', 'no-new-privileges', '--pids-limit', str(spec.pids)]
    for capability in ('NET_RAW', 'MKNOD', 'AUDIT_WRITE', 'SYS_CHROOT'):
        argv += ['--cap-drop', capability]
    if spec.keep_id:
        argv += ['--userns', 'keep-id']
    if spec.user:
        argv += ['--user', '%d:%d' % spec.user]
    if spec.ram_bytes:
        argv += ['--memory', str(spec.ram_bytes), '--memory-swap', str(spec.ram_bytes)]
    if spec.cpus:
        argv += ['--cpus', '%g' % spec.cpus]
    if spec.workdir:
        argv += ['--workdir', spec.workdir]
    if spec.stdin:
        argv.append('-i')
    for host, path, writable in spec.binds:
        fields = ['type=bind', 'source=' + host, 'target=' + path] + (
            [] if writable else ['readonly']
        )
        argv += ['--mount', ','.join(csv_field(field) for field in fields)]
    for name in sorted(spec.env):
        argv += ['--env', name if safe_in_cli(name) else '%s=%s' % (name, spec.env[name])]
    return argv + ['--entrypoint', spec.command[0], spec.image] + list(spec.command[1:])


def engine_env(spec):
    """The part of the task's environment that `--env NAME` copies from the tool's own: `ps` shows
    no values."""
    return {name: value for name, value in spec.env.items() if safe_in_cli(name)}


def apptainer_image(image):
    """A name without a scheme means Docker Hub's world; files, folders and other libraries are left
    as they are."""
    if image.startswith('/') or '://' in image:
        return image
    return 'docker://' + image


def apptainer_argv(cli, spec):
    argv = [
        cli,
        '--silent',
        'exec',
        '--userns',
        '--containall',
        '--no-home',
        '--no-eval',
        '--writable-tmpfs',
    ]
    if spec.network == 'none':
        argv += ['--net', '--network', 'none']
    if spec.workdir:
        argv += ['--pwd', spec.workdir]
    for host, path, writable in spec.binds:
        fields = ['type=bind', 'source=' + host, 'destination=' + path] + (
            [] if writable else ['ro']
        )
        argv += ['--mount', ','.join(csv_field(field) for field in fields)]
    return argv + [apptainer_image(spec.image)] + list(spec.command)


def apptainer_env(spec):
    """`--env` splits at commas; without `--no-eval` values would even be run as shell."""
    return {
        'APPTAINERENV_' + name: value for name, value in spec.env.items() if is_identifier(name)
    }


def bubblewrap_options(spec, status_fd):
    """Everything but the command; read by bwrap from an fd, so neither `ps` nor a length limit
    matters."""
    options = ['--unshare-all'] + ([] if spec.network == 'none' else ['--share-net'])
    options += [
        '--die-with-parent',
        '--new-session',
        '--json-status-fd',
        str(status_fd),
        '--clearenv',
        '--tmpfs',
        '/',
    ]
    for entry in spec.root:
        options += entry
    options += ['--proc', '/proc', '--dev', '/dev']
    for host, path, writable in spec.binds:
        options += ['--bind' if writable else '--ro-bind', host, path]
    options += ['--remount-ro', '/']
    for name in sorted(spec.env):
        options += ['--setenv', name, spec.env[name]]
    return options + ['--chdir', spec.workdir or '/tmp']


HOST_FOLDERS = ('bin', 'lib', 'lib32', 'lib64', 'libx32', 'opt', 'sbin', 'usr')
HOST_ETC = (
    'alternatives',
    'ca-certificates',
    'ca-certificates.conf',
    'crypto-policies',
    'fonts',
    'group',
    'java',
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'localtime',
    'mime.types',
    'nsswitch.conf',
    'passwd',
    'perl',
    'pki',
    'protocols',
    'python3',
    'R',
    'services',
    'shells',
    'ssl',
    'terminfo',
    'timezone',
)
HOST_ETC_NET = ('gai.conf', 'host.conf', 'hosts', 'resolv.conf')
DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def root_entries(root, path, names, targets):
    """bwrap options that show `root`/`path` at `path`, with room to mount each of `targets`
    although it is read-only."""
    inner = [target for target in targets if target != path and below(target, path)]
    host = root.rstrip('/') + path
    if path != '/':
        if os.path.islink(host) and not inner:
            return [['--symlink', os.readlink(host), path]]
        if (
            not os.path.isdir(host)
            or all(os.path.lexists(root.rstrip('/') + target) for target in inner)
            and not names
        ):
            return [['--ro-bind', host, path]]
    entries = [] if path == '/' else [['--dir', path]]
    for name in names or sorted(os.listdir(host)):
        child = path.rstrip('/') + '/' + name
        if (
            child in KERNEL_FOLDERS
            or child in targets
            or not os.path.lexists(host.rstrip('/') + '/' + name)
        ):
            continue
        entries += root_entries(root, child, None, inner)
    return entries


class Container:
    """A started executor, whatever runs it."""

    def __init__(self, spec):
        self.spec = spec
        self.pid = None
        self.started = False
        self.status_fd = None
        self.status = ''
        self.oom = False
        self.next_look, self.pause = 0.0, 0.1
        self.kills = 0
        self.cgroup = None
        self.told = False  # The server knows that it runs.

    def field(self, name):
        """A number from bwrap's JSON lines."""
        at = self.status.rfind('"%s":' % name)
        if at < 0:
            return None
        digits = ''.join(
            c for c in self.status[at + len(name) + 3 :].lstrip()[:12] if c.isdigit() or c == ' '
        ).split()
        return int(digits[0]) if digits else None


class Runtime:
    """What the rest of the runner asks of a runtime; the defaults suit a process-like one."""

    owner = None
    folder_mode = 0o755

    def __init__(self, job):
        self.job = job
        self.plan = job.plan

    def bury(self, names):
        """Ends what a SIGKILL of the runner leaves alive: nothing, where the kernel ends containers with
        the runner."""

    def image(self, name):
        images = self.plan['runtime']['images']
        return images.get(name, images.get('*', name))

    def identity(self):
        """What a container is labelled with."""
        return {
            'job': self.plan['job'],
            'server': self.plan['server'],
            'node': os.uname()[1],
            'lock': self.job.own + '/lock',
        }

    def can_read(self, _path):
        return True

    def limits(self):
        """Not every runtime can enforce all; docs/runner.md says which."""
        limits = self.plan['limits']
        cpus = limits.get('cpus')
        host_cpus = os.cpu_count() or 1
        return {
            'cpus': min(cpus, host_cpus) if cpus else None,
            'ram_bytes': limits.get('ram_bytes'),
            'pids': limits['pids'],
        }

    def look(self, container):
        """Notices that the container really runs."""

    def tidy(self):
        """Removes what executors left in the runtime; after the report, because it may take a
        while."""


class Cgroup:
    """Memory and cpu limits for a runtime without its own, where the runner may make control
    groups: as root, mostly.

    Joining one costs the kernel 6 ms, so it is made only for limits that were asked for.
    """

    HOME = '/sys/fs/cgroup'
    # Limit -> controller, and per cgroup version the files to write in order; the last may be
    # missing (swap accounting).
    MEMORY = (
        'memory',
        (('memory.max', '%d'), ('memory.swap.max', '0')),
        (('memory.limit_in_bytes', '%d'), ('memory.memsw.limit_in_bytes', '%d')),
    )
    CPU = (
        'cpu',
        (('cpu.max', '%d 100000'),),
        (('cpu.cfs_period_us', '100000'), ('cpu.cfs_quota_us', '%d')),
    )

    def __init__(self, name, ram_bytes, cpus):
        self.unified = os.path.exists(self.HOME + '/cgroup.controllers')
        self.folders, self.missing = [], []
        for value, row in ((ram_bytes, self.MEMORY), (cpus and int(cpus * 100000), self.CPU)):
            if not value:
                continue
            try:
                self.limit(name, value, *row)
            except OSError as error:
                log('cgroup: %s: %s' % (row[0], os_text(error)))
                self.missing.append(row[0])

    def limit(self, name, value, controller, unified_files, legacy_files):
        home = self.HOME + ('/magnetar' if self.unified else '/%s/magnetar' % controller)
        os.makedirs(home, exist_ok=True)
        if self.unified:
            for folder in (self.HOME, home):
                self.write(folder + '/cgroup.subtree_control', '+' + controller)
        folder = home + '/' + name
        os.makedirs(folder, exist_ok=True)
        if folder not in self.folders:
            self.folders.append(folder)
        for number, (file, form) in enumerate(unified_files if self.unified else legacy_files):
            if controller == 'memory' and number and not os.path.exists(folder + '/' + file):
                continue
            self.write(folder + '/' + file, form % value if '%d' in form else form)

    @staticmethod
    def write(path, text):
        with open(path, 'w') as file:
            file.write(text)

    def join(self):
        for folder in self.folders:
            self.write(folder + '/cgroup.procs', '0')

    def was_oom(self):
        for folder in self.folders:
            for name in ('memory.events', 'memory.oom_control'):
                try:
                    with open(folder + '/' + name) as file:
                        if any(
                            line.startswith('oom_kill ') and int(line.split()[1]) for line in file
                        ):
                            return True
                except OSError:
                    pass
        return False

    def remove(self):
        for folder in self.folders:
            try:
                os.rmdir(folder)
            except OSError as error:
                log('cgroup not removed: ' + os_text(error))


class Bubblewrap(Runtime):
    """The host's own tools, or a root folder, in fresh namespaces. Memory and cpu limits only where
    it may make cgroups."""

    def __init__(self, job):
        super().__init__(job)
        if os.geteuid() == 0:
            import resource

            self.resource = resource  # Here, because nothing should be imported after a fork.
            self.owner = (SANDBOX_UID, SANDBOX_UID)
            job.host['sandbox_uid'] = str(SANDBOX_UID)
        self.noted = False
        self.cgroups = []
        self.program = self.wall = self.libc = None

    def probe(self):
        self.program = find_program('bwrap')
        if self.program is None:
            raise Failure('RUNTIME_MISSING', 'bwrap (bubblewrap) is not installed on this host')
        if self.plan['runtime']['network'] not in ('default', 'host', 'none'):
            raise Failure('RUNTIME_MISSING', 'bubblewrap knows the networks default and none only')
        if self.owner:
            os.chmod(self.job.own, 0o711)
            self.wall = closed_folder(self.job.own, SANDBOX_UID)
            if self.wall:
                import ctypes

                self.libc = ctypes.CDLL(None, use_errno=True)

    def can_read(self, path):
        return self.owner is None or readable_by_other(path, SANDBOX_UID)

    def image(self, name):
        root = super().image(name)
        if root.startswith('/'):
            if not os.path.isdir(root):
                raise Failure(
                    'IMAGE_MISSING', 'the root folder of image %r is not there' % name[:100]
                )
            if self.owner and not readable_by_other(root, SANDBOX_UID, deep=False):
                raise Failure(
                    'IMAGE_BAD',
                    'uid %d cannot read the root folder of image %r' % (SANDBOX_UID, name[:100]),
                )
            return os.path.realpath(root)
        if not self.noted:
            self.noted = True
            self.job.note('ran without an image: bubblewrap with the tools of the host')
        return '/'

    def has_folder(self, image, path):
        names = parts_of(path)
        if image == '/' and names and names[0] not in HOST_FOLDERS:
            return False
        return os.path.isdir(image.rstrip('/') + path)

    def complete(self, spec):
        """The parts of a Spec that depend on this host."""
        targets = [path for _, path, _ in spec.binds] + list(KERNEL_FOLDERS)
        if spec.image == '/':
            for name in HOST_FOLDERS:
                if os.path.lexists('/' + name):
                    spec.root += root_entries('/', '/' + name, None, targets)
            spec.root += root_entries(
                '/', '/etc', HOST_ETC + (() if spec.network == 'none' else HOST_ETC_NET), targets
            )
        else:
            spec.root += root_entries(spec.image, '/', None, targets)
            if (
                spec.network != 'none'
                and os.path.exists('/etc/resolv.conf')
                and '/etc/resolv.conf' not in targets
            ):
                spec.root += [['--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf']]
        spec.env.setdefault('PATH', DEFAULT_PATH)
        spec.env.setdefault('HOME', '/tmp')
        return spec

    def start(self, container, stdin, stdout, stderr):
        spec = self.complete(container.spec)
        container.cgroup = self.limit(spec)
        container.status_fd, writer = os.pipe()
        os.set_blocking(container.status_fd, False)
        options = os.open(
            self.job.own + '/bwrap', os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        try:
            os.unlink(self.job.own + '/bwrap')
            write_all(
                options,
                b''.join(os.fsencode(part) + b'\0' for part in bubblewrap_options(spec, writer)),
            )
            os.lseek(options, 0, os.SEEK_SET)
            argv = [self.program, '--args', str(options), '--'] + list(spec.command)
            # PID 1 of the sandbox keeps bwrap's own environment where the tool can read it: give it
            # none.
            container.pid = spawn(
                argv,
                {'PATH': DEFAULT_PATH},
                stdin,
                stdout,
                stderr,
                (options, writer),
                lambda: self.drop(container.cgroup, spec.pids),
            )
        finally:
            os.close(options)
            os.close(writer)

    def limit(self, spec):
        cgroup = Cgroup(spec.name, spec.ram_bytes, spec.cpus) if self.owner else None
        missing = (
            cgroup.missing
            if cgroup
            else [name for name, value in (('memory', spec.ram_bytes), ('cpu', spec.cpus)) if value]
        )
        if missing and not self.cgroups:
            self.job.note('not limited by this runtime on this host: ' + ', '.join(missing))
        self.cgroups.append(cgroup)
        return cgroup

    def tidy(self):
        for cgroup in self.cgroups:
            if cgroup:
                cgroup.remove()

    def drop(self, cgroup, pids):
        """In the child: become nobody for good."""
        if cgroup:
            cgroup.join()
        if self.wall:
            self.open_way()
        if self.owner:
            self.resource.setrlimit(self.resource.RLIMIT_NPROC, (pids, pids))
            os.setgroups([])
            os.setgid(self.owner[1])
            os.setuid(self.owner[0])

    def open_way(self):
        """Makes a way to fs/ where it lies behind a folder that only root may enter (say /root).

        In a mount namespace of its own, bwrap finds an empty folder in its place with nothing but
        the way to fs/. Its --bind-fd would not do: it resolves names just the same.
        """
        fs = self.job.own + '/fs'
        NEWNS, BIND, PRIVATE = 0x20000, 4096, 0x44000
        self.libc_call('unshare', NEWNS)
        fd = os.open(
            fs, DIRECTORY_FLAGS
        )  # Now, because a folder opened outside cannot be bound in here.
        self.libc_call('mount', b'none', b'/', None, PRIVATE, None)
        self.libc_call('mount', b'tmpfs', os.fsencode(self.wall), b'tmpfs', 0, b'mode=755,size=1m')
        os.makedirs(fs, 0o755)
        self.libc_call('mount', b'/proc/self/fd/%d' % fd, os.fsencode(fs), None, BIND, None)

    def libc_call(self, name, *words):
        import ctypes

        if getattr(self.libc, name)(*words):
            raise OSError(ctypes.get_errno(), '%s failed on the way to %s' % (name, self.wall))

    def look(self, container):
        while True:
            try:
                piece = os.read(container.status_fd, 4096)
            except BlockingIOError:
                break
            if not piece:
                break
            container.status += piece.decode()
        if container.field('child-pid'):
            container.started = True

    def signal(self, container, name):
        """TERM goes to the tool itself, KILL to the sandbox's PID 1 and so to all in it.

        bwrap is never killed while its child is unknown and may still wait for it: an orphan that
        waits for ever would be left. False when nobody was there to be told yet.
        """
        child = container.field('child-pid')
        try:
            if name == 'KILL':
                for pid in [child] if child else children_of(container.pid) + [container.pid]:
                    os.kill(pid, signal.SIGKILL)
                return True
            tools = children_of(child) if child else []
            for pid in tools:
                os.kill(pid, signal.SIGTERM)
            return bool(tools)
        except OSError:
            return True  # Gone already.

    @staticmethod
    def wait_until_empty(pid):
        """What a tool left in the background dies with the sandbox's PID 1, a moment after bwrap.

        Outputs are taken and redirects opened only when nobody is left to plant links.
        """
        until = time.monotonic() + 5
        while pid and time.monotonic() < until:
            try:
                with open('/proc/%d/stat' % pid) as file:
                    if file.read().rpartition(')')[2].split()[0] in 'ZX':
                        return
            except OSError:
                return
            time.sleep(0.0005)

    def verdict(self, container, status, error_tail):
        self.look(container)
        os.close(container.status_fd)
        self.wait_until_empty(container.field('child-pid'))
        container.oom = bool(container.cgroup and container.cgroup.was_oom())
        code = container.field('exit-code')
        if code is not None:
            return code
        if self.job.stop:
            return exit_code(status)
        text = last_line(error_tail)
        if text.startswith('bwrap: execvp'):
            if 'Argument list too long' in text:
                raise Failure('BAD_COMMAND', 'command and environment are too long')
            return 126 if 'Permission denied' in text else 127
        down = any(
            word in text
            for word in ('namespace', 'not permitted', 'uid map', 'pivot_root', 'Creating new')
        )
        raise Failure(
            'RUNTIME_DOWN' if down else 'CONTAINER_FAILED',
            'bubblewrap could not start: ' + text[:500],
        )


def children_of(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


def find_program(name):
    for folder in os.environ.get('PATH', DEFAULT_PATH).split(':'):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


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
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            info = os.lstat(folder + '/' + name)
            if not stat.S_ISLNK(info.st_mode) and not (
                may(info, uid, 4) and (stat.S_ISREG(info.st_mode) or may(info, uid, 1))
            ):
                return False
    return True


OPERATOR_NAMES = (
    'DOCKER_',
    'CONTAINER',
    'PODMAN_',
    'XDG_',
    'REGISTRY_',
    'APPTAINER_',
    'SINGULARITY_',
    'LC_',
)
OPERATOR_EXACT = frozenset(
    'PATH HOME USER LOGNAME TMPDIR LANG SSL_CERT_FILE SSL_CERT_DIR BUILDAH_ISOLATION'.split()
)


def operator_env():
    """What a runtime's command line tool may know: the operator's settings for it, nothing of a
    task, nothing of Pulsar."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in OPERATOR_EXACT
        or name.startswith(OPERATOR_NAMES)
        or name.lower().endswith('_proxy')
    }


class Engine(Runtime):
    """docker and podman: the same words, with podman's differences where they matter."""

    cli = ''

    def __init__(self, job):
        super().__init__(job)
        self.env = operator_env()
        self.names = []
        self.images = {}
        root = os.geteuid() == 0
        self.user = None if root else (os.geteuid(), os.getegid())
        # Root's containers may run as any user of the image; nobody else gets as far as these
        # folders.
        self.folder_mode = 0o777 if root else 0o755

    def call(self, *words, timeout=20, enough=None):
        return run_cli((self.cli,) + words, self.env, timeout, enough)

    def probe(self):
        """Whether the engine answers; the same question finds containers of runners that died."""
        if find_program(self.cli) is None:
            raise Failure('RUNTIME_MISSING', self.cli + ' is not installed on this host')
        code, out, err = self.call(
            'ps',
            '-a',
            '--filter',
            'label=tes.server=' + self.plan['server'],
            '--filter',
            'label=tes.node=' + os.uname()[1],
            '--format',
            '{{.Names}}',
        )
        if code:
            raise Failure('RUNTIME_DOWN', '%s does not answer: %s' % (self.cli, last_line(err)))
        self.sweep(out.decode('utf-8', 'replace').split())

    def bury(self, names):
        for _ in range(3 if names else 0):  # A container may still be on its way into existence.
            code, _, err = self.call('rm', '-f', '-v', *names)
            log('watchdog: rm answered %d %s' % (code, err.strip()))
            time.sleep(1)

    def sweep(self, names):
        stale = [name for name in names if name.startswith(self.plan['job'] + '-')]
        others = [name for name in names if name not in stale]
        if others:
            out = self.call(
                'inspect',
                '--type',
                'container',
                '--format',
                '{{.Name}} {{index .Config.Labels "tes.lock"}}',
                *others,
            )[1]
            for line in out.decode('utf-8', 'replace').splitlines():
                name, _, lock = line.lstrip('/').partition(' ')
                if lock and is_free(lock):
                    stale.append(name)
        if stale:
            log('removing containers of runners that are gone: ' + ' '.join(stale))
            self.call('rm', '-f', '-v', *stale)

    def image(self, name):
        mapped = super().image(name)
        check_image(mapped)
        if mapped not in self.images:
            self.images[mapped] = True
            policy = self.plan['runtime']['pull']
            if (
                policy == 'always'
                or self.call('image', 'inspect', '--format', '{{.Id}}', mapped)[0]
            ):
                self.pull(mapped, policy)
        return mapped

    def pull(self, image, policy):
        if policy == 'never':
            raise Failure(
                'IMAGE_MISSING', 'image %s is not on this host and pulling is switched off' % image
            )
        began = time.monotonic()
        code, _, err = self.call('pull', '--quiet', image, timeout=1800)
        if code:
            bad = 'invalid reference' in err
            raise Failure(
                'IMAGE_BAD' if bad else 'IMAGE_MISSING', 'image %s: %s' % (image, last_line(err))
            )
        self.job.note('pulled %s in %.1f s' % (image, time.monotonic() - began))

    def has_folder(self, image, path):
        """Asks a container that is never started: binding a folder over one of the image would hide
        its content."""
        if path == '/':
            return True
        name = self.plan['job'] + '-look'
        marks = labels(Spec(**self.identity()))
        if self.call('create', '--name', name, *marks, '--entrypoint', '/', image)[0]:
            return False
        try:
            code, out, _ = self.call('cp', '%s:%s' % (name, path), '-', enough=512)
            return len(out) > 156 and out[156:157] == b'5'  # A tar header of a folder.
        finally:
            self.call('rm', '-f', name)

    def start(self, container, stdin, stdout, stderr):
        spec = container.spec
        spec.user = self.user
        spec.keep_id = self.cli == 'podman' and self.user is not None
        if self.user:
            spec.env.setdefault('HOME', '/tmp')
        self.names.append(spec.name)
        self.job.watchdog.tell(spec.name)
        env = dict(self.env, **engine_env(spec))
        container.pid = spawn(engine_argv(self.cli, spec), env, stdin, stdout, stderr)

    def state(self, container):
        code, out, _ = self.call(
            'inspect', '--type', 'container', '--format', '{{json .State}}', container.spec.name
        )
        try:
            state = loads(out.decode()) if code == 0 else {}
        except (ValueError, StopIteration):
            state = {}
        container.started = not state.get('StartedAt', '0001').startswith('0001')
        return state

    def look(self, container):
        now = time.monotonic()
        if now >= container.next_look and os.path.exists(container.spec.cidfile):
            container.next_look = now + container.pause
            container.pause = min(container.pause * 2, 2)
            self.state(container)

    def signal(self, container, name):
        heard = self.call('kill', '--signal', name, container.spec.name)[0] == 0
        if name == 'KILL':
            container.kills += 1
            # An engine that hangs: without its tool the verdict is asked from `inspect`.
            if container.kills > 10:
                os.kill(container.pid, signal.SIGKILL)
        return heard

    def verdict(self, container, status, error_tail):
        state = self.state(container)
        if state.get('Running'):
            self.call('kill', '--signal', 'KILL', container.spec.name)
            if not self.job.stop:
                raise Failure(
                    'CONTAINER_FAILED', 'the %s command ended while its container ran' % self.cli
                )
            return 137
        code = exit_code(status)
        if container.started:
            container.oom = bool(state.get('OOMKilled'))
            code = state.get('ExitCode', code)
            if self.cli == 'podman' and code == 1 and 'failed to exec pid1' in error_tail:
                return 126 if 'ermission denied' in error_tail else 127
            return code
        if code in (126, 127) or self.job.stop:
            return code
        if 'rgument list too long' in error_tail:
            raise Failure('BAD_COMMAND', 'command and environment are too long')
        raise Failure(
            'CONTAINER_FAILED',
            '%s could not start the container: %s' % (self.cli, last_line(error_tail)),
        )

    def tidy(self):
        if self.names:
            self.call('rm', '-f', '-v', *self.names, timeout=60)


class Docker(Engine):
    name = cli = 'docker'


class Podman(Engine):
    name = cli = 'podman'


class Apptainer(Runtime):
    """Rootless and without a daemon. No memory or cpu limits, and its exit code 255 has to be read
    from its words."""

    def __init__(self, job):
        super().__init__(job)
        self.cli = next((name for name in ('apptainer', 'singularity') if find_program(name)), None)

    def probe(self):
        if self.cli is None:
            raise Failure('RUNTIME_MISSING', 'apptainer is not installed on this host')

    def image(self, name):
        image = super().image(name)
        if image.startswith('/'):
            if not os.path.exists(image):
                raise Failure('IMAGE_MISSING', 'there is no image at %s' % image)
        else:
            check_image(image)
        return image

    def has_folder(self, image, path):
        return path == '/' or (os.path.isdir(image) and os.path.isdir(image + path))

    def start(self, container, stdin, stdout, stderr):
        spec = container.spec
        dropped = [name for name in spec.env if not is_identifier(name)]
        if dropped:
            self.job.note('apptainer cannot pass these variables: ' + ', '.join(sorted(dropped)))
        container.pid = spawn(
            apptainer_argv(self.cli, spec),
            dict(operator_env(), **apptainer_env(spec)),
            stdin,
            stdout,
            stderr,
        )
        container.started = True

    def signal(self, container, name):
        os.kill(container.pid, signal.SIGKILL if name == 'KILL' else signal.SIGTERM)
        return True

    def verdict(self, container, status, error_tail):
        code = exit_code(status)
        last = last_line(error_tail)
        if code != 255 or 'FATAL:' not in last or self.job.stop:
            return code
        if 'executable file not found' in last or 'no such file' in last:
            return 127
        if 'permission denied' in last:
            return 126
        raise Failure('CONTAINER_FAILED', 'apptainer could not start the container: ' + last)


def last_line(text):
    """What a command line tool says went wrong, without docker's closing advice."""
    lines = [
        line for line in text.splitlines() if line.strip() and not line.startswith(('See ', 'Run '))
    ]
    return lines[-1][:500] if lines else 'no message'


def is_free(lock):
    """Whether no runner holds this lock any more."""
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


class Watchdog:
    """A process that outlives a SIGKILL of the whole job: when the runner is gone without a word, it
    ends what still lives and leaves a mark, which is the proof that nothing of the job runs."""

    def __init__(self, job, runtime):
        ear, self.pipe = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                if os.fork() == 0:
                    self.guard(ear, runtime, job.shared + '/killed')
            finally:
                os._exit(0)
        os.close(ear)
        os.waitpid(pid, 0)

    def tell(self, name):
        os.write(self.pipe, name.encode() + b'\n')

    def dismiss(self):
        os.write(self.pipe, b'done\n')
        os.close(self.pipe)

    @staticmethod
    def guard(ear, runtime, mark):
        """Not in the job's process tree nor session, and with none of its files open but the log: a
        lock dies with the runner."""
        os.chdir('/')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for name in os.listdir('/proc/self/fd'):
            if int(name) not in (0, 1, 2, ear):
                try:
                    os.close(int(name))
                except OSError:
                    pass
        heard = b''
        while True:
            piece = os.read(ear, 4096)
            if not piece:
                break
            heard += piece
        names = heard.decode().split('\n')[:-1]
        if names and names[-1] == 'done':
            return
        log('watchdog: the runner is gone')
        runtime.bury(names)
        try:
            write_file(mark, utc() + '\n')
        except OSError:
            pass  # The job's folder is gone as well.


RUNTIMES = {'docker': Docker, 'podman': Podman, 'apptainer': Apptainer, 'bubblewrap': Bubblewrap}
AUTO = ('podman', 'docker', 'apptainer', 'bubblewrap')


def choose_runtime(job):
    kind = job.plan['runtime']['kind']
    refused = []
    for name in AUTO if kind == 'auto' else (kind,):
        runtime = RUNTIMES[name](job)
        try:
            runtime.probe()
            job.host['runtime'] = name
            return runtime
        except Failure as failure:
            if kind != 'auto':
                raise
            refused.append('%s: %s' % (name, failure))
    raise Failure(
        'RUNTIME_MISSING', 'no container runtime answers on this host (%s)' % '; '.join(refused)
    )


# --------------------------------------------------------------------------------------------------
# Executors
# --------------------------------------------------------------------------------------------------


class Executors:
    """Runs the commands one after another."""

    def __init__(self, job, tree, layout, runtime):
        self.job, self.tree, self.layout, self.runtime = job, tree, layout, runtime
        self.plan = job.plan
        self.wake_in, self.wake_out = os.pipe()
        for fd in (self.wake_in, self.wake_out):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self.wake_out)

    def run(self):
        """True when all succeeded or were told to be ignored."""
        for i, executor in enumerate(self.plan['executors']):
            self.job.check()
            code = self.run_one(i, executor)
            self.job.check()
            if code and not executor['ignore_error']:
                return False
        return True

    def bind_folders(self, executor, image):
        layout = self.layout
        workdir = executor.get('workdir')
        if workdir:
            path = normal(workdir, 'workdir')
            inside = any(below(path, folder) for folder in layout.folders) or any(
                below(path, mount['path']) for mount in self.plan['mounts']
            )
            if not inside and not self.runtime.has_folder(image, path):
                layout.want_folder(path)
                inside = True
            if inside:
                self.tree.make_folder(path)

    def binds(self):
        """Outermost folders, then single files, then what is shown read-only, then the operator's
        mounts."""
        tree, layout = self.tree, self.layout
        mounts = {normal(mount['path'], 'mount') for mount in self.plan['mounts']}
        rows = []
        for path in layout.outermost():
            if any(below(path, mount) for mount in mounts):
                continue  # It was made inside the mount.
            rows.append((tree.host(path), path, True))
        for path in layout.single_files():
            if any(below(path, shown) for shown in tree.shown):
                continue
            if not os.path.lexists(tree.host(path)):
                os.close(tree.create(path, 0o666))  # Whoever the image runs as may write it.
                os.utime(tree.host(path), (1, 1))
            rows.append((tree.host(path), path, layout.files[path]))
        for path in [row[1] for row in rows]:
            tree.stands_firm(path)
        for path in sorted(tree.shown):
            if path not in mounts:
                tree.stands_firm(path)
                rows.append((tree.shown[path], path, False))
        for mount in self.plan['mounts']:
            rows.append((mount['host'], mount['path'], mount['mode'] == 'rw'))
        return rows

    def spec(self, i, executor, image):
        job, plan = self.job, self.plan
        command = list(executor['command'])
        if not command or not command[0] or any('\0' in part for part in command):
            raise Failure('BAD_COMMAND', 'executor %d: the command is empty or has a NUL' % i)
        env = dict(plan['env'])
        env.update(executor['env'])
        for name, value in env.items():
            if not name or '=' in name or '\0' in name + value:
                raise Failure(
                    'BAD_ENV', 'executor %d: not a variable name or value: %r' % (i, name[:100])
                )
        return Spec(
            name='%s-%d' % (plan['job'], i),
            image=image,
            command=command,
            env=env,
            workdir=executor.get('workdir') and normal(executor['workdir'], 'workdir'),
            network=plan['runtime']['network'],
            stdin=bool(executor.get('stdin')),
            binds=self.binds(),
            cidfile='%s/cid-%d' % (job.own, i),
            **self.runtime.identity(),
            **self.runtime.limits(),
        )

    def run_one(self, i, executor):
        job, runtime = self.job, self.runtime
        job.phase = 'image'
        job.interruptible = True
        job.check()
        image = runtime.image(executor['image'])
        self.bind_folders(executor, image)
        job.interruptible = False
        job.phase = 'executors'
        opened = []
        try:
            try:
                container = Container(self.spec(i, executor, image))
            except OSError as error:
                raise Failure(
                    'CONTAINER_FAILED',
                    'executor %d: a folder was replaced: %s' % (i, os_text(error)),
                )
            stdin = self.open_stdin(i, executor, opened)
            out = self.pump(i, executor, 'stdout', opened)
            err = (
                out
                if executor.get('stderr') and executor.get('stderr') == executor.get('stdout')
                else None
            )
            err = self.pump(i, executor, 'stderr', opened, err and err.redirect)
            return self.supervise(i, container, stdin, out, err)
        finally:
            job.running = None
            for fd in opened:
                os.close(fd)

    def open_stdin(self, i, executor, opened):
        if not executor.get('stdin'):
            fd = os.open('/dev/null', os.O_RDONLY | os.O_CLOEXEC)
        else:
            try:
                fd, info, _ = self.tree.find(normal(executor['stdin'], 'stdin'))
            except (OSError, Odd) as error:
                raise Failure(
                    'STDIN_MISSING', 'executor %d: stdin %s: %s' % (i, executor['stdin'], error)
                )
            if not stat.S_ISREG(info.st_mode):
                os.close(fd)
                raise Failure(
                    'STDIN_MISSING', 'executor %d: stdin %s is a folder' % (i, executor['stdin'])
                )
        opened.append(fd)
        return fd

    def pump(self, i, executor, stream, opened, redirect=None):
        path = executor.get(stream)
        if path and redirect is None:
            try:
                redirect = self.tree.create(normal(path, stream), 0o644)
            except OSError as error:
                code = (
                    'DISK_FULL'
                    if error.errno in (errno.ENOSPC, errno.EDQUOT)
                    else 'REDIRECT_FAILED'
                )
                raise Failure(code, 'executor %d: %s %s: %s' % (i, stream, path, os_text(error)))
            opened.append(redirect)
        limits = self.plan['limits']
        return Pump(
            '%s/%d.%s' % (self.job.shared, i, stream),
            limits['log_bytes'],
            limits['tail_bytes'],
            redirect,
        )

    def supervise(self, i, container, stdin, out, err):
        job, runtime = self.job, self.runtime
        start = utc()
        try:
            runtime.start(container, stdin, out.writer, err.writer)
        except OSError as error:
            if error.errno == errno.E2BIG:
                raise Failure(
                    'BAD_COMMAND', 'executor %d: command and environment are too long' % i
                )
            raise Failure('CONTAINER_FAILED', 'executor %d: %s' % (i, os_text(error)))
        finally:
            out.start_closed()
            err.start_closed()
        job.running = {'i': i, 'out': out, 'err': err}
        try:
            status = self.follow(i, container, start, (out, err))
            code = runtime.verdict(container, status, err.tail())
        finally:
            out.close()
            err.close()
        self.tell_started(i, container, start)
        record = {
            'i': i,
            'start': start,
            'end': utc(),
            'exit_code': code,
            'stdout': out.tail(),
            'stderr': err.tail(),
            'stdout_bytes': out.total,
            'stderr_bytes': err.total,
        }
        if container.oom:
            record['oom'] = True
        job.executors.append(record)
        job.pulse.send('executor_end', executor=record)
        if code:
            job.note(
                'executor %d ended with exit code %d%s'
                % (
                    i,
                    code,
                    (
                        ', out of memory'
                        if container.oom
                        else ', possibly out of memory' if code == 137 and not job.stop else ''
                    ),
                )
            )
        for stream in (out, err):
            if stream.error:
                full = stream.error.errno in (errno.ENOSPC, errno.EDQUOT)
                raise Failure(
                    'DISK_FULL' if full else 'REDIRECT_FAILED',
                    'executor %d: a redirected stream was not kept whole: %s'
                    % (i, os_text(stream.error)),
                )
        return code

    def tell_started(self, i, container, start):
        if not container.told:
            container.told = True
            self.job.pulse.send('executor', i=i, start=start)

    def follow(self, i, container, start, pumps):
        """Pumps until the process has ended; TERM, grace, KILL when the attempt must stop. Its wait
        status."""
        job, runtime = self.job, self.runtime
        poll = select.poll()
        by_fd = {pump.fd: pump for pump in pumps}
        for fd in (
            list(by_fd)
            + [self.wake_in]
            + ([container.status_fd] if container.status_fd is not None else [])
        ):
            poll.register(fd, select.POLLIN)
        stopping_since, next_signal = None, 0
        while True:
            for fd, _ in poll.poll(200 if container.started and not job.stop else 50):
                if fd in by_fd:
                    if not by_fd[fd].take():
                        poll.unregister(fd)
                elif fd == self.wake_in:
                    os.read(fd, 4096)
                else:
                    before = container.status
                    runtime.look(container)
                    if container.status == before:
                        poll.unregister(fd)
            if container.status_fd is None and not container.started:
                runtime.look(container)
            if container.started:
                self.tell_started(i, container, start)
            pid, status = os.waitpid(container.pid, os.WNOHANG)
            if pid:
                for pump in pumps:
                    pump.drain()
                return status
            now = time.monotonic()
            if job.stop and now >= next_signal:
                stopping_since = stopping_since or now
                hard = now - stopping_since >= self.plan['limits']['grace_s']
                heard = runtime.signal(container, 'KILL' if hard else 'TERM')
                pause = 0.5 if hard else 1 if heard else 0.05
                grace_end = stopping_since + self.plan['limits']['grace_s']
                next_signal = now + pause if hard else min(now + pause, grace_end)


# --------------------------------------------------------------------------------------------------
# Outputs
# --------------------------------------------------------------------------------------------------


def matches(name, pattern):
    """One path component against one pattern, as a shell does: `*` and `?` never match a leading
    dot."""
    if name.startswith('.') and not pattern.startswith('.'):
        return False
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def join_url(url, rel, encode):
    if not rel:
        return url
    if encode:
        from urllib.parse import quote

        rel = quote(rel)
    head, mark, query = url.partition('?') if encode else (url, '', '')
    return head.rstrip('/') + '/' + rel + mark + query


class Outputs:
    """Finds what the task made and takes it to where it belongs."""

    def __init__(self, job, tree, succeeded):
        self.job, self.tree, self.succeeded = job, tree, succeeded
        self.plan = job.plan
        self.error = None
        self.http = None

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
        for match in self.glob('', parts_of(path)):
            rel = (
                match[len(prefix) :].lstrip('/')
                if match.startswith(prefix)
                else os.path.basename(match)
            )
            any_taken = self.take(item, match, rel, self.tree.find(match), []) or any_taken
        return any_taken

    def glob(self, base, patterns):
        if not patterns:
            yield base
            return
        if is_pattern(patterns[0]):
            names = [name for name in self.names(base or '/') if matches(name, patterns[0])]
        else:
            names = [patterns[0]]
        for name in names:
            try:
                os.close(self.tree.find(base + '/' + name)[0])
            except (OSError, Odd):
                continue
            for match in self.glob(base + '/' + name, patterns[1:]):
                yield match

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
        """Delivers an open file or a whole folder."""
        fd, info, real = found
        try:
            if stat.S_ISREG(info.st_mode):
                if info.st_mtime == 1 and not info.st_size:
                    return False  # Made by us for a tool that never wrote it.
                try:
                    path.encode('utf-8')
                except UnicodeError:
                    raise Odd('a file name is not UTF-8: %s' % clean_text(os.fsencode(path)))
                self.deliver_file(
                    item, path, rel, fd, info, any(below(real, shown) for shown in self.tree.shown)
                )
                return True
            self.job.check()
            key = (info.st_dev, info.st_ino)
            if key in above or len(above) > 200:
                self.job.note(
                    'left out of an output: %s leads back into itself or is too deep'
                    % clean_text(os.fsencode(path))
                )
                return True
            if item['method'] == 'mount':
                Target(item, self.plan).make(rel)
            for name in sorted(os.listdir(fd)):
                inner = path.rstrip('/') + '/' + name
                try:
                    child = self.tree.find(inner)
                except (OSError, Odd) as odd:
                    self.job.note(
                        'left out of an output: %s: %s' % (clean_text(os.fsencode(inner)), odd)
                    )
                    continue
                self.take(item, inner, (rel + '/' + name).lstrip('/'), child, above + [key])
            return True
        finally:
            os.close(fd)

    def deliver_file(self, item, path, rel, fd, info, borrowed):
        if item['method'] == 'mount':
            url = join_url(item['url'], rel, False)
            Target(item, self.plan).put(rel, fd, info, borrowed, self.job)
        else:
            url = join_url(item['url'], rel, True)
            self.upload(url, fd, info.st_size)
        self.job.outputs.append(
            {'i': item['i'], 'path': path, 'url': public_url(url), 'size': info.st_size}
        )

    def upload(self, url, fd, size):
        if self.http is None:
            self.http = Http(Guard(self.plan), self.plan['limits']['stall_s'])
        what = 'uploading to ' + shown_url(url)

        def send(connection):
            os.lseek(fd, 0, os.SEEK_SET)
            while True:
                data = os.read(fd, CHUNK)
                if not data:
                    return
                connection.send(data)
                self.job.check()

        def attempt():
            connection, response = self.http.open('PUT', url, {'Content-Length': str(size)}, send)
            connection.close()
            if response.status in RETRY_STATUS:
                return 'answered %d' % response.status
            if not 200 <= response.status < 300:
                raise Failure('OUTPUT_FAILED', '%s: answered %d' % (what, response.status))
            return None

        with_retries(self.job, what, attempt)


def public_url(url):
    """What the report says of a target: nothing secret, and nothing cut off a plain path."""
    if '://' not in url or url.lower().startswith('file:'):
        return url
    head, mark, rest = url.partition('://')
    authority, slash, path = rest.partition('?')[0].partition('/')
    return head + mark + authority.rpartition('@')[2] + slash + path


class Target:
    """One `mount` output on the host: stays below an allowed root, belongs to whoever owns the
    folder it lands in."""

    def __init__(self, item, plan):
        path = item['file'].rstrip('/')
        if not path.startswith('/') or '..' in path.split('/'):
            raise Failure('OUTPUT_FAILED', 'not an absolute path: %s' % path)
        # The last name may be a link: to a folder it is followed, any other is replaced.
        real = os.path.realpath(path if os.path.isdir(path) else parent(path))
        if not os.path.isdir(path):
            real = os.path.join(real, os.path.basename(path))
        self.root = allowed_root(real, plan['storage']['write'])
        if self.root is None:
            raise Failure(
                'OUTPUT_FAILED', '%s is not below a folder outputs may be written to' % item['file']
            )
        self.names = parts_of(real[len(self.root.rstrip('/')) :])

    def make(self, rel):
        os.close(self.folder(self.names + parts_of(rel)))

    def folder(self, names):
        """Opens a folder below the root, making it and its parents, and following no link."""
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
        try:
            try:
                file = self.link(fd, part, folder) if info.st_nlink == 1 and not borrowed else None
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
            return os.open(name, FILE_FLAGS, dir_fd=folder)
        except (OSError, NotImplementedError):
            return None


# --------------------------------------------------------------------------------------------------
# The attempt
# --------------------------------------------------------------------------------------------------


def preflight(job):
    wanted = job.plan['limits'].get('disk_bytes')
    if wanted:
        space = os.statvfs(job.own)
        free = space.f_bavail * space.f_frsize
        job.host['free_bytes'] = str(free)
        if free < wanted:
            raise Failure('DISK_FULL', '%d bytes are free, %d are wanted' % (free, wanted))
    return choose_runtime(job)


def attempt(job):
    """The phases in order; the state of an attempt in which nothing of the system failed."""
    runtime = job.runtime = preflight(job)
    job.watchdog = Watchdog(job, runtime)  # Before there are threads: it goes on as a fork.
    job.pulse.start()
    job.phase = 'layout'
    layout = Layout(job.plan)
    tree = Tree(job.own + '/fs', runtime.owner, runtime.folder_mode)
    for mount in job.plan['mounts']:
        path = normal(mount['path'], 'mount')
        tree.make_folder(path)
        tree.shown[path] = mount['host']
        if mount['mode'] == 'rw':
            tree.written.add(path)
    layout.make(tree)
    job.phase = 'inputs'
    job.interruptible = True
    job.check()
    Inputs(job, tree, layout, runtime).bring()
    job.interruptible = False
    succeeded = Executors(job, tree, layout, runtime).run()
    job.phase = 'outputs'
    job.interruptible = True
    job.check()
    Outputs(job, tree, succeeded).deliver()
    job.interruptible = False
    return 'COMPLETE' if succeeded else 'EXECUTOR_ERROR'


def judged(job, work):
    """`(state, error)` of `work`, whatever it raises."""
    error = None
    try:
        return work(job), None
    except Stopped:
        pass
    except Failure as failure:
        error = (failure.code, str(failure))
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            error = ('DISK_FULL', os_text(problem))
        else:
            error = ('RUNNER_BUG', trace(problem))
    except Exception as problem:
        error = ('RUNNER_BUG', trace(problem))
    finally:
        job.interruptible = False
    if job.stop == 'CANCELED':
        return 'CANCELED', None
    if job.stop == 'WALLTIME':
        error = ('WALLTIME', 'the attempt took longer than %d s' % job.plan['limits']['walltime_s'])
    log('%s: %s' % error)
    return 'SYSTEM_ERROR', {
        'code': error[0],
        'message': clean_text(error[1].encode('utf-8', 'replace'))[:2000],
        'phase': job.phase,
    }


def trace(problem):
    import traceback

    log(traceback.format_exc())
    return '%s: %s' % (type(problem).__name__, problem)


def take_plan(job):
    """The plan moves to where only we can read it. One that is there already belongs to a start
    that died."""
    if os.path.exists(job.plan_path):
        with open(job.plan_path, 'rb') as file:
            job.plan = loads(file.read().decode())
        raise Failure('INTERRUPTED', 'an earlier start of this job ended without a report')
    os.rename(job.root + '/inputs/plan.json', job.plan_path)
    os.chmod(job.plan_path, 0o600)
    with open(job.plan_path, 'rb') as file:
        job.plan = loads(file.read().decode())
    if job.plan.get('v') != VERSION:
        raise Failure('BAD_PLAN', 'this runner cannot read plan version %r' % job.plan.get('v'))


def begin(job):
    """The part before the gate and the gate itself; then the attempt."""
    try:
        take_plan(job)
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise Failure('BAD_PLAN', 'the plan cannot be read: %s' % error)
    finally:
        job.pulse = Pulse(job)
    walltime = job.plan['limits'].get('walltime_s')
    job.deadline = time.monotonic() + walltime if walltime else None
    with open(job.own + '/reserve', 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE)
    if not job.pulse.gate():
        job.stop = 'CANCELED'
        job.check()
    return attempt(job)


def remove_tree(path):
    """Deletes a folder whatever modes a tool gave to things in it; follows no link."""

    def open_up(error):
        try:
            os.chmod(error.filename, 0o700)
        except OSError:
            pass

    for _ in range(3):
        if not os.path.isdir(path):
            return
        for _, folders, files, fd in os.fwalk(path, topdown=False, onerror=open_up):
            for names, remove in ((files, os.unlink), (folders, os.rmdir)):
                for name in names:
                    try:
                        if remove is os.rmdir and stat.S_ISLNK(
                            os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
                        ):
                            os.unlink(name, dir_fd=fd)
                        else:
                            remove(name, dir_fd=fd)
                    except OSError:
                        pass
        try:
            os.rmdir(path)
            return
        except OSError:
            pass
    log('not all of %s could be removed' % path)


def tidy(job):
    """After the report is out: nobody waits for this."""
    with open(job.report_path) as file:
        os.fsync(file.fileno())
    if job.runtime:
        job.runtime.tidy()
    if job.watchdog:
        job.watchdog.dismiss()
    remove_tree(job.own + '/fs')
    for name in os.listdir(job.own):
        if name != 'lock':
            os.unlink(job.own + '/' + name)


def main():
    job = Job(os.path.dirname(os.getcwd()))
    lock = os.open(job.own + '/lock', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 75
    if os.path.exists(job.report_path):
        return 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, job.on_signal)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    state, error = judged(job, begin)
    job.phase = 'end'
    text = job.report(state, error)
    saved = job.save(text)
    if job.pulse and job.plan:
        job.pulse.finish()
        job.pulse.end(text)
    try:
        tidy(job)
    except Exception as error:  # The report is out; what is left over is a matter for the log.
        log('tidying up: %r' % error)
    return 0 if saved else 1


if __name__ == '__main__':
    os._exit(main())
