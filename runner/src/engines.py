"""docker and podman: command line, start, signals, verdict, and what dead runners left behind."""

import fcntl
import os
import time

from .base import Failure, log, signal
from .formats import loads
from .processes import exit_code, find_program, last_line, operator_env, run_cli, spawn
from .runtime import check_image, csv_field, is_identifier, Runtime, Spec
from .check import CHECK_IMAGE, check_name, check_program, check_tar

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


def safe_in_cli(name):
    """Whether a variable of the task may stand in the environment of a runtime's own tool."""
    return (
        is_identifier(name)
        and name.upper() not in DENIED_EXACT
        and not name.upper().startswith(DENIED_NAMES)
    )


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
        if mapped == CHECK_IMAGE:
            return self.own_image()
        check_image(mapped)
        if mapped not in self.images:
            self.images[mapped] = True
            policy = self.plan['runtime']['pull']
            if policy == 'always' or not self.has_image(mapped):
                self.pull(mapped, policy)
        return mapped

    def has_image(self, image):
        return self.call('image', 'inspect', '--format', '{{.Id}}', image)[0] == 0

    def own_image(self):
        """The check image, imported on its first use on this host."""
        program = check_program(os.uname()[4])
        if program is None:
            return None
        name = check_name(program)
        if not self.has_image(name):
            path = self.job.own + '/check.tar'
            with open(path, 'wb') as file:
                file.write(check_tar(program))
            code, _, err = self.call('import', path, name)
            if code:
                raise Failure('IMAGE_BAD', 'the check image was refused: ' + last_line(err))
        return name

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
