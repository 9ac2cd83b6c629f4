"""Real container engines for the tests: started below one folder, with an image made on the spot,
ended by their process id."""

import io
import os
import shutil
import signal
import subprocess
import tarfile
import time

IMAGE = 'docker.io/library/busybox:latest'


def wait_for(condition, seconds, what):
    """Bounded wait on a condition; the tests have no other kind of sleep."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError('not within %s s: %s' % (seconds, what))
        time.sleep(0.02)


def busybox_root(folder):
    """A root file system of nothing but busybox: an image without a registry."""
    busybox = shutil.which('busybox')
    if busybox is None:
        raise RuntimeError('busybox-static is needed to make a test image')
    os.makedirs(folder + '/bin')
    shutil.copy(busybox, folder + '/bin/busybox')
    for name in subprocess.check_output([busybox, '--list']).decode().split():
        if name != 'busybox':
            os.symlink('busybox', folder + '/bin/' + name)
    for name in ('etc', 'usr/bin', 'root', 'opt/tool', 'var/tmp', 'proc', 'sys', 'dev', 'data'):
        os.makedirs(folder + '/' + name)
    for path, text in (
        ('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
        ('etc/image-file', 'of the image\n'),
        ('opt/tool/part', 'of the image\n'),
    ):
        with open(folder + '/' + path, 'w') as file:
            file.write(text)
    for path, folders, files in os.walk(folder):
        os.chmod(path, 0o755)


def tar_of(folder):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w') as tar:
        tar.add(folder, '.')
    return data.getvalue()


class Lab:
    """State of one test run. `env` is what a Pulsar would give the runner so that it finds these
    engines."""

    def __init__(self, root, runtimes):
        self.root = root
        self.env = {}
        self.daemon = None
        self.rootfs = root + '/rootfs'
        busybox_root(self.rootfs)
        if 'docker' in runtimes or 'docker-user' in runtimes:
            self.start_docker()
        if 'docker-user' in runtimes:
            os.chmod(root + '/docker/sock', 0o666)  # As the group docker would let it in.
        if 'podman' in runtimes:
            self.start_podman()

    def load(self, cli):
        subprocess.run(
            [cli, 'import', '--change', 'ENV PATH=/bin:/usr/bin', '-', IMAGE],
            input=tar_of(self.rootfs),
            check=True,
            stdout=subprocess.DEVNULL,
            env=dict(os.environ, **self.env),
        )

    def start_docker(self):
        """A daemon of our own without a network bridge, so that nothing stays on the host."""
        d = self.root + '/docker'
        os.makedirs(d)
        log = open(d + '/log', 'w')
        self.daemon = subprocess.Popen(
            [
                'dockerd',
                '-H',
                'unix://%s/sock' % d,
                '--data-root',
                d + '/data',
                '--exec-root',
                d + '/exec',
                '--pidfile',
                d + '/pid',
                '--bridge=none',
                '--iptables=false',
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self.env['DOCKER_HOST'] = 'unix://%s/sock' % d
        env = dict(os.environ, **self.env)
        wait_for(
            lambda: subprocess.call(['docker', 'version'], stdout=log, stderr=log, env=env) == 0,
            30,
            'dockerd answers',
        )
        self.load('docker')

    def start_podman(self):
        d = self.root + '/podman'
        os.makedirs(d)
        with open(d + '/containers.conf', 'w') as file:
            file.write(
                '[containers]\nnetns="host"\n'
                'default_ulimits=["nofile=1024:4096","nproc=4096:4096"]\n'
                '[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n'
            )
        with open(d + '/storage.conf', 'w') as file:
            file.write(
                '[storage]\ndriver="overlay"\ngraphroot="%s/graph"\nrunroot="%s/run"\n' % (d, d)
            )
        self.env['CONTAINERS_CONF'] = d + '/containers.conf'
        self.env['CONTAINERS_STORAGE_CONF'] = d + '/storage.conf'
        self.load('podman')

    def containers(self, cli, job):
        out = subprocess.check_output(
            [cli, 'ps', '-a', '--filter', 'label=tes.job=' + job, '--format', '{{.Names}}'],
            env=dict(os.environ, **self.env),
        )
        return out.decode().split()

    def close(self):
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        with open('/proc/self/mounts') as file:
            mounts = [line.split()[1] for line in file]
        for path in sorted(
            (path for path in mounts if path.startswith(self.root + '/')), reverse=True
        ):
            subprocess.call(['umount', '-l', path], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.root, ignore_errors=True)
