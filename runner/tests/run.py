"""Runs the runner's tests against real runtimes: `python3 runner/tests/run.py [--runtimes a,b]
[pattern]`.

Environment: TES_TEST_RUNTIMES (default as in DEFAULT; `-user` is the same without root),
TES_TEST_PYTHONS (interpreters, separated by colons, that also run the core cases). A runtime that
is named and missing fails.
"""

import os
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from support.case import Case  # noqa: E402
from support.lab import Lab  # noqa: E402

MODULES = (
    'test_pure',
    'test_executors',
    'test_inputs',
    'test_http',
    'test_relay',
    'test_push',
    'test_moves',
    'test_outputs',
    'test_transfers',
    'test_trees',
    'test_mounts',
    'test_swaps',
    'test_live',
    'test_limits',
    'test_life',
)
DEFAULT = 'bubblewrap,bubblewrap-user,podman,docker,docker-user'


def tests_of(module):
    """`(class, method)` in the order of the file."""
    for case in vars(module).values():
        if (
            isinstance(case, type)
            and issubclass(case, unittest.TestCase)
            and case.__module__ == module.__name__
        ):
            for name in unittest.defaultTestLoader.getTestCaseNames(case):
                yield case, name


def is_meant_for(case, method, runtime):
    kind = runtime.split('-')[0]
    return (
        runtime in (getattr(case, 'only_on', None) or (runtime,))
        and kind in getattr(method, 'runtimes', (kind,))
    )


def variants(case, name, runtimes, pythons):
    """The same test for each runtime it is meant for, and once more per interpreter where it is a
    core case."""
    if not issubclass(case, Case):
        yield 'pure', case(name), None
        return
    method = getattr(case, name)
    for runtime in runtimes:
        if is_meant_for(case, method, runtime):
            yield runtime, type(case.__name__, (case,), {'runtime': runtime})(name), None
    if getattr(method, 'core', False):
        for python in pythons:
            yield 'python', type(case.__name__, (case,), {'python': python})(name), python


def main():
    words = sys.argv[1:]
    runtimes = os.environ.get('TES_TEST_RUNTIMES', DEFAULT)
    if words[:1] == ['--runtimes']:
        runtimes, words = words[1], words[2:]
    runtimes = [name for name in runtimes.split(',') if name]
    pythons = [path for path in os.environ.get('TES_TEST_PYTHONS', '').split(':') if path]
    root = tempfile.mkdtemp(prefix='runner-')
    os.chmod(root, 0o755)
    counts, began = {}, time.monotonic()
    lab = Lab(root, runtimes)
    Case.lab = lab
    try:
        for module in map(__import__, MODULES):
            for case, name in tests_of(module):
                if words and words[0] not in name:
                    continue
                for group, test, python in variants(case, name, runtimes, pythons):
                    result = unittest.TestResult()
                    at = time.monotonic()
                    test.run(result)
                    problems = result.errors + result.failures
                    tally = counts.setdefault(group, [0, 0])
                    tally[bool(problems)] += 1
                    print(
                        '%-5s %5.1f s  %-16s %s%s'
                        % (
                            'FAIL' if problems else 'ok',
                            time.monotonic() - at,
                            group,
                            name,
                            ' ' + python if python else '',
                        ),
                        flush=True,
                    )
                    for _, text in problems:
                        print('    ' + text.replace('\n', '\n    '), flush=True)
    finally:
        lab.close()
    print()
    for group, (passed, failed) in counts.items():
        print('%-16s %d passed, %d failed' % (group, passed, failed))
    passed, failed = (sum(column) for column in zip(*counts.values())) if counts else (0, 0)
    print('%.0f s' % (time.monotonic() - began))
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
