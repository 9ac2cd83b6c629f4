"""The runner as a module, for tests of its parts: the joined text, as jobs get it."""

import os
import sys
import types

RUNNER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, RUNNER)
from join import join, read  # noqa: E402

PARTS = read('parts.txt').split()
SOURCE = join()
runner = types.ModuleType('runner')
exec(compile(SOURCE, 'runner.py', 'exec'), runner.__dict__)
