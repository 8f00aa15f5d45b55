"""`./run` as it prepares and builds, with a compiler that only writes down when it was asked."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

COMPILER = """\
#!/bin/sh
if [ "$1" = --version ]; then echo "{version}"; exit; fi
echo "$PWD" >>"$MARTINET_SCRATCH/builds"
mkdir -p "$MARTINET_SCRATCH/release"
printf '#!/bin/sh\\necho "of %s:" "$@"\\n' "$PWD" >"$MARTINET_SCRATCH/release/martinet"
chmod +x "$MARTINET_SCRATCH/release/martinet"
"""


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-run-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "bin").mkdir()
        self.compiler("Swift version 6.3.1 (swift-6.3.1-RELEASE)")
        self.clone, self.other = self.new_clone("first"), self.new_clone("second")

    def compiler(self, version):
        file = self.folder / "bin" / "swift"
        file.write_text(COMPILER.format(version=version))
        file.chmod(0o755)

    def new_clone(self, name):
        clone = self.folder / name
        (clone / "Sources").mkdir(parents=True)
        (clone / "Sources" / "One.swift").write_text("")
        (clone / "Package.swift").write_text("")
        shutil.copytree(ROOT / "Scripts", clone / "Scripts")
        shutil.copy(ROOT / "run", clone / "run")
        return clone

    def run_in(self, clone, *words, path=None):
        environment = {"PATH": path or f"{self.folder / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
                       "MARTINET_SCRATCH": str(self.folder / "scratch"), "HOME": str(self.folder)}
        return subprocess.run([str(clone / "run"), *words], capture_output=True, text=True, env=environment,
                              timeout=60)

    def builds(self):
        file = self.folder / "scratch" / "builds"
        return file.read_text().split() if file.exists() else []

    def test_words_are_handed_on_and_a_second_look_builds_nothing(self):
        for _ in range(2):
            self.assertEqual(self.run_in(self.clone, "calls", "--json").stdout, f"of {self.clone}: calls --json\n")
        self.assertEqual(self.run_in(self.clone).stdout, f"of {self.clone}: serve --data ./data\n")
        self.assertEqual(self.builds(), [str(self.clone)])

    def test_a_change_is_built(self):
        self.run_in(self.clone, "status")
        later = time.time() + 2
        os.utime(self.clone / "Sources" / "One.swift", (later, later))
        self.run_in(self.clone, "status")
        self.assertEqual(len(self.builds()), 2)

    def test_each_clone_runs_its_own_program(self):
        for clone in (self.clone, self.other, self.clone):
            self.assertEqual(self.run_in(clone, "status").stdout, f"of {clone}: status\n")
        self.assertEqual(self.builds(), [str(self.clone), str(self.other), str(self.clone)])

    def test_a_missing_or_wrong_compiler_is_told_with_the_way_out(self):
        self.compiler("Swift version 6.1")
        result = self.run_in(self.clone, "status")
        self.assertEqual(result.returncode, 1)
        self.assertIn("needs Swift 6.3 or newer; `swift --version` says: Swift version 6.1", result.stderr)
        result = self.run_in(self.clone, "status", path="/usr/sbin:/usr/bin:/sbin:/bin")
        self.assertEqual(result.returncode, 1)
        self.assertIn("https://www.swift.org/install/linux/", result.stderr)
        self.assertEqual(self.builds(), [])


if __name__ == "__main__":
    unittest.main()
