"""The shared list: what one node bans another drops, and what is forged, replayed, over or poisoned does nothing (A48)."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from .support import stranger
from .support.authority import Authority
from .support.lister import Feed, Lister, is_signed, now_ms
from .support.network import Network
from .support.process import eventually
from .support.server import Martinet, password

TOKEN = "a-token-of-the-reader-0123456789"


def public(host):
    """An address of the host that may be listed: its own is private."""
    return f"203.0.113.{host.v4.rsplit('.', 1)[1]}"


def settings(path, sharing):
    path.write_text(json.dumps({"sharing": sharing}))
    return path


class TwoNodes(unittest.TestCase):
    """Two nodes, an office and thieves, each on a host of its own with a public address."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-sharing-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        network = cls.enterClassContext(Network())
        hosts = [network.host() for _ in range(8)]
        for host in hosts:
            subprocess.run(host.command("ip", "address", "add", f"{public(host)}/24", "dev", "eth0"), check=True)
        cls.places, cls.office, cls.thieves = hosts[:2], hosts[2], iter(hosts[3:])
        authority = Authority(cls.folder, "operators")
        cls.authority = authority.certificate
        cls.nodes = []
        for number, place in enumerate(cls.places):
            identity = authority.identity(f"node{number}", public(place))
            node = Martinet(cls.folder / f"node{number}", host=place, sip=f"{public(place)}:5060", rtp="10000-10999")
            node.options = ["--firewall", "on", "--tls-folder", identity, "--config", cls.folder / f"node{number}.yaml"]
            cls.addClassCleanup(node.stop)
            node.office(extensions=range(301, 321))
            cls.nodes.append(node)
        # Each learns the key of the other before it listens to it.
        keys = []
        for number, node in enumerate(cls.nodes):
            settings(cls.folder / f"node{number}.yaml", {})
            node.start(20, *node.options)
            [identity] = node.ask("bans", "identity")
            keys.append(identity["key"])
            node.stop()
        for number, node in enumerate(cls.nodes):
            other = 1 - number
            settings(cls.folder / f"node{number}.yaml", {
                "listen": f"{public(cls.places[number])}:5080", "readers": [{"name": "all", "token": TOKEN}],
                "peers": [{"name": f"node{other}", "url": f"https://{public(cls.places[other])}:5080", "key": keys[other],
                           "trust": "node", "token": TOKEN, "authorities": str(cls.authority)}]})
            node.start(20, *node.options)
        for node in cls.nodes:
            eventually(lambda node=node: node.ask("bans", "peers")[0].get("answered_at"), 40, "the other's list")

    def registers(self, host, place, *pairs):
        command = host.command("/usr/bin/python3", stranger.__file__, f"{public(place)}:5060", "office.example",
                               *[f"{user}:{secret}" for user, secret in pairs])
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.split()

    def scans(self, host, place):
        heard = self.registers(host, place, *[(f"9{number}", "x") for number in range(5)])
        self.assertEqual(heard, ["401"] * 5)

    def curl(self, *words):
        """What a reader at a site gets, with nothing but curl."""
        command = self.office.command("curl", "--silent", "--show-error", "--max-time", "40", "--cacert", self.authority, *words)
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def feed(self, path, place=0):
        result = self.curl("--fail", "-H", f"Authorization: Bearer {TOKEN}", f"https://{public(self.places[place])}:5080{path}")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def kernel(self, place):
        command = place.command("/usr/sbin/nft", "list", "table", "inet", "martinet_5060")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def is_banned(self, node, host):
        return any(row["network"] == public(host) for row in node.ask("bans"))

    def test_a_ban_here_drops_the_first_packet_there_within_two_seconds(self):
        thief = next(self.thieves)
        last = int(self.nodes[0].ask("bans", "identity")[0]["sequence"])
        waiting = subprocess.Popen(
            self.office.command("curl", "--silent", "--max-time", "40", "--cacert", str(self.authority), "-H",
                                f"Authorization: Bearer {TOKEN}",
                                f"https://{public(self.places[0])}:5080/bans/log?after={last}&wait=30"),
            stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        self.scans(thief, self.places[0])
        banned = time.monotonic()
        eventually(lambda: public(thief) in self.kernel(self.places[1]), 2, "the drop in the other's kernel")
        took = time.monotonic() - banned
        print(f"dropped by the kernel of the other node after {took * 1000:.0f} ms, the look included", flush=True)
        self.assertLess(took, 2)
        # Its first packet there, with a right password.
        self.assertEqual(self.registers(thief, self.places[1], ("301", password(301))), ["silence"])
        self.assertEqual(self.registers(self.office, self.places[1], ("302", password(302))), ["200"])

        line = waiting.communicate(timeout=10)[0]
        self.assertLess(time.monotonic() - banned, 10, "the reader at a site waited no longer than for the news")
        entry = json.loads(line)
        self.assertEqual((entry["network"], entry["kind"], entry["evidence"]), (public(thief), "listing", "proven"))
        self.assertTrue(is_signed(entry))
        self.assertFalse(is_signed({**entry, "network": "203.0.113.200"}))
        self.assertIn(public(thief), self.feed("/bans/list").split())

        [why] = self.nodes[1].ask("bans", "explain", public(thief))
        [report] = why["reports"]
        self.assertEqual((report["by"], report["banned"], report["why"]), ("node0", True, "5 users with wrong credentials"))
        self.assertEqual(report["evidence"], entry["digest"])
        self.assertEqual(why["bans"], [], "others' word is no ban of its own")

        # Lifted where it was made it is lifted everywhere.
        self.nodes[0].run("bans", "lift", public(thief), "--data", self.nodes[0].data)
        eventually(lambda: public(thief) not in self.kernel(self.places[1]), 2, "the lifting")
        self.assertEqual(self.registers(thief, self.places[1], ("301", password(301))), ["200"])

    def test_b_a_node_that_was_down_catches_up_and_knows_it_over_a_restart(self):
        thief, other = next(self.thieves), next(self.thieves)
        self.nodes[1].kill()
        self.scans(thief, self.places[0])
        self.nodes[1].start(20, *self.nodes[1].options)
        eventually(lambda: self.is_banned(self.nodes[1], thief), 5, "what it had missed")
        self.nodes[0].kill()
        self.nodes[1].kill()
        # Nobody tells it anything: its own database does.
        self.nodes[1].start(20, *self.nodes[1].options)
        self.assertTrue(self.is_banned(self.nodes[1], thief))
        self.assertEqual(self.registers(thief, self.places[1], ("303", password(303))), ["silence"])
        self.nodes[0].start(20, *self.nodes[0].options)
        self.assertIn(public(thief), self.feed("/bans/list").split())
        self.scans(other, self.places[0])
        eventually(lambda: self.is_banned(self.nodes[1], other), 15, "the other's list after its restart")

    def test_c_a_person_lifts_here_what_another_lists_and_firewalls_are_told(self):
        thief = next(self.thieves)
        self.scans(thief, self.places[0])
        eventually(lambda: self.is_banned(self.nodes[1], thief), 5, "the listing")
        rules = self.nodes[1].run("bans", "export", "--format", "nft", "--data", self.nodes[1].data).stdout
        self.assertIn(public(thief), rules)
        subprocess.run(self.office.command("/usr/sbin/nft", "-f", "-"), input=rules, text=True, check=True)
        plain = self.nodes[1].run("bans", "export", "--data", self.nodes[1].data).stdout
        self.assertIn(public(thief), plain.split())
        self.nodes[1].run("bans", "lift", public(thief), "--data", self.nodes[1].data)
        self.assertFalse(self.is_banned(self.nodes[1], thief))
        self.assertTrue(self.is_banned(self.nodes[0], thief), "the word of one is not the other's")

    def test_d_the_list_is_for_those_who_show_a_token(self):
        url = f"https://{public(self.places[0])}:5080/bans/log"
        for words in ([], ["-H", "Authorization: Bearer wrong"], ["-H", "Authorization: Basic Og=="]):
            shown = self.curl("--write-out", "%{http_code}", "--output", "/dev/null", *words, url)
            self.assertEqual(shown.stdout, "401")
        right = ["-H", f"Authorization: Bearer {TOKEN}"]
        for path, status in [("?after=x", "400"), ("?after=18446744073709551615", "409"), ("?wait=-1", "400")]:
            shown = self.curl("--write-out", "%{http_code}", "--output", "/dev/null", *right, url + path)
            self.assertEqual(shown.stdout, status, path)
        insecure = self.curl("http" + url[5:])
        self.assertNotEqual(insecure.returncode, 0)


class Hostile(unittest.TestCase):
    """A node that listens to an operator who means it ill."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-sharing-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        authority = Authority(self.folder, "operators")
        self.lister = Lister(self.folder)
        self.feed = Feed(25080, authority.identity("hostile", "127.0.0.1"), TOKEN)
        self.addCleanup(self.feed.stop)
        self.server = Martinet(self.folder / "server", sip="127.0.0.1:15060", http="127.0.0.1:19090", rtp="10000-10999")
        self.addCleanup(self.server.stop)
        self.server.office(trunks={
            "carrier": '{ name: carrier, address: "sip:198.51.100.7:5090;transport=udp", probe: 0 }'})
        self.options = ["--firewall", "off", "--config", settings(self.folder / "server.yaml", {
            "never": ["198.51.100.16/28"],
            "peers": [{"name": "hostile", "url": "https://127.0.0.1:25080/", "key": self.lister.key, "trust": "ban",
                       "token": TOKEN, "authorities": str(authority.certificate)}]})]
        self.server.start(20, *self.options)

    def banned(self):
        return {row["network"] for row in self.server.ask("bans")}

    def peer(self):
        return self.server.ask("bans", "peers")[0]

    def serve(self, *entries):
        self.feed.entries += entries

    def heard(self, sequence):
        eventually(lambda: self.peer()["sequence"] == sequence, 15, f"entry {sequence}")

    def test_a48_what_is_forged_replayed_or_over_does_nothing(self):
        good = self.lister.next("203.0.113.7")
        self.serve(good)
        eventually(lambda: self.banned() == {"203.0.113.7"}, 5, "the right entry")
        right = self.lister.next("203.0.113.8")

        # Forged: every field that could matter, under the signature of what it was.
        for forged in ({"network": "203.0.113.88"}, {"expires_ms": right["expires_ms"] + 1}, {"kind": "removal"},
                       {"signature": good["signature"]}):
            with self.subTest(forged=forged):
                self.feed.entries = [good, {**right, **forged}]
                eventually(lambda: "signature" in self.peer().get("complaint", ""), 15, "the complaint")
                self.assertEqual((self.peer()["sequence"], self.banned()), (1, {"203.0.113.7"}))
                # What follows something forged is not heard either.
                self.server.stop()
                self.server.start(20, *self.options)
        # Of another key, with a signature that is right.
        stranger_folder = self.folder / "stranger"
        stranger_folder.mkdir()
        another = Lister(stranger_folder)
        another.sequence, another.head = 1, right["previous"]
        self.feed.entries = [good, another.next("203.0.113.89")]
        eventually(lambda: "somebody else" in self.peer().get("complaint", ""), 15, "the complaint")
        # Replayed: the server that answers with old entries, whatever it is asked for.
        self.feed.entries = []
        self.feed.raw = (json.dumps(good) + "\n").encode()
        eventually(lambda: "was there before" in self.peer().get("complaint", ""), 40, "the complaint")
        self.assertEqual(self.banned(), {"203.0.113.7"})
        # Left out: entry 3 without entry 2.
        third = self.lister.next("203.0.113.9")
        self.feed.raw = (json.dumps(third) + "\n").encode()
        eventually(lambda: "does not follow" in self.peer().get("complaint", ""), 60, "the complaint")
        self.assertEqual(self.banned(), {"203.0.113.7"})

    def test_a48_what_is_over_or_poisoned_is_passed_over_and_the_list_goes_on(self):
        now = now_ms()
        poison = [
            ("203.0.113.20", {"expires_ms": now - 1}), ("203.0.113.21", {"evidence": "claimed"}),
            ("203.0.113.22", {"at_ms": now + 600_000, "last_ms": now + 600_000, "expires_ms": now + 900_000}),
            ("203.0.113.23", {"expires_ms": now + 30 * 86_400_000}), ("0.0.0.0/0", {}), ("203.0.0.0/16", {}), ("::/0", {}),
            ("127.0.0.1", {}), ("10.0.0.0/24", {}), ("192.168.1.0/24", {}), ("::1", {}), ("224.0.0.1", {}),
            ("198.51.100.7", {}), ("198.51.100.0/24", {}), ("198.51.100.20", {}), ("203.0.113.24", {"last_ms": 2**62}),
        ]
        for network, changes in poison:
            self.serve(self.lister.next(network, **changes))
        self.serve(self.lister.next("203.0.113.30"))
        self.heard(len(poison) + 1)
        self.assertEqual(self.banned(), {"203.0.113.30"})
        peer = self.peer()
        # One that is over is no fault of who lists.
        self.assertEqual((peer["ignored"], peer["listings"]), (len(poison) - 1, 1))
        # Nor is what somebody removes that was never listed.
        self.serve(self.lister.next("203.0.113.99", kind="removal"), self.lister.next("203.0.113.30", kind="removal"))
        self.heard(len(poison) + 3)
        self.assertEqual(self.banned(), set())

    def test_a48_answers_that_are_no_list_crash_nothing_and_fill_nothing(self):
        before = self.server.metrics()["martinet_memory_resident_bytes"]
        for raw in (b"\0" * 100_000, b"[" * 1_000_000, b"{}\n" * 100_000, b"x" * (2 << 20), b"\xff\xfe\n", b"null\n",
                    b'{"sequence":-1}\n', b'{"sequence":1e400}\n'):
            self.feed.raw, asked = raw, len(self.feed.asked)
            self.server.stop()
            self.server.start(20, *self.options)
            eventually(lambda: len(self.feed.asked) > asked and self.peer().get("complaint"), 15, "the complaint")
            self.assertEqual(self.peer()["sequence"], 0)
        self.feed.raw = None
        self.serve(self.lister.next("203.0.113.40"))
        eventually(lambda: self.banned() == {"203.0.113.40"}, 40, "the list after it")
        self.assertLess(self.server.metrics()["martinet_memory_resident_bytes"], before + 50e6)

    def test_a_peer_whose_certificate_is_another_gets_no_token(self):
        other = Authority(self.folder, "others")
        self.server.stop()
        path = self.folder / "server.yaml"
        path.write_text(path.read_text().replace("authority-operators", "authority-others"))
        asked = len(self.feed.asked)
        self.server.start(20, *self.options)
        eventually(lambda: "certificate" in self.peer().get("complaint", "").lower(), 15, "the complaint")
        self.assertEqual(len(self.feed.asked), asked)
        self.assertTrue(other.certificate.exists())

    def test_lists_out_of_files(self):
        path = self.folder / "drop.txt"
        path.write_text("; a list\n203.0.113.50 ; SBL1\n203.0.114.0/23\n10.0.0.0/8\n198.51.100.7\n")
        said = self.server.run("bans", "import", path, "--data", self.server.data).stdout
        self.assertIn("drop: 2 networks are banned", said)
        self.assertIn("10.0.0.0/8", said)
        self.assertEqual({row["network"] for row in self.server.ask("bans", "--all")}, {"203.0.113.50", "203.0.114.0/23"})
        path.write_text("203.0.113.51\nnobody\n")
        wrong = self.server.run("bans", "import", path, "--data", self.server.data, check=False)
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn(f"{path}:2: ", wrong.stdout + wrong.stderr)
        self.assertEqual(len(self.server.ask("bans", "--all")), 2)
        self.server.kill()
        self.server.start(20, *self.options)
        self.assertEqual(len(self.server.ask("bans", "--all")), 2)
        path.write_text("# empty\n")
        self.server.run("bans", "import", path, "--data", self.server.data)
        self.assertEqual(self.server.ask("bans", "--all"), [])


if __name__ == "__main__":
    unittest.main()
