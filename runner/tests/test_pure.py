"""Parts of the runner that need no runtime: command lines as golden texts, paths, URLs, small
functions."""

import ast
import builtins
import dis
import io
import os
import struct
import subprocess
import tarfile
import tempfile
import types
import unittest

from support.module import PARTS, RUNNER, read, runner

SPEC = dict(
    name='tes-a-1-0',
    job='tes-a-1',
    server='s',
    node='n',
    lock='/j/tes/lock',
    image='img:1',
    command=['sh', '-c', 'echo $A'],
    env={'A': 'x y', 'PATH': '/p', 'T x': 'v'},
    workdir='/w',
    network='none',
    pids=10,
    binds=[('/j/fs/w', '/w', True), ('/d/a,b"c', '/w/in', False)],
)


class Golden(unittest.TestCase):
    def test_docker_argv(self):
        spec = runner.Spec(
            user=(5, 6), cpus=0.5, ram_bytes=1000, stdin=True, mark='/j/mark', **SPEC
        )
        self.assertEqual(
            runner.engine_argv('docker', spec),
            [
                'docker',
                'run',
                '--name',
                'tes-a-1-0',
                '--label',
                'tes.job=tes-a-1',
                '--label',
                'tes.server=s',
                '--label',
                'tes.node=n',
                '--label',
                'tes.lock=/j/tes/lock',
                '--init',
                '--log-driver',
                'none',
                '--pull',
                'never',
                '--cidfile',
                '/j/mark',
                '--network',
                'none',
                '--security-opt',
                'no-new-privileges',
                '--pids-limit',
                '10',
                '--cap-drop',
                'NET_RAW',
                '--cap-drop',
                'MKNOD',
                '--cap-drop',
                'AUDIT_WRITE',
                '--cap-drop',
                'SYS_CHROOT',
                '--user',
                '5:6',
                '--memory',
                '1000',
                '--memory-swap',
                '1000',
                '--cpus',
                '0.5',
                '--workdir',
                '/w',
                '-i',
                '--mount',
                'type=bind,source=/j/fs/w,target=/w',
                '--mount',
                'type=bind,"source=/d/a,b""c",target=/w/in,readonly',
                '--env',
                'A',
                '--env',
                'PATH=/p',
                '--env',
                'T x=v',
                '--entrypoint',
                'sh',
                'img:1',
                '-c',
                'echo $A',
            ],
        )
        self.assertEqual(runner.engine_env(spec), {'A': 'x y'})

    def test_podman_argv_without_root(self):
        spec = runner.Spec(user=(5, 6), keep_id=True, mark='/j/mark', **SPEC)
        argv = runner.engine_argv('podman', spec)
        self.assertEqual(argv[:2], ['podman', 'run'])
        self.assertEqual(
            argv[argv.index('--userns') :][:4], ['--userns', 'keep-id', '--user', '5:6']
        )
        self.assertNotIn('-i', argv)
        self.assertEqual(argv[argv.index('--conmon-pidfile') + 1], '/j/mark')

    def test_default_network_is_the_engines(self):
        self.assertNotIn(
            '--network', runner.engine_argv('docker', runner.Spec(**dict(SPEC, network='default')))
        )

    def test_apptainer_argv(self):
        spec = runner.Spec(**SPEC)
        self.assertEqual(
            runner.apptainer_argv('apptainer', spec),
            [
                'apptainer',
                '--silent',
                'exec',
                '--userns',
                '--containall',
                '--no-home',
                '--no-eval',
                '--writable-tmpfs',
                '--net',
                '--network',
                'none',
                '--pwd',
                '/w',
                '--mount',
                'type=bind,source=/j/fs/w,destination=/w',
                '--mount',
                'type=bind,"source=/d/a,b""c",destination=/w/in,ro',
                'docker://img:1',
                'sh',
                '-c',
                'echo $A',
            ],
        )

    def test_R51_apptainer_environment_goes_by_name(self):
        env = {'A': '$(id)', 'B': 'ends in \\', 'a b': 'dropped'}
        self.assertEqual(
            runner.apptainer_env(runner.Spec(env=env)),
            {'APPTAINERENV_A': '$(id)', 'APPTAINERENV_B': 'ends in \\'},
        )

    def test_apptainer_images(self):
        for given, used in (
            ('ubuntu:22.04', 'docker://ubuntu:22.04'),
            ('library://a/b', 'library://a/b'),
            ('shub://a/b', 'shub://a/b'),
            ('oras://h/a:1', 'oras://h/a:1'),
            ('/i/a.sif', '/i/a.sif'),
            ('/i/folder', '/i/folder'),
        ):
            self.assertEqual(runner.apptainer_image(given), used)

    def test_bubblewrap_options(self):
        spec = runner.Spec(root=[['--ro-bind', '/usr', '/usr']], **SPEC)
        self.assertEqual(
            runner.bubblewrap_options(spec, 9, 10, {}),
            [
                '--unshare-all',
                '--die-with-parent',
                '--new-session',
                '--json-status-fd',
                '9',
                '--block-fd',
                '10',
                '--clearenv',
                '--tmpfs',
                '/',
                '--ro-bind',
                '/usr',
                '/usr',
                '--proc',
                '/proc',
                '--dev',
                '/dev',
                '--bind',
                '/j/fs/w',
                '/w',
                '--ro-bind',
                '/d/a,b"c',
                '/w/in',
                '--remount-ro',
                '/',
                '--setenv',
                'A',
                'x y',
                '--setenv',
                'PATH',
                '/p',
                '--setenv',
                'T x',
                'v',
                '--chdir',
                '/w',
            ],
        )


    def test_bubblewrap_binds_what_is_open(self):
        spec = runner.Spec(**SPEC)
        words = runner.bubblewrap_options(spec, 9, 10, {'/w': 11})
        at = words.index('--bind-fd')
        self.assertEqual(words[at : at + 3], ['--bind-fd', '11', '/w'])
        self.assertNotIn('--bind', words)


