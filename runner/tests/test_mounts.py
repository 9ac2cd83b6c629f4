"""What a client names inside an operator's mount: the runner may be root, the task is not."""

import os

from support.case import Case
from support.marks import core

OWNER = 2345
"""Whose folder the mount is, where executors have no fixed uid."""


class Mounts(Case):
    def setUp(self):
        super().setUp()
        self.live = self.data + '/live'
        os.makedirs(self.live)
        os.chmod(self.live, 0o777)

    def file(self, name, text='old', mode=0o600, folder_mode=None):
        path = self.write('live/' + name, text, mode)
        if folder_mode is not None:
            os.chmod(os.path.dirname(path), folder_mode)
        return path

    def run_in(self, *executors, mode='rw', **fields):
        mounts = [{'host': self.live, 'path': '/live', 'mode': mode}]
        return self.run_plan(list(executors), mounts=mounts, **fields)

    def assertUntouched(self, path, text='old', mode=0o600):
        info = os.stat(path)
        self.assertEqual((info.st_uid, info.st_gid, info.st_mode & 0o777), (0, 0, mode))
        with open(path) as file:
            self.assertEqual(file.read(), text)

    @core
    def test_stdin_that_the_executor_could_not_read(self):
        for mode in ('ro', 'rw'):
            self.next_job()
            path = self.file('secret')
            report = self.run_in(self.sh('cat', stdin='/live/secret'), mode=mode)
            self.assertState(report, 'SYSTEM_ERROR', 'STDIN_MISSING')
            self.assertIn('Permission denied', report['error']['message'])
            self.assertUntouched(path)

    def test_outputs_that_the_executor_could_not_read(self):
        self.file('secret')
        self.file('closed/secret', mode=0o644, folder_mode=0o700)
        for path, kind in (
            ('/live/secret', 'FILE'),
            ('/live/sec*', 'FILE'),
            ('/live', 'DIRECTORY'),
            ('/live/closed', 'DIRECTORY'),
            ('/live/closed/secret', 'FILE'),
        ):
            with self.subTest(path=path):
                self.next_job()
                report = self.run_in(
                    self.sh('true'), mode='ro', outputs=[self.output(path, 'got', type=kind)]
                )
                self.assertEqual(report['outputs'], [])
                for folder, _, files in os.walk(self.out):
                    self.assertEqual(files, [], folder)

    def test_redirect_over_what_the_executor_could_not_write(self):
        path = self.file('others', mode=0o644)
        report = self.run_in(self.sh('echo new', stdout='/live/others'))
        self.assertState(report, 'SYSTEM_ERROR', 'REDIRECT_FAILED')
        self.assertUntouched(path, mode=0o644)

    def test_redirect_into_a_folder_that_is_closed_to_the_executor(self):
        self.file('closed/x', folder_mode=0o755)
        report = self.run_in(self.sh('echo new', stderr='/live/closed/new'))
        self.assertState(report, 'SYSTEM_ERROR', 'REDIRECT_FAILED')
        report = self.next_job() or self.run_in(self.sh('true'), volumes=['/live/closed/new'])
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
        report = self.next_job() or self.run_in(self.sh('true', workdir='/live/closed/new'))
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
        self.assertEqual(os.listdir(self.live + '/closed'), ['x'])

    def test_redirect_into_what_everybody_may_write_changes_no_owner_or_mode(self):
        path = self.file('shared', mode=0o666)
        report = self.run_in(self.sh('echo new', stdout='/live/shared'))
        self.assertState(report, 'COMPLETE')
        self.assertUntouched(path, text='new\n', mode=0o666)

    def owner_of_new(self):
        for name in os.listdir(self.live):
            info = os.lstat(self.live + '/' + name)
            yield name, info.st_uid, info.st_gid, info.st_mode & 0o777

    @core
    def test_new_files_belong_to_whoever_may_make_them(self):
        for owner in (0, OWNER):
            self.next_job()
            os.chown(self.live, owner, owner)
            report = self.run_in(
                self.sh('echo new', stdout='/live/out'),
                outputs=[self.output('/live/out', 'got')],
                volumes=['/live/folder'],
            )
            self.assertState(report, 'COMPLETE')
            self.assertEqual(self.delivered('got'), 'new\n')
            uid = 1234 if self.as_user else owner if owner and self.is_engine else 65534
            self.assertEqual(
                sorted(self.owner_of_new()),
                [('folder', uid, uid, 0o755), ('out', uid, uid, 0o644)],
            )
            os.unlink(self.live + '/out')
            os.rmdir(self.live + '/folder')

    def test_group_of_root_counts_for_nothing(self):
        path = self.file('secret', mode=0o640)
        report = self.run_in(self.sh('cat', stdin='/live/secret'), mode='ro')
        self.assertState(report, 'SYSTEM_ERROR', 'STDIN_MISSING')
        self.assertUntouched(path, mode=0o640)

    def test_links_do_not_lead_out(self):
        outside = self.write('outside', 'secret', 0o666)
        os.symlink(outside, self.live + '/absolute')
        os.symlink('../outside', self.live + '/relative')
        os.symlink('..', self.live + '/up')
        for name in ('absolute', 'relative', 'up/outside'):
            with self.subTest(name=name):
                self.next_job()
                report = self.run_in(self.sh('cat', stdin='/live/' + name))
                self.assertIn(report['error']['code'], ('STDIN_MISSING', 'BAD_PATH'))
                self.next_job()
                report = self.run_in(self.sh('true'), outputs=[self.output('/live/' + name, 'got')])
                self.assertEqual((report['outputs'], os.listdir(self.out)), ([], []))
                self.next_job()
                report = self.run_in(self.sh('echo new', stdout='/live/' + name))
                self.assertIn(report['error']['code'], ('REDIRECT_FAILED', 'BAD_PATH'))
        self.assertUntouched(outside, 'secret', 0o666)

    def test_inputs_are_not_put_into_a_mount(self):
        path = self.file('others', mode=0o666)
        for item in (
            self.content('/live/others', 'new'),
            self.content('/live/new/x', 'new'),
            self.mounted('/live/others', self.write('in', 'new')),
            self.mounted('/live', self.data, type='DIRECTORY'),
        ):
            self.next_job()
            report = self.run_in(self.sh('true'), inputs=[item])
            self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
        self.assertUntouched(path, mode=0o666)
        self.assertEqual(os.listdir(self.live), ['others'])

    def test_mount_over_tmp_keeps_its_mode(self):
        os.chmod(self.live, 0o755)
        mounts = [{'host': self.live, 'path': '/tmp', 'mode': 'ro'}]
        report = self.run_plan([self.sh('true')], mounts=mounts)
        self.assertState(report, 'COMPLETE')
        self.assertEqual(os.stat(self.live).st_mode & 0o777, 0o755)
