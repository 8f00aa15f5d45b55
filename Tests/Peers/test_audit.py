"""The audit: nothing to say of a well-kept server, and every planted weakness is found."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from .support import careless
from .support.authority import Authority
from .support.network import Network
from .support.older import weaken
from .support.process import Process, eventually
from .support.server import Martinet, password

NOBODY = 65534
FILTER = """\
table {family} shield {{
  chain arrivals {{
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    meta l4proto {{ tcp, udp }} th dport {{ 5060, 5061, 10000-10999{more} }} accept
  }}
}}
"""


class Kept(Martinet):
    """A server that runs as the unit has it: as nobody, who may change the kernel's filter."""

    def _command(self, *words, before=()):
        if words[0] == "serve":
            before = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=+net_admin",
                      "--ambient-caps=+net_admin", *before]
        return super()._command(*words, before=before)

    def hand_over(self, *folders):
        """Gives files that commands of root have made to the server."""
        for folder in folders:
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)


class Audit(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-audit-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        network = self.enterContext(Network())
        self.place, self.elsewhere = network.host(), network.host()
        self.sip = f"{self.place.v4}:5060,[{self.place.v6}]:5060"

    def configuration(self):
        return {
            "version": 1,
            "tenants": [{
                "name": "office", "domain": "office.example", "timezone": "Europe/Madrid", "country": "ES",
                "sources": ["10.66.0.0/24", "fd66::/64"], "limits": {"spend": {"day": 50, "month": 500}},
                "destinations": {"allow": ["+44"]},
                "extensions": [{"number": str(number), "password": password(number)} for number in (101, 102)],
                "trunks": ["carrier"], "rates": {"sell": "retail"},
                "notices": {"webhooks": [{"url": "https://hooks.example/", "secret": "k3hs8fj2ls9dk3hfq7"}]},
            }],
            "trunks": [{"name": "carrier", "address": "sip:10.66.0.77"}],
            "rates": [{"name": "retail", "file": "retail.csv"}],
        }

    def audit(self, server, *words, fails=False):
        """The findings by their names, and the summary."""
        result = server.run("audit", "--data", server.data, "--json", *words, check=False)
        self.assertEqual(result.returncode, 1 if fails else 0, result.stdout + result.stderr)
        *findings, summary = map(json.loads, result.stdout.splitlines())
        self.assertEqual([row["severity"] for row in findings], sorted(
            [row["severity"] for row in findings], key=["critical", "high", "medium", "low"].index))
        named = {}
        for row in findings:
            named.setdefault(row["id"], []).append(row)
        return named, summary

    def shield(self, family="inet", *ports):
        rules = FILTER.format(family=family, more="".join(f", {port}" for port in ports))
        subprocess.run(self.place.command("/usr/sbin/nft", "-f", "-"), input=rules.encode(), check=True)

    def listen(self, *places):
        """Somebody else's program on this machine."""
        code = ("import socket,sys,time\n"
                "for place in sys.argv[1:]:\n"
                "  host, port = place.rsplit(':', 1)\n"
                "  kind = socket.AF_INET6 if ':' in host else socket.AF_INET\n"
                "  link = socket.create_server((host, int(port)), family=kind)\n"
                "  globals()[place] = link\n"
                "print('ready', flush=True)\ntime.sleep(600)")
        other = Process(self.place.command("/usr/bin/python3", "-c", code, *places), self.folder / "other.log")
        self.addCleanup(other.stop)
        other.wait_for("^ready")

    def remote(self, *words, fails=False):
        """Asks from another machine: the findings by their names, and the summary."""
        asks = Martinet(self.folder / "asks", host=self.elsewhere)
        result = asks.run("audit", *words, "--json", check=False)
        self.assertEqual(result.returncode, 1 if fails else 0, result.stdout + result.stderr)
        *findings, summary = map(json.loads, result.stdout.splitlines())
        return {row["id"]: row for row in findings}, summary

    def well_kept(self, *branches, more_sip=(), ports=()):
        """Each branch is one more tenant, with a certificate of its own."""
        server = Kept(self.folder / "server", host=self.place, sip=",".join([self.sip, *more_sip]), rtp="10000-10999")
        self.addCleanup(server.stop)
        configuration = self.configuration()
        [office] = configuration["tenants"]
        configuration["tenants"] += [{**office, "name": name, "domain": f"{name}.example"} for name in branches]
        server.apply(configuration)
        authority = Authority(self.folder, "phones")
        tls = authority.identity("pbx", self.place.v4, ["office.example"], key=["rsa:2048"])
        for name in branches:
            authority.identity(name, domains=[f"{name}.example"]).rename(tls / name)
        authority.folder.chmod(0o755)
        server.hand_over(server.data, tls)
        self.shield("inet", *ports)
        return server.start(20, "--tls-folder", tls, "--firewall", "on")

    def test_a_well_kept_server_gets_an_a_and_notices_nothing(self):
        server = self.well_kept()
        for turn in range(3):
            named, summary = self.audit(server, "--fail-at", "low")
            self.assertEqual((named, summary["grade"]), ({}, "A"))
        self.assertEqual(summary["probed"], [
            f"{kind} {address}:{port}" for address in (self.place.v4, f"[{self.place.v6}]")
            for kind, port in (("UDP", 5060), ("TCP", 5060), ("TLS", 5061))])
        trial = summary["passwords"]
        self.assertEqual((trial["phones"], trial["complete"]), (2, True))
        self.assertGreater(trial["guesses"], 100_000)
        self.assertEqual(server.ask("bans"), [])
        self.assertEqual(server.ask("registrations") + server.ask("records") + server.ask("calls"), [])
        self.assertEqual(summary["unseen"], 0)

    def test_from_another_machine_as_much_is_seen_as_is_named(self):
        self.well_kept()
        for place in (self.place.v4, f"[{self.place.v6}]:5060", f"tcp:{self.place.v4}", f"tls:[{self.place.v6}]"):
            with self.subTest(place):
                named, summary = self.remote("--target", place, "--domain", "office.example", "--user", "101", "--fail-at",
                                             "low")
                self.assertEqual((named, summary["grade"]), ({}, "A"))
        named, summary = self.remote("--target", self.place.v4, "--domain", "office.example")
        self.assertEqual((set(named), summary["grade"], summary["unseen"]), ({"unseen.users"}, "B", 3))
        named, summary = self.remote("--target", self.place.v4)
        self.assertIn("unseen.tls", named)
        self.assertNotEqual(summary["grade"], "A")

    def test_phones_in_browsers_are_asked_as_others_are(self):
        self.well_kept(more_sip=[f"ws:{self.place.v4}:4080", f"wss:{self.place.v4}:4443"], ports=[4080, 4443])
        server = Martinet(self.folder / "server", host=self.place)
        named, summary = self.audit(server, "--fail-at", "low")
        self.assertEqual((named, summary["grade"]), ({}, "A"))
        self.assertIn(f"WS {self.place.v4}:4080", summary["probed"])
        for place in (f"ws:{self.place.v4}:4080", f"wss:{self.place.v4}:4443"):
            with self.subTest(place):
                named, summary = self.remote("--target", place, "--domain", "office.example", "--user", "101", "--fail-at",
                                             "low")
                self.assertEqual((named, summary["grade"]), ({}, "A"))
        named, summary = self.remote("--target", f"ws:{self.place.v4}:5060")
        self.assertIn("sip.silent", named)

    def test_who_does_not_answer_is_not_called_well_and_takes_no_long_time(self):
        subprocess.run(self.place.command("/usr/sbin/nft", "-f", "-"), check=True,
                       input=FILTER.format(family="inet", more="").replace("accept", "drop").encode())
        self.drip("0.0.0.0", 6061)
        for place, wanted in ((self.place.v4, "sip.silent"), ("10.66.0.99", "sip.silent"),
                              (f"tls:{self.elsewhere.v4}:6061", "unseen.tls")):
            with self.subTest(place):
                start = time.monotonic()
                named, summary = self.remote("--target", place, "--domain", "office.example", "--user", "101")
                self.assertIn(wanted, named)
                self.assertNotEqual(summary["grade"], "A")
                self.assertLess(time.monotonic() - start, 40)

    def drip(self, address, port):
        """Somebody who takes connections, and says a byte now and then."""
        code = ("import socket,sys,time\n"
                "door = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
                "door.setblocking(False)\nlinks = []\nprint('ready', flush=True)\n"
                "while True:\n"
                "  try: links.append(door.accept()[0])\n"
                "  except BlockingIOError: pass\n"
                "  for link in links:\n"
                "    try: link.send(b'\\x16')\n"
                "    except OSError: pass\n"
                "  time.sleep(0.5)")
        slow = Process(self.elsewhere.command("/usr/bin/python3", "-c", code, address, port), self.folder / "slow.log")
        self.addCleanup(slow.stop)
        slow.wait_for("^ready")

    def test_each_tenant_may_have_a_certificate_of_its_own(self):
        server = self.well_kept("branch", "shop")
        named, summary = self.audit(server, "--fail-at", "low")
        self.assertEqual((named, summary["grade"]), ({}, "A"))
        shutil.rmtree(self.folder / "authority-phones" / "pbx" / "shop")
        rows = eventually(lambda: self.audit(server)[0].get("certificate.name"), 20, "a name without a certificate")
        for row in rows:
            self.assertIn("no certificate that stands for shop.example.", row["finding"])

    def test_what_is_planted_in_settings_files_and_ports_is_found(self):
        configuration = self.configuration()
        [tenant] = configuration["tenants"]
        tenant["limits"], tenant["notices"] = {}, {}
        del tenant["sources"]
        tenant["destinations"] = {"international": "allow", "premium": "allow"}
        none = {"spend": {"day": "none", "month": "none"}}
        tenant["extensions"] += [
            {"number": "103", "password": password(103), "limits": none},
            {"number": "104", "password": password(104), "limits": {"spend": {"day": 5000}}}]
        configuration["trunks"] = [
            {"name": "carrier", "address": "sip:carrier.example"},
            {"name": "other", "address": "sip:10.66.0.78", "sources": ["203.0.0.0/16"],
             "register": {"username": "us", "password": "telefon1"}}]
        configuration["platform"] = {"never_ban": ["0.0.0.0/0"], "notices": {}}
        server = Martinet(self.folder / "server", host=self.place, sip=self.sip, http="0.0.0.0:9090",
                          rtp="10000-10999")
        self.addCleanup(server.stop)
        server.apply(configuration)
        weaken(server.data, "office", "102", "102102")
        server.start(20, "--firewall", "off")
        self.shield("ip", 5432, 4444, 9090)
        # What the filter closes is not open: MySQL is told of nowhere.
        self.listen("0.0.0.0:5432", ":::23", "0.0.0.0:4444", "127.0.0.1:6379", "0.0.0.0:3306")
        server.data.chmod(0o755)
        (server.data / "tls" / "key.pem").chmod(0o644)
        (server.data / "control.sock").chmod(0o666)
        (server.data / "copy.db").write_text("")
        words = self.folder / "words"
        words.write_text(f"nothing\n{password(101)}\n")
        # Beside the settings lies what was applied, with the passwords in it.
        settings = self.folder / "server" / "martinet.yaml"
        settings.write_text("log_level: info\n")
        settings.chmod(0o666)
        named, summary = self.audit(server, "--words", words, "--config", settings, fails=True)
        self.assertEqual(summary["grade"], "F")
        guessed = named.pop("password.phone")
        self.assertEqual([(row["tenant"], row["extension"]) for row in guessed], [("office", "101"), ("office", "102")])
        for name, where in {
            "password.trunk": {"trunk": "other"},
            "calls.unlimited": {"extension": "103"}, "calls.costly": {"tenant": "office"},
            "limits.high": {"extension": "104"}, "limits.tenant": {"tenant": "office"},
            "sources.anywhere": {"extension": "101, 102, 103, 104"}, "sources.trunk-name": {"trunk": "carrier"},
            "sources.trunk-wide": {"trunk": "other"}, "guard.never-ban": {}, "guard.kernel": {},
            "notices.nobody": {"tenant": "office"}, "file.folder": {"file": str(server.data)},
            "file.secret": {"file": str(server.data / "tls" / "key.pem")},
            "file.control": {"file": str(server.data / "control.sock")},
            "file.backup": {"file": str(server.data / "copy.db")}, "process.root": {},
            "file.clear": {"file": str(self.folder / "server" / "configuration.yaml")},
            "file.changeable": {"file": str(settings)},
            "port.control": {"address": "TCP [::]:23"}, "port.data": {"address": "TCP 0.0.0.0:5432"},
            "port.other": {"address": "TCP 0.0.0.0:4444"}, "port.http": {"address": "TCP 0.0.0.0:9090"},
            "firewall.ipv6": {}, "certificate.self-signed": {}, "certificate.name": {},
        }.items():
            with self.subTest(name):
                row = named.pop(name)[0]
                self.assertEqual({key: row.get(key) for key in where}, where)
                self.assertTrue(row["why"] and row["way_out"] and row["finding"])
        self.assertEqual(named, {})
        log = server.process.output()
        for secret in (password(101), "102102"):
            self.assertNotIn(secret, log + json.dumps(summary))

    def test_e7_a_weak_password_of_an_older_version_is_found_while_the_server_runs_and_before(self):
        server = Martinet(self.folder / "server", host=self.place, sip=self.sip, rtp="10000-10999")
        self.addCleanup(server.stop)
        server.apply(self.configuration())
        weaken(server.data, "office", "102", "102102")
        for runs in (False, True):
            with self.subTest(runs=runs):
                if runs:
                    server.start(20, "--firewall", "off")
                named, summary = self.audit(server, fails=True)
                [row] = named["password.phone"]
                self.assertEqual((row["extension"], row["severity"]), ("102", "critical"))
                self.assertNotIn("102102", json.dumps(row))
                self.assertEqual(bool(summary["probed"]), runs)
                self.assertEqual("unseen.network" in named, not runs)

    def test_a_server_that_tells_strangers_too_much(self):
        server = self.well_kept()
        bad = Process(self.place.command("/usr/bin/python3", careless.__file__, self.place.v4, 7070, 101),
                      self.folder / "careless.log")
        self.addCleanup(bad.stop)
        bad.wait_for("^ready")
        named, _ = self.audit(server, "--sip", f"udp:{self.place.v4}:7070", fails=True)
        for name in ("call", "relay", "register", "users", "version", "amplifies", "digest"):
            with self.subTest(name):
                self.assertEqual(named[f"sip.{name}"][0]["address"], f"UDP {self.place.v4}:7070")
        named, _ = self.audit(server, "--sip", f"udp:{self.place.v4}:7071")
        self.assertIn("sip.silent", named)

    def test_old_tls_and_a_certificate_that_nobody_should_take(self):
        key, certificate = self.folder / "old.key", self.folder / "old.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-sha1", "-nodes", "-keyout", key, "-out",
                        certificate, "-days", "3", "-subj", "/CN=old"], check=True, capture_output=True)
        ask = Martinet(self.folder / "asks", host=self.elsewhere)
        for port, words, wanted in (
            (7061, ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
             {"tls.version", "tls.modern", "tls.cipher", "tls.secrecy", "certificate.self-signed", "certificate.ends",
              "certificate.weak", "certificate.name"}),
            (7063, ["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],
             {"tls.secrecy", "tls.modern", "certificate.self-signed", "certificate.ends", "certificate.weak",
              "certificate.name"}),
        ):
            old = Process(self.place.command("openssl", "s_server", "-accept", port, "-key", key, "-cert", certificate,
                                             *words), self.folder / f"openssl-{port}.log", stdin=subprocess.PIPE)
            self.addCleanup(old.stop)
            old.wait_for("ACCEPT")
            result = ask.run("audit", "--target", f"{self.place.v4}:{port - 1}", "--domain", "office.example", "--json",
                             check=False)
            found = {json.loads(line).get("id", "unseen.") for line in result.stdout.splitlines()}
            seen = {name for name in found if not name.startswith("unseen.")}
            with self.subTest(port=port):
                self.assertEqual(seen - {"sip.silent"}, wanted, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
