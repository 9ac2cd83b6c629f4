"""Trees that a tool made to be in the way: too deep to walk, too long to name, closed to
everybody. They neither stop the runner nor stay on the disk."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from unittest import mock

from support.case import Case
from support.lab import wait_for
from support.marks import core
from support.module import runner, SOURCE

# 5000 folders inside each other without naming one of them by a long path: thousand by thousand.
DIG = (
    'set -e; cd "$1"; p=$(printf "d/%.0s" $(seq 1000)); mkdir -p "t/$p"; '
    'for i in $(seq 4); do mkdir -p "u/$p"; mv t "u/$p"; mv u t; done; '
)


COPYING = 'def copy_fd(source, target, check):\n'


def killed_at(name):
    """A runner that is killed when it has begun to copy the file of this name."""
    begun = "    if os.readlink('/proc/self/fd/%d' % source).endswith({!r}):\n".format('/' + name)
    kill = "        os.write(target, b'x')\n        os.kill(os.getpid(), 9)\n"
    return SOURCE.replace(COPYING, COPYING + begun + kill)


class Left(Case):
    def gone(self):
        folder = '%s/staging/.tes-runner-%d/gone' % (self.base, 1234 if self.as_user else 0)
        return os.listdir(folder) if os.path.isdir(folder) else []

    def assertNothingIsLeft(self):
        """Neither in the job folder, which Pulsar's clean must be able to delete, nor beside it."""
        wait_for(lambda: not self.gone(), 30, 'the files of the task are deleted')
        self.assertNotIn('not all of', self.log())
        self.assertNotIn('stay in', self.log())
        self.assertFalse(os.path.exists(self.own + '/fs'))
        shutil.rmtree(self.jd)

    @core
    def test_deeper_than_any_walk(self):
        report = self.run_plan(
            [self.sh(DIG + 'echo dug', '/w')],
            volumes=['/w'],
            outputs=[
                self.output('/w/t', 'deep', type='DIRECTORY'),
                self.output('/w/t/' + 'd/' * 600 + 'x', 'x', i=1),
                self.output('/w/t/' + 'd/' * 1500 + '*', 'y', i=2),
            ],
            seconds=120,
        )
        self.assertEqual(report['executors'][0]['stdout'], 'dug\n')
        self.assertState(report, 'SYSTEM_ERROR', 'OUTPUT_FAILED')
        self.assertIn('more than 500 folders deep', report['error']['message'])
        self.assertTrue(any('too deep' in line for line in report['system_logs']))
        self.assertNothingIsLeft()

    def test_deep_tree_of_a_runner_that_was_killed(self):
        self.start(self.plan([self.sh(DIG + 'echo dug; sleep 300', '/w')], volumes=['/w']))
        out = self.shared + '/0.stdout'
        wait_for(lambda: os.path.exists(out) and os.path.getsize(out), 60, 'the tool has dug')
        self.process.kill()
        self.process.wait()
        wait_for(lambda: os.path.exists(self.shared + '/killed'), 30, 'the mark of the watchdog')
        self.assertNothingIsLeft()

    def test_output_that_was_being_copied(self):
        """What is not whole of it does not stay in the client's folder."""
        script = 'mkdir -p "/w/o/a\nb" && cd /w/o && echo x >f && ln f "a\nb/g"'
        plan = self.plan(
            [self.sh(script)], outputs=[self.output('/w/o', 'o/p', type='DIRECTORY')]
        )
        for name in ('f', 'a\nb/g'):
            with self.subTest(name=name):
                self.next_job()
                plan['job'] = self.name
                with mock.patch('support.case.SOURCE', killed_at(name)):
                    self.start(plan).wait()
                self.assertEqual(self.process.returncode, -signal.SIGKILL)
                killed = self.shared + '/killed'
                wait_for(lambda: os.path.exists(killed), 30, 'the mark of the watchdog')
                parts = [names for _, _, names in os.walk(self.out)]
                self.assertNotIn('.part', str(parts))
                self.assertNothingIsLeft()

    def test_closed_folders_and_odd_names(self):
        report = self.run_plan(
            [
                self.sh(
                    'cd /w; mkdir -p a/b/c "$(printf "\\377")/x" 1.1; echo x >a/b/c/f; '
                    'ln -s /etc a/b/l; mkfifo a/p; chmod 0 a/b/c a/b a 1.1'
                )
            ],
            volumes=['/w'],
        )
        self.assertState(report, 'COMPLETE')
        self.assertNothingIsLeft()

    def test_too_deep_an_input(self):
        subprocess.check_call(['mkdir', '-p', self.data + '/in' + '/d' * 1200])
        report = self.run_plan(
            [self.sh('true')],
            inputs=[self.mounted('/w/in', self.data + '/in', type='DIRECTORY')],
            outputs=[self.output('/w/in', 'in', type='DIRECTORY')],
        )
        self.assertState(report, 'SYSTEM_ERROR', 'INPUT_FAILED')
        self.assertNothingIsLeft()
        runner.remove_tree(self.data)  # More than the tests' own clean-up could.


class Counted(dict):
    """What is shown; counts how often it is asked."""

    asked = 0

    def __contains__(self, path):
        self.asked += 1
        return super().__contains__(path)

    def get(self, path, default=None):
        self.asked += 1
        return super().get(path, default)


