"""Inputs and outputs that the server moves for the job, with a server that misbehaves."""

import hashlib
import os
import random

from support.case import Case
from support.marks import core
from support.relay import listing, RelayServer

ODD_NAMES = tuple('a b|ü|日本|%41|a+b|q?x|h#x|it\'s|"q"|a\\b|-n|*|a;b'.split('|'))


class Relayed(Case):
    only_on = ('bubblewrap',)

    def relay(self, inputs=()):
        self.servers.append(RelayServer(inputs))
        return self.servers[-1]

    def relayed(self, path, i=0, type='FILE', **fields):
        return dict({'i': i, 'path': path, 'type': type, 'method': 'relay'}, **fields)

    def sent(self, path, i=0, type='FILE', **fields):
        url = 's3://bucket/%d' % i
        item = {'i': i, 'path': path, 'type': type, 'method': 'relay', 'url': url}
        return dict(item, **fields)

    def run_relay(self, server, script, inputs=(), outputs=(), **fields):
        return self.run_plan(
            [self.sh(script)],
            inputs=list(inputs),
            outputs=list(outputs),
            relay=server.plan,
            **fields
        )

    def assertInputFails(self, report, *words, code='INPUT_FAILED'):
        self.assertState(report, 'SYSTEM_ERROR', code)
        for word in words:
            self.assertIn(word, report['error']['message'])
        self.assertEqual(report['executors'], [])


