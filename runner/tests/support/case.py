"""One attempt as Pulsar would run it: a job folder, a plan, run.sh, and what came of it."""

import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
import unittest

from support.lab import IMAGE, wait_for
from support.module import RUNNER, SOURCE

KEY = 'the key of this job'
USER = 1234
"""Who the runner is in the `-user` variants."""


class Server(http.server.ThreadingHTTPServer):
    """A loopback server whose answers a test sets: path -> function(handler)."""

    daemon_threads = True

    def __init__(self, secure=None):
        super().__init__(('127.0.0.1', 0), Handler)
        if secure:
            self.socket = secure.wrap_socket(self.socket, server_side=True)
        self.routes, self.seen = {}, []
        self.url = 'http://127.0.0.1:%d' % self.server_port
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, address):
        """A runner that was killed or broke off is part of the tests."""

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def handle_any(self):
        size = int(self.headers.get('Content-Length') or 0)
        self.body = self.rfile.read(size) if size else b''
        self.server.seen.append((self.command, self.path, dict(self.headers), self.body))
        route = self.server.routes.get(self.path.partition('?')[0])
        if route is None:
            self.answer(404, b'the error page')
        else:
            route(self)

    do_GET = do_POST = do_PUT = handle_any

    def answer(self, status, body=b'', headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == 'Content-Length' for name, _ in headers):
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Case(unittest.TestCase):
    """Builds and runs one attempt. `runtime` and `lab` are set by run.py."""

    runtime = 'bubblewrap'
    lab = None
    python = None
    counter = 0

    @property
    def kind(self):
        return self.runtime.split('-')[0]

    @property
    def as_user(self):
        return self.runtime.endswith('-user')

    @property
    def is_engine(self):
        return self.kind in ('docker', 'podman')

    def setUp(self):
        Case.counter += 1
        self.name = 'tes-%s-%d-%d' % (self.runtime, os.getpid(), Case.counter)
        self.base = '%s/%s' % (self.lab.root, self.name)
        self.jd = self.base + '/staging/' + self.name
        self.own, self.shared = self.jd + '/tes', self.jd + '/metadata/tes'
        self.data, self.out = self.base + '/data', self.base + '/out'
        for folder in ('inputs', 'working', 'metadata'):
            os.makedirs(self.jd + '/' + folder)
        os.makedirs(self.data)
        os.makedirs(self.out)
        if self.as_user:
            for folder, _, _ in os.walk(self.base):
                os.chown(folder, USER, USER)
        self.process = None
        self.servers = []

    def tearDown(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def server(self):
        self.servers.append(Server())
        return self.servers[-1]

    # -- building ----------------------------------------------------------------------------------

    def executor(self, *command, **fields):
        return dict(
            {
                'image': IMAGE if self.is_engine else 'any/name',
                'command': list(command),
                'env': {},
                'ignore_error': False,
            },
            **fields,
        )

    def sh(self, script, *words, **fields):
        return self.executor('sh', '-c', script, 'sh', *words, **fields)

    def content(self, path, text, i=0):
        return {'i': i, 'path': path, 'type': 'FILE', 'method': 'content', 'content': text}

    def mounted(self, path, source, i=0, type='FILE'):
        return {
            'i': i,
            'path': path,
            'type': type,
            'method': 'mount',
            'files': [source] if isinstance(source, str) else source,
        }

    def output(self, path, name=None, i=0, type='FILE', **fields):
        target = '%s/%s' % (self.out, name or path.strip('/').replace('/', '_'))
        return dict(
            {
                'i': i,
                'path': path,
                'type': type,
                'method': 'mount',
                'url': 'file://' + target,
                'file': target,
            },
            **fields,
        )

    def write(self, name, text, mode=0o644):
        path = '%s/%s' % (self.data, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path

    def plan(self, executors, **fields):
        limits = {
            'pids': 4096,
            'log_bytes': 1 << 20,
            'tail_bytes': 65536,
            'grace_s': 1,
            'stall_s': 5,
        }
        limits.update(fields.pop('limits', {}))
        runtime = {'kind': self.kind, 'network': 'none', 'pull': 'never', 'images': {}}
        runtime.update(fields.pop('runtime', {}))
        storage = {'read': [self.data], 'write': [self.out], 'live': [], 'http_allow': ['127.0.0.1'],
            'ftp_allow': ['127.0.0.1'],
        }
        storage.update(fields.pop('storage', {}))
        return dict(
            {
                'v': 1,
                'job': self.name,
                'server': 'test',
                'runtime': runtime,
                'mounts': [],
                'env': {},
                'limits': limits,
                'storage': storage,
                'missing_output': 'complete',
                'executors': executors,
                'inputs': [],
                'outputs': [],
                'volumes': [],
            },
            **fields,
        )

    def next_job(self):
        """Another job folder beside the last one, as on a real host."""
        self.name += 'x'
        self.jd = self.base + '/staging/' + self.name
        self.own, self.shared = self.jd + '/tes', self.jd + '/metadata/tes'
        for folder in ('inputs', 'working', 'metadata'):
            os.makedirs(self.jd + '/' + folder)
        if self.as_user:
            for folder, _, _ in os.walk(self.jd):
                os.chown(folder, USER, USER)

    # -- running -----------------------------------------------------------------------------------

    def start(self, plan, env=()):
        shutil.copy(RUNNER + '/run.sh', self.jd + '/inputs')
        with open(self.jd + '/inputs/runner.py', 'w', encoding='utf-8') as file:
            file.write(SOURCE)
        if plan is not None:
            with open(self.jd + '/inputs/plan.json', 'w') as file:
                json.dump(plan, file)
        return self.launch(env)

    def launch(self, env=()):
        as_user = self.as_user

        def become():
            if as_user:
                os.setgroups([])
                os.setgid(USER)
                os.setuid(USER)

        if as_user:
            for name in os.listdir(self.jd + '/inputs'):
                os.chown(self.jd + '/inputs/' + name, USER, USER)
        full = dict({'PATH': os.environ['PATH'], 'HOME': '/'}, **self.lab.env)
        if self.python:
            full['TES_PYTHON'] = self.python
        full.update(env)
        self.process = subprocess.Popen(
            ['/bin/bash', '../inputs/run.sh'],
            cwd=self.jd + '/working',
            env=full,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=become,
        )
        return self.process

    def finish(self, seconds=30, code=0):
        try:
            self.assertEqual(self.process.wait(seconds), code, self.log())
        except subprocess.TimeoutExpired:
            self.fail('the runner did not end within %s s\n%s' % (seconds, self.log()))
        return self.report()

    def run_plan(self, executors, seconds=30, env=(), **fields):
        self.start(self.plan(executors, **fields), env)
        return self.finish(seconds)

    def log(self):
        try:
            with open(self.shared + '/runner.log') as file:
                return file.read()
        except OSError:
            return 'no runner.log'

    def report(self):
        with open(self.shared + '/report.json', 'rb') as file:
            data = file.read()
        self.assertLess(len(data), 1 << 20)
        self.assertTrue(all(b < 128 for b in data))
        return json.loads(data.decode('ascii'))

    def running(self, marker):
        """Processes of the host whose command line has the marker."""
        found = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open('/proc/%s/cmdline' % pid, 'rb') as file:
                    words = file.read()
                with open('/proc/%s/stat' % pid) as file:
                    state = file.read().rpartition(')')[2].split()[0]
            except OSError:
                continue
            if marker.encode() in words and state != 'Z':
                found.append(int(pid))
        return found

    # -- asserting ---------------------------------------------------------------------------------

    def assertState(self, report, state, code=None):
        self.assertEqual(
            report['state'], state, '%s\n%s' % (json.dumps(report, indent=1)[:6000], self.log())
        )
        self.assertEqual(report['error'] and report['error']['code'], code)

    def assertGone(self, marker, seconds=6):
        wait_for(lambda: not self.running(marker), seconds, 'processes of the task are gone')
        if self.is_engine:
            wait_for(
                lambda: not self.lab.containers(self.kind, self.name),
                seconds,
                'containers of the task are gone',
            )

    def delivered(self, name):
        with open('%s/%s' % (self.out, name), 'rb') as file:
            return file.read().decode()

    def outputs_of(self, report):
        return sorted((row['path'], row['size']) for row in report['outputs'])

    # -- beacons -----------------------------------------------------------------------------------

    def beacon(self, answer=lambda event: 200, interval_s=30):
        """`(plan part, list of received bodies)`; every signature is checked."""
        server, received = self.server(), []

        def route(handler):
            now = handler.headers['X-Magnetar-Time']
            expected = hmac.new(
                KEY.encode(), now.encode() + b'.' + handler.body, hashlib.sha256
            ).hexdigest()
            good = (
                handler.headers['X-Magnetar-Signature'] == 'sha256=' + expected
                and abs(time.time() - int(now)) < 60
            )
            body = json.loads(handler.body.decode())
            received.append(body if good else {'event': 'BAD SIGNATURE'})
            handler.answer(answer(body))

        server.routes['/files/job/beacon'] = route
        return {
            'url': server.url + '/files/job/beacon',
            'key': KEY,
            'interval_s': interval_s,
        }, received


def is_executable(path):
    return bool(os.stat(path).st_mode & stat.S_IXUSR)
