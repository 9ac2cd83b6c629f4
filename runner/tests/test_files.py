"""Inputs and outputs. Names begin with the case number of the runtime study."""

import os
import stat
import time
from email.utils import formatdate

from support.case import USER, Case, is_executable
from support.ftp import FtpServer
from support.marks import core, only


class Inputs(Case):
    @core
    def test_R28_content(self):
        big, shell = 'ü' * (1 << 19), '$(id) `id` \\ "\n\'\t*'
        report = self.run_plan(
            [self.sh('wc -c </w/big; wc -c </w/empty; cat /w/shell; /w/script')],
            inputs=[
                self.content('/w/big', big),
                self.content('/w/empty', '', 1),
                self.content('/w/shell', shell, 2),
                self.content('/w/script', '#!/bin/sh\necho run directly\n', 3),
            ],
        )
        self.assertState(report, 'COMPLETE')
        sizes, _, rest = report['executors'][0]['stdout'].partition('\n0\n')
        self.assertEqual((sizes.strip(), rest), (str(1 << 20), shell + 'run directly\n'))
        self.assertEqual([row['size'] for row in report['inputs'][:2]], [1 << 20, 0])

    @only('bubblewrap')
    def test_R30_bad_paths(self):
        for path in ('relative', '/a/../b', '/proc/x', '/dev/shm/x', '/sys/x', '/'):
            with self.subTest(path=path):
                self.setUp()
                self.assertState(
                    self.run_plan([self.sh('true')], inputs=[self.content(path, 'x')]),
                    'SYSTEM_ERROR',
                    'BAD_PATH',
                )

    @only('bubblewrap')
    def test_R30_folders_of_the_system(self):
        for path in ('/usr', '/', '/etc/', '/var/lib'):
            with self.subTest(path=path):
                self.setUp()
                self.assertState(
                    self.run_plan(
                        [self.sh('true')], outputs=[self.output(path, 'x', type='DIRECTORY')]
                    ),
                    'SYSTEM_ERROR',
                    'BAD_PATH',
                )

    @core
    def test_R31_files_in_system_folders(self):
        report = self.run_plan(
            [self.sh('cat /rootfile /etc/tool.conf; echo top >/top.out; test -s /etc/passwd')],
            inputs=[self.content('/rootfile', 'root '), self.content('/etc/tool.conf', 'conf', 1)],
            outputs=[self.output('/top.out'), self.output('/never.out', i=1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'root conf')
        self.assertEqual(self.delivered('top.out'), 'top\n')
        self.assertEqual(len(report['outputs']), 1)

    @core
    def test_mounted_file_cannot_be_changed(self):
        path = self.write('d/in', 'original')
        report = self.run_plan(
            [
                self.sh(
                    'cat /w/in; echo index >/w/in.idx; (echo x >/w/in) 2>/dev/null; '
                    'rm -f /w/in; mv /w/in /w/b; true'
                )
            ],
            inputs=[self.mounted('/w/in', path)],
            outputs=[self.output('/w/in.idx')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'original')
        self.assertEqual(self.delivered('w_in.idx'), 'index\n')
        with open(path) as file:
            self.assertEqual(file.read(), 'original')

    def test_mounted_folder_and_file_type_on_a_folder(self):
        self.write('d/a', 'A')
        self.write('d/sub/b', 'B')
        report = self.run_plan(
            [self.sh('cat /in/a /in/sub/b /in2/a; touch /in/new')],
            inputs=[
                self.mounted('/in', self.data + '/d', type='DIRECTORY'),
                self.mounted('/in2', self.data + '/d', 1),
            ],
        )
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual(report['executors'][0]['stdout'], 'ABA')
        self.assertEqual(sorted(os.listdir(self.data + '/d')), ['a', 'sub'])

    def test_input_that_is_also_output_is_a_copy(self):
        path = self.write('d/in', 'original')
        report = self.run_plan(
            [self.sh('echo more >>/w/in')],
            inputs=[self.mounted('/w/in', path)],
            outputs=[self.output('/w/in')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.delivered('w_in'), 'originalmore\n')
        with open(path) as file:
            self.assertEqual(file.read(), 'original')

    def test_output_inside_an_input_folder(self):
        self.write('d/a', 'A')
        report = self.run_plan(
            [self.sh('cat /in/a >/in/out')],
            inputs=[self.mounted('/in', self.data + '/d', type='DIRECTORY')],
            outputs=[self.output('/in/out')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual((self.delivered('in_out'), os.listdir(self.data + '/d')), ('A', ['a']))

    def test_input_inside_an_input_folder(self):
        self.write('d/a', 'A')
        report = self.run_plan(
            [self.sh('cat /in/a /in/b')],
            inputs=[
                self.mounted('/in', self.data + '/d', type='DIRECTORY'),
                self.content('/in/b', 'B', 1),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            (report['executors'][0]['stdout'], os.listdir(self.data + '/d')), ('AB', ['a'])
        )

    @only('bubblewrap')
    def test_volume_inside_a_read_only_mount(self):
        self.write('ref/genome', 'ACGT')
        report = self.run_plan(
            [self.sh('true')],
            volumes=['/ref/new/place'],
            mounts=[{'host': self.data + '/ref', 'path': '/ref', 'mode': 'ro'}],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
        self.assertEqual(os.listdir(self.data + '/ref'), ['genome'])

    @only('bubblewrap')
    def test_spellings_in_order(self):
        self.write('a%20b', 'literal')
        self.write('c d', 'decoded')
        report = self.run_plan(
            [self.sh('cat /w/1 /w/2')],
            inputs=[
                self.mounted('/w/1', [self.data + '/a%20b', self.data + '/a b']),
                self.mounted('/w/2', [self.data + '/c%20d', self.data + '/c d'], 1),
            ],
        )
        self.assertEqual(report['executors'][0]['stdout'], 'literaldecoded')

    @only('bubblewrap')
    def test_sources_outside_the_roots(self):
        os.symlink('/etc/passwd', self.data + '/link')
        os.makedirs(self.data + '-other')
        for source in (
            '/etc/passwd',
            self.data + '/link',
            self.data + '/../x',
            self.data + '-other',
            '/',
        ):
            with self.subTest(source=source):
                jd = self.jd
                self.setUp()
                report = self.run_plan(
                    [self.sh('true')],
                    inputs=[self.mounted('/w/in', source)],
                    storage={'read': [os.path.dirname(jd) + '/../../data']},
                )
                self.assertState(report, 'SYSTEM_ERROR', 'INPUT_REFUSED')

    @only('bubblewrap')
    def test_missing_source(self):
        report = self.run_plan(
            [self.sh('true')], inputs=[self.mounted('/w/in', self.data + '/none')]
        )
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_FAILED')
        self.assertEqual(report['error']['phase'], 'inputs')

    @only('bubblewrap', 'docker')
    def test_private_source_is_readable_in_the_task(self):
        path = self.write('private', 'secret', 0o600)
        if self.as_user:
            os.chown(path, USER, USER)
        report = self.run_plan([self.sh('cat /w/in')], inputs=[self.mounted('/w/in', path)])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'secret')

    def test_R53_odd_names(self):
        path = self.write('a:b,c "d" ü', 'odd')
        report = self.run_plan(
            [self.sh('cat "$1"; cat "$1" >"/o/x,y:z \\"q\\""', '/w,1/a:b "c" ü')],
            inputs=[self.mounted('/w,1/a:b "c" ü', path)],
            outputs=[self.output('/o/x,y:z "q"', 'odd')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual((report['executors'][0]['stdout'], self.delivered('odd')), ('odd', 'odd'))

    def test_operator_mounts(self):
        self.write('ref/genome', 'ACGT')
        folder = self.data + '/live'
        os.makedirs(folder)
        os.chmod(folder, 0o777)
        report = self.run_plan(
            [
                self.sh(
                    'cat /ref/genome; touch /ref/x 2>/dev/null || echo ro; echo made >/live/job',
                    stdout='/live/out',
                )
            ],
            mounts=[
                {'host': self.data + '/ref', 'path': '/ref', 'mode': 'ro'},
                {'host': folder, 'path': '/live', 'mode': 'rw'},
            ],
            outputs=[self.output('/live/job')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.delivered('live_job'), 'made\n')
        self.assertEqual(sorted(os.listdir(folder)), ['job', 'out'])


class Http(Case):
    """Transfers do not depend on the runtime: one is enough."""

    only_on = ('bubblewrap',)

    def fetch(self, route, url=None, **fields):
        server = self.server()
        server.routes['/f'] = route
        item = {
            'i': 0,
            'path': '/w/f',
            'type': 'FILE',
            'method': 'direct',
            'url': (url or server.url) + '/f?sig=SECRET',
        }
        report = self.run_plan([self.sh('cat /w/f')], inputs=[item], **fields)
        self.assertNotIn('SECRET', self.log() + str(report))
        return report, server

    def assertFetched(self, report, text='hello'):
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], text)
        self.assertEqual(report['inputs'][0]['size'], len(text))

    def assertRefused(self, report, code):
        self.assertState(report, 'SYSTEM_ERROR', code)
        self.assertEqual(report['executors'], [])

    @core
    def test_R25_plain(self):
        self.assertFetched(self.fetch(lambda handler: handler.answer(200, b'hello'))[0])

    def test_R25_redirect(self):
        def route(handler):
            handler.server.routes['/g'] = lambda other: other.answer(200, b'hello')
            handler.answer(302, headers=[('Location', '/g')])

        self.assertFetched(self.fetch(route)[0])

    def test_R25_busy_twice(self):
        answers = [503, 429, 200]
        self.assertFetched(self.fetch(lambda handler: handler.answer(answers.pop(0), b'hello'))[0])

    def fetch_broken(self, *answers):
        """Breaks the first download off after `hel`, of an object with these headers, then gives
        the other answers; returns the headers of the requests after the first."""
        left = list(answers)

        def route(handler):
            status, body, headers = left.pop(0)
            if len(left) + 1 == len(answers):
                headers = headers + [('Content-Length', '5')]
                handler.close_connection = True
            handler.answer(status, body, headers)

        report, server = self.fetch(route)
        self.assertEqual(left, [])
        return report, [headers for _, _, headers, _ in server.seen[1:]]

    def test_R25_broken_then_resumed(self):
        for version in (
            ('ETag', '"1"'),
            ('Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT'),
        ):
            with self.subTest(version=version[0]):
                self.setUp()
                report, asked = self.fetch_broken(
                    (200, b'hel', [version]),
                    (206, b'lo', [version, ('Content-Range', 'bytes 3-4/5')]),
                )
                self.assertFetched(report)
                self.assertEqual(asked[0]['Range'], 'bytes=3-')
                self.assertEqual(asked[0]['If-Range'], version[1])

    def test_R25_broken_and_swapped(self):
        """The object changes between the tries; the server obeys If-Range."""
        tries = []

        def route(handler):
            tries.append(handler.headers.get('If-Range'))
            if len(tries) == 1:
                handler.answer(200, b'hel', [('ETag', '"1"'), ('Content-Length', '5')])
                handler.close_connection = True
            elif 'Range' in handler.headers and tries[-1] in (None, '"2"'):
                handler.answer(206, b'LO', [('Content-Range', 'bytes 3-4/5')])
            else:
                handler.answer(200, b'HELLO', [('ETag', '"2"')])

        self.assertFetched(self.fetch(route)[0], 'HELLO')
        self.assertEqual(tries, [None, '"1"'])

    def test_R25_broken_and_swapped_unnoticed(self):
        """The same, with a server that does not know If-Range."""
        report, asked = self.fetch_broken(
            (200, b'hel', [('ETag', '"1"')]),
            (206, b'LO', [('ETag', '"2"'), ('Content-Range', 'bytes 3-4/5')]),
            (200, b'HELLO', [('ETag', '"2"')]),
        )
        self.assertFetched(report, 'HELLO')
        self.assertNotIn('Range', asked[1])

    def test_R25_broken_without_a_version(self):
        """Nothing tells whether the rest would fit: from the start."""
        for headers in (
            [],
            [('ETag', 'W/"1"'), ('Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT')],
            [('Last-Modified', formatdate(time.time() + 3600, usegmt=True))],
            [('Last-Modified', 'once')],
        ):
            with self.subTest(headers=headers):
                self.setUp()
                report, asked = self.fetch_broken((200, b'hel', headers), (200, b'HELLO', headers))
                self.assertFetched(report, 'HELLO')
                self.assertNotIn('Range', asked[0])

    def test_R25_broken_and_range_ignored(self):
        sizes = [3, 5]

        def route(handler):
            handler.answer(200, b'hello'[: sizes.pop(0)], [('Content-Length', '5')])
            handler.close_connection = True

        self.assertFetched(self.fetch(route)[0])

    def test_R26_not_found(self):
        report, server = self.fetch(lambda handler: handler.answer(404, b'error page'))
        self.assertRefused(report, 'INPUT_FAILED')
        self.assertEqual(len(server.seen), 1)

    def test_R26_redirect_to_a_file(self):
        report, _ = self.fetch(
            lambda handler: handler.answer(302, headers=[('Location', 'file:///etc/passwd')])
        )
        self.assertRefused(report, 'INPUT_REFUSED')

    def test_R26_redirect_loop(self):
        self.assertRefused(
            self.fetch(lambda handler: handler.answer(302, headers=[('Location', '/f')]))[0],
            'INPUT_FAILED',
        )

    def test_R26_redirect_to_a_private_address(self):
        for place in (
            'http://169.254.169.254/latest',
            'http://[::1]/x',
            'http://10.0.0.1/x',
            'http://2130706433/x',
        ):
            with self.subTest(place=place):
                self.setUp()
                report, _ = self.fetch(
                    lambda handler: handler.answer(302, headers=[('Location', place)]),
                    storage={'http_allow': ['127.0.0.1:0', 'localhost']},
                    url=None,
                )
                self.assertRefused(report, 'INPUT_REFUSED')

    def test_R26_authorization_stays_with_its_host(self):
        other = self.server()
        other.routes['/g'] = lambda handler: handler.answer(200, b'hello')
        server = self.server()
        server.routes['/f'] = lambda handler: handler.answer(
            302, headers=[('Location', other.url + '/g')]
        )
        item = {
            'i': 0,
            'path': '/w/f',
            'type': 'FILE',
            'method': 'direct',
            'url': server.url.replace('//', '//me:p%40ss@') + '/f',
        }
        report = self.run_plan([self.sh('cat /w/f')], inputs=[item])
        self.assertFetched(report)
        self.assertEqual(server.seen[0][2]['Authorization'], 'Basic bWU6cEBzcw==')
        self.assertNotIn('Authorization', other.seen[0][2])
        self.assertNotIn('p%40ss', self.log() + str(report))

    def test_loopback_is_refused_unless_allowed(self):
        report, server = self.fetch(
            lambda handler: handler.answer(200, b'hello'), storage={'http_allow': []}
        )
        self.assertRefused(report, 'INPUT_REFUSED')
        self.assertEqual(server.seen, [])

    def test_other_schemes(self):
        for url in ('file:///etc/passwd', 'data:,x', 'gopher://h/x'):
            with self.subTest(url=url):
                self.setUp()
                item = {'i': 0, 'path': '/w/f', 'type': 'FILE', 'method': 'direct', 'url': url}
                self.assertRefused(self.run_plan([self.sh('true')], inputs=[item]), 'INPUT_REFUSED')

    def test_nobody_listens(self):
        server = self.server()
        server.stop()
        self.servers.remove(server)
        item = {
            'i': 0,
            'path': '/w/f',
            'type': 'FILE',
            'method': 'direct',
            'url': server.url + '/f',
        }
        self.assertRefused(self.run_plan([self.sh('true')], inputs=[item]), 'INPUT_FAILED')

    @core
    def test_R27_ftp(self):
        server = FtpServer({'/dir/a b': b'x' * 300000})
        try:
            item = {
                'i': 0,
                'path': '/w/f',
                'type': 'FILE',
                'method': 'direct',
                'url': 'ftp://me:p%%40%%3Aw@127.0.0.1:%d/dir/a%%20b' % server.port,
            }
            report = self.run_plan([self.sh('wc -c </w/f')], inputs=[item])
        finally:
            server.close()
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'].strip(), '300000')
        self.assertEqual(server.login, ['me', 'p@:w'])
        self.assertNotIn('p%40', self.log() + str(report))

    def test_R27_ftp_file_missing(self):
        server = FtpServer({})
        try:
            item = {
                'i': 0,
                'path': '/w/f',
                'type': 'FILE',
                'method': 'direct',
                'url': 'ftp://127.0.0.1:%d/none' % server.port,
            }
            self.assertRefused(self.run_plan([self.sh('true')], inputs=[item]), 'INPUT_FAILED')
        finally:
            server.close()

    @core
    def test_R38_upload(self):
        server = self.server()
        server.routes['/up'] = server.routes['/dir/a%20b'] = server.routes['/dir/sub/c'] = (
            lambda handler: handler.answer(201)
        )
        report = self.run_plan(
            [
                self.sh(
                    'mkdir -p /d/sub; echo 1 >/d/f; cp /d/f "/d/a b"; cp /d/f /d/sub/c; '
                    'rm /d/f; echo 2 >/x/w'
                )
            ],
            outputs=[
                {
                    'i': 0,
                    'path': '/d',
                    'type': 'DIRECTORY',
                    'method': 'direct',
                    'url': server.url + '/dir?sig=SECRET',
                },
                {
                    'i': 1,
                    'path': '/x/w',
                    'type': 'FILE',
                    'method': 'direct',
                    'url': server.url + '/up',
                },
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            sorted((method, path) for method, path, _, _ in server.seen),
            [('PUT', '/dir/a%20b?sig=SECRET'), ('PUT', '/dir/sub/c?sig=SECRET'), ('PUT', '/up')],
        )
        self.assertEqual(
            [row['url'] for row in report['outputs']],
            [server.url + path for path in ('/dir/a%20b', '/dir/sub/c', '/up')],
        )
        self.assertEqual(server.seen[0][3], b'1\n')

    def test_R38_upload_refused_by_the_server(self):
        server = self.server()
        server.routes['/up'] = lambda handler: handler.answer(403)
        report = self.run_plan(
            [self.sh('echo 1 >/w/f')],
            outputs=[
                {
                    'i': 0,
                    'path': '/w/f',
                    'type': 'FILE',
                    'method': 'direct',
                    'url': server.url + '/up',
                }
            ],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')


class Outputs(Case):
    @core
    def test_R09_one_folder_for_all(self):
        path = self.write('in', 'x' * 100)
        report = self.run_plan(
            [
                self.sh(
                    'cat /work/in >/work/a; cat /work/in /work/in >/work/b; echo i >/work/in.idx'
                )
            ],
            inputs=[self.mounted('/work/in', path)],
            outputs=[self.output('/work/a'), self.output('/work/b', i=1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.outputs_of(report), [('/work/a', 100), ('/work/b', 200)])
        self.assertEqual(report['outputs'][0]['url'], 'file://%s/work_a' % self.out)

    @core
    def test_R10_overlaps(self):
        path = self.write('in', 'input')
        report = self.run_plan(
            [
                self.sh(
                    'mkdir -p "/o/a b" /o/empty; echo x >"/o/a b/f"; echo y >/o/g', stdout='/o/log'
                )
            ],
            inputs=[self.mounted('/o/in', path)],
            outputs=[self.output('/o/', 'tree', type='DIRECTORY'), self.output('/o/g', i=1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(self.out + '/tree')), ['a b', 'empty', 'g', 'in', 'log'])
        self.assertEqual(
            (self.delivered('tree/in'), self.delivered('tree/a b/f'), self.delivered('o_g')),
            ('input', 'x\n', 'y\n'),
        )

    def test_R11_globs(self):
        script = (
            'mkdir -p /w/a1 /w/b2 /w/c3; '
            'for f in a.txt .h.txt b.txt c.dat a1/f1 b2/f2 c3/f3 "lit[1].txt"; '
            'do echo >"/w/$f"; done'
        )
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.output('/w/*.txt', 'g', path_prefix='/w'),
                self.output('/w/[ab]?/f*', 'h', 1, path_prefix='/w/'),
                self.output('/w/none*', 'n', 2, path_prefix='/w'),
                self.output('/w/lit[1].txt', 'lit', 3),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(self.out + '/g')), ['a.txt', 'b.txt', 'lit[1].txt'])
        self.assertEqual(sorted(os.listdir(self.out + '/h')), ['a1', 'b2'])
        self.assertTrue(os.path.isfile(self.out + '/h/a1/f1') and os.path.isfile(self.out + '/lit'))
        self.assertTrue(any('was not made' in line for line in report['system_logs']))

    @only('bubblewrap')
    def test_R12_missing_output(self):
        report = self.run_plan([self.sh('true')], outputs=[self.output('/w/none')])
        self.assertState(report, 'COMPLETE')
        self.setUp()
        report = self.run_plan(
            [self.sh('true')], outputs=[self.output('/w/none')], missing_output='error'
        )
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_MISSING')

    @core
    def test_R13_output_of_a_failed_executor(self):
        report = self.run_plan(
            [self.sh('echo partial >/w/f; exit 7')],
            outputs=[self.output('/w/f'), self.output('/w/none', i=1)],
            missing_output='error',
        )
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual(self.delivered('w_f'), 'partial\n')

    @core
    def test_R14_links(self):
        script = '''mkdir -p /w/t/d; cd /w/t; echo good >d/f; ln -s d/f rel; ln -s /w/t/d abs
            ln -s /etc/passwd secret; ln -s /etc etc; ln -s ../../../../../../etc/passwd up
            ln -s loop loop; ln -s . self; ln -s /nowhere dangling; mkfifo fifo'''
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.output('/w/t', 'links', type='DIRECTORY'),
                self.output('/w/t/secret', 's', 1),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(self.out + '/links')), ['abs', 'd', 'rel'])
        self.assertEqual(
            (self.delivered('links/rel'), self.delivered('links/abs/f')), ('good\n', 'good\n')
        )
        self.assertNotIn('s', os.listdir(self.out))

    def test_R15_planted_link_under_a_redirect(self):
        victim = self.write('victim', 'untouched', 0o666)
        report = self.run_plan(
            [self.sh('ln -s "$1" /w/out', victim), self.sh('echo gotcha', stdout='/w/out')],
            outputs=[self.output('/w/x')],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'REDIRECT_FAILED')
        with open(victim) as file:
            self.assertEqual(file.read(), 'untouched')

    def test_planted_link_under_a_mount_point(self):
        path = self.write('in', 'input')
        script = (
            'mkdir /w/gone && mv /w/sub/in /w/gone/ 2>/dev/null; '
            'mv /w/sub /w/moved 2>/dev/null && ln -s /etc /w/sub; true'
        )
        report = self.run_plan(
            [self.sh(script), self.sh('true')],
            inputs=[self.mounted('/w/sub/in', path)],
            volumes=['/w'],
        )
        self.assertIn(report['state'], ('COMPLETE', 'SYSTEM_ERROR'))
        self.assertFalse(os.path.lexists('/etc/in'))

    def test_R37_setuid_and_mode_0(self):
        report = self.run_plan(
            [
                self.sh(
                    'echo x >/w/s; chmod 4755 /w/s; echo y >/w/z; chmod 0 /w/z; '
                    'mkdir /w/d; echo z >/w/d/f; chmod 0 /w/d'
                )
            ],
            outputs=[
                self.output('/w/s'),
                self.output('/w/z', i=1),
                self.output('/w/d', 'd', 2, type='DIRECTORY'),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(stat.S_IMODE(os.stat(self.out + '/w_s').st_mode), 0o755)
        self.assertEqual((self.delivered('w_z'), self.delivered('d/f')), ('y\n', 'z\n'))

    def test_empty_file_as_old_as_reproducible_builds_make_it(self):
        """What the runner made for a tool that never wrote it is told apart by more than its age."""
        script = ': >/w/a; mkdir /w/d; : >/w/d/b; touch -d @1 /w/a /w/d/b /single'
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.output('/w/a'),
                self.output('/w/d', 'd', 1, type='DIRECTORY'),
                self.output('/single', i=2),
                self.output('/never', i=3),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.outputs_of(report), [('/single', 0), ('/w/a', 0), ('/w/d/b', 0)])
        self.assertEqual(sorted(os.listdir(self.out)), ['d', 'single', 'w_a'])
        self.assertIn('output 3 (/never) was not made', report['system_logs'])

    def test_R37_name_that_is_not_utf8(self):
        """It alone is left out, and told: as a file, as a folder, and where it is all there is."""
        report = self.run_plan(
            [
                self.sh(
                    'bad=$(printf "m\\377"); mkdir -p /w/d/$bad /w/d/z /w/e /w/g; echo x >/w/d/a; '
                    'echo x >"/w/d/n$bad"; echo x >"/w/d/$bad/x"; echo x >/w/d/z/x; '
                    'echo x >"/w/e/$bad"; echo x >"/w/g/$bad"; echo x >/w/g/n'
                )
            ],
            outputs=[
                self.output('/w/d', 'd', type='DIRECTORY'),
                self.output('/w/e/*', 'e', 1, path_prefix='/w/e'),
                self.output('/w/g/*', 'g', 2, path_prefix='/w/g'),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            self.outputs_of(report), [('/w/d/a', 2), ('/w/d/z/x', 2), ('/w/g/n', 2)]
        )
        self.assertEqual((self.delivered('d/a'), self.delivered('d/z/x')), ('x\n', 'x\n'))
        self.assertEqual(sorted(os.listdir(self.out + '/d')), ['a', 'z'])
        told = [line for line in report['system_logs'] if 'not UTF-8' in line]
        self.assertEqual(len(told), 4, told)
        self.assertIn('output 1 (/w/e/*) was not made', report['system_logs'])

    @only('docker', 'podman')
    def test_R47_files_of_a_container_belong_to_the_runner(self):
        """So nobody has to change owners before outputs are taken and the rest is removed."""
        report = self.run_plan(
            [self.sh('id -u; umask 077; mkdir -p /w/d /w/kept; echo x >/w/d/f; echo y >/w/kept/f')],
            volumes=['/w'],
            outputs=[self.output('/w/d', 'd', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        uid = USER if self.as_user else 0
        self.assertEqual(report['executors'][0]['stdout'], '%d\n' % uid)
        self.assertEqual(self.delivered('d/f'), 'x\n')
        self.assertEqual(os.listdir(self.own), ['lock'])

    @core
    def test_C31_files_belong_to_the_owner_of_the_folder(self):
        if os.geteuid() == 0 and not self.as_user:
            os.chown(self.out, 4321, 4321)
        report = self.run_plan(
            [self.sh('mkdir /w/d; echo x >/w/d/f; umask 077; echo y >/w/d/p; chmod +x /w/d/p')],
            outputs=[self.output('/w/d', 'new/parents/d', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        owner = os.stat(self.out).st_uid
        for name in ('new', 'new/parents', 'new/parents/d', 'new/parents/d/f', 'new/parents/d/p'):
            info = os.stat(self.out + '/' + name)
            self.assertEqual(info.st_uid, owner, name)
            self.assertEqual(info.st_mode & 0o044, 0o044, name)
        self.assertTrue(is_executable(self.out + '/new/parents/d/p'))

    @only('bubblewrap')
    def test_targets_outside_the_roots(self):
        os.symlink('/etc', self.out + '/link')
        for target in (self.out + '/link/x', '/etc/x', '/', self.out + '-other/x', self.out):
            with self.subTest(target=target):
                out = self.out
                self.setUp()
                report = self.run_plan(
                    [self.sh('echo x >/w/f')],
                    outputs=[self.output('/w/f', file=target)],
                    storage={'write': [out]},
                )
                self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
                self.assertFalse(os.path.exists('/etc/x'))

    @only('bubblewrap')
    def test_overwrites_and_leaves_no_part(self):
        with open(self.out + '/w_f', 'w') as file:
            file.write('old')
        report = self.run_plan([self.sh('echo new >/w/f')], outputs=[self.output('/w/f')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual((self.delivered('w_f'), os.listdir(self.out)), ('new\n', ['w_f']))

    @only('bubblewrap')
    def test_many_outputs_fit_the_report(self):
        script = 'mkdir -p /w/d; i=0; while [ $i -lt 3000 ]; do echo >"/w/d/$1$i"; i=$((i+1)); done'
        report = self.run_plan(
            [self.sh(script, 'n' * 200)],
            outputs=[self.output('/w/d', type='DIRECTORY')],
            seconds=60,
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['cut'], {'outputs': 3000})
        self.assertIn(len(report['outputs']), range(300, 1000))
        with open(self.shared + '/outputs.jsonl') as file:
            self.assertEqual(sum(1 for _ in file), 3000)
