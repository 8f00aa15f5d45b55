"""TLS as others see it: a scanner, clients that name whom they want, and certificates that are renewed under way."""

import itertools
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree as xml

from .support.authority import Authority
from .support.kamailio import Kamailio
from .support.mail import MailServer
from .support.process import eventually
from .support.server import Martinet

OPTIONS = ("OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{mark}\r\nMax-Forwards: 70\r\n"
           "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {mark}@peer\r\nCSeq: 1 OPTIONS\r\n"
           "Content-Length: 0\r\n\r\n")


class TLS(unittest.TestCase):
    sip_port, http_port = 15060, 19090
    # SIP over TLS, over WebSocket, and the shared list.
    doors = (sip_port + 1, 15443, 25080)
    # Who makes hundreds of connections is slowed down, and the scanner does.
    sources = itertools.cycle(f"127.0.1.{number}" for number in range(1, 255))

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.authority = Authority(cls.folder, "public")
        cls.server = Martinet(cls.folder / "server", sip=f"127.0.0.1:{cls.sip_port},wss:127.0.0.1:{cls.doors[1]}", http=f"127.0.0.1:{cls.http_port}")
        cls.mail = cls.enterClassContext(MailServer())
        cls.server.apply({
            "version": 1, "platform": {"notices": {"mail": ["operator@pbx.example"]}},
            "tenants": [{"name": "office", "domain": "office.example", "country": "ES"}],
            "mail": {"server": f"smtp://127.0.0.1:{cls.mail.port}", "from": "martinet@pbx.example"}})
        cls.tls = cls.server.data / "tls"
        cls.tls.mkdir()
        cls.put("pbx.example", cls.tls)
        # Phones of some years know RSA only: one of the names has such a key.
        cls.put("office.example", cls.tls / "office", key=["rsa:2048"])
        settings = cls.folder / "server.yaml"
        settings.write_text(json.dumps({"sharing": {
            "listen": f"127.0.0.1:{cls.doors[2]}", "readers": [{"name": "site", "token": "a-token-of-the-reader-0123456789"}]}}))
        cls.server.start(20, "--config", settings)
        cls.addClassCleanup(cls.server.stop)

    @classmethod
    def put(cls, name, folder, **words):
        """Puts a certificate for `name` and its key into a folder, as somebody who renews them."""
        made = cls.authority.identity(f"{name}-{len(list(cls.authority.folder.iterdir()))}", domains=[name], **words)
        folder.mkdir(exist_ok=True)
        for file in ("key.pem", "certificate.pem"):
            shutil.copy(made / file, folder / file)
        return made

    def connect(self, name, door=None):
        """A connection that asks for `name`, and believes in the authority."""
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.check_hostname = False
        plain = socket.create_connection(("127.0.0.1", door or self.doors[0]), 5, (next(self.sources), 0))
        connection = context.wrap_socket(plain, server_hostname=name)
        self.addCleanup(connection.close)
        return connection

    @staticmethod
    def shown(connection):
        """The name and the number of the certificate that the server has shown."""
        certificate = connection.getpeercert()
        return dict(certificate["subjectAltName"])["DNS"], certificate["serialNumber"]

    def serial(self, name):
        """The name and the number of what a new connection is shown at every door; (None, None) while they differ."""
        found = set()
        for door in self.doors:
            with self.connect(name, door) as connection:
                found.add(self.shown(connection))
        return found.pop() if len(found) == 1 else (None, None)

    def is_answered(self, connection, mark):
        connection.sendall(OPTIONS.format(mark=mark).encode())
        return connection.recv(4096).startswith(b"SIP/2.0 ")

    def scan(self, name, door, *words):
        result = subprocess.run(
            ["sslscan", "--no-colour", *words, f"--sni-name={name}", "--xml=-", f"127.0.0.1:{door}"],
            capture_output=True, text=True, timeout=120, check=True)
        return xml.fromstring(result.stdout).find("ssltest")

    def test_a_scanner_finds_no_weakness(self):
        for name, kind, bits in (("pbx.example", "EC", 128), ("office.example", "RSA", 2048)):
            with self.subTest(name):
                found = self.scan(name, self.doors[0], "--show-sigs")
                self.has_modern_ciphers_only(found)
                self.assertEqual(found.find("renegotiation").get("supported"), "0")
                self.assertEqual({row.get("vulnerable") for row in found.findall("heartbleed")}, {"0"})
                groups = {row.get("name"): int(row.get("bits")) for row in found.findall("group")}
                self.assertGreaterEqual(min(groups.values()), 128, groups)
                key = found.find("certificates/certificate/pk")
                self.assertEqual((key.get("type"), int(key.get("bits"))), (kind, bits))

        # The same for the other doors, in few connections: who makes hundreds is slowed down.
        for door in self.doors[1:]:
            with self.subTest(door=door):
                found = self.scan("pbx.example", door, "--no-groups", "--no-heartbleed")
                self.has_modern_ciphers_only(found)
                self.assertEqual(found.find("renegotiation").get("supported"), "0")

    def has_modern_ciphers_only(self, found):
        enabled = {f"{row.get('type')} {row.get('version')}" for row in found.findall("protocol")
                   if row.get("enabled") == "1"}
        self.assertEqual(enabled, {"tls 1.2", "tls 1.3"})
        ciphers = {(row.get("sslversion"), row.get("cipher")) for row in found.findall("cipher")}
        self.assertGreaterEqual(len(ciphers), 5)
        for version, cipher in ciphers:
            if version == "TLSv1.2":
                self.assertRegex(cipher, r"^ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)$")
            else:
                self.assertRegex(cipher, r"^TLS_(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$")
        self.assertGreaterEqual(min(int(row.get("bits")) for row in found.findall("cipher")), 128)

    def test_compression_is_not_taken(self):
        # sslscan cannot ask for it, since no library speaks it any more (CRIME).
        def block(size, content):
            return len(content).to_bytes(size, "big") + content

        extensions = b"".join(kind.to_bytes(2, "big") + block(2, content) for kind, content in (
            (10, block(2, bytes.fromhex("001d0017"))), (11, block(1, b"\0")),
            (13, block(2, bytes.fromhex("040308040401")))))
        hello = (b"\3\3" + bytes(32) + block(1, b"") + block(2, bytes.fromhex("c02bc02f")) + block(1, b"\1\0")
                 + block(2, extensions))
        with socket.create_connection(("127.0.0.1", self.sip_port + 1), timeout=5) as plain:
            plain.sendall(b"\x16\3\1" + block(2, b"\1" + block(3, hello)))
            answer = plain.recv(4096)
        self.assertEqual((answer[0], answer[5]), (22, 2), "a ServerHello")
        session = answer[43]
        self.assertEqual(answer[44 + session:47 + session], bytes.fromhex("c02b00"))

    def test_each_name_gets_its_certificate_and_strangers_the_standard_one(self):
        for asked, shown in (("office.example", "office.example"), ("OFFICE.example", "office.example"),
                             ("pbx.example", "pbx.example"), ("unknown.example", "pbx.example"), (None, "pbx.example")):
            with self.subTest(asked):
                for door in self.doors[1:]:
                    self.assertEqual(self.shown(self.connect(asked, door))[0], shown)
                connection = self.connect(asked)
                self.assertEqual(self.shown(connection)[0], shown)
                self.assertTrue(self.is_answered(connection, f"name-{shown}-{asked}"))

    def test_a_renewed_certificate_is_taken_while_connections_go_on(self):
        self.put("renewed.example", self.tls / "renewed")
        eventually(lambda: self.serial("renewed.example")[0] == "renewed.example", 10, "a new name")
        first = self.connect("renewed.example")
        self.assertTrue(self.is_answered(first, "before"))
        old = self.shown(first)[1]
        self.put("renewed.example", self.tls / "renewed")
        eventually(lambda: self.serial("renewed.example")[1] not in (old, None), 10, "the new one")
        self.assertTrue(self.is_answered(first, "after"), "the old connection goes on")

        # A broken one is told, and the one before stays.
        current = self.serial("renewed.example")[1]
        (self.tls / "renewed" / "certificate.pem").write_text("no certificate")
        eventually(lambda: "no certificate can be read" in self.server.process.output(), 10, "the log says so")
        self.assertEqual(self.serial("renewed.example")[1], current)
        finding = self.finding("certificate renewed")
        self.assertEqual(finding["verdict"], "problem")
        self.assertIn(str(self.tls / "renewed" / "certificate.pem"), finding["finding"])
        letter = eventually(lambda: next((row[2] for row in self.mail.letters), None), 10, "the mail to the operator")
        self.assertIn("certificate renewed", letter.get_content())

        # The key of another one.
        shutil.copy(self.tls / "office" / "certificate.pem", self.tls / "renewed" / "certificate.pem")
        eventually(lambda: "it is not the key of" in self.server.process.output(), 10, "the log says so")
        self.assertEqual(self.serial("renewed.example")[1], current)
        # One that has ended already.
        self.put("renewed.example", self.tls / "renewed", days=-1)
        eventually(lambda: re.search("renewed/certificate.pem: it ended at 20", self.server.process.output()), 10, "the log says so")
        self.assertEqual(self.serial("renewed.example")[1], current)
        shutil.rmtree(self.tls / "renewed")
        eventually(lambda: self.serial("renewed.example")[0] == "pbx.example", 10, "it is gone")

    def finding(self, subject):
        """What the doctor says of something."""
        output = self.server.run("doctor", "--data", self.server.data, "--json", check=False).stdout
        return next(row for row in map(json.loads, output.splitlines()) if row["subject"] == subject)


