"""Allow-lists: a right password from elsewhere is a wrong one, and no change locks out who is there unsaid."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from .support import stranger
from .support.network import Network
from .support.process import eventually
from .support.server import Martinet, password


class Lists(unittest.TestCase):
    """A server, an office and somebody elsewhere, each on a host of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-lists-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        network = self.enterContext(Network())
        self.place, self.office, self.elsewhere = network.host(), network.host(), network.host()
        self.server = Martinet(self.folder / "server", host=self.place,
                               sip=f"{self.place.v4}:5060,[{self.place.v6}]:5060")
        self.addCleanup(self.server.stop)
        self.server.office()
        self.plain = (self.server.folder / "office.yaml").read_text()

    def apply(self, *words, tenant="", platform="", check=True):
        """Applies the office with more keys of its tenant and of the platform."""
        text = self.plain.replace("    currency: EUR\n", f"    currency: EUR\n{tenant}")
        (self.server.folder / "lists.yaml").write_text(text + platform)
        return self.server.run("apply", self.server.folder / "lists.yaml", "--data", self.server.data, *words,
                               check=check)

    def registers(self, host, number, secret=None, family=4, stream=False):
        address = f"{self.place.v4}:5060" if family == 4 else f"[{self.place.v6}]:5060"
        words = ["--tcp"] if stream else []
        command = host.command("/usr/bin/python3", stranger.__file__, address, "office.example", *words,
                               f"{number}:{secret or password(number)}")
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def there(self):
        return sorted((row["extension"], row["flow"].split()[1].rsplit(":", 1)[0])
                      for row in self.server.ask("registrations"))

    def test_e1_a_right_password_from_elsewhere_is_a_wrong_one(self):
        self.apply(tenant=f"    sources: [{self.office.v4}]\n")
        self.server.start(20, "--firewall", "off")
        self.assertEqual(self.registers(self.office, 101), "200")
        for family in (4, 6):
            for stream in (False, True):
                with self.subTest(family=family, stream=stream):
                    heard = [self.registers(self.elsewhere, 102, secret, family, stream) for secret in (None, "wrong")]
                    self.assertEqual(heard, ["401", "401"])
        # One list of IPv4 lets nobody in by IPv6, not even from that host.
        self.assertEqual(self.registers(self.office, 101, family=6), "401")
        self.assertEqual([number for number, _ in self.there()], ["101"])
        log = self.server.process.output()
        self.assertIn("right password from a foreign address", log)

    def test_nobody_is_locked_out_unsaid(self):
        self.server.start(20, "--firewall", "off")
        self.assertEqual([self.registers(self.office, 101), self.registers(self.elsewhere, 102)], ["200", "200"])
        narrow = f'    sources: ["::ffff:{self.office.v4}/128"]\n'
        refused = self.apply(tenant=narrow, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, rf"extension 102 of office at {self.elsewhere.v4}, there since 20\S+Z: "
                                         rf"sources of tenant office: {self.office.v4}\n")
        self.assertNotIn("101", refused.stderr)
        refused = self.apply("--json", tenant=narrow, check=False)
        self.assertNotEqual(refused.returncode, 0)
        [row] = json.loads(refused.stdout)["would_lock_out"]
        self.assertEqual((row["tenant"], row["extension"], row["address"]), ("office", "102", self.elsewhere.v4))
        self.assertEqual(len(self.there()), 2)
        self.assertNotIn("sources", self.server.run("export", "--data", self.server.data).stdout)
        done = json.loads(self.apply("--json", "--lock-out", tenant=narrow).stdout)
        self.assertEqual([row["extension"] for row in done["locked_out"]], ["102"])
        eventually(lambda: self.there() == [("101", self.office.v4)], 2, "the end of the other registration")
        self.assertEqual(self.registers(self.elsewhere, 102), "401")
        # Also where no server runs: the journal knows who is registered.
        self.server.stop()
        refused = self.apply(tenant=f"    sources: [{self.elsewhere.v4}]\n", check=False)
        self.assertIn(f"extension 101 of office at {self.office.v4}", refused.stderr)

    def test_a_trunk_is_not_locked_out_unsaid(self):
        self.server.start(20, "--firewall", "off")
        eventually(lambda: self.server.ask("trunks")[0]["address"], 5, "the trunk's address")
        text = self.plain.replace("channels: 1000 }", "channels: 1000, sources: [192.0.2.0/24] }")
        (self.server.folder / "lists.yaml").write_text(text)
        refused = self.server.run("apply", self.server.folder / "lists.yaml", "--data", self.server.data, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, r"trunk carrier at 127\.0\.0\.1, there since .*sources of trunk carrier: 192")

    def test_countries_come_from_a_file_and_outlive_it(self):
        file = self.folder / "countries.csv"
        tenant = "    source_countries: [ES]\n"
        refused = self.apply(tenant=tenant, check=False)
        self.assertRegex(refused.stderr, r'source_countries: nothing here says .* "countries" of "platform"')
        platform = f'platform: {{ countries: "{file}" }}\n'
        file.write_text("network,country\n192.0.2.0/24,Spain\n")
        refused = self.apply(tenant=tenant, platform=platform, check=False)
        self.assertIn(f'{file}:2: country: "Spain" is not a country', refused.stderr)
        file.write_text("".join(f"{address},{address},{country}\n" for address, country in (
            (self.office.v4, "ES"), (self.elsewhere.v4, "FR"), (self.office.v6, "ES"))))
        said = self.apply(tenant=tenant, platform=platform).stdout
        self.assertIn("3 stretches of addresses in 2 countries, IPv4 and IPv6", said)
        self.server.start(20, "--firewall", "off")
        self.assertEqual([self.registers(self.office, 101), self.registers(self.office, 101, family=6)], ["200"] * 2)
        self.assertEqual(self.registers(self.elsewhere, 102), "401")
        # In no country at all.
        self.assertEqual(self.registers(self.elsewhere, 102, family=6), "401")
        self.assertIn(("ok", "countries"), self.findings())
        # The file says something else by now, and the office would be out.
        file.write_text(f"{self.office.v4},{self.office.v4},FR\n{self.elsewhere.v4},{self.elsewhere.v4},ES\n")
        self.assertIn(("warning", "countries"), self.findings())
        self.assertIn("the address is in FR", self.apply(tenant=tenant, platform=platform, check=False).stderr)
        file.unlink()
        self.server.kill()
        self.server.start(20, "--firewall", "off")
        self.assertEqual(self.registers(self.office, 101), "200")
        self.assertEqual(self.registers(self.elsewhere, 102), "401")

    def findings(self):
        return [(row["verdict"], row["subject"]) for row in self.server.ask("doctor")]


if __name__ == "__main__":
    unittest.main()
