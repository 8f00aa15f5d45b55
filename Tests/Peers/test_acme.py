"""Certificates from an authority: Pebble issues them after it has looked, refuses what it cannot see, and gives new ones."""

import json
import pathlib
import select
import shutil
import socket
import ssl
import stat
import tempfile
import time
import unittest

from .support.authority import Authority
from .support.mail import MailServer
from .support.pebble import Pebble
from .support.process import eventually
from .support.server import Martinet

SIP, HTTP, ACME, CHALLENGES = 15060, 19090, 16000, 16080
NAMES = ("pbx.example.com", "office.example.com")


class Issuing(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-acme-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder, "web")
        self.server = Martinet(self.folder / "server", sip=f"127.0.0.1:{SIP}", http=f"127.0.0.1:{HTTP}")
        self.server.office()
        self.tls = self.server.data / "tls"
        self.addCleanup(self.server.stop)

    def pebble(self, challenge_port=CHALLENGES, **words):
        pebble = Pebble(self.folder, self.authority, ACME, challenge_port, **words)
        self.addCleanup(pebble.stop)
        return pebble

    def start(self, pebble, names=NAMES):
        self.server.start(20, "--acme-directory", pebble.directory, "--acme-names", ",".join(names),
                          "--acme-contact", "admin@example.com", "--acme-http", f"127.0.0.1:{CHALLENGES}",
                          "--tls-authorities", pebble.certificate)

    def shown(self, name, root):
        """Whether a client that believes the authority alone gets a certificate for `name`, and its serial number."""
        context = ssl.create_default_context(cafile=root)
        with socket.create_connection(("127.0.0.1", SIP + 1), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=name) as connection:
                return connection.getpeercert()["serialNumber"]

    def finding(self, subject, *words):
        output = self.server.run("doctor", "--data", self.server.data, "--json", *words, check=False).stdout
        return next(row for row in map(json.loads, output.splitlines()) if row["subject"] == subject)

    def status(self):
        return {row.get("folder"): row for row in self.server.ask("status")[0]["certificates"]}

    def issued(self, name):
        """Waits for the certificate of `name`, or for the reason why there is none."""
        def row():
            return self.status().get(f"acme-{name}", {})
        eventually(lambda: "until" in row() or row().get("complaint"), 60, f"the certificate for {name}")
        self.assertIsNone(row().get("complaint"))

    def test_names_get_certificates_and_keep_them_over_a_restart(self):
        pebble = self.pebble()
        self.start(pebble)
        for name in NAMES:
            self.issued(name)
        root = pebble.root()
        numbers = {name: self.shown(name, root) for name in NAMES}
        self.assertEqual(len(set(numbers.values())), 2)
        for name in NAMES:
            key = self.tls / f"acme-{name}" / "key.pem"
            self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
            self.assertEqual(self.status()[f"acme-{name}"]["names"], [name])
            self.assertGreater(self.status()[f"acme-{name}"]["until"], self.status()[f"acme-{name}"]["renewal"])
        self.assertEqual(stat.S_IMODE((self.tls / "acme-account.pem").stat().st_mode), 0o600)
        # The first is for who asks for nobody, too.
        context = ssl.create_default_context(cafile=root)
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", SIP + 1), timeout=5) as plain, context.wrap_socket(plain) as connection:
            self.assertEqual(connection.getpeercert()["serialNumber"], numbers[NAMES[0]])
        # Nothing else is answered there.
        for path in ("/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/nothing"):
            with socket.create_connection(("127.0.0.1", CHALLENGES), timeout=5) as plain:
                plain.sendall(f"GET {path} HTTP/1.1\r\nHost: pbx.example.com\r\n\r\n".encode())
                self.assertTrue(plain.recv(4096).startswith(b"HTTP/1.1 404 "))

        log = self.server.process.output()
        self.assertNotIn("PRIVATE KEY", log)
        for secret in (self.tls / "acme-account.pem", self.tls / f"acme-{NAMES[0]}" / "key.pem"):
            self.assertNotIn(secret.read_text().splitlines()[1], log)

        # A restart orders nothing.
        self.server.stop()
        self.start(pebble)
        self.assertEqual({name: self.shown(name, root) for name in NAMES}, numbers)
        time.sleep(2)
        self.assertEqual({name: self.shown(name, root) for name in NAMES}, numbers)
        self.assertNotIn("is ordered", self.server.process.output())

    def test_the_door_for_the_authority_is_narrow(self):
        pebble = self.pebble()
        self.start(pebble, NAMES[:1])
        self.issued(NAMES[0])

        def door():
            plain = socket.create_connection(("127.0.0.1", CHALLENGES), timeout=15)
            self.addCleanup(plain.close)
            return plain

        def heard(plain):
            try:
                return plain.recv(4096)
            except ConnectionResetError:
                return b""

        other = door()
        other.sendall(b"POST /.well-known/acme-challenge/x HTTP/1.1\r\n\r\n")
        self.assertTrue(heard(other).startswith(b"HTTP/1.1 404 "))
        endless = door()
        endless.sendall(b"GET /" + b"x" * 5_000)
        self.assertEqual(heard(endless), b"")
        # At most 16 of an address may say nothing, and they are not waited for; the first ones make room.
        begin = time.monotonic()
        silent = [door() for _ in range(80)]
        eventually(lambda: len(select.select(silent, [], [], 0)[0]) >= 64, 5, "the end of those who are too many")
        self.assertEqual([heard(plain) for plain in silent], [b""] * 80)
        self.assertGreater(time.monotonic() - begin, 9, "the others had their time")

    def test_a_certificate_is_renewed_when_two_thirds_of_its_life_are_over(self):
        pebble = self.pebble(life_s=15)
        self.start(pebble, NAMES[:1])
        self.issued(NAMES[0])
        root, begin = pebble.root(), time.monotonic()
        first = self.shown(NAMES[0], root)
        time.sleep(5)
        self.assertEqual(self.shown(NAMES[0], root), first, "not before its time")
        eventually(lambda: self.shown(NAMES[0], root) != first, 20, "the next one")
        self.assertLess(time.monotonic() - begin, 15, "before the first has ended")

    def test_one_that_is_lost_is_got_anew(self):
        pebble = self.pebble()
        self.start(pebble, NAMES[:1])
        folder = self.tls / f"acme-{NAMES[0]}"
        self.issued(NAMES[0])
        root = pebble.root()
        before = self.shown(NAMES[0], root)
        self.server.stop()
        (folder / "certificate.pem").write_text("")
        self.start(pebble, NAMES[:1])
        eventually(lambda: self.status().get(folder.name, {}).get("complaint") is None, 60, "a new one")
        eventually(lambda: self.shown(NAMES[0], root) != before, 10, "it is shown")

    def test_an_authority_that_cannot_look_gives_none_and_is_not_asked_too_often(self):
        # It looks at a port where nobody answers.
        pebble = self.pebble(challenge_port=CHALLENGES + 1)
        mail = self.enterContext(MailServer())
        self.server.apply({
            "version": 1, "platform": {"notices": {"mail": ["operator@pbx.example"]}},
            "tenants": [{"name": "office", "domain": "office.example", "country": "ES"}],
            "mail": {"server": f"smtp://127.0.0.1:{mail.port}", "from": "martinet@pbx.example"}})
        self.start(pebble, NAMES[:1])
        reason = eventually(lambda: self.status()[f"acme-{NAMES[0]}"].get("complaint"), 60, "the reason")
        self.assertIn(f"does not reach {NAMES[0]} on port 80", reason)
        letter = eventually(lambda: next((row[2] for row in mail.letters), None), 10, "the mail to the operator")
        self.assertIn(f"does not reach {NAMES[0]}", letter.get_content().replace("\n", " "))
        self.assertNotIn("until", self.status()[f"acme-{NAMES[0]}"])
        words = ("--acme-directory", pebble.directory, "--acme-names", NAMES[0])
        finding = self.finding(f"certificate for {NAMES[0]}", *words)
        self.assertEqual(finding["verdict"], "problem")
        self.assertIn("The next attempt is at", finding["finding"])
        # Not sooner because of a restart.
        self.server.stop()
        self.start(pebble, NAMES[:1])
        time.sleep(3)
        self.assertNotIn("is ordered", self.server.process.output())
        # The standard certificate of our own making serves meanwhile.
        context = ssl.create_default_context(cafile=self.tls / "certificate.pem")
        context.check_hostname = False
        with socket.create_connection(("127.0.0.1", SIP + 1), timeout=5) as plain, context.wrap_socket(plain):
            pass

    def test_the_server_ends_without_waiting_for_an_authority_that_hangs(self):
        pebble = self.pebble()
        pebble.freeze()
        self.start(pebble, NAMES[:1])
        eventually(lambda: "is ordered" in self.server.process.output(), 10, "the order")
        begin = time.monotonic()
        self.assertEqual(self.server.process.stop(20), 0)
        self.assertLess(time.monotonic() - begin, 5)
        # Nor is that a failure of the authority's, to be waited for at the next start.
        self.assertFalse((self.tls / f"acme-{NAMES[0]}" / "renewal.json").exists())

    def test_an_authority_that_nobody_vouches_for_is_not_believed(self):
        pebble = self.pebble()
        stranger = Authority(self.folder, "stranger")
        self.server.start(20, "--acme-directory", pebble.directory, "--acme-names", NAMES[0], "--acme-http",
                          f"127.0.0.1:{CHALLENGES}", "--tls-authorities", stranger.certificate)
        reason = eventually(lambda: self.status()[f"acme-{NAMES[0]}"].get("complaint"), 60, "the reason")
        self.assertIn("cannot be asked", reason)
        self.assertIn("tls_authorities", reason)


if __name__ == "__main__":
    unittest.main()
