"""What outlives a SIGKILL of the whole job."""

import os

from .base import log, signal, utc, write_file
from .removal import remove_tree, take_away

REPORTED = 'reported'
"""Told like a container's name: nothing is left to be ended, only to be deleted."""


class Watchdog:
    """A process that outlives a SIGKILL of the whole job: when the runner is gone without a word,
    it ends what still lives, leaves a mark, which is the proof that nothing of the job runs, and
    deletes the task's files."""

    def __init__(self, job, runtime):
        ear, self.pipe = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                if os.fork() == 0:
                    self.guard(ear, runtime, job)
            finally:
                os._exit(0)
        os.close(ear)
        os.waitpid(pid, 0)

    def tell(self, name):
        os.write(self.pipe, name.encode() + b'\n')

    def dismiss(self):
        os.write(self.pipe, b'done\n')
        os.close(self.pipe)

    @staticmethod
    def guard(ear, runtime, job):
        """Not in the job's process tree nor session, and with none of its files open but the log: a
        lock dies with the runner."""
        os.chdir('/')
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for name in os.listdir('/proc/self/fd'):
            if int(name) not in (0, 1, 2, ear):
                try:
                    os.close(int(name))
                except OSError:
                    pass
        heard = b''
        while True:
            piece = os.read(ear, 4096)
            if not piece:
                break
            heard += piece
        names = heard.decode().split('\n')[:-1]
        if names and names[-1] == 'done':
            return
        log('watchdog: the runner is gone')
        if REPORTED not in names:
            runtime.bury(names)
        place = take_away(job)
        if REPORTED not in names:
            try:
                write_file(job.shared + '/killed', utc() + '\n')
            except OSError:
                pass  # The job's folder is gone as well.
        remove_tree(place)
