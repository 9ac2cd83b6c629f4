"""What holds for every way data moves: limits, digests, forms, patience, progress, what is told."""

import hashlib
import random
import re
import threading

from support.case import Case
from support.lab import wait_for
from support.marks import core
from support.relay import PeerServer, RelayServer

HELLO = hashlib.sha256(b'hello').hexdigest()


class Moves(Case):
    only_on = ('bubblewrap',)

    def peer(self, **routes):
        """Routes by name: `f` answers at /f."""
        self.servers.append(PeerServer())
        server = self.servers[-1]
        server.routes = {'/' + name: route for name, route in routes.items()}
        return server

    def relay(self, inputs=()):
        self.servers.append(RelayServer(inputs))
        return self.servers[-1]

    def direct(self, server, i=0, name='f', **fields):
        url = '%s/%s?sig=SECRET' % (server.url, name)
        item = {'i': i, 'path': '/w/' + name, 'type': 'FILE', 'method': 'direct', 'url': url}
        return dict(item, **fields)

    def relayed(self, path, i=0, **fields):
        return dict({'i': i, 'path': path, 'type': 'FILE', 'method': 'relay'}, **fields)

    def sent(self, server, path, i=0, type='FILE', **fields):
        url = server.url + '/up?sig=SECRET'
        item = {'i': i, 'path': path, 'type': type, 'method': 'direct', 'url': url}
        return dict(item, **fields)

    def assertFails(self, report, code, *words):
        self.assertState(report, 'SYSTEM_ERROR', code)
        for word in words:
            self.assertIn(word, report['error']['message'])
        self.assertNotIn('SECRET', self.log() + str(report))