class Small(unittest.TestCase):
    def test_normal_paths(self):
        for given, normal in (('/a//b/', '/a/b'), ('/a/./b', '/a/b'), ('/', '/')):
            self.assertEqual(runner.normal(given, 'x'), normal)
        for bad in ('a', '/a/../b', '/proc/x', '/dev/shm/x', '/sys', 'a\0', '/a\0b', ''):
            with self.assertRaises(runner.Failure, msg=bad):
                runner.normal(bad, 'x')

    def test_hmac_of_rfc_4231(self):
        self.assertEqual(
            runner.sign('Jefe', b'what do ya want for nothing?'),
            '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
        )
        self.assertEqual(
            runner.sign('k' * 100, b'x'),
            __import__('hmac').new(b'k' * 100, b'x', 'sha256').hexdigest(),
        )

    def test_json_both_ways(self):
        value = {'a': [1, 2.5, None, True, 'ü\n"\\\x01\ud83d'], 'b': {}, 'c': []}
        text = runner.dumps(value)
        self.assertTrue(all(ord(c) < 128 for c in text))
        self.assertEqual(__import__('json').loads(text), value)
        self.assertEqual(runner.loads(' %s\n' % text), value)

    def test_urls(self):
        self.assertEqual(
            runner.split_url('http://u:p@H.example:8080/a?b#c'),
            ('http', 'u:p', 'h.example', 8080, '/a?b'),
        )
        self.assertEqual(runner.split_url('https://[::1]?q'), ('https', '', '::1', 443, '/?q'))
        for bad in (
            'http://',
            'http://h:x/',
            'http://h:65536/',
            'http://h:²/',
            'http://h/a b',
            'http://h/\r\nX: y',
        ):
            with self.assertRaises(runner.Failure, msg=bad):
                runner.split_url(bad)

    def test_shown_urls_have_no_secrets(self):
        for url, shown in (
            ('https://u:secret@h/p?sig=secret#secret', 'https://h/p'),
            ('http://u:secret@h/p@x?sig=a@secret', 'http://h/p@x'),
            ('http://u:secret@secret@h:81/@/p@', 'http://h:81/@/p@'),
            ('http://h?sig=secret@h2/', 'http://h'),
            ('http://h#secret@h2/', 'http://h'),
            ('http://u@[::1]:81/p@x', 'http://[::1]:81/p@x'),
            ('http://[::1]:81/p@x', 'http://[::1]:81/p@x'),
            ('https://host/path@x/y', 'https://host/path@x/y'),
            ('http://u:se/cret@h/p', 'http://h/p'),
            ('http://u:p://secret@h/p', 'http://h/p'),
            ('http://u:se?cr#et@sec/ret@h:81/p?sig=secret', 'http://h:81/p'),
            ('s3://AK:se/cret@host:9000/b/k', 's3://host:9000/b/k'),
            ('ftp://u:secret@h/d@v1/f', 'ftp://h/d@v1/f'),
        ):
            self.assertEqual((runner.shown_url(url), runner.public_url(url)), (shown, shown))
        for url, shown in (
            ('http://u:secret@/p', 'http://...'),
            ('http://u:se/cret@h:x/p', 'http://...'),
            ('http:/u:secret@h/p', '...'),
            ('u:secret@h/p?sig=secret', '...'),
        ):
            self.assertEqual(runner.shown_url(url), shown)
        for url, public in (
            ('s3://AK:se/cret@h/b/what?#', 's3://h/b/what?#'),
            ('ftp://u:secret@h/what?', 'ftp://h/what?'),
        ):
            self.assertEqual(runner.public_url(url), public)
        for path in ('/a@b?c#d', '/a://u@b?c', 'file:///a@b?c#d'):
            self.assertEqual(runner.public_url(path), path)

    def test_joined_urls(self):
        self.assertEqual(runner.join_url('file:///a/', 'b c', False), 'file:///a/b c')
        self.assertEqual(runner.join_url('http://h/a?sig=1', 'b c', True), 'http://h/a/b%20c?sig=1')

    def test_shell_patterns(self):
        for name, pattern, expected in (
            ('a.txt', '*.txt', True),
            ('.a', '*', False),
            ('.a', '.*', True),
            ('ab', 'a?', True),
            ('b1', '[ab]?', True),
            ('c1', '[ab]?', False),
        ):
            self.assertEqual(runner.matches(name, pattern), expected, (name, pattern))

    def test_output_base(self):
        self.assertEqual(runner.output_base('/a/b*/c'), '/a')
        self.assertEqual(runner.output_base('/a/b'), '/a/b')
        self.assertEqual(runner.output_base('/a/[b]/c'), '/a')
        self.assertEqual(runner.output_base('/a[/b]/[]'), '/a[/b]/[]')

    def test_addresses(self):
        plan = {
            'storage': {'http_allow': ['10.1.0.0/16', 'storage.local']},
            'beacon': {'url': 'http://127.0.0.1:80/files/j/beacon'},
        }
        guard = runner.Guard(plan)
        for address in (
            '127.0.0.1',
            '10.0.0.1',
            '169.254.169.254',
            '192.168.1.1',
            '100.64.0.1',
            '0.0.0.0',
            '::1',
            'fe80::1',
            'fd00::1',
            '::ffff:127.0.0.1',
            '64:ff9b::7f00:1',
            '2002:7f00:1::',
            '224.0.0.1',
            '255.255.255.255',
        ):
            self.assertFalse(guard.is_public(address), address)
        for address in ('8.8.8.8', '10.1.2.3', '2606:4700::1111'):
            self.assertTrue(guard.is_public(address), address)

    def test_the_server_itself_is_no_exception(self):
        plan = {
            'storage': {'http_allow': []},
            'beacon': {'url': 'http://127.0.0.1:80/files/j/beacon'},
        }
        guard = runner.Guard(plan)
        for url in ('http://127.0.0.1:80/files/j/in/0', 'http://127.0.0.1:80/metrics'):
            with self.assertRaises(runner.Failure, msg=url):
                guard.address(url, '127.0.0.1', 80)

    def test_outermost_folders(self):
        plan = {
            'mounts': [],
            'volumes': ['/v/a', '/v'],
            'inputs': [{'path': '/w/in/a', 'type': 'FILE'}, {'path': '/etc/x', 'type': 'FILE'}],
            'outputs': [{'path': '/w/*.txt', 'type': 'FILE'}],
            'executors': [{'stdout': '/top'}],
        }
        layout = runner.Layout(plan)
        self.assertEqual(layout.outermost(), ['/tmp', '/v', '/w'])
        self.assertEqual(layout.single_files(), ['/etc/x', '/top'])


