"""Taking URLs apart, showing them without their secrets, putting names behind them."""

from .base import clean_text, Failure


def is_port(text):
    return not text or (set(text) <= set('0123456789') and len(text) < 6 and int(text) < 65536)


def split_url(url):
    """`(scheme, userinfo, host, port, target)`; urllib would cost more than the whole start."""
    scheme, _, rest = url.partition('://')
    scheme = scheme.lower()
    cut = min(i for i in (rest.find('/'), rest.find('?'), rest.find('#'), len(rest)) if i >= 0)
    authority, target = rest[:cut], rest[cut:].partition('#')[0]
    userinfo, _, hostport = authority.rpartition('@')
    if hostport.startswith('['):
        host, _, port = hostport[1:].partition(']')
        port = port.lstrip(':')
    else:
        host, _, port = hostport.partition(':')
    if not host or any(ord(c) <= 32 or ord(c) == 127 for c in url) or not is_port(port):
        raise Failure('INPUT_REFUSED', 'not a usable URL: ' + shown_url(url))
    if not target.startswith('/'):
        target = '/' + target
    return (
        scheme,
        userinfo,
        host.lower(),
        int(port or {'https': 443, 'ftp': 21}.get(scheme, 80)),
        target,
    )


def delimited(text):
    """Up to the first `/`, `?` or `#`, and the rest."""
    cut = min(i for i in (text.find('/'), text.find('?'), text.find('#'), len(text)) if i >= 0)
    return text[:cut], text[cut:]


NAME_BREAKS = frozenset('/?#@:[],\\<>"^`{|}')
ADDRESS_CHARS = frozenset('0123456789ABCDEFabcdef:.%')


def is_host(text):
    """`host[:port]`, or several with commas; not what a password with a raw `/` leaves of it."""
    return all(is_one_host(one) for one in text.split(','))


def is_control(char):
    return ord(char) < 32 or 126 < ord(char) < 160


def is_one_host(text):
    if text.startswith('['):
        name, closed, rest = text[1:].partition(']')
        known = bool(closed) and set(name) <= ADDRESS_CHARS and rest[:1] in ('', ':')
        port = rest[1:]
    else:
        name, _, port = text.partition(':')
        known = not any(c in NAME_BREAKS or c.isspace() or is_control(c) for c in name)
    return bool(name) and known and len(port) < 6 and set(port) <= set('0123456789')


def without_userinfo(rest):
    """What follows `://` without user and password, also when these hold `/`, `?`, `#` or `@`: the
    rule of the server's user-info.ts."""
    authority = delimited(rest)[0]
    host = authority.rpartition('@')[2]
    if is_host(host):
        return rest[len(authority) - len(host) :]
    pieces = rest.split('@')
    for n in range(len(pieces) - 1, 0, -1):
        host, after = delimited(pieces[n])
        if is_host(host) and (after or n == len(pieces) - 1):
            return '@'.join(pieces[n:])
    return pieces[-1]


def place_of(url):
    """`(scheme and slashes, host and port, path)`: what of a URL is no secret."""
    head, mark, rest = url.partition('://')
    host, path = delimited(without_userinfo(rest))
    return head + mark, host, path


def shown_url(url):
    """A URL for people: no userinfo, no query; both carry secrets. Where the host cannot be one,
    only the scheme is shown: after a `/` in a password the rest of it looks like a path."""
    head, host, path = place_of(url)
    path = path.partition('?')[0].partition('#')[0]
    if not host or not is_port(host.rpartition(']')[2].partition(':')[2]):
        return (head if head[:-3].isalnum() else '') + '...'
    return clean_text((head + host + path).encode('utf-8', 'replace'))[:500]


def public_url(url):
    """What the report says of a target: nothing secret, and nothing cut off a name."""
    if url.startswith('/') or '://' not in url or url.lower().startswith('file:'):
        return url
    head, host, path = place_of(url)
    is_http = url.lower().startswith('http')
    return head + host + (path.partition('?')[0].partition('#')[0] if is_http else path)


def join_url(url, rel, encode):
    if not rel:
        return url
    if encode:
        from urllib.parse import quote

        rel = quote(rel)
    # Only in an http URL a `?` is no character of a name.
    is_http = url.lower().startswith('http')
    head, mark, query = url.partition('?') if is_http else (url, '', '')
    return head.rstrip('/') + '/' + rel + mark + query
