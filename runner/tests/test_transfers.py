"""Answers that are none: whatever an origin sends, the input fails with a clear word, and nothing
of what it sent is repeated, for it may be the request with its secrets."""

import shutil
import socket
import tempfile
import threading
import types
import unittest
from unittest import mock

from support.case import Case, Server
from support.marks import core
from support.module import runner

OK = b'HTTP/1.1 200 OK\r\n'
CHUNKED = OK + b'Transfer-Encoding: chunked\r\n\r\n'


def moved(place):
    return b'HTTP/1.1 302 Found\r\nLocation: ' + place + b'\r\nContent-Length: 0\r\n\r\n'


def length(text):
    return OK + b'Content-Length: ' + text + b'\r\n\r\nhello'


class Answers(unittest.TestCase):
    """In this process, without the pauses between tries."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.server = Server()
        self.lines = []
        self.patches = [
            mock.patch.object(runner, 'log', self.lines.append),
        ]
        for patch in self.patches:
            patch.start()

    def tearDown(self):
        for patch in self.patches:
            patch.stop()
        self.server.stop()
        shutil.rmtree(self.folder)

    def fetch(self, url):
        plan = {'storage': {'http_allow': ['127.0.0.1']}, 'limits': {}}
        traffic = runner.Traffic(types.SimpleNamespace(plan=plan), 'input', 'fetching')
        transfer = runner.Transfer(traffic, lambda: None, lambda _: None)
        guard, part = runner.Guard(plan), self.folder + '/part'
        if url.startswith('ftp:'):
            return runner.fetch_ftp(transfer, guard, url, part, 5)
        http = runner.Http(guard, 5)
        try:
            return runner.fetch_http(transfer, http, url, part)
        finally:
            http.close()

    def url(self, answer):
        self.server.routes['/f'] = lambda handler: handler.wfile.write(answer)
        return self.server.url.replace('//', '//me:SECRET@') + '/f?sig=SECRET'

    def assertFails(self, url, code, words, shown):
        with self.assertRaises(runner.Failure) as caught:
            self.fetch(url)
        message = str(caught.exception)
        self.assertEqual(caught.exception.code, code)
        self.assertIn(words, message)
        self.assertIn(shown, message)
        self.assertNotIn('SECRET', message + ''.join(self.lines))

    def assertBroken(self, answer, words):
        with self.subTest(answer=answer[:60]):
            self.assertFails(self.url(answer), 'INPUT_FAILED', words, self.server.url + '/f: ')

    def test_bad_content_length(self):
        for text in (b'abc', b'-5', b'+5', b'', b'0_5', b'5, 4', b'\xb2', b'9' * 5000):
            self.assertBroken(length(text), 'a bad Content-Length')
        self.assertBroken(length(b'5\r\nContent-Length: 4'), 'a bad Content-Length')

    def test_same_content_length_twice(self):
        self.assertEqual(self.fetch(self.url(length(b'5\r\nContent-Length: 5'))), 5)

    def test_chunks_count_not_the_content_length(self):
        chunked = b'Transfer-Encoding: chunked\r\n'
        answer = OK + chunked + b'Content-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
        self.assertEqual(self.fetch(self.url(answer)), 5)

    def test_broken_chunks(self):
        for rest in (b'SECRET\r\nhello\r\n', b'ff\r\nhello', b'5\r\nhello\r\n', b''):
            self.assertBroken(CHUNKED + rest, 'broken (IncompleteRead)')
        coding = OK + b'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'
        self.assertBroken(coding, 'an unknown Transfer-Encoding')

    def test_broken_heads(self):
        for answer, words in (
            (b'GET /f?sig=SECRET HTTP/1.1\r\n\r\n', 'broken (BadStatusLine)'),
            (b'HTTP/1.1 abc SECRET\r\n\r\n', 'broken (BadStatusLine)'),
            (b'HTTP/1.1 2 OK\r\n\r\n', 'broken (BadStatusLine)'),
            (b'HTTP/9.9 200 SECRET\r\n\r\n', 'broken (UnknownProtocol)'),
            (b'SSH-2.0-OpenSSH_9.2\r\n', 'broken (BadStatusLine)'),
            (OK[:-2] + b'x' * 70000, 'broken (LineTooLong)'),
            (OK + b'x: y\r\n' * 200 + b'\r\n', 'broken (HTTPException)'),
            (OK + b'SECRET\r\nContent-Length: 9\r\n\r\nhello', 'broken headers'),
            (OK + b' SECRET\r\nContent-Length: 5\r\n\r\nhello', 'broken headers'),
        ):
            self.assertBroken(answer, words)

    def test_date_that_is_none(self):
        dates = b'Date: x\r\nLast-Modified: Sun, 99 Foo 99999 99:99:99 +99999999999999\r\n'
        self.assertEqual(self.fetch(self.url(OK + dates + b'Content-Length: 0\r\n\r\n')), 0)

    def test_places_that_are_none(self):
        self.assertBroken(moved(b'http://[SECRET'), 'broken (ValueError)')
        for place, shown in (
            (b'http://h:99999/p?sig=SECRET', 'http://...'),
            (b'http://me:SECRET@a..b/p', 'http://a..b/p'),
            (b'http://me:SECRET@' + b'a' * 64 + b'/p', 'a/p'),
            (b'http://h/a b?sig=SECRET', 'http://h/a b'),
        ):
            with self.subTest(place=place):
                self.assertFails(self.url(moved(place)), 'INPUT_REFUSED', 'not a usable URL', shown)

    def test_hosts_that_are_none(self):
        for host in ('a..b', '.b', 'a' * 64, '\ud83d'):
            for scheme in ('http', 'https', 'ftp'):
                with self.subTest(host=host, scheme=scheme):
                    url = '%s://me:SECRET@%s/p?sig=SECRET' % (scheme, host)
                    self.assertFails(url, 'INPUT_REFUSED', 'not a usable URL', scheme + '://')

    def test_plain_server_where_tls_is_wanted(self):
        url = self.url(OK).replace('http:', 'https:')
        self.assertFails(url, 'INPUT_FAILED', 'SSL', 'fetching https://127.0.0.1')

    def ftp(self, greeting):
        """A server that says one thing to whoever comes and goes away."""
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                connection.sendall(greeting)
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return 'ftp://me:SECRET@127.0.0.1:%d/p' % listener.getsockname()[1]

    def test_ftp_servers_that_are_none(self):
        for greeting, words in (
            (b'', 'broken (EOFError)'),
            (b'530 SECRET', 'answered 530'),
            (b'x' * 9000, 'broken (error_proto)'),
            (b'SECRET\r\n', 'broken (error_proto)'),
            (b'\xff\xfe\r\n', 'broken ('),
        ):
            with self.subTest(greeting=greeting[:20]):
                self.assertFails(self.ftp(greeting), 'INPUT_FAILED', words, 'ftp://127.0.0.1')


class InATask(Case):
    only_on = ('bubblewrap',)

    @core
    def test_bad_answer_is_no_bug_of_the_runner(self):
        server = self.server()
        server.routes['/f'] = lambda handler: handler.wfile.write(length(b'abc'))
        url = server.url.replace('//', '//me:SECRET@') + '/f?sig=SECRET'
        item = {'i': 0, 'path': '/w/f', 'type': 'FILE', 'method': 'direct', 'url': url}
        report = self.run_plan([self.sh('true')], inputs=[item])
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_FAILED')
        self.assertEqual(
            report['error']['message'],
            'input 0 (/w/f): fetching %s/f: the server sent a bad Content-Length' % server.url,
        )
        self.assertNotIn('SECRET', self.log() + str(report))


class Patience(unittest.TestCase):
    """Without waiting: the pauses move the clock."""

    def setUp(self):
        self.now = 0
        patch = mock.patch.object(runner, 'time', types.SimpleNamespace(monotonic=self.clock))
        patch.start()
        self.addCleanup(patch.stop)
        silent = mock.patch.object(runner, 'log', lambda line: None)
        silent.start()
        self.addCleanup(silent.stop)

    def clock(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds

    def seconds_of(self, attempt, patience=runner.STORAGE):
        """`(tries, seconds)` until it gave up."""
        transfer = types.SimpleNamespace(check=lambda: None, wait=self.wait, tries=0)
        with self.assertRaises(runner.Failure):
            runner.with_retries(transfer, 'moving', attempt, patience=patience)
        return transfer.tries, self.now

    def test_a_storage_is_given_up_after_some_tries(self):
        tries, seconds = self.seconds_of(lambda: 'cut')
        self.assertEqual(tries, 6)
        self.assertTrue(3.8 < seconds < 8, seconds)

    def test_a_silent_storage_is_given_up_sooner(self):
        def attempt():
            self.wait(60)
            return 'nothing came'

        self.assertEqual(self.seconds_of(attempt)[0], 2)

    def test_what_takes_longest_is_tried_twice(self):
        def attempt():
            self.wait(1000)
            return 'nothing came'

        self.assertEqual(self.seconds_of(attempt)[0], 2)

    def test_pauses_that_are_asked_for_are_no_loss_of_patience(self):
        tries, seconds = self.seconds_of(lambda: runner.Again('busy', 100))
        self.assertEqual((tries, seconds), (6, 500))

    def test_the_server_of_the_job_may_be_away_for_minutes(self):
        def attempt():
            raise ConnectionRefusedError('refused')

        tries, seconds = self.seconds_of(attempt, runner.SERVER)
        self.assertTrue(300 <= seconds < 308, seconds)
        self.assertTrue(35 < tries < 90, tries)

    def test_a_storage_behind_it_gets_no_more_patience_for_that(self):
        def attempt():
            if self.now < 100:
                raise ConnectionRefusedError('refused')
            return 'the storage answers 503'

        self.assertTrue(100 < self.seconds_of(attempt, runner.SERVER)[1] < 150)

    def test_a_full_disk_is_not_waited_for(self):
        def attempt():
            raise OSError(28, 'No space left on device')

        transfer = types.SimpleNamespace(check=lambda: None, wait=self.wait, tries=0)
        with self.assertRaises(OSError):
            runner.with_retries(transfer, 'moving', attempt)
        self.assertEqual(transfer.tries, 1)