class ReportLimit(unittest.TestCase):
    EMPTY = {'executors': [], 'inputs': [], 'outputs': [], 'system_logs': []}
    ROW = {'i': 0, 'path': '/' + 'p' * 3000, 'url': '/' + 'u' * 3000, 'size': 1}

    def fit(self, **long):
        """The report, and the lists beside it."""
        with tempfile.TemporaryDirectory() as folder:
            text = runner.fit(dict(self.EMPTY, **long), folder)
            self.assertLess(len(text), 1 << 20)
            beside = {}
            for name in os.listdir(folder):
                with open(folder + '/' + name) as file:
                    beside[name] = [runner.loads(line) for line in file]
        return runner.loads(text), beside

    def test_tails(self):
        report, _ = self.fit(executors=[{'stdout': '\x01' * 300000, 'stderr': ''}])
        self.assertEqual(report['executors'][0]['stdout'][:7], '[cut]\n\x01')

    def test_everything_at_once(self):
        wide = '\U0001f600'  # Twelve bytes of JSON.
        record = {
            'start': '2026-01-01T00:00:00.000Z',
            'end': '2026-01-01T00:00:00.000Z',
            'exit_code': 255,
            'stdout': wide * 500,
            'stderr': wide * 500,
            'stdout_bytes': 10**14,
            'stderr_bytes': 10**14,
            'oom': True,
        }
        report, beside = self.fit(
            outputs=[self.ROW] * 1000,
            inputs=[self.ROW] * 1000,
            system_logs=[wide * 2000] * 200,
            executors=[dict(record, i=i) for i in range(1000)],
            error={'code': 'RUNNER_BUG', 'message': wide * 2000, 'phase': 'outputs'},
        )
        self.assertEqual(report['cut'], {'outputs': 1000, 'inputs': 1000})
        self.assertEqual(
            {name: len(rows) for name, rows in beside.items()},
            {'outputs.jsonl': 1000, 'inputs.jsonl': 1000},
        )
        self.assertEqual(report['system_logs'][-1], '[the first 5 of 200 lines]')

    def test_a_list_is_cut_by_bytes_and_the_report_says_so(self):
        report, beside = self.fit(outputs=[self.ROW] * 900)
        self.assertEqual(report['cut'], {'outputs': 900})
        self.assertEqual(report['outputs'], [self.ROW] * 43)
        self.assertEqual(beside, {'outputs.jsonl': [self.ROW] * 900})

    def test_a_list_that_fits_is_left_alone(self):
        row = {'i': 0, 'path': '/a', 'url': '/b', 'size': 1}
        report, beside = self.fit(outputs=[row] * 5000)
        self.assertEqual((len(report['outputs']), beside), (5000, {}))
        self.assertNotIn('cut', report)

    def test_no_room_for_the_list_beside_it(self):
        text = runner.fit(dict(self.EMPTY, outputs=[self.ROW] * 900), '/nowhere')
        self.assertEqual(runner.loads(text)['cut'], {'outputs': 900})