class RelayInputs(Relayed):
    @core
    def test_relay_file(self):
        server = self.relay({0: b'hello', 1: b'', 2: 'ü\0'.encode()})
        report = self.run_relay(
            server,
            'cat /w/a; wc -c </w/b; wc -c <"/w/ü"',
            [self.relayed('/w/a'), self.relayed('/w/b', 1), self.relayed('/w/ü', 2)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'].split(), ['hello0', '3'])
        self.assertEqual([row['size'] for row in report['inputs']], [5, 0, 3])
        self.assertEqual({row['method'] for row in report['inputs']}, {'relay'})
        self.assertEqual(server.refused, [])

    @core
    def test_relay_folder(self):
        tree = {('e',): None, ('d',): None, ('d', 'x'): b'X', ('d', 'none'): None, ('y',): b''}
        server = self.relay({0: tree})
        report = self.run_relay(
            server,
            'cd /in; find . | sort; cat d/x; rm -r /in/d && echo writable',
            [self.relayed('/in', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            report['executors'][0]['stdout'].split(),
            ['.', './d', './d/none', './d/x', './e', './y', 'Xwritable'],
        )
        self.assertEqual((report['inputs'][0]['size'], report['inputs'][0]['tries']), (1, 1))

    def test_relay_empty_folder(self):
        report = self.run_relay(
            self.relay({0: {}}), 'ls -A /in | wc -l', [self.relayed('/in', type='DIRECTORY')]
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'].strip(), '0')
        self.assertEqual(report['inputs'][0]['size'], 0)

    def test_relay_deep_tree(self):
        tree = {('d',) * depth: None for depth in range(1, 150)}
        tree[('d',) * 149 + ('f',)] = b'deep'
        report = self.run_relay(
            self.relay({0: tree}),
            'cat "$(find /in -type f)"',
            [self.relayed('/in', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'deep')

    def test_relay_odd_names(self):
        tree = {}
        for name in ODD_NAMES:
            tree[(name,)] = None
            tree[(name, name)] = name.encode()
        report = self.run_relay(
            self.relay({0: tree}),
            'cd /in; for d in ./*; do cat "$d"/*; echo; done | sort',
            [self.relayed('/in', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        found = report['executors'][0]['stdout'].split('\n')[:-1]
        self.assertEqual(sorted(found), sorted(ODD_NAMES))

    def test_relay_file_type_on_a_folder(self):
        report = self.run_relay(
            self.relay({0: {('x',): b'X'}}), 'cat /w/in/x', [self.relayed('/w/in')]
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'X')

    def test_relay_names_that_lead_elsewhere(self):
        for names in (('..', 'x'), ('a/../../x',), ('',), ('.',), ('/etc', 'x'), ('a\0b',)):
            with self.subTest(names=names):
                self.setUp()
                report = self.run_relay(
                    self.relay({0: {names: b'X'}}),
                    'true',
                    [self.relayed('/in', type='DIRECTORY')],
                )
                self.assertInputFails(report, 'a name that cannot be')
                self.assertFalse(os.path.exists(self.base + '/x'))

    def test_relay_input_inside_an_input(self):
        """In the order of the plan, whatever arrives first."""
        server = self.relay({0: {('a',): b'A', ('b',): b'B'}, 1: b'over'})
        report = self.run_relay(
            server,
            'cat /in/a /in/b /in/c',
            [
                self.relayed('/in', type='DIRECTORY'),
                self.relayed('/in/b', 1),
                self.content('/in/c', 'C', 2),
            ],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'AoverC')

    def test_relay_list_breaks_off(self):
        tree, whole = {('a',): b'A', ('b',): b'B'}, []

        def odd(peer):
            if whole:
                return False
            whole.append(1)
            text = listing(tree, end=False)
            peer.answer(200, text, [('Content-Type', 'application/x-ndjson')])

        server = self.relay({0: tree})
        server.odd['GET', 'inputs/0/list'] = odd
        report = self.run_relay(server, 'cat /in/*', [self.relayed('/in', type='DIRECTORY')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'AB')

    def test_relay_list_never_ends_well(self):
        for cut in (0, 10, 45):
            with self.subTest(cut=cut):
                self.setUp()
                text = listing({('a',): b'A', ('b',): b'B'})

                def odd(peer):
                    headers = [('Content-Type', 'application/x-ndjson')]
                    peer.answer(200, text[:cut], headers + [('Content-Length', str(len(text)))])
                    peer.cut_off()

                server = self.relay()
                server.odd['GET', 'inputs/0/list'] = odd
                item = self.relayed('/in', type='DIRECTORY')
                report = self.run_relay(server, 'true', [item])
                self.assertInputFails(report, 'input 0 (/in): listing input 0')
                self.assertEqual(len(server.seen), 6)

    def test_relay_refusals_are_told_in_the_words_of_the_server(self):
        for status, code, message in (
            (404, 'STORAGE_MISSING', 'nothing is stored under s3://b/x'),
            (403, 'STORAGE_DENIED', 'the storage refuses s3://b/x'),
        ):
            for place in ('inputs/0/list', 'inputs/0/file'):
                with self.subTest(status=status, place=place):
                    self.setUp()
                    server = self.relay({0: b'hello'})
                    server.odd['GET', place] = lambda peer: peer.trouble(status, code, message)
                    report = self.run_relay(server, 'true', [self.relayed('/w/f')])
                    self.assertInputFails(report, 'through the server: ' + message)
                    paths = [path for _, path, _, _ in server.seen]
                    self.assertEqual(paths.count('/files/job/' + place), 1)

    def test_relay_comes_back_when_asked_to(self):
        answers = [503, 429, 502]

        def odd(peer):
            if not answers:
                return False
            peer.trouble(answers.pop(), 'STORAGE_UNAVAILABLE', 'later', [('Retry-After', '1')])

        server = self.relay({0: b'hello'})
        server.odd['GET', 'inputs/0/file'] = odd
        report = self.run_relay(server, 'cat /w/f', [self.relayed('/w/f')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'hello')
        self.assertEqual(report['inputs'][0]['tries'], 4)
        self.assertGreater(report['inputs'][0]['seconds'], 3)

    def test_relay_unavailable_for_good(self):
        server = self.relay({0: b'hello'})
        server.odd['GET', 'inputs/0/file'] = lambda peer: peer.trouble(
            503, 'STORAGE_UNAVAILABLE', 'no'
        )
        report = self.run_relay(server, 'true', [self.relayed('/w/f')])
        self.assertInputFails(report, 'input 0 (/w/f): fetching input 0 through the server: no')
        self.assertEqual(len(server.seen), 7)

    def test_relay_of_a_job_that_is_over(self):
        for place in ('inputs/0/list', 'inputs/0/file'):
            with self.subTest(place=place):
                self.setUp()
                server = self.relay({0: b'hello', 1: b'x' * 1000})
                server.odd['GET', place] = lambda peer: peer.trouble(410, 'JOB_OVER', 'end')
                report = self.run_relay(
                    server, 'true', [self.relayed('/w/f'), self.relayed('/w/g', 1)]
                )
                self.assertState(report, 'CANCELED')

    def test_relay_first_failure_by_index_is_told(self):
        """Even when it takes longest to fail."""
        for late in (3, 12):
            with self.subTest(late=late):
                self.setUp()
                server = self.relay({i: b'x' for i in range(20)})

                def busy(peer, answers=[503, 503]):
                    status = answers.pop() if answers else 404
                    peer.trouble(status, 'STORAGE_MISSING', 'gone')

                server.odd['GET', 'inputs/%d/file' % late] = busy
                for i in (15, 19):
                    server.odd['GET', 'inputs/%d/file' % i] = lambda peer: peer.trouble(
                        404, 'STORAGE_MISSING', 'gone'
                    )
                items = [self.relayed('/w/%d' % i, i) for i in range(20)]
                report = self.run_relay(server, 'true', items)
                self.assertInputFails(report, 'input %d (/w/%d): ' % (late, late))
                self.assertEqual([row['i'] for row in report['inputs']], list(range(late)))

    def test_relay_files_side_by_side_over_few_connections(self):
        tree = {('f%d' % i,): b'%d' % i for i in range(200)}
        server = self.relay({0: tree})
        server.inputs.update({i: b'x' for i in range(1, 60)})
        items = [self.relayed('/w/%d' % i, i) for i in range(1, 60)]
        items.append(self.relayed('/in', type='DIRECTORY'))
        report = self.run_relay(server, 'cat /in/* | wc -c; cat /w/* | wc -c', items)
        self.assertState(report, 'COMPLETE')
        total = sum(len(data) for data in tree.values())
        self.assertEqual(report['executors'][0]['stdout'].split(), [str(total), '59'])
        self.assertLessEqual(server.connections, 8)

    def test_relay_connection_closed_between_files_is_no_try(self):
        """The server closes each connection once it has answered, without saying so."""
        server = self.relay({0: {('f%d' % i,): b'%d' % i for i in range(40)}})

        def odd(peer):
            names = peer.path.rpartition('/')[2]
            peer.ranged(server.inputs[0][(names,)], '"1"')
            peer.cut_off()

        for name in server.inputs[0]:
            server.odd['GET', 'inputs/0/file/' + name[0]] = odd
        report = self.run_relay(server, 'cat /in/*', [self.relayed('/in', type='DIRECTORY')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['inputs'][0]['tries'], 1)

    def test_relay_cut_at_any_byte(self):
        """Completed from where it broke; the digest tells."""
        chance = random.Random(5)
        data = bytes(chance.randrange(256) for _ in range(300000))
        server = self.relay({0: data})
        left = [chance.randrange(1, 90000) for _ in range(12)]

        def odd(peer):
            if not left:
                return False
            cut = left.pop()
            if cut % 5 == 0:
                peer.cut_off(reset=True)
            else:
                peer.ranged(data, '"1"', cut)

        server.odd['GET', 'inputs/0/file'] = odd
        report = self.run_relay(server, 'sha256sum </w/f', [self.relayed('/w/f')], seconds=60)
        self.assertState(report, 'COMPLETE')
        found = report['executors'][0]['stdout'].split()[0]
        self.assertEqual(found, hashlib.sha256(data).hexdigest())
        self.assertEqual(report['inputs'][0]['size'], len(data))
        starts = [headers.get('Range') for _, _, headers, _ in server.seen[2:]]
        self.assertTrue(any(starts), starts)


class RelayOutputs(Relayed):
    @core
    def test_relay_output_file(self):
        server = self.relay()
        outputs = [self.sent('/w/f'), self.sent('/w/e', 1), self.sent('/w/none', 2)]
        report = self.run_relay(server, 'echo hello >/w/f; : >/w/e', (), outputs)
        self.assertState(report, 'COMPLETE')
        self.assertEqual(server.stored, {(0,): b'hello\n', (1,): b''})
        self.assertEqual(
            [(row['url'], row['size'], row['method'], row['tries']) for row in report['outputs']],
            [('s3://bucket/0', 6, 'relay', 1), ('s3://bucket/1', 0, 'relay', 1)],
        )
        self.assertIn('output 2 (/w/none) was not made', report['system_logs'])

    @core
    def test_relay_output_tree(self):
        script = (
            'mkdir -p /w/d/deep/er /w/d/empty "/w/d/a b"; cd /w/d; '
            'echo 1 >deep/er/f; echo 2 >"a b/ü#?%41"'
        )
        server = self.relay()
        report = self.run_relay(server, script, (), [self.sent('/w/d', type='DIRECTORY')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            server.stored, {(0, 'deep', 'er', 'f'): b'1\n', (0, 'a b', 'ü#?%41'): b'2\n'}
        )
        self.assertEqual(server.folders, [(0, 'empty')])
        self.assertEqual(
            [row['path'] for row in report['outputs']], ['/w/d/a b/ü#?%41', '/w/d/deep/er/f']
        )

    def test_relay_output_that_is_an_empty_folder(self):
        server = self.relay()
        report = self.run_relay(server, 'mkdir -p /w/d', (), [self.sent('/w/d', type='DIRECTORY')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual((server.folders, server.stored), ([(0,)], {}))

    def test_relay_output_glob(self):
        server = self.relay()
        script = (
            'mkdir -p /w/s/t; '
            'for f in a.txt b.txt c.dat s/x.txt s/t/y.txt; do echo $f >/w/$f; done'
        )
        outputs = [
            self.sent('/w/*.txt', path_prefix='/w'),
            self.sent('/w/s/*', 1, path_prefix='/w'),
        ]
        report = self.run_relay(server, script, (), outputs)
        self.assertState(report, 'COMPLETE')
        self.assertEqual(
            sorted(server.stored),
            [(0, 'a.txt'), (0, 'b.txt'), (1, 's', 't', 'y.txt'), (1, 's', 'x.txt')],
        )

    def test_relay_outputs_side_by_side_in_the_order_of_the_walk(self):
        server = self.relay()
        script = 'mkdir -p /w/d; i=100; while [ $i -lt 300 ]; do echo $i >/w/d/$i; i=$((i+1)); done'
        report = self.run_relay(server, script, (), [self.sent('/w/d', type='DIRECTORY')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(server.stored, {(0, str(i)): b'%d\n' % i for i in range(100, 300)})
        self.assertEqual(
            [row['path'] for row in report['outputs']], ['/w/d/%d' % i for i in range(100, 300)]
        )
        self.assertLessEqual(server.connections, 8)

    def test_relay_output_cut_and_tried_again(self):
        server = self.relay()
        cuts = [1, 2]

        def odd(peer):
            if not cuts:
                return False
            peer.cut_off(reset=cuts.pop() == 1)

        server.odd['PUT', 'outputs/0/file'] = odd
        report = self.run_relay(server, 'head -c 3000000 /dev/zero >/w/f', (), [self.sent('/w/f')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual(server.stored[(0,)], bytes(3000000))
        self.assertEqual(report['outputs'][0]['tries'], 3)

    def test_relay_output_refused_before_the_body_is_read(self):
        server = self.relay()
        class Refusing(server.RequestHandlerClass):
            def do_PUT(self):
                self.trouble(403, 'STORAGE_DENIED', 'not there')
                self.rfile.read(1000000)
                self.close_connection = True

        server.RequestHandlerClass = Refusing
        report = self.run_relay(server, 'head -c 30000000 /dev/zero >/w/f', (), [self.sent('/w/f')])
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertIn('uploading to s3://bucket/0: not there', report['error']['message'])

    def test_relay_output_of_which_less_was_stored(self):
        server = self.relay()
        lies = [3, 99]

        def odd(peer):
            if not lies:
                return False
            peer.json(200, {'bytes': lies.pop()})

        server.odd['PUT', 'outputs/0/file'] = odd
        report = self.run_relay(server, 'echo hello >/w/f', (), [self.sent('/w/f')])
        self.assertState(report, 'COMPLETE')
        self.assertEqual((report['outputs'][0]['tries'], server.stored), (3, {(0,): b'hello\n'}))
        self.setUp()
        server = self.relay()
        server.odd['PUT', 'outputs/0/file'] = lambda peer: peer.json(200, {'bytes': 3})
        report = self.run_relay(server, 'echo hello >/w/f', (), [self.sent('/w/f')])
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertIn('the server stored 3 of 6 bytes', report['error']['message'])

    def test_relay_output_of_a_job_that_is_over(self):
        server = self.relay()
        server.odd['PUT', 'outputs/0/file'] = lambda peer: peer.trouble(410, 'JOB_OVER', 'end')
        report = self.run_relay(server, 'echo hello >/w/f', (), [self.sent('/w/f')])
        self.assertState(report, 'CANCELED')

    def test_relay_first_failed_output_is_told_and_the_others_are_tried(self):
        server = self.relay()
        for place in ('outputs/1/file/b', 'outputs/2/file'):
            server.odd['PUT', place] = lambda peer: peer.trouble(403, 'STORAGE_DENIED', 'no')
        script = 'mkdir /w/d; for f in 0 d/a d/b 2 3; do echo $f >/w/$f; done'
        outputs = [
            self.sent('/w/0'),
            self.sent('/w/d', 1, type='DIRECTORY'),
            self.sent('/w/2', 2),
            self.sent('/w/3', 3),
        ]
        report = self.run_relay(server, script, (), outputs)
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertIn('output 1 (/w/d): uploading', report['error']['message'])
        self.assertEqual(sorted(server.stored), [(0,), (1, 'a'), (3,)])
        told = [line for line in report['system_logs'] if 'uploading' in line]
        self.assertEqual(len(told), 2, told)
