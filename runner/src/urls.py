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


def place_of(url):
    """`(scheme and slashes, host and port, path)`: what of a URL is no secret. Userinfo ends at the
    last `@` before the path, so that an `@` in a password or a path changes nothing."""
    head, mark, rest = url.partition('://')
    authority, slash, path = rest.partition('?')[0].partition('#')[0].partition('/')
    return head + mark, authority.rpartition('@')[2], slash + path


def shown_url(url):
    """A URL for people: no userinfo, no query; both carry secrets. Where the host cannot be one,
    only the scheme is shown: after a `/` in a password the rest of it looks like a path."""
    head, host, path = place_of(url)
    if not host or not is_port(host.rpartition(']')[2].partition(':')[2]):
        return (head if head[:-3].isalnum() else '') + '...'
    return clean_text((head + host + path).encode('utf-8', 'replace'))[:500]


def public_url(url):
    """What the report says of a target: nothing secret, and nothing cut off a plain path."""
    if url.startswith('/') or '://' not in url or url.lower().startswith('file:'):
        return url
    return ''.join(place_of(url))


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
