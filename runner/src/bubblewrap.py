"""The host's own tools, or a root folder, in fresh namespaces."""

import os
import time

from .base import below, Failure, parts_of, signal, write_all
from .paths import closed_folder, KERNEL_FOLDERS, readable_by_other
from .rights import SANDBOX_UID
from .tree import DIRECTORY_FLAGS
from .processes import children_of, DEFAULT_PATH, exit_code, find_program, last_line
from .processes import run_cli, spawn
from .runtime import Runtime
from .cgroups import Cgroup, remove_group
from .nproc import become, COUNTS_APART, has_ended, kernel_version, limit_processes

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


def bubblewrap_options(spec, status_fd, gate_fd, live):
    """Everything but the command; read by bwrap from an fd, so neither `ps` nor a length limit
    matters."""
    options = ['--unshare-all'] + ([] if spec.network == 'none' else ['--share-net'])
    options += [
        '--die-with-parent',
        '--new-session',
        '--json-status-fd',
        str(status_fd),
        '--block-fd',
        str(gate_fd),
        '--clearenv',
        '--tmpfs',
        '/',
    ]
    for entry in spec.root:
        options += entry
    options += ['--proc', '/proc', '--dev', '/dev']
    for host, path, writable in spec.binds:
        if path in live:
            options += ['--bind-fd', str(live[path]), path]
        else:
            options += ['--bind' if writable else '--ro-bind', host, path]
    options += ['--remount-ro', '/']
    for name in sorted(spec.env):
        options += ['--setenv', name, spec.env[name]]
    return options + ['--chdir', spec.workdir or '/tmp']


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


class Bubblewrap(Runtime):
    """The host's own tools, or a root folder, in fresh namespaces. Memory and cpu limits only where
    it may make control groups."""

    def __init__(self, job):
        super().__init__(job)
        if os.geteuid() == 0:
            self.owner = (SANDBOX_UID, SANDBOX_UID)
            job.host['sandbox_uid'] = str(SANDBOX_UID)
        self.noted = self.told = False
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

    def opens_live(self):
        return b'--bind-fd ' in run_cli((self.program, '--help'), {}, 5)[1]

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
        container.cgroup = self.limit(container)
        gate, container.gate = os.pipe()
        container.status_fd, writer = os.pipe()
        os.set_blocking(container.status_fd, False)
        options = os.open(
            self.job.own + '/bwrap', os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        live = {}
        try:
            for path, place in spec.live.items():
                live[path] = place.look()
            os.unlink(self.job.own + '/bwrap')
            write_all(
                options,
                b''.join(
                    os.fsencode(part) + b'\0'
                    for part in bubblewrap_options(spec, writer, gate, live)
                ),
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
                (options, writer, gate, *live.values()),
                lambda: self.drop(container.cgroup),
            )
        finally:
            for fd in (options, writer, gate, *live.values()):
                os.close(fd)

    def limit(self, container):
        """Processes by RLIMIT_NPROC, because joining a control group takes longer than all else
        here; by a control group where the rlimit would count other tasks."""
        spec = container.spec
        apart = kernel_version() >= COUNTS_APART
        wanted = {'memory': spec.ram_bytes, 'cpu': spec.cpus, 'pids': None if apart else spec.pids}
        cgroup = Cgroup(spec.name, wanted) if self.owner else None
        missing = cgroup.missing if cgroup else [name for name in wanted if wanted[name]]
        if apart or (self.owner and 'pids' in missing):
            container.processes = spec.pids
        self.not_limited(missing)
        self.cgroups.append(cgroup)
        for folder in cgroup.folders if cgroup else ():
            self.job.watchdog.tell(folder)
        return cgroup

    def not_limited(self, names):
        if names and not self.told:
            self.told = True
            self.job.note('not limited by this runtime on this host: ' + ', '.join(names))

    def open_gate(self, container):
        """The sandbox is made, and nothing of the task runs yet."""
        child = container.field('child-pid')
        if container.processes and not limit_processes(child, container.processes, self.owner):
            self.not_limited(['pids'])
        os.close(container.gate)

    def bury(self, names):
        """The kernel ends a sandbox with its runner, but not its control groups."""
        for folder in names:
            remove_group(folder)

    def tidy(self):
        for cgroup in self.cgroups:
            if cgroup:
                cgroup.remove()

    def drop(self, cgroup):
        """In the child: become nobody for good."""
        if cgroup:
            cgroup.join()
        if self.wall:
            self.open_way()
        if self.owner:
            become(self.owner)

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
        if container.field('child-pid') and not container.started:
            container.started = True
            self.open_gate(container)

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
        while pid and time.monotonic() < until and not has_ended(pid):
            time.sleep(0.0005)

    def verdict(self, container, status, error_tail):
        self.look(container)
        if not container.started:
            os.close(container.gate)
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
