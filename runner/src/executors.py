"""Runs the commands of the task one after another and judges how each ended."""

import errno
import os
import select
import stat
import time

from .base import below, Failure, os_text, signal, utc
from .paths import absolute, is_of_kernel, normal
from .host import Inside
from .tree import Odd
from .streams import Pump
from .runtime import Container, ImageAbsent, Spec


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
            path = absolute(workdir, 'workdir')
            if is_of_kernel(path):
                return  # It is there in every container, and nothing can be made in it.
            inside = any(below(path, folder) for folder in layout.folders) or any(
                below(path, mount['path']) for mount in self.plan['mounts']
            )
            if not inside and not self.runtime.has_folder(image, path):
                layout.want_folder(path)
                inside = True
            if inside:
                layout.make_folder(self.tree, path)

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
                tree.make_empty(path)
            rows.append((tree.host(path), path, layout.files[path]))
        for path in [row[1] for row in rows]:
            tree.stands_firm(path)
        for path in sorted(tree.shown):
            tree.shown[path].check()
            if path not in mounts:
                tree.stands_firm(path)
                rows.append((tree.shown[path].path, path, False))
        for mount in self.plan['mounts']:
            host = tree.shown[normal(mount['path'], 'mount')].path
            rows.append((host, mount['path'], mount['mode'] == 'rw'))
        return rows

    def live(self):
        shown = self.tree.shown
        return {path: shown[path] for path in self.tree.written if isinstance(shown[path], Inside)}

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
            workdir=executor.get('workdir') and absolute(executor['workdir'], 'workdir'),
            network=plan['runtime']['network'],
            stdin=bool(executor.get('stdin')),
            binds=self.binds(),
            live=self.live(),
            mark='%s/mark-%d' % (job.own, i),
            **self.runtime.identity(),
            **self.runtime.limits(),
        )

    def run_one(self, i, executor):
        job, runtime = self.job, self.runtime
        job.phase = 'image'
        job.interruptible = True
        job.check()
        image = runtime.image(executor['image'])
        if image is None:
            job.interruptible = False
            job.note('there is no check image for this host: that its runtime answers must do')
            return 0
        try:
            return self.try_one(i, executor, image)
        except ImageAbsent:
            job.phase = 'image'
            job.interruptible = True
            job.check()
            runtime.fetch(image)
            return self.try_one(i, executor, image)

    def try_one(self, i, executor, image):
        """Opens everything anew, so a try for which the image was missing leaves nothing behind."""
        job = self.job
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
        job.running = i
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
