"""The demo as a visitor sees it: without rights, without settings, and with nothing left behind."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from .support.process import Process, eventually
from .support.server import PROGRAM

NOBODY = 65534


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-visitor-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.scratch = self.folder / "tmp"
        self.scratch.mkdir()
        os.chmod(self.folder, 0o755)
        if os.geteuid() == 0:
            os.chown(self.scratch, NOBODY, NOBODY)
        # A copy: the build may stand where an ordinary user cannot look.
        self.program = shutil.copy(shutil.which(PROGRAM) or PROGRAM, self.folder / "martinet")
        self.addCleanup(self.nothing_is_left)

    def visitor(self, *words):
        command = [str(self.program), *words]
        if os.geteuid() != 0:
            return command
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", *command]

    def environment(self):
        return {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": str(self.scratch)}

    def agents(self):
        """The processes of this copy of the program."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.readlink(entry / "exe") == str(self.program):
                        found.append(int(entry.name))
                except OSError:
                    pass  # Gone meanwhile, or a thread of the kernel.
        return found

    def nothing_is_left(self):
        eventually(lambda: not self.agents(), 5, "the end of every process of the demo")

    def test_the_theft_costs_no_more_than_the_limit(self):
        result = subprocess.run(self.visitor("demo", "--json"), capture_output=True, text=True,
                                env=self.environment(), cwd="/", timeout=120)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        report = json.loads(result.stdout.splitlines()[-1])
        self.assertLessEqual(report["carrier_bill"], report["limit"])
        self.assertLessEqual(report["spent"], report["limit"])
        self.assertGreaterEqual(report["spent"], report["carrier_bill"])
        self.assertEqual((report["limit"], report["otherwise"]), (10, 12050))
        self.assertEqual((report["calls_attempted"], report["calls_admitted"]), (100, 4))
        self.assertEqual(report["carrier_bill"], 4 * 2.5)
        self.assertTrue(0 <= report["alert_ms"] <= 1000, report)
        story = result.stderr
        for words in ["+442079460000", "Outgoing paid calls blocked: office 101", "12,050.00 EUR",
                      "96 calls were refused", "a warning tone is heard"]:
            self.assertIn(words, story)
        self.assertNotIn("\033", story, "colours belong on a terminal")
        self.assertNotIn("BROKEN", story)
        self.assertEqual(list(self.scratch.iterdir()), [])

    def interrupted(self, number):
        demo = Process(self.visitor("demo"), self.folder / "demo.log", directory="/",
                       environment=self.environment())
        self.addCleanup(demo.stop)
        demo.wait_for(r"calls were refused", 60)
        self.assertGreater(len(self.agents()), 5)
        demo.child.send_signal(number)
        return demo

    def test_an_interrupted_demo_leaves_nothing(self):
        demo = self.interrupted(signal.SIGINT)
        self.assertEqual(demo.wait(15), 130, demo.output())
        self.assertEqual(self.agents(), [])
        self.assertEqual(list(self.scratch.iterdir()), [])
        self.assertTrue(re.search(r"^Interrupted", demo.output(), re.MULTILINE))

    def test_a_killed_demo_leaves_no_process(self):
        self.interrupted(signal.SIGKILL).wait(15)
        self.nothing_is_left()

    def test_a_folder_that_cannot_be_made_is_told(self):
        environment = self.environment() | {"TMPDIR": "/proc/none"}
        result = subprocess.run(self.visitor("demo"), capture_output=True, text=True, env=environment,
                                cwd="/", timeout=30)
        self.assertEqual(result.returncode, 1)
        self.assertIn("set TMPDIR", result.stdout)


if __name__ == "__main__":
    unittest.main()
