"""The attempt: its folders, what it has found so far, whether it must stop, and its report."""

import os
import sys

from .base import log, os_text, signal, Stopped, utc, VERSION, write_file
from .formats import dumps

REPORT_LIMIT = 960 * 1024
# What the lists of a report that is too long may take of it. With the bare records of the most
# executors a task may have, 1000 of 250 bytes, it is then below its limit whatever is in it.
LIST_LIMITS = (('outputs', 256 * 1024), ('inputs', 128 * 1024), ('system_logs', 128 * 1024))
SYSTEM_LOG_LINES = 200


class Job:
    """Where the attempt lives, what it has found so far, and whether it must stop."""

    def __init__(self, root):
        self.root = root
        self.own = root + '/tes'
        self.shared = root + '/metadata/tes'
        # Beside the job folders; made by run.sh.
        self.kept = '%s/.tes-runner-%d' % (os.path.dirname(root), os.geteuid())
        self.report_path = self.shared + '/report.json'
        self.plan_path = self.own + '/plan.json'
        self.plan = {}
        self.name = os.path.basename(root)
        self.phase = 'preflight'
        self.began = utc()
        self.deadline = None
        self.running = None  # Index of the executor that runs, for the heartbeat.
        self.stop = None  # ReportState-like reason: 'CANCELED' or 'WALLTIME'.
        self.interruptible = False
        self.system_logs = []
        self.host = {
            'python': '%d.%d.%d' % sys.version_info[:3],
            'node': os.uname()[1],
            'uid': str(os.geteuid()),
        }
        self.executors, self.inputs, self.outputs = [], [], []
        self.pushed = 0  # Outputs that wait for the server.
        self.pulse = self.watchdog = self.runtime = None
        self.traffic = None  # What moves at the moment.

    def note(self, message):
        """A line for the task's system logs."""
        log(message)
        if len(self.system_logs) < SYSTEM_LOG_LINES:
            self.system_logs.append(message[:2000])

    def check(self):
        if self.stop:
            raise Stopped(self.stop)

    def ask_to_stop(self, reason):
        """From any thread. The signal wakes the main thread out of whatever it waits for."""
        if self.stop is None:
            self.stop = reason
            log('stopping: ' + reason)
        os.kill(os.getpid(), signal.SIGUSR1)

    def on_signal(self, number, _frame):
        if number != signal.SIGUSR1 and self.stop is None:
            self.stop = 'CANCELED'
            log('stopping: signal %d' % number)
        if self.interruptible:
            self.interruptible = False
            raise Stopped(self.stop)

    def report(self, state, error):
        report = {
            'v': VERSION,
            'job': self.plan.get('job', self.name),
            'state': state,
            'start': self.began,
            'end': utc(),
            'error': error,
            'host': self.host,
            'system_logs': self.system_logs,
            'executors': self.executors,
            'inputs': self.inputs,
            'outputs': self.outputs,
        }
        if self.pushed:
            report['pushed'] = self.pushed
        return fit(report, self.shared)

    def save(self, text):
        """The report, also on a full disk: the space was reserved at the start. False when it could
        not be written."""
        try:
            os.unlink(self.own + '/reserve')
        except OSError:
            pass
        try:
            write_file(self.report_path, text)
            return True
        except OSError as error:
            log('report not written: ' + os_text(error))
            return False


def listed(rows, room):
    """How many of the first rows take at most `room` bytes."""
    for i, row in enumerate(rows):
        room -= len(dumps(row)) + 1
        if room < 0:
            return i
    return len(rows)


def cut_list(report, key, room, folder):
    """Leaves the first rows in the report, which tells how many there were, and all in a file."""
    rows = report[key]
    count = listed(rows, room)
    if count == len(rows):
        return
    report[key] = rows[:count]
    if key == 'system_logs':
        report[key].append('[the first %d of %d lines]' % (count, len(rows)))
        return
    report.setdefault('cut', {})[key] = len(rows)
    try:
        with open('%s/%s.jsonl' % (folder, key), 'w') as file:
            file.writelines(dumps(row) + '\n' for row in rows)
    except OSError as error:
        log('%s.jsonl is not whole: %s' % (key, os_text(error)))


def fit(report, folder):
    """The report as JSON below its limit: it travels in a status answer. Long lists go to files,
    then tails shrink."""
    text = dumps(report)
    for key, limit in LIST_LIMITS:
        if len(text) > REPORT_LIMIT:
            cut_list(report, key, limit, folder)
            text = dumps(report)
    room = 65536
    while len(text) > REPORT_LIMIT and room:
        for executor in report['executors']:
            for stream in ('stdout', 'stderr'):
                if len(executor[stream]) > room:
                    executor[stream] = '[cut]\n' + executor[stream][-room:]
        room //= 2
        text = dumps(report)
    return text
