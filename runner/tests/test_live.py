"""Folders below a live root: tasks of several users work in them, and may put links there."""

import os
import subprocess
import sys

from support.case import Case, USER
from support.marks import core, only
from support.module import runner

EXCHANGE = """
import ctypes, os, sys
libc, place = ctypes.CDLL(None), sys.argv[1].encode()
while os.path.exists(place):
    libc.renameat2(-100, place, -100, place + b'.link', 2)
"""
"""Puts a folder and the link beside it in each other's place, as fast as it can."""


class LiveCase(Case):
    def setUp(self):
        super().setUp()
        self.live = self.folder('live')
        self.store = self.folder('live/store')

    def folder(self, name, mode=0o777):
        path = '%s/%s' % (self.base, name)
        os.mkdir(path)
        os.chmod(path, mode)
        if self.as_user:
            os.chown(path, USER, USER)
        return path

    def put(self, name, text='old', mode=0o666):
        path = '%s/%s' % (self.base, name)
        with open(path, 'w') as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def read(self, name):
        with open('%s/%s' % (self.base, name)) as file:
            return file.read()

    def work(self, *executors, path='/lab/store', source=None, **fields):
        inputs = fields.pop('inputs', [])
        item = self.mounted(path, source or self.store, len(inputs), type='DIRECTORY')
        storage = {
            'read': [self.live, self.data],
            'write': [self.live, self.out],
            'live': [self.live],
        }
        storage.update(fields.pop('storage', {}))
        return self.run_plan(list(executors), inputs=inputs + [item], storage=storage, **fields)