class Depth(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp()
        self.addCleanup(runner.remove_tree, self.base)
        self.tree = runner.Tree(self.base + '/fs', None, 0o755)
        with runner.Way(self.base) as way:
            self.tree.mount('/a/mount', way.place(), runner.OWN_RIGHTS, True)
        self.tree.shown = Counted(self.tree.shown)

    def test_what_a_path_lies_in_costs_the_same_at_any_depth(self):
        deep = '/w' + '/d' * 200
        self.tree.make_folder(deep)
        fd, _, real = self.tree.find(deep)
        os.close(fd)
        self.assertEqual((real, self.tree.place(real)), (deep, None))
        self.assertLess(self.tree.shown.asked, 20)

    def test_what_a_path_lies_in(self):
        for path, place in (
            ('/', None),
            ('/a', None),
            ('/a/mount', '/a/mount'),
            ('/a/mount/x/y', '/a/mount'),
            ('/a/mountain/x', None),
            ('/b/a/mount', None),
        ):
            self.assertEqual(self.tree.place(path), place, path)

    def test_links_into_and_out_of_a_mount(self):
        os.makedirs(self.base + '/d')
        for at, target in (('/fs/in', '/a/mount/d'), ('/d/out', '/w'), ('/d/up', '../../../w')):
            os.symlink(target, self.base + at)
        self.tree.make_folder('/a/mount')
        self.tree.make_folder('/w')
        for path, real in (('/in/out', '/w'), ('/in/up', '/w'), ('/in', '/a/mount/d')):
            fd, _, found = self.tree.find(path)
            os.close(fd)
            self.assertEqual(found, real)


class Removal(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.base)
        self.lines = []
        patch = mock.patch.object(runner, 'log', self.lines.append)
        patch.start()
        self.addCleanup(patch.stop)

    def test_few_descriptors_and_no_long_path(self):
        os.makedirs(self.base + '/t' + '/a' * 300 + '/' + 'b' * 200)
        opened, real = [], os.open

        def counted(*words, **fields):
            opened.append(len(os.listdir('/proc/self/fd')))
            return real(*words, **fields)

        before = len(os.listdir('/proc/self/fd'))
        with mock.patch.object(runner.os, 'open', counted):
            runner.remove_tree(self.base + '/t')
        self.assertEqual((os.listdir(self.base), self.lines), ([], []))
        self.assertLess(max(opened) - before, 6)

    def test_more_names_than_one_batch(self):
        os.mkdir(self.base + '/t')
        for number in range(50):
            os.makedirs('%s/t/%d/%d' % (self.base, number, number))
        with mock.patch.object(runner, 'BATCH', 7):
            runner.remove_tree(self.base + '/t')
        self.assertEqual((os.listdir(self.base), self.lines), ([], []))

    def test_links_are_not_followed(self):
        os.makedirs(self.base + '/kept/inner', 0o700)
        os.chmod(self.base + '/kept', 0o500)
        os.makedirs(self.base + '/t/d')
        for place in ('/t/l', '/t/d/l'):
            os.symlink(self.base + '/kept', self.base + place)
        runner.remove_tree(self.base + '/t')
        os.symlink(self.base + '/kept', self.base + '/link')
        runner.remove_tree(self.base + '/link')
        self.assertEqual(os.listdir(self.base + '/kept'), ['inner'])
        self.assertEqual(os.stat(self.base + '/kept').st_mode & 0o777, 0o500)

    def test_what_stays_is_told(self):
        os.makedirs(self.base + '/t/d')
        real = os.rmdir

        def refuse(path, **fields):
            if path == 'd':
                raise OSError(16, 'Device or resource busy')
            real(path, **fields)

        with mock.patch.object(runner.os, 'rmdir', refuse):
            runner.remove_tree(self.base + '/t')
        self.assertEqual(len(self.lines), 1)
        self.assertIn('not all of', self.lines[0])

    def test_what_a_dead_watchdog_left(self):
        job = runner.Job(self.base + '/staging/tes-1')
        for name in ('old', 'new'):
            os.makedirs('%s/gone/%s/0/d' % (job.kept, name), 0o700)
        os.chmod(job.kept, 0o700)
        runner.remove_stale(job)
        self.assertEqual(sorted(os.listdir(job.kept + '/gone')), ['new', 'old'])
        hour = runner.time.time() + runner.STALE_S + 1
        with mock.patch.object(runner.time, 'time', lambda: hour):
            runner.remove_stale(job)
        self.assertEqual(os.listdir(job.kept + '/gone'), [])

    def test_only_a_private_folder_is_trusted(self):
        job = runner.Job(self.base + '/staging/tes-1')
        os.makedirs(job.own + '/fs')
        os.makedirs(job.kept + '/gone/old')
        os.chmod(job.kept, 0o755)
        self.assertEqual(runner.take_away(job), job.own + '/fs')
        with mock.patch.object(runner, 'STALE_S', -1):
            runner.remove_stale(job)
        self.assertEqual(os.listdir(job.kept + '/gone'), ['old'])
        os.chmod(job.kept, 0o700)
        self.assertEqual(runner.take_away(job), job.kept + '/gone/tes-1')
        self.assertEqual(os.listdir(job.own), [])
