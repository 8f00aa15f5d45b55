"""A stolen password, over real SIP: the carrier's own bill stays within the limit."""

import pathlib
import shutil
import tempfile
import unittest

from .support.mail import MailServer
from .support.process import eventually
from .support.server import Martinet, password, HEADER
from .support.sipp import Carrier, call_many

LONDON = "00442079460000"
RATES = HEADER + "34,Spain,0,0.02,1,1\n44,United Kingdom,0.50,2.00,{minimum},{increment}\n"


class Theft(unittest.TestCase):
    """101 is stolen; its limit is 10 EUR a day, a minute costs 2 EUR and a connection 0.50 EUR."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-theft-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.mail = MailServer()
        self.enterContext(self.mail)
        self.server = Martinet(self.folder / "server", sip="127.0.0.1:15060", http="127.0.0.1:19090")
        self.addCleanup(self.server.stop)
        self.carrier = Carrier(self.folder)
        self.addCleanup(self.carrier.stop)

    def office(self, minimum, increment):
        limits = ("{ spend: { day: 10, month: 100 }, concurrent: 5000, "
                  "international: { hour: 5000, day: 5000, month: 5000 }, attempts_per_hour: 5000 }")
        self.server.office(limits=limits, mail_port=self.mail.port,
                           rates=RATES.format(minimum=minimum, increment=increment))
        self.server.start()

    def steal(self, calls, rate, talk_seconds):
        thieves = call_many(self.folder, "127.0.0.1:15060", "101", password(101), LONDON, calls, rate)
        self.addCleanup(thieves.stop)
        thieves.wait(170)
        return thieves

    def account(self, number="101"):
        return next(row for row in self.server.ask("limits", "--tenant", "office", "--extension", number)
                    if row["level"] == "account")

    def spent(self):
        row = next(row for row in self.account()["limits"]
                   if (row["metric"], row["kind"], row["window"]) == ("money", "calendar", "day"))
        return float(row["spent"].split()[0]), float(row["reserved"].split()[0])

    def check_the_end(self, bill):
        self.assertGreater(bill, 2.0, "calls went out")
        self.assertLessEqual(bill, 10.0, f"the carrier bills {bill} EUR: {self.carrier.calls()}")
        spent, reserved = self.spent()
        self.assertLessEqual(spent + reserved, 10.0)
        self.assertGreaterEqual(spent + reserved + 1e-9, bill, "nothing is spent that the ledger does not know")
        self.assertIsNotNone(self.account().get("blocked"))
        arrival, recipients, letter = eventually(
            lambda: next((row for row in self.mail.letters if "block" in str(row[2]["Subject"]).lower()), None),
            5, "the mail about the block")
        self.assertEqual(recipients, ["admin@office.example"])
        self.assertNotIn(password(101), letter.as_string())

    def test_a_hundred_calls_at_once_billed_by_the_second(self):
        self.office(1, 1)
        self.steal(100, 100, 0)
        self.check_the_end(self.carrier.bill(0.50, 2.00, 1, 1))

    def test_a_thousand_calls_at_once_billed_by_the_minute(self):
        self.office(60, 60)
        self.steal(1000, 1000, 0)
        self.check_the_end(self.carrier.bill(0.50, 2.00, 60, 60))

    def test_calls_go_out_again_after_unblocking(self):
        self.office(60, 60)
        self.steal(20, 20, 0)
        before = len(self.carrier.calls())
        self.assertIsNotNone(self.account().get("blocked"))
        self.server.run("limits", "unblock", "--tenant", "office", "--extension", "101", "--data", self.server.data)
        self.assertIsNone(self.account().get("blocked"))
        again = call_many(self.folder, "127.0.0.1:15060", "101", password(101), LONDON, 1, 1, hold_ms=1000,
                          name="again")
        self.addCleanup(again.stop)
        self.assertEqual(again.wait(30), 0, again.output()[-1500:])
        self.assertEqual(len(self.carrier.calls()), before + 1)


if __name__ == "__main__":
    unittest.main()
