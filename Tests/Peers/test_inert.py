"""What strangers are called, in front of an operator: it gives his terminal no orders, and stays on its line in the log."""

import pathlib
import shutil
import socket
import tempfile
import unittest

from .support.process import eventually
from .support.server import Martinet

# Clears the screen of a terminal that obeys it (ECMA-48, ED), and begins a line of its own.
ORDERS = "%1B%5B2J%0D%0A"


class Inert(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-inert-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.carrier = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.carrier.close)
        self.carrier.bind(("127.0.0.1", 0))
        self.carrier.settimeout(10)
        self.port = self.carrier.getsockname()[1]
        self.server = Martinet(self.folder, sip="127.0.0.1:15060", http="127.0.0.1:19090")
        self.addCleanup(self.server.stop)
        self.server.office(
            extensions=(101,), numbers=['{ number: "+34976222101", to: ["101"] }'],
            trunks={"carrier": f'{{ name: carrier, address: "sip:127.0.0.1:{self.port};transport=udp", probe: 0 }}'})
        self.server.start()

    def call(self):
        """A call of the carrier's, to a phone that is not there; the final answer."""
        body = (f"v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                f"m=audio 30000 RTP/AVP 8\r\n")
        self.carrier.sendto((
            f"INVITE sip:+34976222101@127.0.0.1:15060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bKinert\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{ORDERS}@carrier.example>;tag=1\r\nTo: <sip:+34976222101@127.0.0.1>\r\n"
            f"Call-ID: inert\r\nCSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1:{self.port}>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode(), ("127.0.0.1", 15060))
        while True:
            status = int(self.carrier.recv(65536).removeprefix(b"SIP/2.0 ")[:3])
            if status >= 200:
                return status

    def test_a46_what_a_caller_is_called_gives_no_orders(self):
        self.assertEqual(self.call(), 480)
        eventually(lambda: self.server.records(), 10, "the record")
        self.assertEqual(self.server.records()[0]["from"], "\x1b[2J\r\n", "as it came, for machines")
        table = self.server.run("records", "--data", self.server.data).stdout
        log = self.server.process.output()
        for name, text in (("table", table), ("log", log)):
            with self.subTest(name):
                self.assertIn("[2J", text)
                self.assertNotIn("\x1b", text)
        self.assertEqual(len(table.splitlines()), 2, table)
        self.assertEqual(len([line for line in log.splitlines() if "[2J" in line]), 1, "and all of it on one line")
