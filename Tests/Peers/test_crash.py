"""kill -9 in the middle of calls: no money forgotten, phones still reachable, records complete."""

import pathlib
import shutil
import tempfile
import time
import unittest

from .support.process import Process, eventually
from .support.scenario import Answerer, Caller
from .support.server import HEADER, PROGRAM, Martinet, password
from .support.sipp import Carrier, Peer, call_many, register

LONDON = "00442079460000"
CALLS = 200


class Crash(unittest.TestCase):
    def test_kill_9_in_the_middle_of_two_hundred_calls(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-crash-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        server = Martinet(folder / "server", sip="127.0.0.1:15060", http="127.0.0.1:19090")
        self.addCleanup(server.stop)
        server.office(
            limits="{ spend: { day: 1000, month: 1000 }, concurrent: 5000, attempts_per_hour: 5000, "
                   "international: { hour: 5000, day: 5000, month: 5000 } }",
            numbers=['{ number: "+34976111222", to: ["102"] }'],
            rates=HEADER + "34,Spain,0,0.02,1,1\n44,United Kingdom,0.10,0.60,1,1\n")
        server.start()
        carrier = Carrier(folder)
        self.addCleanup(carrier.stop)
        register(folder, "127.0.0.1:15060", "102", "office.example", password(102), 5083)
        phones = call_many(folder, "127.0.0.1:15060", "101", password(101), LONDON, CALLS, 100)
        self.addCleanup(phones.stop)
        eventually(lambda: sum(1 for call in server.ask("calls") if call["state"] == "talking") >= CALLS, 30,
                   "two hundred answered calls")
        self.call_that_ends(folder)
        running = {call["call"] for call in server.ask("calls")}
        # Nobody waits for the end of a call to be on disk, so that it may come a moment later.
        eventually(lambda: len(set(map(server.metrics().get, (
            "martinet_journal_sequence", "martinet_journal_durable_sequence")))) == 1, 10, "everything on disk")
        server.kill()

        server.start()
        committed = sum(server.money("office"))
        self.phone_is_reached(folder)
        # Those that were up at the crash are ended at the carrier by the server that came back.
        eventually(lambda: all(ended for _, ended in carrier.calls().values()), 40, "BYE for every orphan")
        bill = carrier.bill(0.10, 0.60, 1, 1)
        self.assertEqual(len(carrier.calls()), CALLS + 1)
        self.assertGreaterEqual(committed + 1e-6, bill, "money was forgotten")
        self.check_records(server, running, committed)

    def test_a_payment_counts_once_at_whatever_moment_the_server_dies(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-payment-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        server = Martinet(folder / "server", sip="127.0.0.1:15060", http="127.0.0.1:19090")
        self.addCleanup(server.stop)
        server.office(limits="{ prepaid: true }")
        server.start()
        answers = []
        for number in range(16):
            words = ["limits", "deposit", "--tenant", "office", "--extension", "101", "--reference", f"A {number}",
                     "--data", server.data, "5"]
            payment = Process([PROGRAM, *words], folder / f"payment-{number}.log")
            self.addCleanup(payment.stop)
            # From before the command has connected to behind its answer; what must hold, holds at any moment.
            time.sleep(number * 0.008)
            server.kill()
            payment.wait(70)
            server.start()
            again = server.run(*words, check=False)
            answers.append("carried out now" if "carried out now" in again.stdout else
                           "already" if "already" in again.stderr else
                           "fresh" if again.returncode == 0 else again.stderr)
            if "is paid in" in payment.output():
                self.assertEqual(answers[-1], "already", "it was said to be done")
            account = server.ask("limits", "show", "--tenant", "office", "--extension", "101")[0]
            self.assertEqual(account["balance"], f"{5 * (number + 1)}.00 EUR", answers)
        self.assertLessEqual(set(answers), {"carried out now", "already", "fresh"})

    def check_records(self, server, running, committed):
        """Each call has one record, with everything that was known of it."""
        eventually(lambda: len(server.records(kind="outbound")) >= CALLS + 1, 40, "a record for every call")
        ended, *more = server.records(kind="outbound", cause="normal")
        self.assertEqual(more, [])
        self.assertEqual((ended["from"], ended["ended_by"]), ("102", "caller"), "it ended before the crash")
        cut = server.records(kind="outbound", cause="restart")
        self.assertEqual(len(cut), CALLS)
        self.assertEqual({row["call"] for row in cut}, running)
        for row in cut:
            self.assertEqual(
                [row[key] for key in ("tenant", "from", "to", "trunk", "payer", "status", "country", "attempts")],
                ["office", "101", "+442079460000", "carrier", "101", 200, "GB", 1])
            self.assertLessEqual(row["started_at"], row["answered_at"])
            self.assertLessEqual(row["answered_at"], row["ended_at"])
            self.assertEqual([(leg["side"], leg["codecs"]) for leg in row["legs"]],
                             [("caller", ["PCMA"]), ("callee", ["PCMA"])])
        # The records account for every cent that the account was charged.
        sold = sum(float(row["sell"].split()[0]) for row in cut)
        self.assertAlmostEqual(sold, committed, places=4)

    def call_that_ends(self, folder):
        call = Caller("102", "office.example", LONDON).invite().answered().hang_up()
        phone = Peer(folder, "ends", call, 5081, "127.0.0.1:15060", user="102", password=password(102))
        self.addCleanup(phone.stop)
        phone.finish()

    def phone_is_reached(self, folder):
        """102 registered before the crash and knows of none: a call from outside reaches it."""
        phone = Peer(folder, "phone", Answerer().invited().rings().accepts().called_off(), 5083)
        self.addCleanup(phone.stop)
        call = Caller("+34600111222", "127.0.0.1", "+34976111222", password=False, host="127.0.0.1:15060")
        caller = Peer(folder, "caller", call.invite().answered().pause(300).hang_up(), 5085, "127.0.0.1:15060")
        self.addCleanup(caller.stop)
        caller.finish()
        phone.finish()


if __name__ == "__main__":
    unittest.main()
