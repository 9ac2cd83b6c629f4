"""The runner as a module, for tests of its parts."""

import importlib.util
import os

path = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + '/runner.py'
spec = importlib.util.spec_from_file_location('runner', path)
runner = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)
