"""What of a server's answer can be relied on."""

from .base import Failure

RETRY_STATUS = (408, 425, 429, 500, 502, 503, 504)
# Of email.errors. Others concern parts of a body, which is not here yet.
BROKEN_HEADERS = ('MissingHeaderBodySeparatorDefect', 'FirstHeaderLineIsContinuationDefect')


def fault_of(error):
    """What to say of an exception of the standard library's clients; None for any other.

    They raise more than they document: ValueError for a Location that is no URL, EOFError for a
    silent FTP server. None of their words are told, because a server may have put the request, and
    with it the secrets of its URL, into them.
    """
    kind = type(error)
    module = kind.__module__.split('.')[0]
    if module == 'ftplib' and str(error)[:3].isdigit():
        return 'answered ' + str(error)[:3]
    odd = isinstance(error, (ValueError, OverflowError, EOFError))
    if odd or module in ('http', 'ftplib', 'ssl'):
        return "the server's answer is broken (%s)" % kind.__name__
    return None


def body_size(response, what):
    """How many bytes an answer has; None when it says so itself at its end.

    An answer that leaves it unclear (RFC 9112, 6.3) is not taken: a file that was cut short would
    pass for whole.
    """
    trouble = None
    # One that is repeated counts once; two that differ make a text that is no number.
    length = ','.join({text.strip() for text in response.headers.get_all('Content-Length', ())})
    if any(type(defect).__name__ in BROKEN_HEADERS for defect in response.headers.defects):
        trouble = 'broken headers'
    elif response.chunked:
        return None
    elif response.getheader('Transfer-Encoding') is not None:
        trouble = 'an unknown Transfer-Encoding'
    elif response.getheader('Content-Length') is None:
        return None
    elif not set(length) <= set('0123456789') or not 0 < len(length) < 19:
        trouble = 'a bad Content-Length'
    if trouble:
        raise Failure('INPUT_FAILED', '%s: the server sent %s' % (what, trouble))
    return int(length)


def version_of(response):
    """What `If-Range` may say of an answer (RFC 9110, 13.1.5): its strong ETag; without any, its
    date when that tells versions apart; else None."""
    tag = response.getheader('ETag')
    if tag is not None:
        return tag if tag.startswith('"') and tag.isprintable() else None
    changed, now = response.getheader('Last-Modified'), response.getheader('Date')
    if not changed or not now or not changed.isprintable():
        return None
    from email.utils import parsedate_to_datetime

    try:
        age = parsedate_to_datetime(now) - parsedate_to_datetime(changed)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return changed if age.total_seconds() >= 1 else None


def range_of(response, size):
    """`(start, size of the whole)` of a partial answer, as far as it tells; -1 where it cannot be
    used."""
    unit, _, text = (response.getheader('Content-Range') or '').partition(' ')
    span, _, whole = text.partition('/')
    numbers = span.split('-')
    if unit != 'bytes' or response.status != 206 or len(numbers) != 2:
        return -1, None
    if not all(part.isdigit() and len(part) < 19 for part in numbers):
        return -1, None
    start, last = map(int, numbers)
    if last < start or (size is not None and size != last - start + 1):
        return -1, None
    return start, int(whole) if whole.isdigit() and len(whole) < 19 else last + 1
