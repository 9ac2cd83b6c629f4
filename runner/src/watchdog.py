"""What outlives a SIGKILL of the whole job."""

import os

from .base import log, os_text, signal, utc, write_file
from .formats import dumps, loads
from .host import follow_names
from .removal import remove_tree, take_away

REPORTED = 'reported'
"""Told like a container's name: nothing is left to be ended, only to be deleted."""


PART = b'part '
"""Begins a line that tells where an output is written that is not whole yet."""
LINE_LIMIT = 4096
"""Of a line of that kind: the kernel takes all of it or nothing, whatever interrupts."""


def remove_part(job, told):
    """Whoever may write the folder may have changed it: no link is followed."""
    index, names = loads(told.decode())
    try:
        folder = follow_names(job.roots.write[index].look(), names[:-1])
        try:
            os.unlink(names[-1], dir_fd=folder)
        finally:
            os.close(folder)
    except FileNotFoundError:
        pass  # The output is whole.
    except OSError as error:
        log('an output that is not whole stays: ' + os_text(error))


class Watchdog:
    """A process that outlives a SIGKILL of the whole job: when the runner is gone without a word,
    it ends what still lives, leaves a mark, which is the proof that nothing of the job runs, and
    deletes the task's files and what is not whole of its outputs."""

    def __init__(self, job, runtime):
        ear, self.pipe = os.pipe()
        self.part = None
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

    def tell_part(self, root, names):
        """What would be left of an output when the runner is killed now. There is one at a time,
        under the same name in each folder."""
        line = PART + dumps([root, names]).encode() + b'\n'
        if line == self.part or len(line) > LINE_LIMIT:
            return
        try:
            os.write(self.pipe, line)
            self.part = line
        except OSError as error:
            log('the watchdog does not hear: ' + os_text(error))

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
        names, part = listen(ear)
        if names and names[-1] == 'done':
            return
        log('watchdog: the runner is gone')
        if part:
            remove_part(job, part)
        if REPORTED not in names:
            runtime.bury(names)
        place = take_away(job)
        if REPORTED not in names:
            try:
                write_file(job.shared + '/killed', utc() + '\n')
            except OSError:
                pass  # The job's folder is gone as well.
        remove_tree(place)


def listen(ear):
    """What the runner told until its end: names, and the last of the unfinished outputs."""
    rest, names, part = b'', [], None
    while True:
        piece = os.read(ear, LINE_LIMIT)
        if not piece:
            return names, part
        lines = (rest + piece).split(b'\n')
        rest = lines.pop()
        for line in lines:
            if line.startswith(PART):
                part = line[len(PART) :]
            else:
                names.append(line.decode())
