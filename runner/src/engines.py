"""docker and podman: command line, start, signals, verdict, and what dead runners left behind."""

import fcntl
import os
import time

from .base import Failure, log, os_text, signal
from .formats import dumps, loads, sha256
from .processes import exit_code, find_program, last_line, operator_env, run_cli, spawn
from .runtime import check_image, csv_field, ImageAbsent, is_identifier, Runtime, Spec
from .check import CHECK_IMAGE, check_name, check_program, check_tar

BELIEVED_S = 600
"""How long an engine's answer is believed, and between two sweeps."""
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
    if spec.mark:
        argv += ['--conmon-pidfile' if cli == 'podman' else '--cidfile', spec.mark]
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
        self.program = None
        self.names = []
        self.pulled, self.folders = set(), {}
        root = os.geteuid() == 0
        self.user = None if root else (os.geteuid(), os.getegid())
        # Root's containers may run as any user of the image; nobody else gets as far as these
        # folders.
        self.folder_mode = 0o777 if root else 0o755

    def call(self, *words, timeout=20, enough=None):
        return run_cli((self.program,) + words, self.env, timeout, enough)

    def probe(self):
        """Whether the engine is there. Asking it costs a quarter of what a short task does, so one
        answer is believed for a while; a start that fails asks again."""
        self.program = find_program(self.cli)
        if self.program is None:
            raise Failure('RUNTIME_MISSING', self.cli + ' is not installed on this host')
        if not self.answered_lately():
            self.sweep()

    def marker(self):
        """A file whose age tells when this engine answered a runner of this server last; it lies
        beside the job folders."""
        key = sha256(dumps([self.plan['server'], sorted(self.env.items())]).encode()).hexdigest()
        return '%s/%s-%s' % (self.job.kept, self.cli, key[:16])

    def answered_lately(self):
        try:
            return 0 <= time.time() - os.stat(self.marker()).st_mtime < BELIEVED_S
        except OSError:
            return False

    def disbelieve(self):
        try:
            os.unlink(self.marker())
        except FileNotFoundError:
            pass

    def sweep(self):
        """Asks the engine for containers of this server on this host, which shows that it answers,
        and removes those of runners that are gone."""
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
            self.disbelieve()
            raise Failure('RUNTIME_DOWN', '%s does not answer: %s' % (self.cli, last_line(err)))
        try:
            os.close(os.open(self.marker(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        except OSError as error:
            log('the next job will ask again: ' + os_text(error))
        names = out.decode('utf-8', 'replace').split()
        own = [name for name in names if name.startswith(self.plan['job'] + '-')]
        stale = own + self.orphans([name for name in names if name not in own])
        if stale:
            log('removing containers of runners that are gone: ' + ' '.join(stale))
            self.call('rm', '-f', '-v', *stale)

    def orphans(self, names):
        if not names:
            return []
        form = '{{.Name}} {{index .Config.Labels "tes.lock"}}'
        out = self.call('inspect', '--type', 'container', '--format', form, *names)[1]
        lines = out.decode('utf-8', 'replace').splitlines()
        rows = (line.lstrip('/').partition(' ') for line in lines)
        return [name for name, _, lock in rows if lock and is_free(lock)]

    def bury(self, names):
        for _ in range(3 if names else 0):  # A container may still be on its way into existence.
            code, _, err = self.call('rm', '-f', '-v', *names)
            log('watchdog: rm answered %d %s' % (code, err.strip()))
            time.sleep(1)

    def image(self, name):
        """Whether it is there shows when it is run: asking first would cost every task a fifth."""
        mapped = super().image(name)
        if mapped == CHECK_IMAGE:
            program = check_program(os.uname()[4])
            return program and check_name(program)
        check_image(mapped)
        if self.plan['runtime']['pull'] == 'always' and mapped not in self.pulled:
            self.fetch(mapped)
        return mapped

    def assert_usable(self, image):
        """After a start that failed: whether it is the engine's or the image's absence."""
        self.sweep()
        if self.call('image', 'inspect', '--format', '{{.Id}}', image)[0]:
            raise ImageAbsent('IMAGE_MISSING', 'image %s is not on this host' % image)

    def fetch(self, image):
        program = check_program(os.uname()[4])
        if program and image == check_name(program):
            self.make_check_image(image, program)
            return
        if self.plan['runtime']['pull'] == 'never':
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
        self.pulled.add(image)
        self.job.note('pulled %s in %.1f s' % (image, time.monotonic() - began))

    def make_check_image(self, name, program):
        path = self.job.own + '/check.tar'
        with open(path, 'wb') as file:
            file.write(check_tar(program))
        code, _, err = self.call('import', path, name)
        if code:
            raise Failure('IMAGE_BAD', 'the check image was refused: ' + last_line(err))

    def has_folder(self, image, path):
        """Asks a container that is never started: binding a folder over one of the image would hide
        its content."""
        if path == '/':
            return True
        key = (image, path)
        if key not in self.folders:
            name = '%s-look%d' % (self.plan['job'], len(self.folders))
            self.folders[key] = self.look_for_folder(name, image, path)
        return self.folders[key]

    def look_for_folder(self, name, image, path):
        marks = labels(Spec(**self.identity()))
        words = ['--name', name, '--pull', 'never', '--entrypoint', '/']
        self.remember(name)
        if self.call('create', *words, *marks, image)[0]:
            self.assert_usable(image)
            return False
        out = self.call('cp', '%s:%s' % (name, path), '-', enough=512)[1]
        return len(out) > 156 and out[156:157] == b'5'  # A tar header of a folder.

    def remember(self, name):
        """To be removed at the end, by whoever lives until then."""
        if name not in self.names:
            self.names.append(name)
            self.job.watchdog.tell(name)

    def start(self, container, stdin, stdout, stderr):
        spec = container.spec
        spec.user = self.user
        spec.keep_id = self.cli == 'podman' and self.user is not None
        if self.user:
            spec.env.setdefault('HOME', '/tmp')
        self.remember(spec.name)
        try:
            os.unlink(spec.mark)  # Of a try before the image was fetched.
        except FileNotFoundError:
            pass
        env = dict(self.env, **engine_env(spec))
        argv = [self.program] + engine_argv(self.cli, spec)[1:]
        container.pid = spawn(argv, env, stdin, stdout, stderr)

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
        """Asks only of containers that run for a while: what is over soon says so itself."""
        now = time.monotonic()
        if container.next_look is None:
            if os.path.exists(container.spec.mark):
                container.next_look = now + container.pause
        elif now >= container.next_look:
            container.pause = min(container.pause * 2, 2)
            container.next_look = now + container.pause
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
        # The tool itself ends with 0 only when the container ran and ended so, unless something on
        # stdin made it let go of it.
        if status == 0 and not container.spec.stdin:
            return 0
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
        self.assert_usable(container.spec.image)
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