def names_used(code):
    """Global names a code object and those inside it look up."""
    for step in dis.get_instructions(code):
        if step.opname in ('LOAD_GLOBAL', 'LOAD_NAME'):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            for name in names_used(inner):
                yield name


def top_names(tree):
    """`(defined, imported by part)` at the top of a part."""
    defined, imported = set(), {}
    for node in tree.body:
        for inner in ast.walk(node) if isinstance(node, (ast.Assign, ast.Try)) else [node]:
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                defined.add(inner.id)
            elif isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                defined.add(inner.name)
            elif isinstance(inner, ast.Import):
                defined.update(alias.asname or alias.name for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom):
                imported.setdefault(inner.module, set()).update(a.name for a in inner.names)
    return defined, imported


class CheckImage(unittest.TestCase):
    def test_program_is_small_and_well_formed(self):
        for machine, number in (('x86_64', 62), ('aarch64', 183), ('arm64', 183)):
            with self.subTest(machine):
                program = runner.check_program(machine)
                self.assertLess(len(program), 150)
                self.assertEqual(program[:7], b'\x7fELF\x02\x01\x01')
                self.assertEqual(struct.unpack_from('<HH', program, 16), (2, number))
                entry, table = struct.unpack_from('<QQ', program, 24)
                kind, flags, offset, base = struct.unpack_from('<IIQQ', program, table)
                size = struct.unpack_from('<Q', program, table + 32)[0]
                self.assertEqual((kind, flags, offset, size), (1, 5, 0, len(program)))
                self.assertEqual(entry - base, 120)  # The first byte after both headers.

    def test_program_runs_here(self):
        program = runner.check_program(os.uname()[4])
        if program is None:
            self.skipTest('no program for this machine')
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + '/true', 'wb') as file:
                file.write(program)
            os.chmod(folder + '/true', 0o755)
            self.assertEqual(subprocess.call([folder + '/true']), 0)

    def test_other_machines_have_none(self):
        self.assertIsNone(runner.check_program('riscv64'))

    def test_tar_has_the_program_only(self):
        program = runner.check_program('x86_64')
        with tarfile.open(fileobj=io.BytesIO(runner.check_tar(program))) as tar:
            (entry,) = tar.getmembers()
            self.assertEqual((entry.name, entry.mode), ('bin/true', 0o755))
            self.assertEqual(tar.extractfile(entry).read(), program)

    def test_name_follows_the_content(self):
        names = {runner.check_name(runner.check_program(m)) for m in ('x86_64', 'aarch64')}
        self.assertEqual(len(names), 2)
        for name in names:
            runner.check_image(name)
            self.assertTrue(name.startswith('localhost/magnetar/check:'))

    def test_apptainer_has_none(self):
        job = types.SimpleNamespace(plan={'runtime': {'images': {}}})
        self.assertIsNone(runner.Apptainer(job).image('magnetar/check'))


