"""Data that the server moves for the job: it reaches the storage, or knows its secrets, and the job
does neither."""

from .base import Failure
from .addresses import AnyAddress
from .transfers import fetch_http, Http, with_retries

AT_ONCE = 8
MOST_ENTRIES = 1000000


class RelayHttp(Http):
    """Requests to the server of the job, which says what was wrong with a storage."""

    def __init__(self, relay, stall_s):
        super().__init__(AnyAddress(), stall_s)
        self.headers = {'Authorization': 'Bearer ' + relay['token']}

    def reason(self, response):
        from json import loads

        try:
            return str(loads(response.read(65536).decode('utf-8'))['message'])
        except (ValueError, KeyError, TypeError):
            return super().reason(response)


class Relay:
    def __init__(self, job):
        self.job = job
        self.url = job.plan['relay']['url']
        self.http = RelayHttp(job.plan['relay'], job.plan['limits']['stall_s'])

    def address(self, kind, i, names):
        from urllib.parse import quote

        return '/'.join(
            ['%s/%s/%d/file' % (self.url, kind, i)] + [quote(name, safe='') for name in names]
        )

    def fetch(self, i, names, part):
        what = 'fetching input %d through the server' % i
        return fetch_http(self.job, self.http, self.address('inputs', i, names), part, what)

    def entries(self, i):
        """What lies below an input, parents first; None when it is a file."""
        from json import loads

        what, found, is_folder = 'listing input %d through the server' % i, [], True

        def attempt():
            nonlocal is_folder
            del found[:]
            connection, response = self.http.open('GET', '%s/inputs/%d/list' % (self.url, i), {})
            try:
                if response.status != 200:
                    return self.http.trouble('INPUT_FAILED', what, response)
                is_folder = response.getheader('Content-Type') == 'application/x-ndjson'
                for line in response:
                    entry = loads(line.decode('utf-8'))
                    if entry.get('end') or not is_folder:
                        return None
                    found.append(entry)
                    if len(found) > MOST_ENTRIES:
                        raise Failure('INPUT_FAILED', '%s: more than a million entries' % what)
                    self.job.check()
                return 'the list broke off'
            finally:
                connection.close()

        with_retries(self.job, what, attempt)
        return found if is_folder else None

    def fetch_each(self, i, entries):
        """Fetches files side by side; yields `(entry, part, size)` as they arrive."""
        import queue
        import threading

        todo, done = queue.Queue(), queue.Queue()
        for number, entry in enumerate(entries):
            todo.put((number, entry))

        def work():
            while True:
                try:
                    number, entry = todo.get_nowait()
                except queue.Empty:
                    return
                part = '%s/part-%d-%d' % (self.job.own, i, number)
                try:
                    done.put((entry, part, self.fetch(i, entry['path'], part)))
                except BaseException as error:
                    with todo.mutex:
                        todo.queue.clear()
                    done.put(error)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        try:
            for _ in entries:
                result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            with todo.mutex:
                todo.queue.clear()
            for thread in threads:
                thread.join()
