"""Limits of processes under bubblewrap: one task at its limit, another beside it."""

import os
import tempfile
import unittest
from unittest import mock

from support.case import Case
from support.lab import wait_for
from support.marks import core
from support.module import runner, SOURCE

# Forks until the kernel refuses, then keeps all it has.
BOMB = '''
import os, time
made = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(300)
        made += 1
    except OSError:
        break
print(made, flush=True)
time.sleep(300)
'''
MANY = 'for i in $(seq 30); do sleep 0.3 & done; wait; echo fine'
OLD_KERNEL = SOURCE.replace('COUNTS_APART = (5, 14)', 'COUNTS_APART = (99, 0)')
NO_CONTROL_GROUPS = OLD_KERNEL.replace("HOME = '/sys/fs/cgroup'", "HOME = '/proc/none'")


class Bombs(Case):
    def bomb(self, pids=50):
        self.start(self.plan([self.executor('python3', '-c', BOMB)], limits={'pids': pids}))
        first, out = self.process, self.shared + '/0.stdout'
        self.addCleanup(first.wait)
        self.addCleanup(first.kill)
        wait_for(lambda: os.path.exists(out) and os.path.getsize(out), 15, 'it is at its limit')
        with open(out) as file:
            self.assertTrue(pids - 10 < int(file.read()) < pids)


class Neighbours(Bombs):
    only_on = ('bubblewrap', 'bubblewrap-user')

    def run_beside(self):
        self.next_job()
        report = self.run_plan([self.sh(MANY)], limits={'pids': 50})
        self.assertState(report, 'COMPLETE')
        self.assertEqual(report['executors'][0]['stdout'], 'fine\n')
        return report

    def told(self, report):
        return [line for line in report['system_logs'] if 'not limited' in line]

    @core
    def test_a_fork_bomb_does_not_count_for_others(self):
        self.bomb()
        self.assertEqual(self.told(self.run_beside()), [])

    def test_a_fork_bomb_in_user_namespaces_of_its_own(self):
        """A namespace inside the sandbox's is counted in it."""
        script = 'import os; os.unshare(0x10000000)'
        if not hasattr(os, 'unshare'):
            script = 'import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0'
        with mock.patch('test_limits.BOMB', script + BOMB):
            self.bomb()
        self.run_beside()

    def test_older_kernel(self):
        with mock.patch('support.case.SOURCE', OLD_KERNEL):
            if self.as_user:
                report = self.run_plan([self.sh('true')])
                self.assertEqual(
                    self.told(report), ['not limited by this runtime on this host: pids']
                )
                return
            self.bomb()
            self.assertEqual(self.told(self.run_beside()), [])

    def test_older_kernel_without_control_groups(self):
        with mock.patch('support.case.SOURCE', NO_CONTROL_GROUPS):
            report = self.run_plan([self.sh('true')])
            self.assertEqual(self.told(report), ['not limited by this runtime on this host: pids'])
            self.next_job()
            if not self.as_user:
                self.bomb()


class Killed(Bombs):
    only_on = ('bubblewrap',)

    def test_control_groups_of_a_runner_that_was_killed(self):
        with mock.patch('support.case.SOURCE', OLD_KERNEL):
            self.bomb()
        group = '%s/magnetar/%s-0' % (runner.Cgroup.HOME, self.name)
        if not os.path.exists(runner.Cgroup.HOME + '/cgroup.controllers'):
            group = group.replace('/magnetar', '/pids/magnetar')
        self.assertTrue(os.path.isdir(group))
        self.process.kill()
        wait_for(lambda: os.path.exists(self.shared + '/killed'), 10, 'the mark of the watchdog')
        self.assertFalse(os.path.exists(group))


class Ended(Case):
    only_on = ('bubblewrap', 'bubblewrap-user')

    def test_sandbox_that_could_not_be_made(self):
        mounts = [{'host': self.base + '/none', 'path': '/m', 'mode': 'ro'}]
        report = self.run_plan([self.sh('true')], mounts=mounts)
        self.assertState(report, 'SYSTEM_ERROR', 'CONTAINER_FAILED')
        self.assertIn('none', report['error']['message'])
        self.assertFalse(any('not limited' in line for line in report['system_logs']))


class Limited(unittest.TestCase):
    """Processes that may have ended when their limit is to be set."""

    owners = (None, (runner.SANDBOX_UID, runner.SANDBOX_UID))

    def child(self):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return pid

    def test_one_that_has_ended(self):
        pid = self.child()
        for owner in self.owners:
            self.assertTrue(runner.limit_processes(pid, 10, owner))
        os.waitpid(pid, 0)
        for owner in self.owners:
            self.assertTrue(runner.limit_processes(pid, 10, owner))

    def test_one_that_may_not_be_limited(self):
        with mock.patch.object(runner, 'log'):
            self.assertFalse(runner.limit_processes(os.getpid(), 10, self.owners[1]))


class Groups(unittest.TestCase):
    """What is written into a file system of control groups of either version."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = folder.name
        patch = mock.patch.object(runner.Cgroup, 'HOME', self.home)
        patch.start()
        self.addCleanup(patch.stop)

    def written(self):
        found = {}
        for folder, _, files in os.walk(self.home):
            for name in files:
                path = folder + '/' + name
                with open(path) as file:
                    found[path[len(self.home) + 1 :]] = file.read()
        return found

    def test_version_1(self):
        group = runner.Cgroup('job', {'memory': None, 'cpu': 1.5, 'pids': 50})
        group.join()
        self.assertEqual(group.missing, [])
        self.assertEqual(
            self.written(),
            {
                'cpu/magnetar/job/cgroup.procs': '0',
                'cpu/magnetar/job/cpu.cfs_period_us': '100000',
                'cpu/magnetar/job/cpu.cfs_quota_us': '150000',
                'pids/magnetar/job/cgroup.procs': '0',
                'pids/magnetar/job/pids.max': '50',
            },
        )

    def test_version_2(self):
        open(self.home + '/cgroup.controllers', 'w').close()
        group = runner.Cgroup('job', {'memory': 1000, 'cpu': 2, 'pids': 50})
        group.join()
        found = self.written()
        for name, text in (
            ('cgroup.procs', '0'),
            ('memory.max', '1000'),
            ('cpu.max', '200000 100000'),
            ('pids.max', '50'),
        ):
            self.assertEqual(found.pop('magnetar/job/' + name), text)
        self.assertEqual(
            sorted(found),
            ['cgroup.controllers', 'cgroup.subtree_control', 'magnetar/cgroup.subtree_control'],
        )
