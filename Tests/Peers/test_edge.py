"""Strangers at the edge: who guesses is banned, in the process and in the kernel, and nobody else notices."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from .support import stranger
from .support.network import Network
from .support.process import eventually
from .support.server import Martinet, password


class Edge(unittest.TestCase):
    """A server, an office with phones behind one address, and a thief, each on a host of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-edge-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        network = cls.enterClassContext(Network())
        cls.place, cls.office, cls.bystander = network.host(), network.host(), network.host()
        cls.thieves = iter([network.host() for _ in range(9)])
        cls.server = Martinet(cls.folder / "server", host=cls.place,
                              sip=f"{cls.place.v4}:5060,[{cls.place.v6}]:5060", rtp="10000-10999")
        cls.addClassCleanup(cls.server.stop)
        cls.server.office(extensions=range(301, 331))
        cls.server.start(20, "--firewall", "on")

    def registers(self, host, *pairs, family=4, stream=False):
        """What each pair of user and password gets, registering from that host."""
        address = f"{self.place.v4}:5060" if family == 4 else f"[{self.place.v6}]:5060"
        words = ["--tcp"] if stream else []
        pairs = [f"{user}:{secret}" for user, secret in pairs]
        command = host.command("/usr/bin/python3", stranger.__file__, address, "office.example", *words, *pairs)
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout.split()

    def bans(self, host):
        return [row for row in self.server.ask("bans")
                if row["network"].split("/")[0] in (host.v4, self.half(host))]

    @staticmethod
    def half(host):
        return host.v6.split("::")[0] + "::"

    def kernel(self):
        command = self.place.command("/usr/sbin/nft", "list", "table", "inet", "martinet_5060")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def good(self, *numbers):
        return [(number, password(number)) for number in numbers]

    def test_a03_a_guesser_is_closed_out_and_then_banned_and_the_phone_stays(self):
        thief = next(self.thieves)
        self.assertEqual(self.registers(self.bystander, *self.good(303)), ["200"])
        heard = self.registers(thief, *[("303", f"guess-{number}") for number in range(10)])
        self.assertEqual(heard, ["401"] * 10)
        self.assertEqual([row["user"] for row in self.bans(thief)], ["office 303"])
        # One look a minute is left, and this is it; the right password proves who it is, and lifts the ban.
        self.assertEqual(self.registers(thief, *self.good(303)), ["200"])
        self.assertEqual(self.bans(thief), [])
        self.assertEqual(self.registers(self.bystander, *self.good(303)), ["200"])

    def test_a05_users_that_are_not_there_ban_the_address_in_the_kernel_too(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                thief = next(self.thieves)
                heard = self.registers(thief, *[(f"9{number}", "x") for number in range(8)], stream=stream)
                self.assertEqual(heard, ["401"] * 5 + ["silence"] * 3)
                [ban] = self.bans(thief)
                self.assertEqual((ban["why"], ban["rung"]), ("5 users with wrong credentials", 0))
                eventually(lambda: thief.v4 in self.kernel(), 2, "the kernel's part")
                # Another port, another transport, a right password: nothing comes back.
                self.assertEqual(self.registers(thief, *self.good(304), stream=not stream), ["silence"])
                self.assertEqual(self.registers(self.bystander, *self.good(305)), ["200"])
                self.server.run("bans", "lift", thief.v4, "--data", self.server.data)
                eventually(lambda: thief.v4 not in self.kernel(), 2, "the kernel's part of the lifting")
                self.assertEqual(self.registers(thief, *self.good(304)), ["200"])

    def test_who_is_pardoned_is_let_in_although_somebody_emptied_the_kernel(self):
        pardoned, other = next(self.thieves), next(self.thieves)
        for thief in (pardoned, other):
            self.registers(thief, *[(f"6{number}", "x") for number in range(5)])
            eventually(lambda thief=thief: thief.v4 in self.kernel(), 2, "the kernel's part")
        # As `systemctl restart nftables` does: the kernel takes no pardon for a table that it does not have.
        subprocess.run(self.place.command("/usr/sbin/nft", "delete", "table", "inet", "martinet_5060"), check=True)
        self.server.run("bans", "lift", pardoned.v4, "--data", self.server.data)
        eventually(lambda: other.v4 in self.kernel(), 5, "the table, made anew, with the other ban")
        self.assertNotIn(pardoned.v4, self.kernel())
        self.assertEqual(self.registers(pardoned, *self.good(329)), ["200"])
        self.assertEqual(self.registers(other, *self.good(329)), ["silence"])

    def test_what_is_too_much_follows_the_configuration(self):
        office = self.server.folder / "office.yaml"
        usual = office.read_text()
        self.addCleanup(self.apply, usual)
        refused = self.apply(usual + "platform: { edge: { wrong_users: 1, ban_seconds: [60, 30] } }\n", check=False)
        self.assertRegex(refused.stderr, r"platform → edge → wrong_users: 1 is not from 2 to 24")
        self.assertRegex(refused.stderr, r"platform → edge → ban_seconds: 30 is not from 60 to 604800 seconds")
        self.apply(usual + "platform: { edge: { wrong_users: 3, ban_seconds: [600] } }\n")
        exported = self.server.run("export", "--data", self.server.data).stdout
        self.assertRegex(exported, r"edge:\n +wrong_users: 3\n +ban_seconds: \[600\]")
        thief = next(self.thieves)
        heard = self.registers(thief, *[(f"5{number}", "x") for number in range(4)])
        self.assertEqual(heard, ["401"] * 3 + ["silence"])
        [ban] = self.bans(thief)
        self.assertEqual(ban["why"], "3 users with wrong credentials")
        self.server.run("bans", "lift", thief.v4, "--data", self.server.data)

    def apply(self, text, **words):
        file = self.server.folder / "edge.yaml"
        file.write_text(text)
        return self.server.run("apply", file, "--data", self.server.data, **words)

    def test_a06_an_office_with_one_broken_phone_is_not_banned(self):
        numbers = range(306, 326)
        self.assertEqual(self.registers(self.office, *self.good(*numbers)), ["200"] * len(numbers))
        self.registers(self.office, *[("326", f"old-{number}") for number in range(20)])
        self.registers(self.office, *[(f"8{number}", "x") for number in range(8)])
        [who] = self.server.ask("bans", "explain", self.office.v4)
        self.assertTrue(who["phones"])
        self.assertEqual(self.registers(self.office, *self.good(*numbers)), ["200"] * len(numbers))
        self.assertNotIn(self.office.v4, self.kernel())

    def test_ipv6_is_banned_by_64_bits(self):
        thief = next(self.thieves)
        self.registers(thief, *[(f"7{number}", "x") for number in range(5)], family=6)
        self.assertEqual([row["network"] for row in self.bans(thief)], [f"{self.half(thief)}/64"])
        eventually(lambda: self.half(thief) in self.kernel(), 2, "the kernel's part")
        # All hosts of this test are in these 64 bits; by IPv4 they go on.
        self.assertEqual(self.registers(self.bystander, *self.good(327), family=6), ["silence"])
        self.assertEqual(self.registers(self.bystander, *self.good(327)), ["200"])
        self.server.run("bans", "lift", f"{self.half(thief)}/64", "--data", self.server.data)

    def test_sipvicious_finds_nothing(self):
        thief = next(self.thieves)
        scans = {
            "svmap": [self.place.v4],
            "svwar": ["-e301-305,900-905", "-m", "REGISTER", "--force", self.place.v4],
            "svcrack": ["-u301", "-r1-300", self.place.v4],
        }
        found = {}
        for program, words in scans.items():
            result = subprocess.run(thief.command(program, *words), capture_output=True, text=True, timeout=120,
                                    cwd=self.folder)
            found[program] = result.stdout + result.stderr
        self.assertNotIn("artinet", "".join(found.values()))
        # svwar tells users apart by their answers: there is nothing to tell.
        self.assertNotRegex(found["svwar"], r"\| *30[1-5] *\| *(reqauth|noauth)")
        self.assertRegex(found["svcrack"], "no passwords found|found nothing|WARNING|ERROR")
        self.assertEqual(self.registers(self.bystander, *self.good(328)), ["200"])


class WithoutRights(unittest.TestCase):
    def test_a_ban_holds_without_the_kernel_and_over_a_restart(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-edge-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        with Network() as network:
            place, thief = network.host(), network.host()
            server = Martinet(folder / "server", host=place, sip=f"{place.v4}:5060")
            self.addCleanup(server.stop)
            server.office()
            server.start(20, "--firewall", "off")
            words = thief.command("/usr/bin/python3", stranger.__file__, f"{place.v4}:5060", "office.example")
            guesses = [f"9{number}:x" for number in range(6)]
            heard = subprocess.run([*words, *guesses], capture_output=True, text=True, check=True).stdout.split()
            self.assertEqual(heard, ["401"] * 5 + ["silence"])
            server.kill()
            server.start(20, "--firewall", "off")
            heard = subprocess.run([*words, f"101:{password(101)}"], capture_output=True, text=True, check=True)
            self.assertEqual(heard.stdout.split(), ["silence"])
            [ban] = server.ask("bans")
            self.assertEqual(ban["network"], thief.v4)


if __name__ == "__main__":
    unittest.main()
