"""The beacons to the server, the heartbeat file, and the thread that looks after both."""

import os
import select
import time

from .base import _thread, log, os_text, socket, utc, VERSION, write_file
from .formats import dumps, sign
from .urls import split_url

HEARTBEAT_S = 5.0
PROGRESS_S = 10.0


def is_whole(answer):
    """Whether an answer's head is here, and as much of a body as it announces: closing earlier
    would reset the connection."""
    head, end, body = answer.partition(b'\r\n\r\n')
    length = head.lower().partition(b'\r\ncontent-length:')[2].split(b'\r\n')[0].strip()
    return bool(end) and len(body) >= (int(length) if length.isdigit() else 0)


def post_plain(host, port, head, body, timeout):
    """Status of one POST over plain http, by hand: http.client costs 30 ms to import."""
    # As bytes: a str would load the IDNA codec, 7 ms of tables.
    family, kind, proto, _, address = socket.getaddrinfo(
        host.encode('ascii'), port, 0, socket.SOCK_STREAM
    )[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        sock.sendall(head + body)
        answer = b''
        while not is_whole(answer) and len(answer) < 65536:
            piece = sock.recv(65536)
            if not piece:
                break
            answer += piece
        words = answer.split(b' ', 2)
        return int(words[1][:3]) if len(words) > 1 and words[0].startswith(b'HTTP/') else 0
    finally:
        sock.close()


def post_beacon(beacon, body, timeout):
    """Sends one signed beacon; the HTTP status, or 0 when nobody answered."""
    try:
        scheme, _, host, port, target = split_url(beacon['url'])
        now = str(int(time.time()))
        headers = {
            'Host': '%s:%d' % ('[%s]' % host if ':' in host else host, port),
            'Content-Type': 'application/json',
            'Content-Length': str(len(body)),
            'Connection': 'close',
            'X-Magnetar-Time': now,
            'X-Magnetar-Signature': 'sha256=' + sign(beacon['key'], now.encode() + b'.' + body),
        }
        if scheme == 'http':
            lines = ['POST %s HTTP/1.1' % target] + ['%s: %s' % item for item in headers.items()]
            return post_plain(host, port, ('\r\n'.join(lines) + '\r\n\r\n').encode(), body, timeout)
        import http.client

        connection = http.client.HTTPSConnection(host, port, timeout=timeout)
        try:
            connection.request('POST', target, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()
    except Exception as error:  # Whatever happens to a beacon, the task goes on.
        log('beacon not delivered: %s' % error)
        return 0


class Pulse:
    """The thread beside the work: beacons in order, the heartbeat file, and every outside reason to
    stop."""

    def __init__(self, job):
        self.job = job
        self.beacon = job.plan.get('beacon')
        self.queue = []
        self.wake_in, self.wake_out = os.pipe()
        self.over = self.started = False
        self.idle = _thread.allocate_lock()
        self.done = _thread.allocate_lock()
        self.done.acquire()

    def gate(self):
        """Whether the attempt may begin. A server that cannot be reached costs one more try and
        does not hold it up."""
        body = self.body('start')
        for pause in (0.3, None):
            status = post_beacon(self.beacon, body, 1.5) if self.beacon else 200
            if status or pause is None:
                break
            time.sleep(pause)
        if status not in (0, 200, 410):
            log('the gate answered %d; going on' % status)
        return status != 410

    def start(self):
        self.started = True
        _thread.start_new_thread(self.run, ())

    def body(self, event, **fields):
        return dumps(dict(fields, v=VERSION, job=self.job.plan['job'], event=event)).encode()

    def send(self, event, **fields):
        if self.beacon:
            with self.idle:
                self.queue.append((event, self.body(event, **fields)))
            os.write(self.wake_out, b'.')

    def finish(self):
        """No more beacons but those of executors, and the last, which the caller sends."""
        with self.idle:
            self.queue = [item for item in self.queue if item[0] == 'executor']
        self.over = True
        os.write(self.wake_out, b'.')
        if self.started:
            self.done.acquire(1, 2.0)

    def end(self, report_text):
        """The report itself, spliced in as it was written: tried a few times, because it saves the
        server a poll."""
        if not self.beacon:
            return
        head = dumps({'v': VERSION, 'job': self.job.plan['job'], 'event': 'end'})
        body = ('%s,"report":%s}' % (head[:-1], report_text)).encode()
        until = time.monotonic() + 2
        while True:
            status = post_beacon(self.beacon, body, 1.5)
            if status in (200, 204, 410) or time.monotonic() > until:
                return
            time.sleep(0.25)

    def run(self):
        try:
            self.loop()
        except Exception as error:
            log('pulse thread ended: %r' % error)
        finally:
            self.done.release()

    def loop(self):
        job = self.job
        interval = self.beacon['interval_s'] if self.beacon else 0
        now = time.monotonic()
        next_beat, alive, told, shown = now, now, now, None
        while True:
            self.deliver()
            if self.over and not self.queue:
                return
            now = time.monotonic()
            state = (job.phase, job.running)
            if now >= next_beat or state != shown:
                next_beat, shown = now + HEARTBEAT_S, state
                self.heartbeat(*state)
            traffic = job.traffic
            if traffic and now >= told + PROGRESS_S:
                told = now
                log(traffic.text())
            if interval and now >= alive + (min(interval, PROGRESS_S) if traffic else interval):
                alive = now
                self.send('alive', **({'progress': traffic.text()} if traffic else {}))
            self.watch(now)
            select.select([self.wake_in], [], [], 0.5)
            if select.select([self.wake_in], [], [], 0)[0]:
                os.read(self.wake_in, 4096)

    def deliver(self):
        while True:
            with self.idle:
                item = self.queue.pop(0) if self.queue else None
            if item is None:
                return
            if post_beacon(self.beacon, item[1], 3) == 410:
                self.job.ask_to_stop('CANCELED')

    def heartbeat(self, phase, executor):
        beat = {'time': utc(), 'phase': phase}
        if executor is not None:
            beat['executor'] = executor
        try:
            write_file(self.job.shared + '/heartbeat.json', dumps(beat))
        except OSError as error:
            log('heartbeat not written: ' + os_text(error))

    def watch(self, now):
        """Pulsar's cancel may mark the job and miss the process; DELETE removes the folder under a
        running job."""
        job = self.job
        if job.stop or self.over:
            return
        if os.path.exists(job.root + '/cancelled') or not os.path.isdir(job.own):
            job.ask_to_stop('CANCELED')
        elif job.deadline and now > job.deadline:
            job.ask_to_stop('WALLTIME')
