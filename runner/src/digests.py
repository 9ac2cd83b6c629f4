"""What a file must be, where the task says so."""

import os

from .base import Failure

PIECE = 1 << 20


def digest_of(fd, check):
    """SHA-256 in hex of the rest of an open file. `hashlib` takes 5 ms to import and is the fast
    one."""
    from hashlib import sha256

    digest = sha256()
    while True:
        check()
        data = os.read(fd, PIECE)
        if not data:
            return digest.hexdigest()
        digest.update(data)


def mismatch(item, fd, check):
    """None when an open file is what `item` wants it to be, else the Failure."""
    found = digest_of(fd, check)
    wanted = item['check']['sha256']
    if found == wanted:
        return None
    return Failure(
        'INPUT_FAILED', '%s: sha256 is %s, not %s' % (item['check']['url'], found, wanted)
    )


def assert_digest(item, fd, check):
    if item.get('check'):
        failure = mismatch(item, fd, check)
        if failure:
            raise failure


def fetch_checked(item, part, check, fetch):
    """`fetch` to `part`; once more from the start when that is not what it must be."""
    fetch()
    if not item.get('check'):
        return
    for is_last in (False, True):
        with open(part, 'rb', 0) as file:
            failure = mismatch(item, file.fileno(), check)
        if failure is None:
            return
        if is_last:
            raise failure
        fetch()
