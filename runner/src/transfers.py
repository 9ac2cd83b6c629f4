"""HTTP and FTP with redirects, resumption and retries, each hop checked."""

import errno
import time

from .base import CHUNK, clean_text, Failure, log, os_text
from .urls import shown_url, split_url
from .answers import body_size, fault_of, RETRY_STATUS, version_of


class Http:
    """One kind of request with redirects, each hop checked, and retries by the caller."""

    def __init__(self, guard, stall_s):
        self.guard = guard
        self.stall_s = stall_s
        self.headers = {}

    def reason(self, response):
        return 'answered %d' % response.status

    def trouble(self, code, what, response):
        """A reason to try again, or a Failure."""
        reason = self.reason(response)
        if response.status in RETRY_STATUS:
            return reason
        raise Failure(code, '%s: %s' % (what, reason))

    def connect(self, url):
        import http.client

        scheme, userinfo, host, port, target = split_url(url)
        if scheme not in ('http', 'https'):
            raise Failure('INPUT_REFUSED', 'redirected to another scheme: ' + shown_url(url))
        import socket as sockets

        family, kind, proto, sockaddr = self.guard.address(url, host, port)
        sock = sockets.socket(family, kind, proto)
        try:
            sock.settimeout(self.stall_s)
            sock.connect(sockaddr)
            if scheme == 'https':
                import ssl

                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(host, port, timeout=self.stall_s)
        if scheme == 'https':
            connection.default_port = 443
        connection.sock = sock
        return connection, userinfo, (scheme, host, port), target

    def open(self, method, url, headers, send=None):
        """`(connection, response)` after redirects. Userinfo becomes Basic auth for the first host
        only."""
        from urllib.parse import quote, unquote, urljoin

        authorization, first = None, None
        for _ in range(10):
            connection, userinfo, origin, target = self.connect(url)
            try:
                if first is None:
                    first = origin
                    if userinfo:
                        import base64

                        authorization = (
                            'Basic ' + base64.b64encode(unquote(userinfo).encode()).decode()
                        )
                connection.putrequest(
                    method, quote(target, safe="%/?:@!$&'()*+,;=-._~[]|"), skip_accept_encoding=True
                )
                for name, value in dict(self.headers, **headers).items():
                    connection.putheader(name, value)
                if authorization and origin == first:
                    connection.putheader('Authorization', authorization)
                connection.putheader('Accept-Encoding', 'identity')
                connection.putheader('User-Agent', 'magnetar-runner')
                connection.endheaders()
                if send:
                    send(connection)
                response = connection.getresponse()
            except BaseException:
                connection.close()
                raise
            place = response.getheader('Location')
            if response.status not in (301, 302, 303, 307, 308) or not place:
                return connection, response
            connection.close()
            url = urljoin(url, place)
        raise Failure('INPUT_FAILED', 'too many redirects: ' + shown_url(url))


def with_retries(job, what, attempt, progress=lambda: 0):
    """Runs `attempt` until it answers None. A string is a reason to try again; five in a row
    without progress are the end."""
    failures, before, pause = 0, progress(), 0.25
    while True:
        job.check()
        try:
            reason = attempt()
            if reason is None:
                return
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
        log('%s: %s' % (what, clean_text(reason.encode('utf-8', 'replace'))))
        if failures >= 5:
            raise Failure('INPUT_FAILED', '%s: %s' % (what, reason))
        time.sleep(pause)
        pause = min(pause * 2, 8)


def fetch_http(job, http, url, part, what=None):
    """Downloads to `part`, going on where a broken transfer ended when the server can and it is
    certain that the rest belongs to the same version; otherwise from the start."""
    what = what or 'fetching ' + shown_url(url)
    version = None
    with open(part, 'wb') as file:

        def start_over():
            file.seek(0)
            file.truncate()

        def attempt():
            nonlocal version
            if version is None:
                start_over()
            offset = file.tell()
            headers = {'Range': 'bytes=%d-' % offset, 'If-Range': version} if offset else {}
            connection, response = http.open('GET', url, headers)
            try:
                if response.status == 416 or (
                    response.status == 206
                    and not (response.getheader('Content-Range') or '').startswith(
                        'bytes %d-' % offset
                    )
                ):
                    start_over()
                    return 'the server cannot resume'
                if response.status not in (200, 206):
                    return http.trouble('INPUT_FAILED', what, response)
                if response.status == 206 and version_of(response) not in (None, version):
                    start_over()
                    return 'the file has changed'
                size = body_size(response, what)
                if response.status == 200:
                    start_over()
                    version = version_of(response)
                return receive(job, response, file, size)
            finally:
                connection.close()

        with_retries(job, what, attempt, file.tell)
        return file.tell()


def receive(job, response, file, size):
    got = 0
    while True:
        data = response.read(CHUNK)
        if not data:
            break
        file.write(data)
        got += len(data)
        job.check()
    file.flush()
    if size is not None and got != size:
        return 'the connection broke after %d of %d bytes' % (got, size)
    return None


def fetch_ftp(job, guard, url, part, stall_s):
    import ftplib
    from urllib.parse import unquote

    _, userinfo, host, port, target = split_url(url)
    user, _, password = userinfo.partition(':')
    path = unquote(target)
    if any(ord(c) < 32 for c in path + unquote(userinfo)):
        raise Failure('INPUT_REFUSED', 'control characters in ' + shown_url(url))
    what = 'fetching ' + shown_url(url)
    with open(part, 'wb') as file:

        def attempt():
            sockaddr = guard.address(url, host, port)[3]
            with ftplib.FTP(timeout=stall_s) as ftp:
                ftp.connect(sockaddr[0], port)
                ftp.login(unquote(user) or 'anonymous', unquote(password) or 'anonymous@')
                ftp.voidcmd('TYPE I')
                offset = file.tell()
                try:
                    size = ftp.size(path)
                except ftplib.error_perm:
                    size = None
                try:
                    data = ftp.transfercmd('RETR ' + path, offset or None)
                except ftplib.error_perm as error:
                    raise Failure('INPUT_FAILED', '%s: %s' % (what, fault_of(error)))
                with data:
                    while True:
                        piece = data.recv(CHUNK)
                        if not piece:
                            break
                        file.write(piece)
                        job.check()
                file.flush()
                ftp.voidresp()
                if size is not None and file.tell() != size:
                    return 'the connection broke after %d of %d bytes' % (file.tell(), size)
                return None

        with_retries(job, what, attempt, file.tell)
        return file.tell()
