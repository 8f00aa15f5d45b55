"""Tests whose waits overlap: all of a class run at once, each reports its own result."""

import concurrent.futures
import functools
import sys
import unittest


class Together(unittest.TestCase):
    """A class whose tests begin together, at most `at_once` of them, once `setUpClass` has run.

    For tests that mostly wait and share one server. Each runs in an instance of its own, with its own clean-up.
    """

    at_once = 4
    _results = {}

    def __init_subclass__(cls, **words):
        super().__init_subclass__(**words)
        cls._bodies = {name: body for name, body in vars(cls).items() if name.startswith("test")}
        for name, body in cls._bodies.items():
            @functools.wraps(body)
            def report(self, name=name):
                self._result(name).result()
            setattr(cls, name, report)

    def _result(self, wanted):
        cls = type(self)
        if cls not in Together._results:
            pool = concurrent.futures.ThreadPoolExecutor(cls.at_once)
            cls.addClassCleanup(pool.shutdown, wait=True, cancel_futures=True)
            # Named on the command line, a test runs alone.
            named = [name for name in cls._bodies if any(word.endswith(f"{cls.__name__}.{name}") for word in sys.argv)]
            Together._results[cls] = {name: pool.submit(cls._run, name) for name in named or cls._bodies}
        return Together._results[cls][wanted]

    @classmethod
    def _run(cls, name):
        case = cls(name)
        try:
            cls._bodies[name](case)
        finally:
            case.doCleanups()