INVITE = ("INVITE sip:+34976100000@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.2:9;branch=z9hG4bK{mark}\r\nMax-Forwards: 70\r\n"
          "From: <sip:+34600111222@carrier.example>;tag=1\r\nTo: <sip:+34976100000@127.0.0.1>\r\nCall-ID: {mark}@carrier\r\n"
          "CSeq: 1 INVITE\r\nContact: <sip:127.0.0.2:9;transport=tls>\r\nContent-Type: application/sdp\r\n"
          "Content-Length: {length}\r\n\r\n{body}")
BODY = ("v=0\r\no=c 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n")


class CarrierCertificates(unittest.TestCase):
    """A carrier at 127.0.0.2 that proves itself by a certificate, and asks for ours."""

    sip_port, http_port, carrier_port = 15060, 19090, 15161

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-tls-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.known, cls.unknown = Authority(cls.folder, "known"), Authority(cls.folder, "unknown")
        cls.server = Martinet(cls.folder / "server", sip=f"127.0.0.1:{cls.sip_port}", http=f"127.0.0.1:{cls.http_port}")
        cls.apply("for-carrier")
        # The carrier has signed a certificate for us itself; the standard one is nothing to it.
        shutil.copytree(cls.known.identity("us", domains=["us.example"]), cls.server.data / "tls" / "for-carrier")
        identity = cls.known.identity("carrier", address="127.0.0.2")
        carrier = Kamailio(cls.folder, cls.carrier_port, 9, "u", "p", "carrier.example", address="127.0.0.2",
                           identity=identity, believes=cls.known.certificate)
        cls.addClassCleanup(carrier.stop)
        cls.server.start(20, "--tls-authorities", cls.known.certificate)
        cls.addClassCleanup(cls.server.stop)

    @classmethod
    def apply(cls, shown):
        cls.server.apply({
            "version": 1,
            "tenants": [{"name": "office", "domain": "office.example", "country": "ES", "trunks": ["carrier"],
                         "rates": {"sell": "retail", "purchase": "wholesale"},
                         "extensions": [{"number": "101", "password": "hilltop-101-lantern"}],
                         "numbers": [{"number": "+34976100000", "to": ["101"]}]}],
            "trunks": [{"name": "carrier", "address": f"sip:127.0.0.2:{cls.carrier_port};transport=tls", "probe": 1,
                        "client_certificate": "carrier.example", **({"present_certificate": shown} if shown else {})}],
            "rates": [{"name": "retail", "file": "retail.csv"}, {"name": "wholesale", "file": "wholesale.csv"}]})

    def answer(self, mark, identity=None, source="127.0.0.2"):
        """What a call over TLS from an address gets, with a certificate or without; "" where there is no connection."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if identity:
            context.load_cert_chain(identity / "certificate.pem", identity / "key.pem")
        try:
            plain = socket.create_connection(("127.0.0.1", self.sip_port + 1), 5, source_address=(source, 0))
            with context.wrap_socket(plain) as connection:
                connection.settimeout(5)
                connection.sendall(INVITE.format(mark=mark, length=len(BODY), body=BODY).encode())
                heard = b""
                while True:
                    part = connection.recv(8192)
                    heard += part
                    finals = [line.split()[1] for line in heard.decode().splitlines()
                              if line.startswith("SIP/2.0 ") and not line.startswith("SIP/2.0 1")]
                    if finals or not part:
                        return finals[0] if finals else ""
        except (ssl.SSLError, ConnectionError):
            return ""

    def state(self):
        return self.server.ask("trunks")[0]["state"]

    def test_only_its_certificate_at_its_address_is_the_carrier(self):
        carrier = self.known.identity("client", domains=["carrier.example"])
        other = self.known.identity("other", domains=["other.example"])
        forged = self.unknown.identity("forged", domains=["carrier.example"])
        # Nobody is registered, so that a carrier hears 480 and a stranger is asked who he is.
        self.assertEqual(self.answer("right", carrier), "480")
        self.assertEqual(self.answer("none"), "401")
        self.assertEqual(self.answer("other", other), "401")
        self.assertEqual(self.answer("forged", forged), "", "there is no connection")
        self.assertEqual(self.answer("elsewhere", carrier, source="127.0.0.3"), "401")
        # A phone elsewhere may have a certificate of its maker's.
        self.assertEqual(self.answer("phone", forged, source="127.0.0.3"), "401")
        with socket.create_connection(("127.0.0.1", self.sip_port), 5, source_address=("127.0.0.2", 0)) as plain:
            plain.sendall(INVITE.replace("/TLS", "/TCP").format(mark="tcp", length=len(BODY), body=BODY).encode())
            plain.settimeout(5)
            self.assertIn(b"SIP/2.0 401", plain.recv(8192))
        log = self.server.process.output()
        self.assertIn("a carrier's certificate is refused", log)
        self.assertRegex(log, "shown=other.example .*without its certificate")

    def test_it_is_shown_the_certificate_that_it_asks_for(self):
        eventually(lambda: self.state().startswith("up"), 10, "the carrier takes it")
        self.apply(None)
        self.addCleanup(self.apply, "for-carrier")
        # Probed each second, it never comes up with another one.
        time.sleep(4)
        self.assertFalse(self.state().startswith("up"), self.state())
        self.apply("not-there")
        eventually(lambda: "present_certificate" in self.state(), 15, "the reason")
        self.apply("for-carrier")
        eventually(lambda: self.state().startswith("up"), 15, "the carrier takes it again")


if __name__ == "__main__":
    unittest.main()
