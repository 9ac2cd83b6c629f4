"""The server's end of `relay`, on loopback and with connections that stay open; tests make it
misbehave."""

import json
import socket
import struct
import threading
from urllib.parse import unquote

from support.case import Handler, Server

TOKEN = 'the token of this job'


class Peer(Handler):
    """Answers whole, by ranges, or only the beginning of what it announces."""

    protocol_version = 'HTTP/1.1'

    def setup(self):
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def json(self, status, value, headers=()):
        self.answer(status, json.dumps(value).encode(), list(headers))

    def trouble(self, status, code, message, headers=()):
        self.json(status, {'status': status, 'code': code, 'message': message}, headers)

    def ranged(self, data, version, cut=None):
        """`data` from where the request wants it, if it knows the version; `cut` = only so many
        bytes of the answer, then the connection breaks."""
        start = 0
        asked = self.headers.get('Range', '')
        if asked.startswith('bytes=') and version and self.headers.get('If-Range') == version:
            start = int(asked[6:].rstrip('-'))
        headers = [('Content-Length', str(len(data) - start))]
        if version:
            headers.append(('ETag', version))
        if start:
            span = 'bytes %d-%d/%d' % (start, len(data) - 1, len(data))
            headers.append(('Content-Range', span))
        body = data[start:] if cut is None else data[start : start + cut]
        self.answer(206 if start else 200, body, headers)
        if cut is not None:
            self.cut_off()

    def cut_off(self, reset=False):
        """Ends the connection; with `reset` the other side is told so and loses what it has not
        read."""
        self.wfile.flush()
        if reset:
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)
            )
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.close_connection = True


class PeerServer(Server):
    def __init__(self):
        self.lock = threading.Lock()
        self.connections = 0
        super().__init__()
        self.RequestHandlerClass = Peer

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


class RelayServer(PeerServer):
    """`inputs`: index -> bytes, or {names: bytes or None for a folder}. What is put is in `stored`.
    `odd`: (method, path below the job) -> function(peer) that answers instead, or False to let the
    usual answer go."""

    def __init__(self, inputs=()):
        super().__init__()
        self.inputs = dict(inputs)
        self.stored, self.folders, self.odd, self.refused = {}, [], {}, []
        self.routes = self  # As `get` has every path.
        self.plan = {'url': self.url + '/files/job', 'token': TOKEN}

    def get(self, path):
        return lambda peer: self.serve(peer, path)

    def serve(self, peer, path):
        if peer.headers.get('Authorization') != 'Bearer ' + TOKEN:
            self.refused.append(path)
            peer.trouble(403, 'SIGNATURE_REFUSED', 'the token is not that of the job')
            return
        place = path[len('/files/job/') :]
        odd = self.odd.get((peer.command, place))
        if odd and odd(peer) is not False:
            return
        kind, index, what, *names = place.split('/')
        names = tuple(unquote(name) for name in names)
        if kind == 'outputs':
            self.take(peer, int(index), names)
        elif what == 'list':
            self.list(peer, self.inputs.get(int(index)))
        else:
            self.give(peer, self.inputs.get(int(index)), names)

    def list(self, peer, found):
        if found is None:
            peer.trouble(404, 'STORAGE_MISSING', 'nothing is stored there')
        elif isinstance(found, bytes):
            peer.json(200, {'kind': 'file'})
        else:
            peer.answer(200, listing(found), [('Content-Type', 'application/x-ndjson')])

    def give(self, peer, found, names):
        data = found.get(names) if isinstance(found, dict) else found
        if data is None:
            peer.trouble(404, 'STORAGE_MISSING', 'nothing is stored there')
        else:
            peer.ranged(data, '"1"')

    def take(self, peer, index, names):
        with self.lock:
            if 'X-Magnetar-Folder' in peer.headers:
                self.folders.append((index,) + names)
            else:
                self.stored[(index,) + names] = peer.body
        peer.json(200, {'bytes': len(peer.body)})


def listing(tree, end=True):
    """Lines of a list, parents first."""
    rows = [
        {
            'kind': 'folder' if data is None else 'file',
            'path': list(names),
            'size': len(data or b''),
        }
        for names, data in tree.items()
    ]
    lines = [json.dumps(row) for row in rows] + (['{"end":true}'] if end else [])
    return ''.join(line + '\n' for line in lines).encode()
