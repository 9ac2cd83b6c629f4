"""Transfers over HTTP and FTP, in and out.

Names begin with the case number of the runtime study.
"""

import time
from email.utils import formatdate

from support.case import Case
from support.ftp import FtpServer
from support.marks import core


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
        bodies = {path: body for _, path, _, body in server.seen}
        self.assertEqual((bodies['/up'], bodies['/dir/sub/c?sig=SECRET']), (b'2\n', b'1\n'))

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
