"""Commands, environments, streams, exit codes, limits. Names begin with the case number of the
runtime study."""

import os
import subprocess

from support.case import Case
from support.lab import IMAGE
from support.marks import core, only
from support.module import runner

HEX_ARGS = 'for a in "$@"; do printf "%s" "$a" | od -An -v -tx1 | tr -d " \\n"; echo .; done'


class Commands(Case):
    @core
    def test_R01_streams_apart(self):
        report = self.run_plan([self.sh('echo out; echo err >&2')])
        self.assertState(report, 'COMPLETE')
        record = report['executors'][0]
        self.assertEqual(
            (record['stdout'], record['stderr'], record['exit_code']), ('out\n', 'err\n', 0)
        )
        self.assertEqual((record['stdout_bytes'], record['stderr_bytes']), (4, 4))
        self.assertLessEqual(record['start'], record['end'])
        with open(self.shared + '/0.stdout') as file:
            self.assertEqual(file.read(), 'out\n')

    @core
    def test_R02_argv_exact(self):
        words = [
            '',
            ' ',
            'a b',
            '"q"',
            "'",
            '$HOME',
            '`id`',
            'two\nlines',
            '-v',
            '--',
            '\\',
            '*',
            ';',
            'ü€😀',
            '--mount',
            'x' * 100000,
        ]
        report = self.run_plan(
            [self.sh(HEX_ARGS, *words, stdout='/o/args')], outputs=[self.output('/o/args')]
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            self.delivered('o_args').split('.\n')[:-1], [word.encode().hex() for word in words]
        )

    def test_R02_first_word_is_an_option(self):
        report = self.run_plan([self.executor('--privileged', 'x')])
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual(report['executors'][0]['exit_code'], 127)

    @core
    def test_R03_env_exact(self):
        env = {
            'Q': 'a"b\'c',
            'NL': 'one\ntwo',
            'EMPTY': '',
            'T x': 'space',
            'T_.d': 'dot',
            'LD_PRELOAD': '/nowhere.so',
            'DOCKER_HOST': 'unix:///nowhere',
            'CONTAINERS_CONF': '/nowhere',
            'UML': 'ü',
            'PATH': '/bin:/usr/bin',
            'HOME': '/h',
        }
        report = self.run_plan(
            [self.executor('cat', '/proc/self/environ', env=env, stdout='/o/env')],
            env={'TES_LEAK': 'secret'},
            outputs=[self.output('/o/env')],
        )
        self.assertState(report, 'COMPLETE')
        seen = dict(line.split('=', 1) for line in self.delivered('o_env').split('\0') if line)
        for name, value in env.items():
            self.assertEqual(seen.get(name), value, name)
        self.assertNotIn('TES_LEAK', seen)

    def test_R03_plan_env_is_the_default(self):
        plan = self.plan([self.sh('echo $A $B', env={'A': 'task'})])
        plan['env'] = {'A': 'site', 'B': 'site'}
        self.start(plan)
        self.assertEqual(self.finish()['executors'][0]['stdout'], 'task site\n')

    @core
    def test_R04_stops_at_first_failure(self):
        report = self.run_plan([self.sh('exit 3'), self.sh('echo never')])
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual([row['exit_code'] for row in report['executors']], [3])

    def test_R05_ignore_error(self):
        report = self.run_plan([self.sh('exit 3', ignore_error=True), self.sh('exit 0')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual([row['exit_code'] for row in report['executors']], [3, 0])

    def code_of(self, executor, inputs=()):
        report = self.run_plan([executor], inputs=list(inputs))
        self.assertState(report, 'EXECUTOR_ERROR')
        return report['executors'][0]['exit_code']

    def test_R06_exit_125(self):
        self.assertEqual(self.code_of(self.sh('exit 125')), 125)

    def test_R06_exit_127(self):
        self.assertEqual(self.code_of(self.sh('exit 127')), 127)

    def test_R06_exit_255(self):
        self.assertEqual(self.code_of(self.sh('exit 255')), 255)

    @core
    def test_R06_no_such_command(self):
        self.assertEqual(self.code_of(self.executor('no-such-command')), 127)

    def test_R06_not_executable(self):
        self.assertEqual(self.code_of(self.executor('/etc/passwd')), 126)

    def test_R06_kill_itself(self):
        self.assertEqual(self.code_of(self.sh('kill -KILL $$')), 137)

    def test_R06_segv_itself(self):
        self.assertEqual(self.code_of(self.sh('kill -SEGV $$')), 139)

    def test_check_image_needs_no_registry(self):
        if self.is_engine:
            name = runner.check_name(runner.check_program(os.uname()[4]))
            env = dict(os.environ, **self.lab.env)
            quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
            subprocess.call([self.kind, 'rmi', '-f', name], env=env, **quiet)
        for _ in range(2):
            report = self.run_plan(
                [self.executor('true', image='magnetar/check', stderr='/w/err')],
                outputs=[self.output('/w/err')],
            )
            self.assertState(report, 'COMPLETE')
            record = report['executors'][0]
            self.assertEqual((record['exit_code'], record['stderr']), (0, ''))
            self.assertEqual(self.delivered('w_err'), '')  # Nothing is left of the first try.
            self.assertGone(self.name)
            self.setUp()

    def test_check_image_can_be_mapped(self):
        images = {'magnetar/check': IMAGE if self.is_engine else self.lab.rootfs}
        report = self.run_plan(
            [self.executor('cat', '/etc/image-file', image='magnetar/check')],
            runtime={'images': images},
        )
        self.assertEqual(report['executors'][0]['stdout'], 'of the image\n')

    @only('docker', 'podman')
    def test_check_image_holds_nothing_else(self):
        report = self.run_plan([self.executor('sh', image='magnetar/check')])
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual(report['executors'][0]['exit_code'], 127)

    @only('docker', 'podman')
    def test_R07_unknown_image(self):
        report = self.run_plan([self.executor('true', image='docker.io/library/not-here:1')])
        self.assertState(report, 'SYSTEM_ERROR', 'IMAGE_MISSING')
        self.assertEqual(report['error']['phase'], 'image')

    @only('docker', 'podman')
    def test_R08_bad_images(self):
        for image in ('--privileged', 'Bad Image', '-v/:/h', 'a;id', '', 'x' * 600):
            with self.subTest(image=image):
                self.setUp()
                report = self.run_plan([self.executor('true', image=image)])
                self.assertState(report, 'SYSTEM_ERROR', 'IMAGE_BAD')

    @only('docker', 'podman', 'bubblewrap')
    def test_R08_images_map(self):
        target = (
            self.lab.rootfs if self.kind == 'bubblewrap' else 'docker.io/library/busybox:latest'
        )
        report = self.run_plan(
            [self.executor('cat', '/etc/image-file', image='some/name:1')],
            runtime={'images': {'*': '/nowhere', 'some/name:1': target}},
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'of the image\n')

    @only('bubblewrap')
    def test_R08_root_folder_with_mounts_inside(self):
        report = self.run_plan(
            [
                self.sh(
                    'cat /opt/tool/part /opt/tool/data/x /etc/image-file /etc/new.conf && '
                    'echo >/opt/tool/data/y',
                    image='i',
                    stdout='/top/out',
                )
            ],
            runtime={'images': {'i': self.lab.rootfs}},
            outputs=[self.output('/opt/tool/data/', type='DIRECTORY')],
            inputs=[
                self.content('/opt/tool/data/x', 'x\n'),
                self.content('/etc/new.conf', 'conf\n', 1),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'of the image\nx\nof the image\nconf\n')

    @only('bubblewrap')
    def test_R08_no_image_is_told_once(self):
        report = self.run_plan([self.sh('true'), self.sh('true')])
        self.assertEqual(sum('without an image' in line for line in report['system_logs']), 1)

    @core
    def test_R16_redirects_and_chain(self):
        report = self.run_plan(
            [
                self.executor('cat', stdin='/w/in', stdout='/w/mid'),
                self.executor('tr', 'a-z', 'A-Z', stdin='/w/mid', stdout='/w/out', stderr='/w/err'),
            ],
            inputs=[self.content('/w/in', 'hello\n')],
            outputs=[self.output('/w/out')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.delivered('w_out'), 'HELLO\n')
        self.assertEqual(report['executors'][1]['stdout'], 'HELLO\n')

    def test_R16_five_megabytes_of_stdin(self):
        path = self.write('big', os.urandom(5 << 20))
        report = self.run_plan(
            [self.executor('wc', '-c', stdin='/w/big')], inputs=[self.mounted('/w/big', path)]
        )
        self.assertEqual(report['executors'][0]['stdout'].strip(), str(5 << 20))

    def test_R16_both_streams_in_one_file(self):
        report = self.run_plan(
            [self.sh('echo a; echo b >&2', stdout='/w/all', stderr='/w/all')],
            outputs=[self.output('/w/all')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(self.delivered('w_all').split()), ['a', 'b'])

    def test_R17_stdin_missing(self):
        report = self.run_plan([self.executor('cat', stdin='/w/none')])
        self.assertState(report, 'SYSTEM_ERROR', 'STDIN_MISSING')

    def test_R18_long_log_with_bad_bytes(self):
        report = self.run_plan(
            [self.sh('head -c 100000000 /dev/zero | tr "\\0" x; printf "\\303\\0end\\377"')],
            limits={'log_bytes': 100000},
        )
        self.assertState(report, 'COMPLETE')
        record = report['executors'][0]
        self.assertEqual(record['stdout_bytes'], 100000006)
        self.assertTrue(record['stdout'].endswith('x\ufffd\ufffdend\ufffd'))
        self.assertTrue(record['stdout'].startswith('[the last 65536 of 100000006 bytes]\n'))
        self.assertEqual(os.path.getsize(self.shared + '/0.stdout'), 100000)

    def test_R18_report_stays_below_its_limit(self):
        one = 'head -c 300000 /dev/zero | tr "\\0" "\\001"'
        script = '%s; %s >&2' % (one, one)
        report = self.run_plan([self.sh(script) for _ in range(3)], limits={'tail_bytes': 262144})
        self.assertState(report, 'COMPLETE')  # Case.report checks the size.

    def test_R32_workdirs(self):
        report = self.run_plan(
            [
                self.executor('pwd', workdir='/bin'),
                self.executor('pwd', workdir='/'),
                self.sh('pwd; echo x >made', workdir='/new/dir'),
                self.sh('pwd; cat made', workdir='/new/./dir/'),
            ]
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            [row['stdout'].split()[0].replace('/usr/bin', '/bin') for row in report['executors']],
            ['/bin', '/', '/new/dir', '/new/dir'],
        )

    def test_R32_workdir_of_the_kernel_is_used_as_it_is(self):
        report = self.run_plan([self.executor('cat', 'self/comm', workdir='/proc')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'cat\n')

    @only('docker', 'podman')
    def test_R32_workdir_of_the_image_is_not_hidden(self):
        report = self.run_plan([self.executor('cat', 'part', workdir='/opt/tool')])
        self.assertEqual(report['executors'][0]['stdout'], 'of the image\n')

    @core
    def test_R33_volumes_and_tmp(self):
        report = self.run_plan(
            [
                self.sh('echo v >/vol/inner/a; echo t >/tmp/t; ls -ld /tmp'),
                self.sh('cat /vol/inner/a /tmp/t'),
            ],
            volumes=['/vol/', '/vol/inner'],
        )
        self.assertState(report, 'COMPLETE')
        self.assertTrue(report['executors'][0]['stdout'].startswith('drwxrwxrwt'))
        self.assertEqual(report['executors'][1]['stdout'], 'v\nt\n')

    def test_R34_memory_and_cpus(self):
        eater = 'x=$(head -c 30000000 /dev/zero | tr "\\0" x); y="$x$x$x$x"; z="$y$y"; echo ${#z}'
        report = self.run_plan([self.sh(eater)], limits={'ram_bytes': 64 << 20, 'cpus': 64})
        if self.runtime == 'bubblewrap-user':
            self.assertTrue(any('not limited' in line for line in report['system_logs']))
        else:
            self.assertState(report, 'EXECUTOR_ERROR')
            record = report['executors'][0]
            self.assertEqual(record['exit_code'], 137)
            self.assertTrue(record.get('oom') or self.kind == 'podman')
            self.assertTrue(any('out of memory' in line for line in report['system_logs']))

    def test_R35_fork_bomb(self):
        report = self.run_plan(
            [self.sh('echo "$1" >/dev/null; f() { f & f & }; f; exit 5', self.name)],
            limits={'pids': 50, 'walltime_s': 4},
            seconds=40,
        )
        self.assertIn(report['state'], ('EXECUTOR_ERROR', 'SYSTEM_ERROR'))
        self.assertGone(self.name)

    def test_R41_network_none(self):
        server = self.server()
        server.routes['/x'] = lambda handler: handler.answer(200, b'reached')
        script = (
            'exec 3<>/dev/tcp/127.0.0.1/%d' % server.server_port
            if not self.is_engine
            else 'nc -w 2 127.0.0.1 %d </dev/null' % server.server_port
        )
        report = self.run_plan([self.executor('sh' if self.is_engine else 'bash', '-c', script)])
        self.assertState(report, 'EXECUTOR_ERROR')

    def test_R41_network_host(self):
        server = self.server()
        server.routes['/x'] = lambda handler: handler.answer(200, b'reached')
        request = 'printf "GET /x HTTP/1.0\\r\\n\\r\\n"'
        script = (
            'exec 3<>/dev/tcp/127.0.0.1/%d; %s >&3; cat <&3'
            if not self.is_engine
            else '%.0s' + request + ' | nc 127.0.0.1 %d'
        )
        script = script % (
            (server.server_port, request) if not self.is_engine else (0, server.server_port)
        )
        report = self.run_plan(
            [self.executor('sh' if self.is_engine else 'bash', '-c', script)],
            runtime={'network': 'host'},
        )
        self.assertIn('reached', report['executors'][0]['stdout'])

    def test_R42_background_child_keeps_stdout(self):
        report = self.run_plan([self.sh('sleep 300 & echo done')], seconds=15)
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'done\n')

    def test_R43_longest_argument(self):
        report = self.run_plan([self.sh('echo ${#1}', 'x' * 131071)])
        self.assertEqual(report['executors'][0]['stdout'], '131071\n')

    def test_R43_too_long_argument(self):
        report = self.run_plan([self.sh('echo ${#1}', 'x' * 131072)])
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_COMMAND')

    def test_R44_too_much_in_all(self):
        report = self.run_plan([self.sh('echo $#', *['x' * 100000] * 30)])
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_COMMAND')

    def test_empty_command(self):
        self.assertState(self.run_plan([self.executor('')]), 'SYSTEM_ERROR', 'BAD_COMMAND')

    def test_bad_env_name(self):
        self.assertState(
            self.run_plan([self.sh('true', env={'A=B': 'x'})]), 'SYSTEM_ERROR', 'BAD_ENV'
        )


class Isolation(Case):
    """From inside an executor nothing of the runner or of another task can be read or forged."""

    def test_nothing_of_the_job_is_visible(self):
        script = (
            'exec 2>/dev/null; ls "$1" "$1/tes" "$1/inputs"; cat "$1/tes/plan.json"; '
            'cat "$1/metadata/tes/report.json"; exec 2>&1; ls /proc/self/fd'
        )
        report = self.run_plan([self.sh(script, self.jd)])
        fds = [word for word in report['executors'][0]['stdout'].split()]
        self.assertLessEqual(set(fds), {'0', '1', '2', '3'}, report)

    def test_only_task_folders_are_writable(self):
        script = (
            'for f in / /etc /usr /bin /opt /lib /work; do '
            'if touch $f/probe 2>/dev/null; then echo $f; fi; done'
        )
        report = self.run_plan([self.sh(script)], outputs=[self.output('/work/x')])
        if not self.is_engine:
            self.assertEqual(report['executors'][0]['stdout'], '/work\n')

    @only('bubblewrap')
    def test_R52_environment_of_pid_1(self):
        report = self.run_plan(
            [self.executor('cat', '/proc/1/environ')], env={'TES_LEAK': 'secret', 'HOME': '/secret'}
        )
        self.assertNotIn('secret', report['executors'][0]['stdout'])

    @only('bubblewrap')
    def test_other_processes_are_invisible(self):
        report = self.run_plan(
            [
                self.sh(
                    'ls /proc | grep -c "^[0-9]"; id -u; '
                    'grep -h Cap /proc/self/status; grep NoNewPrivs /proc/self/status'
                )
            ]
        )
        lines = report['executors'][0]['stdout'].split('\n')
        self.assertLess(int(lines[0]), 8)
        self.assertNotEqual(lines[1], '0')
        self.assertIn('CapEff:\t0000000000000000', lines)
        self.assertIn('NoNewPrivs:\t1', lines)

    def test_plan_is_erased(self):
        self.run_plan([self.sh('true')])
        self.assertFalse(os.path.exists(self.jd + '/inputs/plan.json'))
        self.assertEqual(os.listdir(self.own), ['lock'])

    def test_private_modes(self):
        self.run_plan([self.sh('true')])
        self.assertEqual(os.stat(self.shared).st_mode & 0o777, 0o700)
        for name in os.listdir(self.shared):
            self.assertEqual(os.stat(self.shared + '/' + name).st_mode & 0o777, 0o600, name)