class Parts(unittest.TestCase):
    """The parts share one namespace when joined; that must be the only difference."""

    def test_parts_say_what_they_use_and_use_only_earlier_ones(self):
        before = {}
        for part in PARTS:
            with self.subTest(part):
                text = read('src/%s.py' % part)
                tree = ast.parse(text)
                defined, imported = top_names(tree)
                before[part] = defined
                for other, names in imported.items():
                    self.assertLessEqual(names, before.get(other, set()), other)
                taken = set().union(*imported.values()) if imported else set()
                used = set(names_used(compile(tree, part, 'exec')))
                known = defined | taken | set(dir(builtins)) | {'__name__'}
                self.assertEqual(used - known, set(), 'used and not imported')
                self.assertEqual(taken - used, set(), 'imported and not used')
                self.assertTrue(ast.get_docstring(tree), 'begins with its job')
                self.assertLess(len(text.splitlines()), 420)

    def test_no_name_is_defined_twice(self):
        modules = {'errno', 'fcntl', 'os', 'select', 'stat', 'sys', 'time'}
        owner = {}
        for part in PARTS:
            for name in top_names(ast.parse(read('src/%s.py' % part)))[0] - modules:
                self.assertEqual(owner.setdefault(name, part), part, name)

    def test_lines_are_short(self):
        for name in ['run.sh', 'join.py'] + ['src/%s.py' % part for part in PARTS]:
            self.assertLessEqual(max(map(len, read(name).split('\n'))), 100, name)

    def test_every_file_is_a_part(self):
        files = {name[:-3] for name in os.listdir(RUNNER + '/src') if name.endswith('.py')}
        self.assertEqual(files, set(PARTS))


if __name__ == '__main__':
    unittest.main()
