"""Uploads: PUT of a file, POST of a form with it, folders through the server."""

import os

from .base import CHUNK, Failure
from .urls import shown_url
from .retries import with_retries

SEE_OTHER = 303
"""To a POST: it was taken, and what came of it is elsewhere."""


def sender(transfer, fd, size, head=b'', tail=b''):
    """Writes a body that holds an open file of this size, from the start each time."""

    def send(connection):
        transfer.start_over()
        if head:
            connection.send(head)
        offset = 0
        while offset < size:
            data = os.pread(fd, min(CHUNK, size - offset), offset)
            if not data:
                raise Failure('OUTPUT_FAILED', 'the file became shorter while it was read')
            transfer.check()
            connection.send(data)
            transfer.pass_on(len(data))
            offset += len(data)
        if tail:
            connection.send(tail)

    return send


def in_quotes(name):
    """A file name as browsers write it into a form."""
    for char, code in (('"', '%22'), ('\r', '%0D'), ('\n', '%0A')):
        name = name.replace(char, code)
    return name


def form_around(name):
    """`(boundary, head, tail)` of a form whose field `file` is a file of this name."""
    boundary = 'magnetar-' + os.urandom(16).hex()
    head = (
        '--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
        'Content-Type: application/octet-stream\r\n\r\n'
    ) % (boundary, in_quotes(name))
    return boundary, head.encode('utf-8'), ('\r\n--%s--\r\n' % boundary).encode()


def put_file(transfer, http, address, fd, size, url):
    """Where the answer tells how many bytes were stored, they must be all."""
    headers = {'Content-Length': str(size)}
    upload(transfer, http, 'PUT', address, headers, url, sender(transfer, fd, size), size)


def post_file(transfer, http, url, fd, size, name):
    boundary, head, tail = form_around(name)
    headers = {
        'Content-Length': str(len(head) + size + len(tail)),
        'Content-Type': 'multipart/form-data; boundary=' + boundary,
    }
    upload(transfer, http, 'POST', url, headers, url, sender(transfer, fd, size, head, tail))


def put_folder(transfer, http, address, url):
    headers = {'X-Magnetar-Folder': '1', 'Content-Length': '0'}
    upload(transfer, http, 'PUT', address, headers, url)


def upload(transfer, http, method, address, headers, url, send=None, size=None):
    what = 'uploading to ' + shown_url(url)

    def attempt():
        with http.open(method, address, headers, send) as exchange:
            response = exchange.response
            is_taken = 200 <= response.status < 300
            if not is_taken and not (method == 'POST' and response.status == SEE_OTHER):
                return http.trouble('OUTPUT_FAILED', what, response)
            stored = http.stored(response)
            if size is not None and stored not in (None, size):
                return 'the server stored %d of %d bytes' % (stored, size)
            return None

    with_retries(transfer, what, attempt, patience=http.patience)
