"""When a transfer is tried again, and how long it waits before."""

import errno
import os
import time

from .base import clean_text, Failure, log, os_text
from .answers import fault_of

MOST_IN_A_ROW = 5
LONGEST_WAIT_S = 120


class Again:
    """A reason to try again, and how long the other side wants to be left alone."""

    def __init__(self, reason, after_s=0):
        self.reason, self.after_s = reason, after_s


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


def with_retries(transfer, what, attempt, progress=lambda: 0):
    """Runs `attempt` until it answers None. A string or an Again is a reason to try again; five in
    a row without progress are the end."""
    failures, before, pause = 0, progress(), 0.25
    while True:
        transfer.check()
        transfer.tries += 1
        after_s = 0
        try:
            reason = attempt()
            if reason is None:
                return
            if isinstance(reason, Again):
                reason, after_s = reason.reason, reason.after_s
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = os_text(error)
        except Exception as error:
            reason = fault_of(error)
            if reason is None:
                raise
        if progress() > before:
            failures, before, pause = 0, progress(), 0.25
        failures += 1
        transfer.check()  # A connection that was closed to end the transfer is no reason.
        log('%s: %s' % (what, clean_text(reason.encode('utf-8', 'replace'))))
        if failures >= MOST_IN_A_ROW:
            raise Failure('INPUT_FAILED', '%s: %s' % (what, reason))
        transfer.wait(max(after_s, jittered(pause)))
        pause = min(pause * 2, 8)
