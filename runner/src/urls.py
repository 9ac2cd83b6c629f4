"""Taking URLs apart, showing them without their secrets, putting names behind them."""

from .base import clean_text, Failure


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
    if not host or any(ord(c) <= 32 or ord(c) == 127 for c in url) or (port and not port.isdigit()):
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


def shown_url(url):
    """A URL for people: no userinfo, no query; both carry secrets."""
    head, mark, rest = url.partition('://')
    rest = rest.partition('?')[0].partition('#')[0]
    authority, slash, path = rest.partition('/')
    return clean_text(
        (head + mark + authority.rpartition('@')[2] + slash + path).encode('utf-8', 'replace')
    )[:500]


def public_url(url):
    """What the report says of a target: nothing secret, and nothing cut off a plain path."""
    if '://' not in url or url.lower().startswith('file:'):
        return url
    head, mark, rest = url.partition('://')
    authority, slash, path = rest.partition('?')[0].partition('/')
    return head + mark + authority.rpartition('@')[2] + slash + path


def join_url(url, rel, encode):
    if not rel:
        return url
    if encode:
        from urllib.parse import quote

        rel = quote(rel)
    head, mark, query = url.partition('?') if encode else (url, '', '')
    return head.rstrip('/') + '/' + rel + mark + query
