"""kill -9 in the middle of calls: no money forgotten, phones still reachable, records complete."""

import pathlib
import shutil
import tempfile
import unittest

from .support.process import eventually
from .support.server import Martinet, password, HEADER
from .support.sipp import Carrier, call_many

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
            rates=HEADER + "34,Spain,0,0.02,1,1\n44,United Kingdom,0.10,0.60,1,1\n")
        server.start()
        carrier = Carrier(folder)
        self.addCleanup(carrier.stop)
        phones = call_many(folder, "127.0.0.1:15060", "101", password(101), LONDON, CALLS, 100)
        self.addCleanup(phones.stop)
        eventually(lambda: sum(1 for call in server.ask("calls") if call["state"] == "talking") >= CALLS, 30,
                   "two hundred answered calls")
        server.kill()

        server.start()
        account = next(row for row in server.ask("limits", "--tenant", "office", "--extension", "101")
                       if row["level"] == "account")
        day = next(row for row in account["limits"]
                   if (row["metric"], row["kind"], row["window"]) == ("money", "calendar", "day"))
        committed = float(day["spent"].split()[0]) + float(day["reserved"].split()[0])
        # Those that were up at the crash are ended at the carrier by the server that came back.
        eventually(lambda: all(ended for _, ended in carrier.calls().values()), 40, "BYE for every orphan")
        bill = carrier.bill(0.10, 0.60, 1, 1)
        self.assertEqual(len(carrier.calls()), CALLS)
        self.assertGreaterEqual(committed + 1e-6, bill, "money was forgotten")
        records = eventually(lambda: [row for row in server.records() if row["kind"] == "outbound"][:CALLS]
                             if len(server.records()) >= CALLS else None, 40, "a record for every call")
        self.assertEqual({row["cause"] for row in records}, {"restart"})


if __name__ == "__main__":
    unittest.main()
