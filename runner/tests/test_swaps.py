"""A task that swaps folders for links where it may write, while the runner relies on them: in a
mount that overlaps with a storage root or holds another mount."""

import os

from support.case import Case, USER


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
