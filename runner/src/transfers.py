"""Downloads over HTTP and FTP with resumption and retries."""

from .base import CHUNK, Failure
from .urls import shown_url, split_url
from .answers import body_size, fault_of, range_of, version_of
from .retries import with_retries


def fetch_http(transfer, http, url, part, what=None):
    """Downloads to `part`, going on where a broken transfer ended when the server can and it is
    certain that the rest belongs to the same version; otherwise from the start."""
    what = what or 'fetching ' + shown_url(url)
    version = None
    with open(part, 'wb') as file:

        def start_over():
            file.seek(0)
            file.truncate()
            transfer.start_over()

        def attempt():
            nonlocal version
            if version is None:
                start_over()
            offset = file.tell()
            headers = {'Range': 'bytes=%d-' % offset, 'If-Range': version} if offset else {}
            with http.open('GET', url, headers) as exchange:
                response = exchange.response
                if response.status not in (200, 206, 416):
                    return http.trouble('INPUT_FAILED', what, response)
                size = body_size(response, what)
                if response.status == 200:
                    start_over()
                    version, end = version_of(response), size
                else:
                    start, end = range_of(response, size)
                    if start != offset:
                        version = None
                        return 'the server cannot resume'
                    if version_of(response) not in (None, version):
                        version = None
                        return 'the file has changed'
                transfer.expect(end)
                if receive(transfer, exchange, file, size):
                    raise Failure('INPUT_FAILED', what + ': the server sent more than it announced')
            if end is not None and file.tell() != end:
                return 'the connection broke after %d of %d bytes' % (file.tell(), end)
            return None

        with_retries(transfer, what, attempt, file.tell, http.patience)
        return file.tell()


def receive(transfer, exchange, file, size):
    """Takes the body, as far as it comes; whether more came than announced."""
    response, left = exchange.response, size
    while left != 0:
        # Not by `response` where the size is known: with the last byte it forgets what followed.
        data = response.read(CHUNK) if left is None else response.fp.read1(min(CHUNK, left))
        if not data:
            break
        transfer.check()
        transfer.grow(len(data))
        file.write(data)
        if left is not None:
            left -= len(data)
    file.flush()
    if left != 0:
        return False
    follows = exchange.more_follows()
    response.close()
    return follows


def fetch_ftp(transfer, guard, url, part, stall_s):
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
                if not offset:
                    transfer.start_over()
                try:
                    size = ftp.size(path)
                except ftplib.error_perm:
                    size = None
                transfer.expect(size)
                try:
                    data = ftp.transfercmd('RETR ' + path, offset or None)
                except ftplib.error_perm as error:
                    raise Failure('INPUT_FAILED', '%s: %s' % (what, fault_of(error)))
                with data:
                    while True:
                        piece = data.recv(CHUNK)
                        if not piece:
                            break
                        transfer.check()
                        transfer.grow(len(piece))
                        file.write(piece)
                file.flush()
                ftp.voidresp()
                if size is not None and file.tell() != size:
                    return 'the connection broke after %d of %d bytes' % (file.tell(), size)
                return None

        with_retries(transfer, what, attempt, file.tell)
        return file.tell()
