"""Limits for a runtime without its own."""

import errno
import os
import time

from .base import log, os_text


class Cgroup:
    """Limits for a runtime without its own, where the runner may make control groups: as root,
    mostly.

    Joining one costs the kernel 8 ms, so it is made only for limits that were asked for.
    """

    HOME = '/sys/fs/cgroup'
    # Controller -> per cgroup version the files to write in order; the last may be missing (swap
    # accounting).
    FILES = {
        'memory': (
            (('memory.max', '%d'), ('memory.swap.max', '0')),
            (('memory.limit_in_bytes', '%d'), ('memory.memsw.limit_in_bytes', '%d')),
        ),
        'cpu': (
            (('cpu.max', '%d 100000'),),
            (('cpu.cfs_period_us', '100000'), ('cpu.cfs_quota_us', '%d')),
        ),
        'pids': ((('pids.max', '%d'),), (('pids.max', '%d'),)),
    }

    def __init__(self, name, wanted):
        """`wanted`: controller -> bytes, processors or processes; None for no limit."""
        self.unified = os.path.exists(self.HOME + '/cgroup.controllers')
        self.folders, self.missing = [], []
        for controller, value in wanted.items():
            if not value:
                continue
            try:
                self.limit(name, int(value * 100000) if controller == 'cpu' else value, controller)
            except OSError as error:
                log('cgroup: %s: %s' % (controller, os_text(error)))
                self.missing.append(controller)

    def limit(self, name, value, controller):
        home = self.HOME + ('/magnetar' if self.unified else '/%s/magnetar' % controller)
        os.makedirs(home, exist_ok=True)
        if self.unified:
            for folder in (self.HOME, home):
                self.write(folder + '/cgroup.subtree_control', '+' + controller)
        folder = home + '/' + name
        os.makedirs(folder, exist_ok=True)
        if folder not in self.folders:
            self.folders.append(folder)
        for number, (file, form) in enumerate(self.FILES[controller][not self.unified]):
            if controller == 'memory' and number and not os.path.exists(folder + '/' + file):
                continue
            self.write(folder + '/' + file, form % value if '%d' in form else form)

    @staticmethod
    def write(path, text):
        with open(path, 'w') as file:
            file.write(text)

    def join(self):
        for folder in self.folders:
            self.write(folder + '/cgroup.procs', '0')

    def was_oom(self):
        for folder in self.folders:
            for name in ('memory.events', 'memory.oom_control'):
                try:
                    with open(folder + '/' + name) as file:
                        if any(
                            line.startswith('oom_kill ') and int(line.split()[1]) for line in file
                        ):
                            return True
                except OSError:
                    pass
        return False

    def remove(self):
        for folder in self.folders:
            remove_group(folder)


def remove_group(folder):
    """Its last processes may still be dying."""
    until = time.monotonic() + 5
    while True:
        try:
            os.rmdir(folder)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                log('cgroup not removed: ' + os_text(error))
                return
        time.sleep(0.05)
