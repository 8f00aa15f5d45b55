"""Habits: an account that does what it never did is stopped under its limits, with real calls; and the figures behind that."""

import datetime
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest

from .support.mail import MailServer
from .support.process import eventually
from .support.server import PROGRAM, HEADER, Martinet, password
from .support.sipp import Carrier, call_many

HOME, ABROAD = "976210007", "00442079460000"
RATES = HEADER + "34,Spain,0,0.02,1,1\n44,United Kingdom,0,1.50,60,60\n"


class Departure(unittest.TestCase):
    """101 calls at home on twelve days over a month; then, at night, somebody calls abroad with its password."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-habits-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.mail = self.enterContext(MailServer())
        self.server = Martinet(self.folder / "server", sip="127.0.0.1:15060", http="127.0.0.1:19090")
        self.addCleanup(lambda: self.server.process and self.end())
        self.carrier = Carrier(self.folder)
        self.addCleanup(self.carrier.stop)
        self.server.office(mail_port=self.mail.port, rates=RATES)
        self.calls = 0

    def live(self, day, hour):
        """Starts the server on a day to come; only the clock on its wall is another."""
        today = datetime.datetime.now(datetime.timezone.utc).replace(hour=hour, minute=5, second=0)
        moment = (today + datetime.timedelta(days=day)).strftime("%Y-%m-%d %H:%M:%S")
        self.server.start(30, before=("env", "TZ=UTC", "faketime", "-m", "--exclude-monotonic", moment))

    def end(self, how=signal.SIGTERM):
        """Ends the server, which is the only child of the command that gives it another clock."""
        clock = self.server.process.child
        if clock.poll() is None:
            [server] = pathlib.Path(f"/proc/{clock.pid}/task/{clock.pid}/children").read_text().split()
            os.kill(int(server), how)
            clock.wait(40)
        self.server.process.stop()

    def call(self, number, hold_ms=300):
        """Whether a call reached the carrier."""
        before = len(self.carrier.calls())
        self.calls += 1
        name = f"call-{self.calls}"
        phone = call_many(self.folder, "127.0.0.1:15060", "101", password(101), number, 1, 1, hold_ms=hold_ms, name=name)
        self.addCleanup(phone.stop)
        phone.wait(30)
        return len(self.carrier.calls()) > before

    def account(self):
        return next(row for row in self.server.ask("limits", "--tenant", "office", "--extension", "101")
                    if row["level"] == "account")

    def month(self):
        for day in (*range(1, 23, 2), 30):
            self.live(day, 10)
            self.assertTrue(self.call(HOME), f"day {day}")
            eventually(lambda: not self.server.ask("calls"), 10, "the end of the call")
            if day < 30:
                self.end()
        habits = self.account()["habits"]
        self.assertEqual((habits["rule"], habits["learning"], habits["days"]), ("stop", False, 12))
        self.end()

    def test_a_theft_under_the_limits_is_stopped_told_and_let_go_on(self):
        self.month()
        self.live(32, 2)
        through = [self.call(ABROAD) for _ in range(3)]
        self.assertEqual(through, [True, True, False])
        spent, held = self.server.money("office")
        self.assertLess(spent + held, 5, "far under the limit of ten euros")
        block = self.account()["blocked"]["reason"]
        self.assertIn("not as usual: 3 calls since", block)
        letter = eventually(
            lambda: next((row[2] for row in self.mail.letters if "block" in str(row[2]["Subject"]).lower()), None),
            5, "the mail about the block")
        text = letter.get_content()
        for words in ("to where nobody calls", "in an hour in which nobody calls", "usual are up to", "--theft"):
            self.assertIn(words, " ".join(text.split()))
        # At home neither: the account is blocked until somebody lifts it, over a restart too.
        self.end(signal.SIGKILL)
        self.live(32, 3)
        self.assertFalse(self.call(HOME))
        # As the mail says it, typed by the owner: these calls are usual from now on.
        command = re.search(r"^\s*martinet (limits unblock .*)$", text, re.MULTILINE)
        self.server.run(*shlex.split(command[1]), "--data", self.server.data)
        self.assertIsNone(self.account().get("blocked"))
        self.assertTrue(self.call(ABROAD))
        self.assertTrue(self.call(ABROAD))
        self.replay()

    def replay(self):
        """The same calls from the records: one stop, by the third call abroad."""
        records = self.folder / "records.jsonl"
        records.write_text(self.server.run("records", "--json", "--limit", "1000", "--data", self.server.data).stdout)
        replayed = self.server.run(
            "limits", "replay", records, "--timezone", "Europe/Madrid", "--day", "10", "--json").stdout
        stops = [json.loads(line) for line in replayed.splitlines()]
        self.assertEqual([(stop["tenant"], stop["extension"], stop["country"], stop["calls"]) for stop in stops],
                         [("office", "101", "GB", 3)])
        self.assertIn("to where nobody calls", stops[0]["odd"])


class Figures(unittest.TestCase):
    def test_a_year_of_eleven_companies_has_one_false_stop_each_at_most_and_thefts_end(self):
        result = subprocess.run([PROGRAM, "simulate", "--habits", "--seeds", "2", "--json"],
                                capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual((report["seeds"], report["months"], len(report["companies"])), (2, 12, 11))
        for company in report["companies"]:
            self.assertLessEqual(company["false_stops_per_year"], 1, company)
            self.assertGreater(company["calls"], 20_000, company)
        self.assertEqual(len(report["thefts"]), 5)
        for theft in report["thefts"]:
            self.assertGreaterEqual(theft["stopped"], theft["companies"] * 0.8, theft)
            cost, without = (float(theft[key].split()[0]) for key in ("cost", "cost_without"))
            self.assertLess(cost * 2, without, theft)


if __name__ == "__main__":
    unittest.main()
