"""apptainer: command line, start, verdict."""

import os

from .base import Failure, signal
from .processes import exit_code, find_program, last_line, operator_env, spawn
from .runtime import check_image, csv_field, is_identifier, Runtime
from .check import CHECK_IMAGE


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
        if image == CHECK_IMAGE:
            return None
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
