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


if __name__ == "__main__":
    unittest.main()
