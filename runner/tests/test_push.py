"""Inputs that the server laid into the job, and outputs that wait in it."""

import hashlib
import json
import os

from support.case import Case
from support.marks import core

ODD_NAMES = tuple('a b|ü|日本|%41|a+b|q?x|h#x|it\'s|"q"|a\\b|-n|*|a;b|a\nb'.split('|'))


class Pushes(Case):
    only_on = ('bubblewrap', 'bubblewrap-user')

    def lay(self, i, entries, end=True):
        """`entries`: (names, bytes or None for a folder). What the server uploads before it submits."""
        folder = '%s/inputs/push/%d' % (self.jd, i)
        os.makedirs(folder)
        count = 0
        with open(folder + '.jsonl', 'w') as lines:
            for names, data in entries:
                entry = {'kind': 'folder' if data is None else 'file', 'path': list(names)}
                if data is not None:
                    entry['size'] = len(data)
                    with open('%s/%d' % (folder, count), 'wb') as file:
                        file.write(data)
                    count += 1
                lines.write(json.dumps(entry) + '\n')
            if end:
                lines.write('{"end":true}\n')
        if self.as_user:
            for place, _, names in os.walk(self.jd + '/inputs/push'):
                for path in [place] + [place + '/' + name for name in names]:
                    os.chown(path, 1234, 1234)

    def pushed(self, path, i=0, type='FILE', **fields):
        return dict({'i': i, 'path': path, 'type': type, 'method': 'push'}, **fields)

    def left(self, path, i=0, type='FILE', **fields):
        url = 's3://bucket/%d' % i
        item = {'i': i, 'path': path, 'type': type, 'method': 'push', 'url': url}
        return dict(item, **fields)

    def rows(self):
        with open(self.shared + '/pushed.jsonl') as lines:
            return [json.loads(line) for line in lines]

    def stored(self, row):
        with open('%s/outputs/push/%s' % (self.jd, row['stored']), 'rb') as file:
            return file.read()

    @core
    def test_push_files_in(self):
        self.lay(0, [((), b'hello')])
        self.lay(1, [((), b'')])
        part = os.stat(self.jd + '/inputs/push/0/0').st_ino
        report = self.run_plan(
            [self.sh('cat /w/a; wc -c </w/b; ls -i /w/a; echo more >>/w/a')],
            inputs=[self.pushed('/w/a'), self.pushed('/w/b', 1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertIn('hello0\n%d ' % part, report['executors'][0]['stdout'])
        self.assertEqual(
            report['inputs'],
            [
                {'i': 0, 'path': '/w/a', 'method': 'push', 'size': 5},
                {'i': 1, 'path': '/w/b', 'method': 'push', 'size': 0},
            ],
        )

    @core
    def test_push_folder_in(self):
        entries = [(('e',), None), (('d',), None), (('d', 'x'), b'X'), (('y',), b'')]
        self.lay(0, entries + [((name,), name.encode()) for name in ODD_NAMES])
        report = self.run_plan(
            [self.sh('cd /in; find . -type d | sort; cat d/x; for f in ./[!dey]*; do cat "$f"; done')],
            inputs=[self.pushed('/in', type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        said = report['executors'][0]['stdout']
        self.assertTrue(said.startswith('.\n./d\n./e\nX'), said)
        self.assertEqual(sorted(said[10:]), sorted('X' + ''.join(ODD_NAMES)))

    def test_push_empty_folder_in(self):
        self.lay(0, [])
        report = self.run_plan(
            [self.sh('ls -A /in | wc -l')], inputs=[self.pushed('/in', type='DIRECTORY')]
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'].strip(), '0')

    def test_push_input_that_is_not_what_it_should_be(self):
        digest = hashlib.sha256(b'other').hexdigest()
        check = {'sha256': digest, 'url': 'ftp://host/x'}
        for entries, end, item, words in (
            ([((), b'hello')], False, {}, 'its list is not whole'),
            ([((), b'hello')], True, {'check': check}, digest),
            ([(('a',), b'x')], True, {'check': check}, 'is a folder'),
            ([(('..', 'a'), b'x')], True, {}, 'a name that cannot be'),
        ):
            with self.subTest(words=words):
                self.next_job()
                self.lay(0, entries, end)
                report = self.run_plan([self.sh('true')], inputs=[self.pushed('/w/a', **item)])
                self.assertState(report, 'SYSTEM_ERROR', 'INPUT_FAILED')
                self.assertIn(words, report['error']['message'])
                self.assertEqual(report['executors'], [])

    def test_push_input_that_was_cut(self):
        self.lay(0, [((), b'hello')])
        os.truncate(self.jd + '/inputs/push/0/0', 3)
        report = self.run_plan([self.sh('true')], inputs=[self.pushed('/w/a')])
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_FAILED')
        self.assertIn('3 of 5 bytes', report['error']['message'])

    def test_push_counts_against_the_limits(self):
        self.lay(0, [((), b'hello')])
        report = self.run_plan(
            [self.sh('true')], inputs=[self.pushed('/w/a')], limits={'input_bytes': 4}
        )
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_FAILED')
        self.assertIn('task_input_bytes', report['error']['message'])

    @core
    def test_push_files_out(self):
        report = self.run_plan(
            [self.sh('cd /o; printf A >a; : >empty; mkdir -p d/none "d/ü b"; printf F >"d/ü b/f"')],
            volumes=['/o'],
            outputs=[
                self.left('/o/a'),
                self.left('/o/empty', 1),
                self.left('/o/d', 2, 'DIRECTORY'),
                self.left('/o/none', 3),
                self.left('/o/*', 4, path_prefix='/o'),
            ],
        )
        self.assertState(report, 'COMPLETE')
        rows = self.rows()
        self.assertEqual(report['pushed'], len(rows))
        told = [(row['i'], row['path'], row['names'], row['size']) for row in rows]
        self.assertEqual(
            told,
            [
                (0, '/o/a', [], 1),
                (1, '/o/empty', [], 0),
                (2, '/o/d/none', ['none'], 0),
                (2, '/o/d/ü b/f', ['ü b', 'f'], 1),
                (4, '/o/a', ['a'], 1),
                (4, '/o/d/none', ['d', 'none'], 0),
                (4, '/o/d/ü b/f', ['d', 'ü b', 'f'], 1),
                (4, '/o/empty', ['empty'], 0),
            ],
        )
        files = [row for row in rows if 'stored' in row]
        self.assertEqual([self.stored(row) for row in files], [b'A', b'', b'F', b'A', b'F', b''])
        self.assertEqual([row['path'] for row in report['outputs']], [row['path'] for row in files])
        self.assertEqual(report['outputs'][2]['url'], 's3://bucket/2/%C3%BC%20b/f')
        self.assertIn('output 3 (/o/none) was not made', report['system_logs'])

    def test_push_takes_no_second_copy(self):
        report = self.run_plan(
            [self.sh('head -c 3000000 /dev/zero >/o/big; ls -i /o/big')],
            volumes=['/o'],
            outputs=[self.left('/o/big')],
        )
        self.assertState(report, 'COMPLETE')
        inode = int(report['executors'][0]['stdout'].split()[0])
        self.assertEqual(os.stat(self.jd + '/outputs/push/0').st_ino, inode)

    def test_push_after_a_failed_executor(self):
        report = self.run_plan(
            [self.sh('printf A >/o/a; exit 3')], volumes=['/o'], outputs=[self.left('/o/a')]
        )
        self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual((report['pushed'], self.stored(self.rows()[0])), (1, b'A'))

    def test_push_leaves_no_list_without_outputs(self):
        report = self.run_plan([self.sh('true')], outputs=[self.left('/o/a')])
        self.assertState(report, 'COMPLETE')
        self.assertNotIn('pushed', report)
        self.assertFalse(os.path.exists(self.shared + '/pushed.jsonl'))
