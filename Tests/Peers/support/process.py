"""Processes that a test starts: logged to a file, waited for by what they print, ended by their id."""

import os
import pathlib
import re
import signal
import subprocess
import time


class Process:
    """One child process whose output goes to a file that the test reads."""

    def __init__(self, command, log, environment=None, stdin=None, directory=None):
        self.log = pathlib.Path(log)
        self._file = open(self.log, "wb")
        self.command = [str(word) for word in command]
        self.child = subprocess.Popen(
            self.command, stdout=self._file, stderr=subprocess.STDOUT,
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            env=None if environment is None else {**os.environ, **environment},
            cwd=directory, start_new_session=True)

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, pattern, seconds=10):
        """Waits until the output matches; the match, or an error that shows the output's end."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.output(), re.MULTILINE)
            if found:
                return found
            if self.child.poll() is not None or time.monotonic() > end:
                state = f"ended with {self.child.returncode}" if self.child.returncode is not None else "runs"
                raise AssertionError(
                    f"{self.command[0]} never printed {pattern!r} within {seconds} s ({state}):\n"
                    + self.output()[-4000:])
            time.sleep(0.02)

    def say(self, text):
        self.child.stdin.write(text.encode() + b"\n")
        self.child.stdin.flush()

    def wait(self, seconds=30):
        return self.child.wait(timeout=seconds)

    def kill(self):
        """Ends it at once, as `kill -9` does."""
        self.child.kill()
        self.child.wait()
        self._file.close()

    def stop(self, seconds=10):
        """Ends it politely, by force where that does not help."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.child.stdin:
            self.child.stdin.close()
        self._file.close()
        return self.child.returncode


def eventually(question, seconds=10, what="it"):
    """Asks until the answer is true; returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)