class Patience(Moves):
    """Whatever breaks is completed; what cannot be ends with a clear word."""

    @core
    def test_move_cut_at_random_bytes_with_and_without_a_version(self):
        for seed, version in ((1, '"1"'), (2, None), (3, '"1"')):
            with self.subTest(seed=seed, version=version):
                self.setUp()
                chance = random.Random(seed)
                data = bytes(chance.randrange(256) for _ in range(200000))
                # Without a version each try begins at its start: four may fail in a row.
                cuts = [chance.randrange(len(data) // 6) for _ in range(12 if version else 4)]

                def route(peer):
                    peer.ranged(data, version, cuts.pop() if cuts else None)

                report = self.run_plan(
                    [self.sh('sha256sum </w/f')], inputs=[self.direct(self.peer(f=route))]
                )
                self.assertState(report, 'COMPLETE')
                found = report['executors'][0]['stdout'].split()[0]
                self.assertEqual(found, hashlib.sha256(data).hexdigest())
                self.assertEqual(report['inputs'][0]['size'], len(data))

    def test_move_answer_shorter_than_announced_for_good(self):
        def route(peer):
            peer.answer(200, b'hel', [('Content-Length', '5')])
            peer.cut_off()

        server = self.peer(f=route)
        report = self.run_plan([self.sh('true')], inputs=[self.direct(server)])
        self.assertFails(report, 'INPUT_FAILED', 'the connection broke after 3 of 5 bytes')
        self.assertEqual(len(server.seen), 6)

    def test_move_answer_longer_than_announced(self):
        def route(peer):
            peer.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world')

        server = self.peer(f=route)
        report = self.run_plan([self.sh('true')], inputs=[self.direct(server)])
        self.assertFails(report, 'INPUT_FAILED', 'the server sent more than it announced')
        self.assertEqual(len(server.seen), 1)

    def test_move_partial_answers_that_lie(self):
        for span in ('bytes 3-4/9', 'bytes 2-4/5', 'bytes 3-9/5', 'lines 3-4/5', 'bytes 4-3/5'):
            with self.subTest(span=span):
                self.setUp()
                asked = []

                def route(peer):
                    asked.append(peer.headers.get('Range'))
                    if len(asked) == 1:
                        peer.ranged(b'hello', '"1"', 3)
                    elif len(asked) == 2:
                        peer.answer(206, b'lo', [('ETag', '"1"'), ('Content-Range', span)])
                    else:
                        peer.answer(200, b'hello')

                report = self.run_plan(
                    [self.sh('cat /w/f')], inputs=[self.direct(self.peer(f=route))]
                )
                self.assertState(report, 'COMPLETE')
                self.assertEqual(report['executors'][0]['stdout'], 'hello')

    def test_move_waits_as_long_as_it_is_asked_to(self):
        answers = [(429, '1'), (503, '2'), (503, 'soon'), (503, '-5')]

        def route(peer):
            if answers:
                status, after = answers.pop(0)
                peer.answer(status, headers=[('Retry-After', after)])
            else:
                peer.answer(200, b'hello')

        report = self.run_plan([self.sh('cat /w/f')], inputs=[self.direct(self.peer(f=route))])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['inputs'][0]['tries'], 5)
        self.assertGreater(report['inputs'][0]['seconds'], 3)

    def test_move_cancel_while_it_waits_and_while_it_stands_still(self):
        hold = threading.Event()
        self.addCleanup(hold.set)

        def still(peer):
            peer.answer(200, b'hel', [('Content-Length', '5')])
            hold.wait(60)

        busy = lambda peer: peer.answer(503, headers=[('Retry-After', '100')])  # noqa: E731
        for route in (still, busy):
            with self.subTest(route=route.__name__):
                self.setUp()
                server = self.peer(f=route)
                inputs = [self.direct(server, i) for i in range(3)]
                self.start(self.plan([self.sh('true')], inputs=inputs, limits={'stall_s': 60}))
                wait_for(lambda: len(server.seen) == 3, 10, 'it has asked')
                self.process.terminate()
                self.assertState(self.finish(5), 'CANCELED')

    def test_move_name_that_cannot_be_resolved(self):
        item = dict(self.direct(self.peer()), url='http://none.invalid/f?sig=SECRET')
        report = self.run_plan([self.sh('true')], inputs=[item])
        self.assertFails(report, 'INPUT_FAILED', 'cannot resolve none.invalid')

    def test_move_token_stays_with_its_server(self):
        other = self.peer(g=lambda peer: peer.answer(200, b'hello'))
        server = self.relay({0: b'x'})
        server.odd['GET', 'inputs/0/file'] = lambda peer: peer.answer(
            302, headers=[('Location', other.url + '/g')]
        )
        report = self.run_plan(
            [self.sh('cat /w/f')], inputs=[self.relayed('/w/f')], relay=server.plan
        )
        self.assertState(report, 'COMPLETE')
        self.assertNotIn('Authorization', other.seen[0][2])

    def test_move_file_that_two_outputs_send_to_one_place(self):
        """The last one is left there, as when they went one after the other."""
        last = []

        def route(peer):
            if peer.body == b'0\n':
                peer.server.first.wait(0.3)  # The other would overtake it.
            last.append(peer.body)
            peer.answer(201)

        server = self.peer(up=route)
        server.first = threading.Event()
        report = self.run_plan(
            [self.sh('echo 0 >/w/0; echo 1 >/w/1')],
            outputs=[self.sent(server, '/w/0'), self.sent(server, '/w/1', 1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(last, [b'0\n', b'1\n'])


class Digests(Moves):
    def check(self, sha256=HELLO):
        return {'sha256': sha256, 'url': 'https://h/f'}

    @core
    def test_digest_of_every_method(self):
        path = self.write('f', 'hello')
        relay, server = self.relay({1: b'hello'}), self.peer(f=lambda p: p.answer(200, b'hello'))
        report = self.run_plan(
            [self.sh('cat /w/f /w/r /w/m')],
            inputs=[
                self.direct(server, check=self.check()),
                self.relayed('/w/r', 1, check=self.check()),
                dict(self.mounted('/w/m', path, 2), check=self.check()),
            ],
            relay=relay.plan,
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'hello' * 3)
        self.assertEqual([row['tries'] for row in report['inputs']], [1, 1, 1])

    def test_digest_that_differs(self):
        found = hashlib.sha256(b'hellO').hexdigest()
        path, data = self.write('f', 'hellO'), self.data
        server = self.peer(f=lambda peer: peer.answer(200, b'hellO'))
        relay = self.relay({0: b'hellO'})
        for item, asked in (
            (self.direct(server, check=self.check()), server),
            (self.relayed('/w/f', check=self.check()), relay),
            (dict(self.mounted('/w/f', path), check=self.check()), None),
        ):
            with self.subTest(method=item['method']):
                self.setUp()
                report = self.run_plan(
                    [self.sh('true')], inputs=[item], relay=relay.plan, storage={'read': [data]}
                )
                words = 'https://h/f: sha256 is %s, not %s' % (found, HELLO)
                self.assertFails(report, 'INPUT_FAILED', 'input 0 (/w/f): ' + words)
                if asked:
                    files = [path for _, path, _, _ in asked.seen if not path.endswith('/list')]
                    self.assertEqual(len(files), 2)

    def test_digest_that_fits_at_the_second_fetch(self):
        bodies = [b'hellO', b'hello']
        server = self.peer(f=lambda peer: peer.answer(200, bodies.pop(0)))
        report = self.run_plan(
            [self.sh('cat /w/f')], inputs=[self.direct(server, check=self.check())]
        )
        self.assertState(report, 'COMPLETE')
        row = report['inputs'][0]
        self.assertEqual((report['executors'][0]['stdout'], row['size']), ('hello', 5))
        self.assertEqual(row['tries'], 2)

    def test_digest_of_a_folder(self):
        data = self.write('d/f', 'hello')[: -len('/d/f')]
        relay = self.relay({0: {('f',): b'hello'}})
        for item in (
            self.relayed('/w/f', check=self.check()),
            dict(self.mounted('/w/f', self.data + '/d'), check=self.check()),
        ):
            with self.subTest(method=item['method']):
                self.setUp()
                report = self.run_plan(
                    [self.sh('true')], inputs=[item], relay=relay.plan, storage={'read': [data]}
                )
                self.assertFails(report, 'INPUT_FAILED', 'https://h/f is a folder')


class Forms(Moves):
    def fields(self, peer_headers, body):
        """`(name, file name, content)` of the one field of a form."""
        boundary = re.search('boundary=(.+)$', peer_headers['Content-Type']).group(1).encode()
        empty, part, end = body.split(b'--' + boundary)
        self.assertEqual((empty, end), (b'', b'--\r\n'))
        head, _, content = part[2:-2].partition(b'\r\n\r\n')
        names = re.match(b'Content-Disposition: form-data; name="(.*?)"; filename="(.*)"\r\n', head)
        return names.group(1).decode(), names.group(2).decode(), content

    @core
    def test_form_upload(self):
        script = (
            'mkdir -p /w/d/s; printf hello >"/w/ü \\"q\\""; : >/w/d/e; printf x >/w/d/s/x; '
            'head -c 3000000 /dev/zero >/w/big'
        )
        server = self.peer(up=lambda peer: peer.answer(201))
        report = self.run_plan(
            [self.sh(script)],
            outputs=[
                self.sent(server, '/w/ü "q"', upload='post'),
                self.sent(server, '/w/d', 1, 'DIRECTORY', upload='post'),
                self.sent(server, '/w/big', 2, upload='post'),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            {(method, path) for method, path, _, _ in server.seen}, {('POST', '/up?sig=SECRET')}
        )
        self.assertEqual(
            sorted(self.fields(headers, body) for _, _, headers, body in server.seen),
            [
                ('file', 'big', bytes(3000000)),
                ('file', 'e', b''),
                ('file', 's/x', b'x'),
                ('file', 'ü %22q%22', b'hello'),
            ],
        )
        self.assertEqual({row['url'] for row in report['outputs']}, {server.url + '/up'})
        self.assertEqual([row['size'] for row in report['outputs']], [5, 0, 1, 3000000])

    def test_form_upload_and_what_servers_answer(self):
        for status, state, count in ((303, 'COMPLETE', 1), (302, 'SYSTEM_ERROR', 1)):
            with self.subTest(status=status):
                self.setUp()
                server = self.peer(
                    up=lambda peer: peer.answer(status, headers=[('Location', '/done')])
                )
                report = self.run_plan(
                    [self.sh('echo x >/w/f')], outputs=[self.sent(server, '/w/f', upload='post')]
                )
                self.assertEqual((report['state'], len(server.seen)), (state, count))

    def test_form_upload_tried_again(self):
        answers = [503, 201]
        server = self.peer(up=lambda peer: peer.answer(answers.pop(0)))
        report = self.run_plan(
            [self.sh('echo x >/w/f')], outputs=[self.sent(server, '/w/f', upload='post')]
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['outputs'][0]['tries'], 2)
        self.assertEqual(
            [self.fields(headers, body)[2] for _, _, headers, body in server.seen], [b'x\n'] * 2
        )


class Limits(Moves):
    def endless(self, peer):
        """A body in chunks that never ends; nobody says how long it will be."""
        peer.send_response(200)
        peer.send_header('Transfer-Encoding', 'chunked')
        peer.end_headers()
        try:
            while True:
                peer.wfile.write(b'10000\r\n' + bytes(65536) + b'\r\n')
        except OSError:
            peer.close_connection = True

    @core
    def test_limit_on_bytes_of_an_endless_body(self):
        server = self.peer(f=self.endless)
        report = self.run_plan(
            [self.sh('true')], inputs=[self.direct(server)], limits={'input_bytes': 1000000}
        )
        self.assertFails(report, 'INPUT_FAILED', 'more than 1000000 bytes', 'task_input_bytes')

    def test_limit_on_bytes_of_what_is_announced(self):
        sent = []

        def route(peer):
            sent.append(peer.path)
            peer.answer(200, b'', [('Content-Length', '1001')])
            peer.cut_off()

        report = self.run_plan(
            [self.sh('true')],
            inputs=[self.direct(self.peer(f=route))],
            limits={'input_bytes': 1000},
        )
        self.assertFails(report, 'INPUT_FAILED', 'task_input_bytes')
        self.assertEqual(len(sent), 1)

    def test_limit_on_bytes_counts_all_inputs_and_each_once(self):
        """Also after a body that had to be fetched again from its start."""
        path, data = self.write('f', 'x' * 300), self.data
        for limit, state in ((1000, 'COMPLETE'), (999, 'SYSTEM_ERROR')):
            with self.subTest(limit=limit):
                self.setUp()
                cuts = [150, 250]
                server = self.peer(
                    f=lambda peer: peer.ranged(bytes(300), None, cuts.pop() if cuts else None)
                )
                report = self.run_plan(
                    [self.sh('true')],
                    inputs=[
                        self.direct(server),
                        self.relayed('/w/r', 1),
                        self.content('/w/c', 'x' * 100, 2),
                        self.mounted('/w/m', path, 3),
                    ],
                    outputs=[self.output('/w/m')],
                    relay=self.relay({1: bytes(300)}).plan,
                    limits={'input_bytes': limit},
                    storage={'read': [data]},
                )
                self.assertEqual(report['state'], state, report['error'])
                self.assertIn(report['error'] and report['error']['code'], (None, 'INPUT_FAILED'))

    def test_limit_on_files_in(self):
        relay = self.relay({0: {(str(i),): b'' for i in range(10)}})
        report = self.run_plan(
            [self.sh('true')],
            inputs=[self.relayed('/in', type='DIRECTORY')],
            relay=relay.plan,
            limits={'input_files': 9},
        )
        self.assertFails(report, 'INPUT_FAILED', 'more than 9 files', 'task_input_files')
        self.assertEqual(len(relay.seen), 1)

    def test_limits_on_outputs(self):
        for method in ('mount', 'relay'):
            for limits, words in (
                ({'output_bytes': 14}, 'task_output_bytes'),
                ({'output_files': 2}, 'task_output_files'),
                ({'output_bytes': 15, 'output_files': 3}, None),
            ):
                with self.subTest(method=method, limits=limits):
                    self.setUp()
                    relay = self.relay()
                    item = self.output('/w/d', 'd', type='DIRECTORY', method=method)
                    report = self.run_plan(
                        [self.sh('mkdir /w/d; for f in a b c; do printf 12345 >/w/d/$f; done')],
                        outputs=[item],
                        relay=relay.plan,
                        limits=limits,
                    )
                    if words:
                        self.assertFails(report, 'OUTPUT_FAILED', words)
                    else:
                        self.assertState(report, 'COMPLETE')
                        self.assertEqual(len(report['outputs']), 3)


class Told(Moves):
    @core
    def test_told_of_each_transfer(self):
        server = self.peer(
            f=lambda peer: peer.answer(200, b'hello'), up=lambda peer: peer.answer(201)
        )
        report = self.run_plan(
            [self.sh('echo 1 >/w/a')],
            inputs=[self.direct(server), self.content('/w/c', 'x', 1)],
            outputs=[self.sent(server, '/w/a')],
        )
        self.assertState(report, 'COMPLETE')
        rows = report['inputs'] + report['outputs']
        self.assertEqual(
            [(row['method'], row['tries'], row['size']) for row in rows],
            [('direct', 1, 5), ('content', 1, 1), ('direct', 1, 2)],
        )
        self.assertTrue(all(row['seconds'] >= 0 for row in rows))
        told = [re.sub(r'\d+\.\d s', 'T s', line) for line in report['system_logs']]
        self.assertIn('input 0: direct, 5 bytes, T s, 1 try', told)
        self.assertIn('output 0: direct, 2 bytes, T s, 1 try', told)
        self.assertFalse([line for line in told if line.startswith('input 1')])

    def test_told_of_many_transfers(self):
        relay = self.relay({i: bytes(i) for i in range(60)})
        report = self.run_plan(
            [self.sh('true')],
            inputs=[self.relayed('/w/%d' % i, i) for i in range(60)],
            relay=relay.plan,
        )
        self.assertState(report, 'COMPLETE')
        told = [line for line in report['system_logs'] if line.startswith('input')]
        self.assertEqual(len(told), 51)
        self.assertTrue(told[0].startswith('input 10: relay, 10 bytes'), told[0])
        self.assertEqual(told[-1], 'inputs: 60 files, 1770 bytes in all; the 50 largest are named')

    def test_told_while_it_goes_on(self):
        hold = threading.Event()
        self.addCleanup(hold.set)

        def slow(peer):
            peer.answer(200, bytes(1 << 20), [('Content-Length', str(4 << 20))])
            hold.wait(30)
            peer.wfile.write(bytes(3 << 20))

        server = self.peer(f=slow, g=lambda peer: peer.answer(200, bytes(1 << 20)))
        part, received = self.beacon(interval_s=1)
        self.start(
            self.plan(
                [self.sh('true')],
                inputs=[self.direct(server), self.direct(server, 1, 'g')],
                beacon=part,
                limits={'stall_s': 30},
            )
        )
        line = 'fetching inputs: 1 of 2 files, 2.0 of 5.0 MiB'
        wait_for(lambda: line in [body.get('progress') for body in received], 15, line)
        hold.set()
        self.assertState(self.finish(), 'COMPLETE')
        self.assertEqual(
            {body['event'] for body in received if 'progress' in body}, {'alive'}
        )
