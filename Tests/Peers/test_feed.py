"""The shared list under strain: neither a peer nor a stranger at its port keeps calls waiting, readers out, or the server from stopping."""

import contextlib
import json
import pathlib
import shutil
import socket
import sqlite3
import ssl
import tempfile
import time
import unittest

from .support import stranger
from .support.authority import Authority
from .support.lister import Feed, Lister
from .support.process import eventually
from .support.server import Martinet, password

TOKEN = "a-token-of-the-reader-0123456789"
LIST = ("127.0.0.1", 25081)
# Networks of their own, so that strangers and the reader are no neighbours.
STRANGER, ANOTHER, SCANNER = "127.0.7.2", "127.0.7.3", "127.0.9.9"


class Strain(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-feed-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        authority = Authority(self.folder, "operators")
        self.lister = Lister(self.folder)
        self.feed = Feed(25080, authority.identity("peer", "127.0.0.1"), TOKEN)
        self.addCleanup(self.feed.stop)
        self.server = Martinet(self.folder / "server", sip="127.0.0.1:15060", http="127.0.0.1:19090", rtp="10000-10999")
        self.addCleanup(self.server.stop)
        self.server.office()
        path = self.folder / "server.yaml"
        path.write_text(json.dumps({"sharing": {
            "listen": "%s:%d" % LIST, "readers": [{"name": "all", "token": TOKEN}],
            "peers": [{"name": "peer", "url": "https://127.0.0.1:25080", "key": self.lister.key, "trust": "ban",
                       "token": TOKEN, "authorities": str(authority.certificate)}]}}))
        self.server.start(20, "--firewall", "off", "--config", path)

    def registers(self, address, user, secret):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(8)
            link.bind((address, 0))
            link.connect(("127.0.0.1", 15060))
            return stranger.register(link, "UDP", "office.example", user, secret, 1)

    def connect(self, address, secure=True):
        link = socket.create_connection(LIST, timeout=5, source_address=(address, 0))
        self.addCleanup(link.close)
        if not secure:
            return link
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = context.wrap_socket(link)
        self.addCleanup(link.close)
        return link

    def reads(self):
        """Whether a reader with a token gets the list, within five seconds."""
        link = self.connect("127.0.0.1")
        link.sendall(f"GET /bans/list HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        return link.recv(4096).startswith(b"HTTP/1.1 200")

    def ends(self, link, seconds):
        """How long a connection lasts yet, on which nothing else is done than reading what comes."""
        link.settimeout(seconds)
        since = time.monotonic()
        with contextlib.suppress(OSError):
            while link.recv(65536):
                pass
        return time.monotonic() - since

    def test_a_list_that_waits_for_the_disk_keeps_no_call_waiting(self):
        database = sqlite3.connect(self.server.data / "martinet.db", isolation_level=None, timeout=10)
        self.addCleanup(database.close)
        database.execute("BEGIN IMMEDIATE")
        self.feed.entries.append(self.lister.next("203.0.113.7"))
        eventually(lambda: self.feed.told, 10, "the peer's entry to be fetched")
        time.sleep(0.2)
        since = time.monotonic()
        for number in range(5):
            self.assertEqual(self.registers(SCANNER, f"9{number}", "x"), 401)
        status = self.registers("127.0.0.1", "101", password(101))
        took = time.monotonic() - since
        database.execute("ROLLBACK")
        print(f"a ban and a registration while the list waited for the disk took {took * 1000:.0f} ms", flush=True)
        self.assertEqual(status, 200)
        self.assertLess(took, 2)
        eventually(lambda: any(row["network"] == SCANNER for row in self.server.ask("bans")), 5, "the ban")
        eventually(lambda: self.server.ask("bans", "peers")[0]["sequence"] == 1, 15, "the entry afterwards")

    def test_b_strangers_keep_no_reader_out(self):
        silent = []
        for _ in range(300):
            with contextlib.suppress(OSError):
                silent.append(self.connect(STRANGER, secure=False))
        self.assertTrue(self.reads())
        # Bodies that come byte by byte.
        for _ in range(8):
            self.connect(ANOTHER).sendall(
                b"POST /bans/log HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        self.assertTrue(self.reads())

    def test_b_a_stranger_who_reads_nothing_does_not_hold_up_the_end(self):
        for _ in range(4):
            link = self.connect(ANOTHER)
            link.settimeout(3)
            with contextlib.suppress(OSError):
                link.sendall(b"GET /bans/log HTTP/1.1\r\nHost: a\r\n\r\n" * 200_000)
        # Nor does one who has asked the page for monitoring.
        link = socket.create_connection(("127.0.0.1", 19090), timeout=3)
        self.addCleanup(link.close)
        with contextlib.suppress(OSError):
            link.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 200_000)
        since = time.monotonic()
        self.server.stop()
        took = time.monotonic() - since
        print(f"stopped beside strangers who read nothing in {took:.1f} s", flush=True)
        self.assertLess(took, 6)

    def test_c_who_shows_no_token_is_answered_and_sent_away(self):
        link = self.connect(STRANGER)
        link.sendall(b"POST /bans/log HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx")
        self.assertIn(b"401", link.recv(4096))
        self.assertLess(self.ends(link, 15), 9)

    def test_d_what_is_only_watched_can_be_lifted(self):
        self.feed.entries.append(self.lister.next("203.0.113.7"))
        eventually(lambda: self.server.ask("bans"), 10, "the ban")
        self.server.stop()
        path = self.folder / "server.yaml"
        path.write_text(path.read_text().replace('"trust": "ban"', '"trust": "watch"'))
        self.server.start(20, "--firewall", "off", "--config", path)
        [why] = self.server.ask("bans", "explain", "203.0.113.7")
        self.assertEqual([row["banned"] for row in why["reports"]], [False])
        said = self.server.run("bans", "lift", "203.0.113.7", "--data", self.server.data).stdout
        self.assertIn("is let go of", said)
        [why] = self.server.ask("bans", "explain", "203.0.113.7")
        self.assertEqual(why["reports"], [])
        again = self.server.run("bans", "lift", "203.0.113.7", "--data", self.server.data, check=False)
        self.assertNotEqual(again.returncode, 0)


if __name__ == "__main__":
    unittest.main()
