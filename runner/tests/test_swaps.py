"""A task that swaps folders for links where it may write, while the runner relies on them: in a
mount that overlaps with a storage root or holds another mount."""

import os
import shutil
import tempfile
import unittest
from unittest import mock

from support.case import Case, USER
from support.module import runner


class Swaps(Case):
    def setUp(self):
        super().setUp()
        self.share = self.folder('share', 0o777)
        self.closed = self.folder('closed', 0o700)
        with open(self.closed + '/conf', 'w') as file:
            file.write('of the operator')
        os.chmod(self.closed + '/conf', 0o600)

    def folder(self, name, mode):
        path = '%s/%s' % (self.base, name)
        os.mkdir(path)
        os.chmod(path, mode)
        if self.as_user:
            os.chown(path, USER, USER)
        return path

    def swap(self, name, then='true'):
        """For a link to what only the runner may enter."""
        script = 'mv /share/{0} /share/{0}.old && ln -s {1} /share/{0} && {2}'
        return self.sh(script.format(name, self.closed, then))

    def run_in(self, *executors, mounts=(), **fields):
        share = {'host': self.share, 'path': '/share', 'mode': 'rw'}
        return self.run_plan(list(executors), mounts=[share] + list(mounts), **fields)

    def assertUntouched(self):
        self.assertEqual(os.listdir(self.closed), ['conf'])
        with open(self.closed + '/conf') as file:
            self.assertEqual(file.read(), 'of the operator')

    def to(self, place, i=0, path='/w/f', **fields):
        return dict(self.output(path, 'x', i, **fields), file=place, url='file://' + place)

    def test_root_of_outputs(self):
        out = self.folder('share/out', 0o777)
        fields = {
            'volumes': ['/w'],
            'storage': {'write': [out]},
            'outputs': [self.to(out + '/conf'), self.to(out + '/new', 1)],
        }
        report = self.run_in(self.swap('out', 'echo new >/w/f'), **fields)
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertUntouched()
        # Nor is it believed by the next task, which finds the link.
        self.next_job()
        report = self.run_in(self.sh('echo new >/w/f'), **fields)
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertIn('a link that a task may have made', ''.join(report['system_logs']))
        self.assertUntouched()

    def test_folder_above_an_output(self):
        out = self.folder('share/out', 0o777)
        self.folder('share/out/mine', 0o777)
        report = self.run_in(
            self.swap('out/mine', 'echo new >/w/f'),
            volumes=['/w'],
            storage={'write': [out]},
            outputs=[self.to(out + '/mine/conf')],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertUntouched()

    def test_another_folder_in_place_of_a_root(self):
        out = self.folder('share/out', 0o777)
        report = self.run_in(
            self.sh('mv /share/out /share/old; mkdir -m 777 /share/out; echo new >/w/f'),
            volumes=['/w'],
            storage={'write': [out]},
            outputs=[self.to(out + '/f')],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertEqual(os.listdir(out), [])

    def test_links_of_the_operator_are_followed(self):
        out = self.folder('share/out', 0o777)
        os.symlink(self.share, self.base + '/way')
        os.symlink('out', self.share + '/other')
        report = self.run_in(
            self.sh('echo new >/w/f'),
            volumes=['/w'],
            storage={'write': [self.base + '/way/out']},
            outputs=[self.to(out + '/f'), self.to(self.base + '/way/other/g', 1)],
        )
        self.assertState(report, 'COMPLETE')
        self.assertEqual(sorted(os.listdir(out)), ['f', 'g'])

    def assertNothingTold(self, report):
        self.assertNotIn('of the operator', str(report))
        self.assertUntouched()

    def test_folder_above_an_input(self):
        for executor in (
            self.sh('cat </in/conf', stdin='/in/conf'),
            self.sh('cat', stdin='/in/conf'),
            self.sh('cat /in/conf'),
        ):
            self.next_job()
            name = 'd%d' % len(os.listdir(self.share))
            self.folder('share/' + name, 0o777)
            with open('%s/%s/conf' % (self.share, name), 'w') as file:
                file.write('given')
            report = self.run_in(
                self.swap(name),
                executor,
                storage={'read': [self.share]},
                inputs=[self.mounted('/in/conf', '%s/%s/conf' % (self.share, name))],
            )
            self.assertState(report, 'COMPLETE')
            self.assertEqual(report['executors'][1]['stdout'], 'given')
            self.assertNothingTold(report)

    def test_folder_that_is_an_input(self):
        place = self.folder('share/d', 0o777)
        report = self.run_in(
            self.swap('d'),
            self.sh('ls -la /in; cat /in/*'),
            storage={'read': [self.share]},
            inputs=[self.mounted('/in', place, type='DIRECTORY')],
        )
        self.assertNothingTold(report)

    def test_root_of_inputs(self):
        root = self.folder('share/d', 0o777)
        report = self.run_in(self.swap('d'))
        self.assertState(report, 'COMPLETE')
        self.next_job()
        report = self.run_in(
            self.sh('cat /in'),
            storage={'read': [root]},
            inputs=[self.mounted('/in', root + '/conf')],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_REFUSED')
        self.assertNothingTold(report)

    def test_mount_in_a_mount(self):
        place = self.folder('share/ref', 0o777)
        mounts = [{'host': place, 'path': '/ref', 'mode': 'ro'}]
        report = self.run_in(
            self.swap('ref'), self.sh('ls /ref; cat /ref/*'), mounts=mounts
        )
        self.assertState(report, 'SYSTEM_ERROR', 'CONTAINER_FAILED')
        self.assertNothingTold(report)
        self.next_job()
        report = self.run_in(self.sh('ls /ref; cat /ref/*'), mounts=mounts)
        self.assertState(report, 'SYSTEM_ERROR', 'BAD_PATH')
        self.assertIn('a link that a task may have made', report['error']['message'])
        self.assertNothingTold(report)

    def test_mount_in_a_mount_as_stdin(self):
        place = self.folder('share/ref', 0o777)
        mounts = [{'host': place, 'path': '/ref', 'mode': 'ro'}]
        report = self.run_in(
            self.swap('ref'), self.sh('cat', stdin='/ref/conf'), mounts=mounts
        )
        self.assertEqual(report['state'], 'SYSTEM_ERROR')
        self.assertNothingTold(report)


class Copies(unittest.TestCase):
    """What another task does at the worst moment."""

    def setUp(self):
        self.base = os.path.realpath(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.base)
        for path, text in (('in/d/conf', 'given'), ('closed/conf', 'of the operator')):
            os.makedirs(os.path.dirname('%s/%s' % (self.base, path)))
            with open('%s/%s' % (self.base, path), 'w') as file:
                file.write(text)
        self.job = runner.Job(self.base + '/job/1')
        self.job.plan = {
            'limits': {},
            'mounts': [],
            'storage': {'read': [self.base + '/in'], 'write': [], 'live': []},
            'outputs': [],
            'inputs': [],
        }
        self.job.roots = runner.Roots(self.job)
        os.makedirs(self.job.own)
        self.tree = runner.Tree(self.job.own + '/fs', None, 0o755)

    def swap(self, *_):
        if not os.path.islink(self.base + '/in/d'):
            os.rename(self.base + '/in/d', self.base + '/in/old')
            os.symlink(self.base + '/closed', self.base + '/in/d')

    def copied(self, source, name, owner=runner):
        """The texts of the copies when the swap comes right before a certain call."""
        layout = mock.Mock(needs_copy=lambda _: True)
        inputs = runner.Inputs(self.job, self.tree, layout, None)
        real = getattr(owner, name)

        def swapped(*words, **fields):
            self.swap()
            return real(*words, **fields)

        with mock.patch.object(owner, name, swapped):
            inputs.mount({'i': 0, 'files': [self.base + source]}, '/w/got')
        texts = []
        for folder, _, files in os.walk(self.job.own + '/fs'):
            for name in files:
                with open('%s/%s' % (folder, name)) as file:
                    texts.append(file.read())
        return texts

    def test_file_whose_folder_is_swapped_once_it_was_found(self):
        self.assertEqual(self.copied('/in/d/conf', 'reopen'), ['given'])

    def test_folder_that_is_swapped_once_it_was_found(self):
        self.assertEqual(self.copied('/in/d', 'make_folder', self.tree), ['given'])

    def test_folder_in_a_folder_that_is_swapped_once_it_was_listed(self):
        lines = []
        with mock.patch.object(runner, 'log', lines.append):
            self.assertEqual(self.copied('/in', 'make_folder', self.tree), ['given'])
        self.assertIn('leads elsewhere', ''.join(lines))

    def test_folder_in_a_folder_that_is_swapped_once_it_was_opened(self):
        self.assertEqual(self.copied('/in', 'create', self.tree), ['given'])
