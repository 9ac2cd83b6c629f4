"""Beacons, stopping, crashes, full disks, hosts with something missing. Names begin with the case
number of the runtime study."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import time

from support.case import USER, Case, Server
from support.lab import wait_for
from support.marks import core, only


class Beacons(Case):
    @core
    def test_R23_order_and_signatures(self):
        beacon, received = self.beacon()
        report = self.run_plan([self.sh('echo a'), self.sh('echo b >&2; exit 4')], beacon=beacon)
        self.assertState(report, 'EXECUTOR_ERROR')
        events = [body['event'] for body in received]
        self.assertEqual(events, ['start', 'executor', 'executor', 'end'])
        self.assertEqual([body['i'] for body in received if body['event'] == 'executor'], [0, 1])
        self.assertEqual(received[-1]['report'], report)
        self.assertTrue(all(body['job'] == self.name and body['v'] == 1 for body in received))

    @core
    def test_R23_gate_410(self):
        beacon, received = self.beacon(lambda body: 410)
        report = self.run_plan([self.sh('touch "$1"', self.data + '/ran')], beacon=beacon)
        self.assertState(report, 'CANCELED')
        self.assertEqual((report['executors'], report['error']), ([], None))
        self.assertEqual(received[0]['event'], 'start')

    def test_R23_410_while_it_runs(self):
        beacon, _ = self.beacon(lambda body: 410 if body['event'] == 'alive' else 200, interval_s=1)
        report = self.run_plan([self.sh('echo on; sleep 300', self.name)], beacon=beacon)
        self.assertState(report, 'CANCELED')
        self.assertEqual(report['executors'][0]['stdout'], 'on\n')
        self.assertGone(self.name)

    @only('bubblewrap')
    def test_R24_unreachable_costs_little(self):
        server = self.server()
        server.stop()
        self.servers.remove(server)
        began = time.monotonic()
        report = self.run_plan(
            [self.sh('true')], beacon={'url': server.url + '/x', 'key': 'k', 'interval_s': 30}
        )
        self.assertState(report, 'COMPLETE')
        self.assertLess(time.monotonic() - began, 6)

    def test_slow_server_does_not_delay_executors(self):
        def answer(body):
            if body['event'] == 'executor':
                time.sleep(1.5)
            return 200

        beacon, _ = self.beacon(answer)
        report = self.run_plan([self.sh('true'), self.sh('true')], beacon=beacon)
        self.assertState(report, 'COMPLETE')
        self.assertEqual(len(report['executors']), 2)
        if not self.is_engine:
            self.assertLess(report['executors'][1]['end'], after(report['start'], 1.4))

    @only('bubblewrap')
    @core
    def test_https_beacons_and_transfers(self):
        certificate, server = secure_server(self.data)
        self.servers.append(server)
        server.routes['/f'] = lambda handler: handler.answer(200, b'hello')
        server.routes['/beacon'] = lambda handler: handler.answer(200)
        url = server.url.replace('http:', 'https:')
        item = {'i': 0, 'path': '/w/f', 'type': 'FILE', 'method': 'direct', 'url': url + '/f'}
        report = self.run_plan(
            [self.executor('cat', '/w/f')],
            inputs=[item],
            beacon={'url': url + '/beacon', 'key': 'k', 'interval_s': 30},
            env={'SSL_CERT_FILE': certificate},
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'hello')
        paths = [path for _, path, _, _ in server.seen]
        self.assertEqual((paths[0], paths[1], paths[-1]), ('/beacon', '/f', '/beacon'))

    @only('bubblewrap')
    def test_heartbeat(self):
        self.start(self.plan([self.sh('sleep 300')]))

        def beat():
            try:
                with open(self.shared + '/heartbeat.json') as file:
                    return json.load(file).get('executor') == 0
            except OSError:
                return False

        wait_for(beat, 15, 'a heartbeat names the executor')
        self.process.send_signal(signal.SIGTERM)
        self.finish()


def secure_server(folder):
    """`(certificate file, server)` for 127.0.0.1, with a certificate made on the spot."""
    certificate, key = folder + '/cert.pem', folder + '/key.pem'
    words = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
    subprocess.check_call(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key]
        + ['-out', certificate]
        + words,
        stderr=subprocess.DEVNULL,
    )
    os.chmod(certificate, 0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, Server(context)


def after(text, seconds):
    """The RFC 3339 text some seconds later on the same scale."""
    import calendar

    at = (
        calendar.timegm(time.strptime(text[:19], '%Y-%m-%dT%H:%M:%S'))
        + float('0' + text[19:-1])
        + seconds
    )
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at)) + ('%.3f' % (at % 1))[1:] + 'Z'


class Stopping(Case):
    def running_task(self, script='sleep 300 & sleep 300; true', **fields):
        self.start(self.plan([self.sh(script, self.name)], **fields))
        wait_for(
            lambda: os.path.exists(self.own + '/fs/tmp/on')
            or os.path.exists(self.shared + '/0.stdout')
            and os.path.getsize(self.shared + '/0.stdout'),
            15,
            'the tool runs',
        )

    @core
    def test_R19_walltime_with_term_ignored(self):
        began = time.monotonic()
        report = self.run_plan(
            [self.sh('trap "" TERM; echo on; sleep 300 & while :; do sleep 0.2; done', self.name)],
            limits={'walltime_s': 2},
        )
        self.assertState(report, 'SYSTEM_ERROR', 'WALLTIME')
        self.assertEqual(report['executors'][0]['exit_code'], 137)
        self.assertLess(time.monotonic() - began, 10)
        self.assertGone(self.name)

    def test_R20_walltime_with_a_trap(self):
        report = self.run_plan(
            [self.sh('trap "echo bye; exit 9" TERM; echo on; while :; do sleep 0.1; done')],
            limits={'walltime_s': 2, 'grace_s': 5},
        )
        self.assertState(report, 'SYSTEM_ERROR', 'WALLTIME')
        self.assertEqual(
            (report['executors'][0]['exit_code'], report['executors'][0]['stdout']),
            (9, 'on\nbye\n'),
        )

    @core
    def test_R21_term(self):
        self.running_task('echo on; sleep 300 & sleep 300')
        self.process.send_signal(signal.SIGTERM)
        self.assertState(self.finish(), 'CANCELED')
        self.assertGone(self.name)

    def kill_tree(self):
        """As Pulsar does: every descendant by parent, then the parent."""

        def children(pid):
            out = subprocess.run(
                ['ps', '-o', 'pid=', '--ppid', str(pid)], stdout=subprocess.PIPE
            ).stdout.split()
            return [int(child) for child in out]

        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children(pid)
        for pid in reversed(found):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def test_R22_kill_of_the_whole_tree(self):
        self.running_task('echo on; setsid sleep 300 & sleep 300')
        self.kill_tree()
        self.assertGone(self.name, 10)
        if self.is_engine:
            wait_for(
                lambda: os.path.exists(self.shared + '/killed'), 10, 'the watchdog left its mark'
            )

    def test_R22_a_second_start_does_not_run_it_again(self):
        self.running_task('echo on; echo x >>/tmp/count; sleep 300')
        self.kill_tree()
        self.launch()
        report = self.finish()
        self.assertState(report, 'SYSTEM_ERROR', 'INTERRUPTED')
        self.assertEqual(report['executors'], [])

    def test_F06_cancelled_file(self):
        self.running_task('echo on; sleep 300')
        open(self.jd + '/cancelled', 'w').close()
        self.assertState(self.finish(15), 'CANCELED')
        self.assertGone(self.name)

    def test_F06_cancelled_before_the_start(self):
        open(self.jd + '/cancelled', 'w').close()
        self.start(self.plan([self.sh('true')]))
        self.assertEqual(self.process.wait(10), 143)
        self.assertFalse(os.path.exists(self.own))

    def test_F06_job_folder_deleted(self):
        self.running_task('echo on; sleep 300')
        shutil.rmtree(self.jd, ignore_errors=True)
        self.process.wait(15)
        self.assertGone(self.name)

    def test_R46_cancel_soon_after_launch(self):
        for delay in (0.0, 0.05, 0.1, 0.2, 0.3):
            with self.subTest(delay=delay):
                self.setUp()
                self.start(self.plan([self.sh('sleep 300', self.name)]))
                if delay:
                    try:
                        self.process.wait(delay)
                    except subprocess.TimeoutExpired:
                        pass
                wait_for(
                    lambda: os.path.exists(self.own + '/reserve') or delay,
                    10,
                    'the runner handles signals',
                )
                self.process.send_signal(signal.SIGTERM)
                self.process.wait(15)
                self.assertGone(self.name)

    @only('bubblewrap')
    def test_cancel_during_a_transfer(self):
        server = self.server()
        server.routes['/f'] = lambda handler: time.sleep(20)
        item = {
            'i': 0,
            'path': '/w/f',
            'type': 'FILE',
            'method': 'direct',
            'url': server.url + '/f',
        }
        self.start(self.plan([self.sh('true')], inputs=[item], limits={'stall_s': 30}))
        wait_for(lambda: server.seen, 10, 'the transfer has begun')
        self.process.send_signal(signal.SIGTERM)
        self.assertState(self.finish(5), 'CANCELED')

    @core
    def test_R39_started_twice_and_again_after_the_end(self):
        self.running_task('echo on; sleep 300')
        again = subprocess.run(
            ['/bin/bash', '../inputs/run.sh'],
            cwd=self.jd + '/working',
            env=dict(os.environ, TES_PYTHON=self.python or ''),
        )
        self.assertEqual(again.returncode, 75)
        self.process.send_signal(signal.SIGTERM)
        report = self.finish()
        self.launch()
        self.assertEqual(self.finish(), report)

    @only('docker', 'podman')
    def test_R45_container_of_the_same_name(self):
        env = dict(os.environ, **self.lab.env)
        subprocess.run(
            [
                self.kind,
                'create',
                '--name',
                self.name + '-0',
                '--label',
                'tes.server=test',
                '--label',
                'tes.node=' + os.uname()[1],
                '--label',
                'tes.job=' + self.name,
                'docker.io/library/busybox:latest',
                'true',
            ],
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.assertState(self.run_plan([self.sh('true')]), 'COMPLETE')
        self.assertGone(self.name)

    @only('docker', 'podman')
    def test_sweep_of_a_dead_runners_container(self):
        env = dict(os.environ, **self.lab.env)
        subprocess.run(
            [
                self.kind,
                'create',
                '--name',
                'old-' + self.name,
                '--label',
                'tes.server=test',
                '--label',
                'tes.node=' + os.uname()[1],
                '--label',
                'tes.lock=/nowhere/lock',
                '--label',
                'tes.job=' + self.name,
                'docker.io/library/busybox:latest',
                'true',
            ],
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.assertState(self.run_plan([self.sh('true')]), 'COMPLETE')
        self.assertGone(self.name)

    @only('docker', 'podman')
    def test_R50_command_line_tool_killed_alone(self):
        self.running_task('echo on; sleep 300')
        for pid in self.running(self.name):
            with open('/proc/%d/cmdline' % pid) as file:
                words = file.read().split('\0')
            if os.path.basename(words[0]) == self.kind and words[1] == 'run':
                os.kill(pid, signal.SIGKILL)
        self.assertState(self.finish(), 'SYSTEM_ERROR', 'CONTAINER_FAILED')
        self.assertGone(self.name)

    def test_R49_eight_at_once(self):
        cases = []
        for _ in range(8):
            case = type(self)('test_R49_eight_at_once')
            case.setUp()
            cases.append(case)
        try:
            for i, case in enumerate(cases):
                case.start(case.plan([case.sh('echo $1 >/tmp/mine; cat /tmp/mine', str(i))]))
            for i, case in enumerate(cases):
                report = case.finish(60)
                self.assertState(report, 'COMPLETE')
                self.assertEqual(report['executors'][0]['stdout'], '%d\n' % i)
        finally:
            for case in cases:
                case.tearDown()


class Hosts(Case):
    def test_R40_runtime_missing(self):
        tools = self.base + '/bin'
        os.makedirs(tools)
        for name in ('bash', 'python3'):
            os.symlink(
                shutil.which(name, path='/usr/bin:/bin') or shutil.which(name), tools + '/' + name
            )
        os.chmod(self.base, 0o755)
        report = self.run_plan([self.sh('true')], env={'PATH': tools})
        self.assertState(report, 'SYSTEM_ERROR', 'RUNTIME_MISSING')

    @only('docker', 'podman')
    def test_engine_is_asked_for_nothing_but_to_run_and_remove(self):
        """Each start of a command line tool costs a quarter of what a short task does."""
        tools, calls = self.base + '/bin', self.data + '/calls'
        os.makedirs(tools)
        with open('%s/%s' % (tools, self.kind), 'w') as file:
            real = shutil.which(self.kind)
            file.write('#!/bin/sh\necho "$1" >>%s\nexec %s "$@"\n' % (calls, real))
        os.chmod('%s/%s' % (tools, self.kind), 0o755)
        for script, expected in (
            ('true', ['ps', 'run', 'rm']),
            ('true', ['run', 'rm']),
            ('exit 3', ['run', 'inspect', 'rm']),
        ):
            self.next_job()
            self.run_plan([self.sh(script)], env={'PATH': tools + ':' + os.environ['PATH']})
            with open(calls) as file:
                asked = file.read().split()
            os.unlink(calls)
            # A busy machine makes a short task long enough to be asked after while it runs.
            inspects = [word for word in asked if word == 'inspect'][expected.count('inspect') :]
            for word in inspects:
                asked.remove(word)
            self.assertEqual(asked, expected)

    @only('docker')
    def test_engine_goes_down_after_it_answered(self):
        sock = self.base + '/sock'
        env = {'DOCKER_HOST': 'unix://' + sock}
        for workdir in ('/opt/tool', '/'):
            os.symlink(self.lab.env['DOCKER_HOST'][len('unix://') :], sock)
            self.next_job()
            self.assertState(self.run_plan([self.sh('true')], env=env), 'COMPLETE')
            os.unlink(sock)
            self.next_job()
            report = self.run_plan([self.sh('true', workdir=workdir)], env=env)
            self.assertState(report, 'SYSTEM_ERROR', 'RUNTIME_DOWN')
            self.assertNotEqual(report['error']['phase'], 'preflight')
        self.next_job()
        report = self.run_plan([self.sh('true')], env=env)
        self.assertState(report, 'SYSTEM_ERROR', 'RUNTIME_DOWN')
        self.assertEqual(report['error']['phase'], 'preflight')

    @only('docker')
    def test_runtime_down(self):
        report = self.run_plan([self.sh('true')], env={'DOCKER_HOST': 'unix:///nowhere/sock'})
        self.assertState(report, 'SYSTEM_ERROR', 'RUNTIME_DOWN')

    @only('bubblewrap')
    def test_runtime_that_cannot_start(self):
        """bwrap is there and may not make namespaces, as in some nested environments."""
        tools = self.base + '/bin'
        os.makedirs(tools)
        with open(tools + '/bwrap', 'w') as file:
            file.write(
                '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n'
            )
        os.chmod(tools + '/bwrap', 0o755)
        os.chmod(self.base, 0o755)
        report = self.run_plan([self.sh('true')], env={'PATH': tools + ':' + os.environ['PATH']})
        self.assertState(report, 'SYSTEM_ERROR', 'RUNTIME_DOWN')

    @only('bubblewrap')
    def test_auto_finds_a_runtime(self):
        report = self.run_plan(
            [self.sh('true')] if self.is_engine else [self.executor('true')],
            runtime={'kind': 'auto'},
            env={'DOCKER_HOST': 'unix:///nowhere/sock', 'PATH': self.path_without_engines()},
        )
        self.assertIn(report['state'], ('COMPLETE', 'SYSTEM_ERROR'))
        self.assertEqual(report['host'].get('runtime'), 'bubblewrap')

    def path_without_engines(self):
        tools = self.base + '/bin'
        os.makedirs(tools)
        for name in ('bash', 'python3', 'bwrap'):
            os.symlink(
                shutil.which(name, path='/usr/bin:/bin') or shutil.which(name), tools + '/' + name
            )
        os.chmod(self.base, 0o755)
        return tools

    @only('bubblewrap')
    def test_R48_no_python(self):
        tools = self.base + '/bin'
        os.makedirs(tools)
        for name in ('bash', 'date', 'mv', 'mkdir', 'rm'):
            os.symlink(shutil.which(name), tools + '/' + name)
        os.chmod(self.base, 0o755)
        python, Case.python = self.python, None
        try:
            report = self.run_plan([self.sh('true')], env={'PATH': tools, 'TES_PYTHON': ''})
        finally:
            Case.python = python
        if os.path.exists('/usr/libexec/platform-python'):
            self.assertEqual(report['state'], 'SYSTEM_ERROR')
        else:
            self.assertState(report, 'SYSTEM_ERROR', 'NO_PYTHON')
        self.assertEqual(report['job'], self.name)

    @core
    def test_R54_plain_locale_with_umlauts(self):
        report = self.run_plan(
            [self.sh('echo "$1"; cat /w/ü', 'ü', env={'Ü': 'ü'})],
            env={'LC_ALL': 'C'},
            inputs=[self.content('/w/ü', 'ä')],
            outputs=[self.output('/w/ü', 'ö')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'ü\nä')
        self.assertEqual(self.delivered('ö'), 'ä')

    @only('bubblewrap')
    def test_job_folder_behind_a_closed_one(self):
        """As under /root: only root may enter, and executors run as somebody else."""
        if self.as_user:
            os.chown(self.base, USER, USER)
        os.chmod(self.base, 0o700)
        path = self.write('in', 'hello')
        report = self.run_plan(
            [self.sh('cat /w/in >/w/out; ls "$1"', self.base)],
            inputs=[self.mounted('/w/in', path)],
            outputs=[self.output('/w/out')],
        )
        self.assertState(report, 'EXECUTOR_ERROR')  # ls finds nothing.
        self.assertEqual(self.delivered('w_out'), 'hello')

    @only('bubblewrap')
    def test_compiled_runner_is_kept_privately(self):
        self.run_plan([self.sh('true')])
        folder = '%s/staging/.tes-runner-%d' % (
            self.base,
            USER if self.as_user else os.geteuid(),
        )
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        compiled = [name for name in os.listdir(folder) if name != 'gone']
        self.assertEqual(len(compiled), 1)
        with open(folder + '/' + compiled[0], 'wb') as file:
            file.write(b'rubbish')
        shutil.rmtree(self.jd)
        for name in ('inputs', 'working', 'metadata'):
            os.makedirs(self.jd + '/' + name)
        if self.as_user:
            for place, _, _ in os.walk(self.jd):
                os.chown(place, USER, USER)
        self.assertState(self.run_plan([self.sh('true')]), 'COMPLETE')

    @only('bubblewrap')
    def test_compiled_runner_of_somebody_else_is_not_believed(self):
        folder = '%s/staging/.tes-runner-%d' % (
            self.base,
            USER if self.as_user else os.geteuid(),
        )
        os.makedirs(folder)
        os.chmod(folder, 0o777)
        self.assertState(self.run_plan([self.sh('true')]), 'COMPLETE')
        self.assertEqual(os.listdir(folder), [])

    @only('bubblewrap')
    def test_bad_plan(self):
        self.start(None)
        self.assertState(self.finish(), 'SYSTEM_ERROR', 'BAD_PLAN')


class FullDisk(Case):
    """The job lies on a small tmpfs; needs root for the mount."""

    size = 4 << 20

    def setUp(self):
        super().setUp()
        os.makedirs(self.base + '/small', exist_ok=True)
        if os.geteuid() == 0:
            subprocess.check_call(
                [
                    'mount',
                    '-t',
                    'tmpfs',
                    '-o',
                    'size=%d,mode=755' % self.size,
                    'tmpfs',
                    self.base + '/small',
                ]
            )
        self.jd = self.base + '/small/' + self.name
        self.own, self.shared = self.jd + '/tes', self.jd + '/metadata/tes'
        for folder in ('inputs', 'working', 'metadata'):
            os.makedirs(self.jd + '/' + folder)

    def tearDown(self):
        if os.geteuid() == 0:
            subprocess.call(['umount', '-l', self.base + '/small'])
        super().tearDown()

    @only('bubblewrap', 'docker', 'podman')
    def test_R36_full_disk(self):
        if self.as_user:
            for folder, _, _ in os.walk(self.base):
                os.chown(folder, USER, USER)
        big = self.write('big', b'x' * (6 << 20))
        cases = (
            (
                'tool',
                dict(
                    executors=[self.sh('head -c 6000000 /dev/zero >/w/f || exit 3')], volumes=['/w']
                ),
                'EXECUTOR_ERROR',
                None,
            ),
            (
                'redirect',
                dict(executors=[self.sh('head -c 6000000 /dev/zero', stdout='/w/f')]),
                'SYSTEM_ERROR',
                'DISK_FULL',
            ),
            (
                'log',
                dict(
                    executors=[self.sh('head -c 6000000 /dev/zero')], limits={'log_bytes': 1 << 30}
                ),
                'COMPLETE',
                None,
            ),
            (
                'input',
                dict(
                    executors=[self.sh('true')],
                    inputs=[self.mounted('/w/f', big)],
                    outputs=[self.output('/w/f')],
                ),
                'SYSTEM_ERROR',
                'DISK_FULL',
            ),
            (
                'preflight',
                dict(executors=[self.sh('true')], limits={'disk_bytes': 1 << 40}),
                'SYSTEM_ERROR',
                'DISK_FULL',
            ),
        )
        for name, fields, state, code in cases:
            with self.subTest(name):
                for inner in ('tes', 'metadata', 'inputs'):
                    shutil.rmtree(self.jd + '/' + inner, ignore_errors=True)
                for inner in ('metadata', 'inputs'):
                    os.makedirs(self.jd + '/' + inner)
                    if self.as_user:
                        os.chown(self.jd + '/' + inner, USER, USER)
                self.assertState(self.run_plan(**fields), state, code)
