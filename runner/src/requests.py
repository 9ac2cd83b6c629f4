"""HTTP requests with redirects, each hop checked, over connections that are kept."""

import select

from .base import Failure
from .urls import shown_url, split_url
from .answers import RETRY_STATUS
from .retries import Again, STORAGE, wanted_pause

MOST_KEPT = 4
MOST_HOPS = 10
SMALL = 65536
REDIRECTS = (301, 302, 303, 307, 308)


def is_silent(sock):
    """Whether a kept connection has nothing to say: its end, or what nobody asked for."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return not poll.poll(0)


class Exchange:
    """An answer; after `with` its connection is kept, or closed if it cannot be."""

    def __init__(self, http, origin, connection, response):
        self.http, self.origin = http, origin
        self.connection, self.response = connection, response
        self.sock = http.used  # http.client forgets it when it is to be closed.

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        is_whole = kind is None and self.response.isclosed()
        self.http.let_go(self.origin, self.connection, is_whole)

    def more_follows(self):
        """Whether the server has sent more than the body that was read."""
        self.sock.settimeout(0)
        try:
            return bool(self.response.fp.peek(1))
        except OSError:
            return False
        finally:
            self.sock.settimeout(self.http.stall_s)


class Http:
    """Requests of one thread under one rule about addresses."""

    patience = STORAGE  # With whom does not answer.
    tls = None  # One for all: to load what it trusts takes longer than most requests.

    def __init__(self, guard, stall_s):
        self.guard = guard
        self.stall_s = stall_s
        self.headers = {}  # For the first host only, as what the URL has of userinfo.
        self.kept = {}
        self.used = None

    def trouble(self, code, what, response):
        """A reason to try again, or a Failure."""
        reason, patience = self.reason(response)
        if response.status in RETRY_STATUS:
            return Again(reason, wanted_pause(response.getheader('Retry-After')), patience)
        raise Failure(code, '%s: %s' % (what, reason))

    def reason(self, response):
        """What the answer says, and with whom to have patience then."""
        return 'answered %d' % response.status, STORAGE

    def stored(self, response):
        """How many bytes an upload says it has stored; most servers do not."""
        drain(response)

    def connect(self, url, origin):
        import http.client
        import socket as sockets

        scheme, host, port = origin
        family, kind, proto, sockaddr = self.guard.address(url, host, port)
        sock = self.used = sockets.socket(family, kind, proto)
        try:
            sock.settimeout(self.stall_s)
            sock.connect(sockaddr)
            sock.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
            if scheme == 'https':
                sock = self.secured(sock, host)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(host, port, timeout=self.stall_s)
        if scheme == 'https':
            connection.default_port = 443
        connection.sock = sock
        connection.auto_open = 0  # It would connect to an address that nobody checked.
        return connection

    @staticmethod
    def secured(sock, host):
        if Http.tls is None:
            import ssl

            Http.tls = ssl.create_default_context()
        return Http.tls.wrap_socket(sock, server_hostname=host)

    def take_kept(self, origin):
        connection = self.kept.pop(origin, None)
        if connection is not None and not is_silent(connection.sock):
            connection.close()
            return None
        return connection

    def let_go(self, origin, connection, is_whole):
        self.used = None
        if not is_whole or connection.sock is None:
            connection.close()
            return
        if len(self.kept) >= MOST_KEPT:
            self.close()
        self.kept[origin] = connection

    def close(self):
        while self.kept:
            self.kept.popitem()[1].close()

    def abort(self):
        """From another thread: whoever waits for the other side is woken."""
        import socket as sockets

        sock = self.used
        try:
            if sock:
                sock.shutdown(sockets.SHUT_RDWR)
        except OSError:
            pass  # It was closed meanwhile.

    def open(self, method, url, headers, send=None):
        """An Exchange after redirects. `send` writes the body, from its start each time."""
        from urllib.parse import urljoin

        first = authorization = None
        for _ in range(MOST_HOPS):
            scheme, userinfo, host, port, target = split_url(url)
            if scheme not in ('http', 'https'):
                raise Failure('INPUT_REFUSED', 'redirected to another scheme: ' + shown_url(url))
            origin = scheme, host, port
            if first is None:
                first, authorization = origin, basic(userinfo)
            own = dict(self.headers, **authorization) if origin == first else {}
            exchange = self.hop(method, url, origin, target, dict(own, **headers), send)
            response = exchange.response
            place = response.getheader('Location')
            if response.status not in REDIRECTS or not place or method == 'POST':
                return exchange
            with exchange:
                drain(response)
            url = urljoin(url, place)
        raise Failure('INPUT_FAILED', 'too many redirects: ' + shown_url(url))

    def hop(self, method, url, origin, target, headers, send):
        """One request. A kept connection that its server has given up meanwhile is replaced; what a
        POST does is not done twice for that."""
        connection = None if method == 'POST' else self.take_kept(origin)
        while True:
            is_kept = connection is not None
            if not is_kept:
                connection = self.connect(url, origin)
            self.used = connection.sock
            try:
                response = exchanged(connection, method, target, headers, send)
                return Exchange(self, origin, connection, response)
            except BaseException as error:
                self.let_go(origin, connection, False)
                if not is_kept or not isinstance(error, ConnectionError):
                    raise
                connection = None


def drain(response):
    """Reads a short answer that matters to nobody, so that its connection can serve once more."""
    try:
        if response.length is not None and response.length < SMALL:
            response.read()
    except Exception:
        pass  # Then it cannot.


def basic(userinfo):
    if not userinfo:
        return {}
    import base64
    from urllib.parse import unquote

    return {'Authorization': 'Basic ' + base64.b64encode(unquote(userinfo).encode()).decode()}


def exchanged(connection, method, target, headers, send):
    from urllib.parse import quote

    target = quote(target, safe="%/?:@!$&'()*+,;=-._~[]|")
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader('Accept-Encoding', 'identity')
    connection.putheader('User-Agent', 'magnetar-runner')
    connection.endheaders()
    try:
        if send:
            send(connection)
    except ConnectionError:
        try:
            return connection.getresponse()  # It had its reasons not to take the body.
        except Exception:
            pass
        raise
    return connection.getresponse()