class Live(LiveCase):
    @core
    def test_is_worked_in_where_it_lies(self):
        self.put('live/store/old')
        script = 'cat /lab/store/old; echo new >/lab/store/new; mkdir /lab/store/d; rm /lab/store/old'
        report = self.work(self.sh(script))
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'old')
        self.assertEqual(sorted(os.listdir(self.store)), ['d', 'new'])
        self.assertEqual(self.read('live/store/new'), 'new\n')
        self.assertEqual(
            [(row['i'], row['method'], row['size']) for row in report['inputs']],
            [(0, 'mount', 0)],
        )
        self.assertIn(
            'input 0 is live: the task works in ' + self.store, '\n'.join(report['system_logs'])
        )

    def test_one_task_sees_what_another_writes(self):
        self.start(
            self.plan(
                [self.sh('while ! test -e /lab/store/go; do sleep 0.05; done; echo seen')],
                inputs=[self.mounted('/lab/store', self.store, type='DIRECTORY')],
                storage={'read': [self.live], 'live': [self.live]},
            )
        )
        first, shared = self.process, self.shared
        self.next_job()
        report = self.work(self.sh('echo >/lab/store/go'))
        self.assertState(report, 'COMPLETE')
        self.assertEqual(first.wait(20), 0)
        self.shared = shared
        self.assertEqual(self.report()['executors'][0]['stdout'], 'seen\n')

    def test_root_itself_at_any_path(self):
        report = self.work(self.sh('echo new >/jobs/store/new'), path='/jobs', source=self.live)
        self.assertState(report, 'COMPLETE')
        self.assertEqual(self.read('live/store/new'), 'new\n')

    def test_another_path(self):
        report = self.work(self.sh('echo new >/jobs/new'), path='/jobs')
        if self.is_engine:
            self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
            self.assertIn('the path must end in /store', report['error']['message'])
            self.assertEqual(os.listdir(self.store), [])
        else:
            self.assertState(report, 'COMPLETE')
            self.assertEqual(self.read('live/store/new'), 'new\n')

    @core
    def test_streams_and_outputs_in_it(self):
        report = self.work(
            self.sh('echo told', stdout='/lab/store/log', workdir='/lab/store'),
            self.sh('cat; pwd', stdin='/lab/store/log', workdir='/lab/store'),
            outputs=[self.output('/lab/store/log', 'got')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][1]['stdout'], 'told\n/lab/store\n')
        self.assertEqual(self.delivered('got'), 'told\n')
        self.assertEqual(self.read('live/store/log'), 'told\n')

    def test_other_inputs_beside_and_around_it(self):
        around = self.data + '/around'
        os.makedirs(around + '/store')
        self.write('around/store/mine', 'not to be put into the store')
        self.write('around/a', 'a')
        report = self.work(
            self.sh('cat /lab/in/a; ls /lab/in/store; echo new >/lab/in/store/new'),
            path='/lab/in/store',
            source=self.live,
            inputs=[self.mounted('/lab/in', around, type='DIRECTORY')],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'astore\n')
        self.assertEqual(sorted(os.listdir(self.live)), ['new', 'store'])
        self.assertIn('left out of an input: what it has in /lab/in/store', '\n'.join(report['system_logs']))

    def test_no_other_input_is_put_into_it(self):
        for item in (
            self.content('/lab/store/new', 'new'),
            self.mounted('/lab/store', self.data, type='DIRECTORY'),
        ):
            self.next_job()
            report = self.work(self.sh('true'), inputs=[item])
            self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
        self.assertEqual(os.listdir(self.store), [])

    def test_mount_of_the_operator_in_it(self):
        place = self.folder('ref')
        mounts = [{'host': place, 'path': '/lab/store/ref', 'mode': 'ro'}]
        report = self.work(self.sh('true'), mounts=mounts)
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')

    def test_what_is_not_below_the_root_is_read_only(self):
        os.mkdir(self.data + '/d')
        os.chmod(self.data + '/d', 0o777)
        os.symlink(self.data + '/d', self.live + '/link')
        for source in (self.data + '/d', self.live + '/link'):
            self.next_job()
            report = self.work(self.sh('echo new >/lab/d/new'), path='/lab/d', source=source)
            self.assertState(report, 'EXECUTOR_ERROR')
        self.assertEqual(os.listdir(self.data + '/d'), [])

    def test_link_that_leads_out_of_the_roots(self):
        closed = self.folder('closed')
        os.symlink(closed, self.live + '/link')
        report = self.work(self.sh('true'), path='/lab/link', source=self.live + '/link')
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_REFUSED')

    def test_files_below_it_are_copied(self):
        self.put('live/store/f')
        report = self.run_plan(
            [self.sh('cat /in/f')],
            inputs=[self.mounted('/in/f', self.store + '/f')],
            storage={'read': [self.live], 'live': [self.live]},
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'old')
        self.assertIn('is copied: tasks may write', '\n'.join(report['system_logs']))

    def test_outputs_follow_no_link_in_it(self):
        mine = self.folder('mine')
        self.put('mine/f')
        os.symlink(mine, self.store + '/d')
        os.symlink(mine + '/f', self.store + '/f')
        for name, state in (('d/f', 'SYSTEM_ERROR'), ('d', 'COMPLETE'), ('f', 'COMPLETE')):
            self.next_job()
            place = '%s/%s' % (self.store, name)
            report = self.run_plan(
                [self.sh('echo new >/w/f')],
                outputs=[dict(self.output('/w/f', 'x'), file=place, url='file://' + place)],
                storage={'write': [self.live, mine], 'live': [self.live]},
            )
            self.assertEqual(report['state'], state, self.log())
            self.assertEqual((os.listdir(mine), self.read('mine/f')), (['f'], 'old'))
        self.assertEqual(self.read('live/store/f'), 'new\n')

    @only('bubblewrap')
    def test_executors_that_may_not_write_are_told_of(self):
        for path in (self.live, self.store):
            os.chmod(path, 0o755)
        report = self.work(self.sh('echo new >/lab/store/new'))
        expected = 'EXECUTOR_ERROR' if not self.as_user else 'COMPLETE'
        self.assertEqual(report['state'], expected, self.log())
        told = 'which may not write there' in '\n'.join(report['system_logs'])
        self.assertEqual(told, not self.as_user)


class Swaps(LiveCase):
    """Another task swaps the folder for a link to what only the operator may enter."""

    def setUp(self):
        super().setUp()
        self.closed = self.folder('closed', 0o777)
        self.put('closed/conf', 'of the operator')
        os.symlink(self.closed, self.store + '.link')

    def test_never_leads_out_however_fast(self):
        swapper = subprocess.Popen([sys.executable, '-c', EXCHANGE, self.store])
        try:
            states = []
            for _ in range(12):
                self.next_job()
                report = self.work(self.sh('cat /lab/store/conf; echo new >/lab/store/new'))
                states.append(report['state'])
                self.assertNotIn('of the operator', str(report))
        finally:
            swapper.kill()
            swapper.wait()
        self.assertEqual(os.listdir(self.closed), ['conf'], states)

    @only('bubblewrap')
    def test_is_looked_for_again_right_before_it_is_bound(self):
        job = runner.Job(self.jd)
        os.makedirs(job.own)
        job.plan = self.plan(
            [], storage={'read': [self.live], 'live': [self.live], 'write': []}
        )
        job.roots = runner.Roots(job)
        with runner.source_of(self.mounted('/lab/store', self.store), job.roots) as source:
            place = source.inside(job.roots.live)
        os.close(place.look())
        os.rename(self.store, self.store + '.old')
        os.rename(self.store + '.link', self.store)
        with self.assertRaises(OSError):
            place.look()
