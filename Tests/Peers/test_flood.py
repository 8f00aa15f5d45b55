"""Floods: a server with 200 calls and ten attempts a second, while strangers, a thief and crowds send what they can (A08 to A12)."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from .support import siege, stranger
from .support.network import Network
from .support.process import eventually
from .support.server import PROGRAM, Martinet

MEGABYTE = 1_000_000


class Siege(unittest.TestCase):
    """Each test is a flood of some seconds; the calls are up through all of them.

    What must hold are successes, not times: on a busy machine the flood is slower, and so is everything else. The rate that it
    reached and how long attempts took are printed.
    """

    seconds = 3
    # Both generations of the two tables that strangers fill, 20,000 entries of about 100 bytes each, and what the
    # allocator and the queue of answers need beside.
    flood_bytes = 32 * MEGABYTE
    # A connection that has said half a message, or half a hello, with the buffers of TLS.
    connection_bytes = 32_000

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-siege-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.programs = siege.build(cls.folder)
        network = cls.enterClassContext(Network())
        cls.town = siege.Town(network)
        cls.bystander = network.host()
        cls.server = Martinet(cls.folder, host=cls.town.place, **siege.listeners(cls.town))
        siege.apply(PROGRAM, cls.folder, cls.town)
        cls.server.start(60, "--firewall", "off", before=siege.SERVER_CORE)
        cls.addClassCleanup(cls.server.stop)
        cls.customers = siege.Customers(cls.programs, cls.town, cls.folder / "customers.log")
        cls.addClassCleanup(cls.customers.stop)
        cls.customers.held()
        # The first calls bring what every later one finds: ports, accounts, a country that was called.
        time.sleep(1)
        cls.customers.settle()

    def under(self, flood, bytes_more=flood_bytes, customers=None):
        """Runs a flood; its report and the growth of the server's figures, once it is clear that no customer has noticed."""
        before = self.server.metrics()
        sent = flood()
        report = (customers or self.customers).settle()
        after = self.server.metrics()
        grown = {name.removeprefix("martinet_"): after[name] - before.get(name, 0) for name in after}
        rate = sent.get("sent", sent.get("begun")) / sent["seconds"]
        lost = 1 - report["packets_heard"] / report["packets_sent"]
        print(f"\n    {rate:,.0f}/s; {report['succeeded']} of {report['begun']} attempts, setup {report['setup_p50_ms']:.0f} ms, "
              f"p99 {report['setup_p99_ms']:.0f} ms; longest silence {report['longest_silence_ms']:.0f} ms, {lost:.1%} lost; "
              f"{grown['datagrams_unheard_total']:,.0f} dropped by the kernel; "
              f"memory {grown['memory_resident_bytes'] / MEGABYTE:+.1f} MB", file=sys.stderr)
        self.nobody_notices(report)
        self.assertLess(grown["memory_resident_bytes"], bytes_more)
        # Those that began in this time, and those of before that have ended and are kept for half a minute.
        self.assertLess(after["martinet_transactions"], 40 * 8 * siege.RATE + 8 * siege.CALLS, "a flood makes no transactions")
        return sent, grown

    def nobody_notices(self, report):
        self.assertGreater(report["begun"], siege.RATE)
        self.assertGreaterEqual(report["succeeded"], 0.999 * report["begun"], report)
        self.assertEqual(report["lost"], 0, report)
        # In any call, either way. How many packets are lost between is printed: wires of a machine without a core to spare lose some.
        self.assertLess(report["longest_silence_ms"], 1_500, report)

    def strangers(self, family=4):
        return siege.Outside(self.programs, self.town, family)

    def test_a08_registers_from_everywhere(self):
        sent, grown = self.under(lambda: self.strangers().flood("register", self.seconds))
        self.assertLess(grown["register_requests_total"], 8_000 + 4_000 * (self.seconds + 3))
        # A machine that cannot send more than the server reads needs no thinning out.
        if grown["datagrams_unheard_total"]:
            self.assertIn("strangers send a flood", self.server.process.output(), "the kernel thins it out")

    def test_a08_registers_from_the_address_of_the_office(self):
        """Its phones are heard on the flows that they registered on; what is new there has the budget of an office."""
        self.under(lambda: self.strangers().flood("register", self.seconds, self.town.office.v4, rate=20_000))

    def test_a08_registers_whose_senders_answer_with_icmp_errors(self):
        self.under(lambda: self.strangers().flood("register", self.seconds, siege.CROWD[4]))

    def test_a08_registers_over_ipv6(self):
        """The customers of an office with IPv6 call meanwhile, and those with IPv4 notice nothing either."""
        six = siege.Customers(self.programs, self.town, self.folder / "customers6.log", family=6, domain=siege.DOMAIN6,
                              calls=20)
        self.addCleanup(six.stop)
        six.held()
        self.under(lambda: self.strangers(6).flood("register", self.seconds), customers=six)
        self.nobody_notices(self.customers.settle())
        self.assertEqual(six.end()["lost"], 0)

    def test_a09_invites_without_credentials(self):
        _, grown = self.under(lambda: self.strangers().flood("invite", self.seconds))
        self.assertLess(grown["calls_total"], siege.RATE * 60, "a challenge is no call")

    def test_a10_an_account_with_a_thousand_calls_a_second(self):
        thief = siege.Customers(self.programs, self.town, self.folder / "thief.log", host=self.town.outside,
                                first_user=siege.FIRST_USER + siege.PHONES, phones=1, calls=0, rate=1000, number="+44208")
        self.addCleanup(thief.stop)

        thief.held()

        def calls():
            time.sleep(self.seconds)
            return thief.end() | {"seconds": self.seconds}
        sent, _ = self.under(calls)
        self.assertEqual(sent["succeeded"], 0)
        # 200 at once and 20 a second are begun, and the carrier is busy for them.
        self.assertLessEqual(sent["refused_4xx"], 200 + 20 * 60)
        self.assertEqual(sent["refused_5xx"], self.server.metrics()["martinet_calls_over_rate_total"])
        self.assertIn("kind=callFlood", self.server.process.output(), "the account's owner is told")

    def test_a11_every_other_method_and_responses(self):
        self.under(lambda: self.strangers().flood("others", self.seconds))

    def test_a11_what_is_no_message(self):
        self.under(lambda: self.strangers().flood("noise", self.seconds))

    def test_a12_connections_that_do_no_good(self):
        """Meanwhile a phone registers over TCP."""
        for kind, connections in (("idle", 8_000), ("slow", 8_000), ("half", 8_000), ("huge", 2_000), ("churn", 200)):
            with self.subTest(kind=kind):
                sent, _ = self.under(lambda: self.crowd(kind, connections), connections * self.connection_bytes)
                self.assertGreater(sent["made"], 500)

    def test_a12_tls_that_stops_or_goes_on_and_on(self):
        for kind, connections in (("hello", 8_000), ("tls", 100)):
            with self.subTest(kind=kind):
                self.under(lambda: self.crowd(kind, connections, port=5061),
                           connections * self.connection_bytes + self.flood_bytes)

    def crowd(self, kind, connections, port=5060):
        found = []
        friend = threading.Timer(0.5, lambda: found.append(self.registers()))
        friend.start()
        sent = self.strangers().crowd(kind, 2, connections, port)
        friend.join()
        self.assertEqual(found, ["200"])
        return sent

    def registers(self):
        """What a phone gets that registers over TCP from an address that nobody knows."""
        words = ["/usr/bin/python3", stranger.__file__, f"{self.town.place.v4}:5060", siege.DOMAIN, "--tcp",
                 f"{siege.FIRST_USER}:{siege.secret(siege.FIRST_USER)}"]
        return subprocess.run(self.bystander.command(*words), capture_output=True, text=True, timeout=30).stdout.strip()

    def test_the_calls_are_all_there_at_the_end(self):
        """Last, by its name: each is ended by its phone, and the carrier hears of it."""
        report = self.customers.settle()
        self.assertEqual((report["held"], report["lost"]), (siege.CALLS, 0), report)
        report = self.customers.end()
        self.assertEqual((report["lost"], report["failed"]), (0, 0), report)
        eventually(lambda: self.server.ask("calls") == [], 10, "the end of all calls")
        self.assertEqual(self.server.metrics()["martinet_calls_poisoned_total"], 0)


if __name__ == "__main__":
    unittest.main()
