"""What an executor writes: to its file, to a capped log, and its end into memory."""

import fcntl
import os
import select

from .base import CHUNK, clean_text, log, os_text, write_all


class Pump:
    """Takes one stream of an executor: all of it to its TES file, the head to a capped log, the end
    into memory.

    It goes on reading whatever happens to the files, so a full disk never blocks the tool.
    """

    def __init__(self, log_path, log_bytes, tail_bytes, redirect):
        self.fd, self.writer = os.pipe()
        os.set_blocking(self.fd, False)
        try:
            fcntl.fcntl(self.fd, 1031, 1 << 20)  # F_SETPIPE_SZ: fewer wake-ups for talkative tools.
        except OSError:
            pass
        self.log_fd = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self.log_left = log_bytes
        self.tail_bytes = tail_bytes
        self.redirect = redirect
        self.end = b''
        self.total = 0
        self.error = None

    def take(self):
        """Reads once; False at the end of the stream."""
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return True
        if not data:
            return False
        self.total += len(data)
        if len(data) >= self.tail_bytes:
            self.end = data[len(data) - self.tail_bytes :]
        else:
            self.end = (self.end + data)[-self.tail_bytes :]
        if self.redirect is not None and self.error is None:
            try:
                write_all(self.redirect, data)
            except OSError as error:
                self.error = error
        if self.log_left:
            kept = data[: self.log_left]
            self.log_left -= len(kept)
            try:
                write_all(self.log_fd, kept)
            except OSError as error:
                log('log file: ' + os_text(error))
                self.log_left = 0
        return True

    def drain(self):
        """What is in the pipe now; a background process of the tool may hold its other end for
        ever."""
        for _ in range(64):
            if not select.select([self.fd], [], [], 0)[0] or not self.take():
                return

    def tail(self):
        data, total = self.end, self.total
        if total <= len(data):
            return clean_text(data)
        start = 0
        while start < 3 and start < len(data) and data[start] & 0xC0 == 0x80:
            start += 1
        return '[the last %d of %d bytes]\n%s' % (
            len(data) - start,
            total,
            clean_text(data[start:]),
        )

    def start_closed(self):
        os.close(self.writer)

    def close(self):
        for fd in (self.fd, self.log_fd):
            os.close(fd)
