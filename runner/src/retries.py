"""When a transfer is tried again, and how long it waits before."""

import errno
import os
import time

from .base import clean_text, Failure, log, os_text
from .answers import fault_of

LONGEST_WAIT_S = 120
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 8


class Patience:
    """How many failures in a row, and seconds of them, are borne while nothing moves. Pauses that
    the other side asks for do not count."""

    def __init__(self, tries, seconds):
        self.tries, self.seconds = tries, seconds


STORAGE = Patience(6, 120)
SERVER = Patience(float('inf'), 300)
"""Of the job: it is started again when it falls, and what it runs shall not end for that."""


class Again:
    """A reason to try again, and how long the other side wants to be left alone."""

    def __init__(self, reason, after_s=0, patience=STORAGE):
        self.reason, self.after_s, self.patience = reason, after_s, patience


class Failures:
    """Those in a row, of each patience for itself."""

    def __init__(self):
        self.pause = FIRST_PAUSE_S
        self.counts, self.seconds = {}, {}

    def add(self, patience, seconds):
        """Whether it was the last that is borne."""
        self.counts[patience] = self.counts.get(patience, 0) + 1
        self.seconds[patience] = self.seconds.get(patience, 0) + seconds
        return self.counts[patience] >= patience.tries or (
            self.counts[patience] > 1 and self.seconds[patience] >= patience.seconds
        )

    def wait(self, transfer, again):
        pause = jittered(self.pause)
        self.pause = min(self.pause * 2, LONGEST_PAUSE_S)
        transfer.wait(max(again.after_s, pause))
        self.seconds[again.patience] += pause


def wanted_pause(text):
    """Seconds of a Retry-After (RFC 9110, 10.2.3), within bounds."""
    if text is None:
        return 0
    if text.strip().isdigit():
        return min(int(text.strip()[:9]), LONGEST_WAIT_S)
    from email.utils import parsedate_to_datetime

    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError, OverflowError, IndexError):
        return 0
    return min(max(seconds, 0), LONGEST_WAIT_S)


def jittered(seconds):
    """Between the half and the whole, so that those who failed together do not come back so."""
    return seconds * (0.5 + int.from_bytes(os.urandom(2), 'big') / 131072)


def reason_of(error, patience):
    """Why to try again after an exception; None when there is no use. Only when nobody answers it
    is the other side itself that is waited for."""
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return None if full else Again(os_text(error), patience=patience)
    fault = fault_of(error)
    return fault and Again(fault)


def with_retries(transfer, what, attempt, progress=lambda: 0, patience=STORAGE):
    """Runs `attempt` until it answers None. A string or an Again is a reason to try again, until
    there were too many without progress; `patience` is for the lack of an answer."""
    failures, before = Failures(), progress()
    while True:
        transfer.check()
        transfer.tries += 1
        began = time.monotonic()
        try:
            again = attempt()
            if again is None:
                return
            if not isinstance(again, Again):
                again = Again(again)
        except Exception as error:
            again = reason_of(error, patience)
            if again is None:
                raise
        if progress() > before:
            failures, before = Failures(), progress()
        transfer.check()  # A connection that was closed to end the transfer is no reason.
        log('%s: %s' % (what, clean_text(again.reason.encode('utf-8', 'replace'))))
        if failures.add(again.patience, time.monotonic() - began):
            raise Failure('INPUT_FAILED', '%s: %s' % (what, again.reason))
        failures.wait(transfer, again)
