"""A stolen password, over real SIP: the carrier's own bill stays within the limit."""

import datetime
import pathlib
import re
import shlex
import shutil
import tempfile
import unittest

from .support.mail import MailServer
from .support.process import eventually
from .support.scenario import Answerer, Caller
from .support.server import Martinet, password, HEADER
from .support.sipp import Carrier, Peer, call_many, register

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
        self.server.office(limits=limits, mail_port=self.mail.port, numbers=['{ number: "+34976111222", to: ["101"] }'],
                           rates=RATES.format(minimum=minimum, increment=increment))
        self.server.start()

    def steal(self, calls, hold_ms=120_000):
        """So many calls at once, each until it is cut or the thief has had enough."""
        thieves = call_many(self.folder, "127.0.0.1:15060", "101", password(101), LONDON, calls, calls, hold_ms)
        self.addCleanup(thieves.stop)
        thieves.wait(170)

    def account(self, number="101"):
        return next(row for row in self.server.ask("limits", "--tenant", "office", "--extension", number)
                    if row["level"] == "account")

    def check_the_end(self, *increments):
        bill, known = (self.carrier.bill(0.50, 2.00, *increments, since_ack) for since_ack in (False, True))
        self.assertGreater(bill, 2.0, "calls went out")
        self.assertLessEqual(bill, 10.0, f"the carrier bills {bill} EUR: {self.carrier.calls()}")
        spent, reserved = self.server.money("office")
        self.assertLessEqual(spent + reserved, 10.0)
        self.assertGreater(known, 2.0)
        self.assertGreaterEqual(spent + reserved + 1e-6, known, "nothing is spent that the ledger does not know")
        self.check_the_mail()

    def check_the_mail(self):
        """It was there within a second of the block: our clock says when we blocked, the mail server's when it came."""
        since = datetime.datetime.fromisoformat(self.account()["blocked"]["since"]).timestamp()
        arrival, recipients, letter = eventually(
            lambda: next((row for row in self.mail.letters if "block" in str(row[2]["Subject"]).lower()), None),
            10, "the mail about the block")
        self.assertGreater(arrival, since)
        self.assertLess(arrival - since, 1.0)
        self.assertEqual(recipients, ["admin@office.example"])
        self.assertNotIn(password(101), letter.as_string())

    def test_a_hundred_calls_at_once_billed_by_the_second(self):
        self.office(1, 1)
        self.steal(100)
        self.check_the_end(1, 1)

    def test_a_thousand_calls_at_once_billed_by_the_minute(self):
        self.office(60, 60)
        self.steal(1000)
        self.check_the_end(60, 60)

    def peer(self, name, scenario, port, user=None, **words):
        """A phone of the office, or somebody outside."""
        peer = Peer(self.folder, name, scenario, port, user=user, password=user and password(user), **words)
        self.addCleanup(peer.stop)
        return peer

    def test_all_other_calls_go_on_during_the_block(self):
        server, domain = "127.0.0.1:15060", "office.example"
        self.office(60, 60)
        self.steal(20, hold_ms=1000)
        self.check_the_mail()
        bill, asked = self.carrier.bill(0.50, 2.00, 60, 60), len(self.carrier.calls())

        def dials(number, user="101"):
            return Caller(user, domain, number).invite()
        paid = self.peer("paid", dials(LONDON).fails(403), 5081, "101", server=server)
        emergency = self.peer("emergency", dials("112").answered().pause(300).hang_up(), 5082, "101", server=server)
        paid.finish()
        emergency.finish()
        self.assertIn("Spending limit reached", paid.messages(403)[0].header("Reason"))
        for user, port in (("101", 5083), ("102", 5084)):
            register(self.folder, server, user, domain, password(user), port)
        # In, and from and to colleagues: three calls at the phones, two of them at the blocked one.
        blocked = self.peer("blocked", Answerer().invited().rings().accepts().called_off(), 5083, calls=2, at_once=2)
        colleague = self.peer("colleague", Answerer().invited().rings().accepts().called_off(), 5084)
        inbound = Caller("+34600111222", "127.0.0.1", "+34976111222", password=False, host=server)
        callers = [
            self.peer("inbound", inbound.invite().answered().pause(300).hang_up(), 5085, server=server),
            self.peer("from", dials("102").answered().pause(300).hang_up(), 5086, "101", server=server),
            self.peer("to", dials("101", "102").answered().pause(300).hang_up(), 5087, "102", server=server)]
        for peer in (*callers, blocked, colleague):
            peer.finish()
        free = lambda: sorted(row["kind"] for row in self.server.records(cause="normal") if row["kind"] != "outbound")
        eventually(lambda: free() == ["emergency", "inbound", "internal", "internal"], 10, "their four records")
        self.assertIsNotNone(self.account().get("blocked"))
        # The emergency call is the only one more that the carrier has had, and it costs the account nothing.
        self.assertEqual(len(self.carrier.calls()), asked + 1)
        self.assertLessEqual(sum(self.server.money("office")), 10.0)
        self.assertGreaterEqual(sum(self.server.money("office")) + 1e-9, bill)

    def test_a_full_trunk_is_let_out_again_by_its_name(self):
        self.office(60, 60)
        self.server.run("limits", "set", "--trunk", "carrier", "--day", "3", "--data", self.server.data)
        self.steal(2, hold_ms=1000)
        trunk = lambda: self.server.ask("limits", "show", "--trunk", "carrier")[0]
        self.assertEqual(len(self.carrier.calls()), 1)
        self.assertIn("money", trunk()["blocked"]["reason"])
        self.server.run("limits", "unblock", "--trunk", "carrier", "--data", self.server.data)
        self.assertIsNone(trunk().get("blocked"))
        again = call_many(self.folder, "127.0.0.1:15060", "101", password(101), LONDON, 1, 1, hold_ms=1000,
                          name="again")
        self.addCleanup(again.stop)
        self.assertEqual(again.wait(30), 0, again.output()[-1500:])
        self.assertEqual(len(self.carrier.calls()), 2)

    def test_calls_go_out_again_after_unblocking(self):
        self.office(60, 60)
        self.steal(20, hold_ms=1000)
        before = len(self.carrier.calls())
        self.assertIsNotNone(self.account().get("blocked"))
        letter = eventually(
            lambda: next((row[2] for row in self.mail.letters if "block" in str(row[2]["Subject"]).lower()), None),
            5, "the mail about the block")
        # As the mail says it, typed by the owner.
        command = re.search(r"^\s*martinet (limits unblock .*)$", letter.get_content(), re.MULTILINE)
        self.server.run(*shlex.split(command[1]), "--data", self.server.data)
        self.assertIsNone(self.account().get("blocked"))
        again = call_many(self.folder, "127.0.0.1:15060", "101", password(101), LONDON, 1, 1, hold_ms=1000,
                          name="again")
        self.addCleanup(again.stop)
        self.assertEqual(again.wait(30), 0, again.output()[-1500:])
        self.assertEqual(len(self.carrier.calls()), before + 1)


if __name__ == "__main__":
    unittest.main()
