"""Data that the server moves for the job: it reaches the storage, or knows its secrets, and the job
does neither."""

from .base import Failure
from .addresses import AnyAddress
from .requests import Http
from .retries import SERVER, STORAGE, with_retries

MOST_ENTRIES = 1000000
JOB_OVER = 410
MARGIN_S = 10


class RelayHttp(Http):
    """Requests to the server of the job, which says what was wrong with a storage. It is given the
    time to find out: to connect there and to wait, each as long as nothing may move."""

    patience = SERVER

    def __init__(self, job):
        super().__init__(AnyAddress(), 2 * job.plan['limits']['stall_s'] + MARGIN_S)
        self.job = job
        self.headers = {'Authorization': 'Bearer ' + job.plan['relay']['token']}

    def trouble(self, code, what, response):
        if response.status == JOB_OVER:
            self.job.ask_to_stop('CANCELED')
            self.job.check()
        return super().trouble(code, what, response)

    def reason(self, response):
        from json import loads

        try:
            told = loads(response.read(65536).decode('utf-8'))
            of_storage = str(told.get('code')).startswith('STORAGE_')
            return str(told['message']), STORAGE if of_storage else SERVER
        except (ValueError, KeyError, AttributeError):
            return super().reason(response)[0], SERVER

    def stored(self, response):
        """How many bytes an upload says it has stored."""
        from json import loads

        try:
            count = loads(response.read(65536).decode('utf-8')).get('bytes')
        except (ValueError, AttributeError):
            return None
        return count if isinstance(count, int) else None


def relay_address(job, kind, i, names):
    from urllib.parse import quote

    place = '%s/%s/%d/file' % (job.plan['relay']['url'], kind, i)
    return '/'.join([place] + [quote(name, safe='') for name in names])


def is_name(name):
    return name not in ('', '.', '..') and '/' not in name and '\0' not in name


def entries(transfer, http, i):
    """What lies below an input, parents first; None when it is a file."""
    from json import loads

    what, found, is_folder = 'listing input %d through the server' % i, [], True
    address = '%s/inputs/%d/list' % (transfer.traffic.job.plan['relay']['url'], i)

    def attempt():
        nonlocal is_folder
        del found[:]
        with http.open('GET', address, {}) as exchange:
            response = exchange.response
            if response.status != 200:
                return http.trouble('INPUT_FAILED', what, response)
            is_folder = response.getheader('Content-Type') == 'application/x-ndjson'
            for line in response:
                entry = loads(line.decode('utf-8'))
                if entry.get('end') or not is_folder:
                    response.read()
                    return None
                if not all(is_name(name) for name in entry['path']):
                    raise Failure('INPUT_FAILED', '%s: a name that cannot be' % what)
                found.append(entry)
                if len(found) > MOST_ENTRIES:
                    raise Failure('INPUT_FAILED', '%s: more than a million entries' % what)
                transfer.check()
            return 'the list broke off'

    with_retries(transfer, what, attempt, patience=http.patience)
    return found if is_folder else None
