"""What of the inputs comes over the network: several side by side, in the order of the plan."""

from .base import Failure, Stopped
from .urls import shown_url
from .addresses import Guard
from .crew import Crew
from .digests import fetch_checked
from .hands import Hands
from .relay import entries, relay_address
from .traffic import Transfer
from .transfers import fetch_ftp, fetch_http

REMOTE = ('direct', 'relay')
AHEAD = 1000
"""Files that are fetched before those in front of them are in the tree."""


def assert_fetchable(item):
    url = item['url']
    if url.partition('://')[0].lower() not in ('http', 'https', 'ftp'):
        raise Failure('INPUT_REFUSED', 'this kind of URL is not fetched: ' + shown_url(url))
    if item['type'] == 'DIRECTORY':
        raise Failure('INPUT_FAILED', 'a folder cannot be fetched from ' + shown_url(url))


class Fetched:
    """One input: the folders it has (None = it is a file), and its files as they arrive."""

    def __init__(self, fetches, item):
        self.fetches, self.item = fetches, item
        self.folders, self.files = None, [([], None)]  # Names below the input, and the size.
        self.error = None
        self.transfers = []

    def prepare(self, found):
        """With what the list has, which is None of a file."""
        if found is not None:
            if self.item.get('check'):
                raise Failure('INPUT_FAILED', '%s is a folder' % self.item['check']['url'])
            self.folders = [entry['path'] for entry in found if entry['kind'] == 'folder']
            self.files = [
                (entry['path'], entry.get('size')) for entry in found if entry['kind'] != 'folder'
            ]

    def arriving(self):
        if self.error:
            raise self.error
        for names, _ in self.files:
            part, transfer = self.fetches.next()
            self.transfers.append(transfer)
            yield names, part


class Fetches:
    def __init__(self, job, traffic, items):
        self.job, self.traffic = job, traffic
        self.inputs = {
            item['i']: Fetched(self, item) for item in items if item['method'] in REMOTE
        }
        self.crew = None
        self.begun = 0
        self.waiting = []  # Numbers of pieces in their order.
        self.pieces = self.planned()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.crew:
            self.crew.__exit__(*failure)

    def of(self, item):
        return self.inputs[item['i']]

    def start(self):
        if self.inputs:
            self.crew = Crew(self.job, lambda: Hands(self.job), AHEAD)
            self.list()
            self.fill()

    def list(self):
        """What each input is that comes through the server. The first that cannot be listed ends
        the inputs when its turn comes."""
        asked = [
            (fetched, self.crew.add('lists', self.lister(i)))
            for i, fetched in self.inputs.items()
            if fetched.item['method'] == 'relay'
        ]
        for fetched, number in asked:
            try:
                fetched.prepare(self.crew.result(number))
            except Stopped:
                raise
            except Exception as error:
                fetched.error = error
                break
        for fetched in self.inputs.values():
            if fetched.error:
                return
            for _, size in fetched.files:
                self.traffic.use('files', 1)
                self.traffic.plan(size)
        self.traffic.is_counted = True

    def lister(self, i):
        def work(hands, check):
            transfer = Transfer(self.traffic, check, self.crew.leave.wait)
            return entries(transfer, hands.http('relay'), i)

        return work

    def planned(self):
        for fetched in self.inputs.values():
            if fetched.error:
                return
            for names, size in fetched.files:
                yield fetched, names, size

    def fill(self):
        while len(self.waiting) < AHEAD:
            piece = next(self.pieces, None)
            if piece is None:
                return
            part = '%s/part-%d' % (self.job.own, self.begun)
            self.begun += 1
            self.waiting.append(self.crew.add('files', self.fetcher(part, *piece)))

    def next(self):
        """`(part, row)` of the next file in the order of the plan."""
        answer = self.crew.result(self.waiting.pop(0))
        self.fill()
        return answer

    def fetcher(self, part, fetched, names, size):
        item = fetched.item

        def work(hands, check):
            transfer = Transfer(self.traffic, check, self.crew.leave.wait, size)
            fetch_checked(
                item, part, check, lambda: self.fetch(transfer, hands, item, names, part)
            )
            transfer.finish()
            return part, transfer

        return work

    def fetch(self, transfer, hands, item, names, part):
        if item['method'] == 'relay':
            what = 'fetching input %d through the server' % item['i']
            address = relay_address(self.job, 'inputs', item['i'], names)
            fetch_http(transfer, hands.http('relay'), address, part, what)
            return
        assert_fetchable(item)
        if item['url'][:4].lower() == 'ftp:':
            guard, stall_s = Guard(self.job.plan, 'ftp'), self.job.plan['limits']['stall_s']
            fetch_ftp(transfer, guard, item['url'], part, stall_s)
        else:
            fetch_http(transfer, hands.http('direct'), item['url'], part)
