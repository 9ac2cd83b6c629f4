"""Work side by side, begun in its order."""

import time

from .base import log

AT_ONCE = 8
LEAVE_S = 5


class Dropped(Exception):
    """What came before it has failed already, so nobody wants it any more."""


class Crew:
    """Threads that take pieces of work in their order. Within a group nothing later than a failed
    piece goes on and everything before it does: so the first failure is always the same one.

    `make_hands` makes what a thread works with (its connections). At most `backlog` pieces wait.
    """

    def __init__(self, job, make_hands, backlog):
        import threading

        self.job, self.make_hands, self.backlog = job, make_hands, backlog
        self.threading = threading
        self.lock = threading.Lock()
        self.wanted = threading.Condition(self.lock)  # There is work, or everybody leaves.
        self.changed = threading.Condition(self.lock)  # There is an outcome, or room to wait in.
        self.leave = threading.Event()
        self.threads, self.hands, self.todo, self.outcomes = [], [], [], {}
        self.failed = {}  # Group -> number of its first piece that failed.
        self.count = self.idle = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(kind is not None)

    def add(self, group, work):
        """Waits while too much is waiting. `work(hands, check)` runs in a thread; its number is the
        answer."""
        with self.lock:
            self.changed.wait_for(lambda: len(self.todo) < self.backlog)
            number = self.count
            self.count += 1
            self.todo.append((number, group, work))
            if self.idle < len(self.todo) and len(self.threads) < AT_ONCE:
                thread = self.threading.Thread(target=self.work, daemon=True)
                self.threads.append(thread)
                thread.start()
            self.wanted.notify()
            return number

    def wait(self, number):
        with self.lock:
            self.changed.wait_for(lambda: number in self.outcomes)

    def result(self, number):
        """What a piece answered, once it has; raises what it raised."""
        self.wait(number)
        value, error = self.outcomes.pop(number)
        if error is not None:
            raise error
        return value

    def check(self, number, group):
        self.job.check()
        if self.leave.is_set() or self.failed.get(group, number) < number:
            raise Dropped()

    def work(self):
        hands = self.make_hands()
        with self.lock:
            self.hands.append(hands)
        try:
            while True:
                with self.lock:
                    self.idle += 1
                    self.wanted.wait_for(lambda: self.todo or self.leave.is_set())
                    self.idle -= 1
                    if self.leave.is_set():
                        return
                    number, group, work = self.todo.pop(0)
                    self.changed.notify()
                outcome = self.outcome(number, group, work, hands)
                with self.lock:
                    self.outcomes[number] = outcome
                    if outcome[1] is not None:
                        self.failed[group] = min(number, self.failed.get(group, number))
                    self.changed.notify()
        finally:
            hands.close()

    def outcome(self, number, group, work, hands):
        def check():
            self.check(number, group)

        try:
            check()
            return work(hands, check), None
        except BaseException as error:
            return None, error

    def close(self, broken_off):
        """Sends everybody home; what still waits for the other side of a connection is woken."""
        with self.lock:
            self.leave.set()
            del self.todo[:]
            self.wanted.notify_all()
            hands = list(self.hands)
        if broken_off:
            for one in hands:
                one.abort()
        until = time.monotonic() + LEAVE_S
        for thread in self.threads:
            thread.join(max(until - time.monotonic(), 0))
        if any(thread.is_alive() for thread in self.threads):
            log('a transfer does not end; going on without it')
