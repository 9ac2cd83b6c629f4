"""What a task gets: contents, mounted files and folders.

Names begin with the case number of the runtime study.
"""

import os

from support.case import USER, Case
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
