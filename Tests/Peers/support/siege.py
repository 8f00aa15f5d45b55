"""A server under siege: its customers, who talk and call, and floods from a host that can be everybody.

The programs in `siege/` are in C, since a flood is worth what it sends. The server has one core, customers and floods the other, and
there the customers go first.
"""

import json
import pathlib
import select
import subprocess

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "siege"
DOMAIN, DOMAIN6 = "siege.example", "six.example"
FIRST_USER, PHONES, CALLS, RATE = 1000, 20, 200, 10
CARRIER_PORT = 5090
# Networks that are all at home on the outside host, so that connections come from many addresses.
CROWD = {4: "198.18.0.0/15", 6: "2001:2::/48"}
# Pins a server to its core.
SERVER_CORE = ["taskset", "-c", "0"]
# The customers' clock is what is measured with, so nobody goes before them on theirs.
CUSTOMERS_FIRST = ["taskset", "-c", "1", "chrt", "--rr", "1"]


def build(folder):
    """Compiles the programs; gives where they are."""
    folder = pathlib.Path(folder)
    for name, libraries in (("customers", ["-lcrypto"]), ("flood", []), ("crowd", ["-lssl", "-lcrypto"])):
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", folder / name, SOURCES / f"{name}.c", *libraries],
                       check=True)
    return folder


def secret(user):
    return f"siege-{user}-lantern"


def configuration(town):
    """An office with the customers and one account more, which is stolen; and another one whose carrier speaks IPv6."""
    limits = {"spend": {"hour": 900_000, "day": 900_000, "month": 900_000}, "concurrent": 100_000, "attempts_per_hour": 900_000,
              "international": {"hour": 900_000, "day": 900_000, "month": 900_000}}

    def tenant(name, domain, phones, trunk):
        return {"name": name, "domain": domain, "timezone": "Europe/Madrid", "country": "ES", "currency": "EUR", "limits": limits,
                "destinations": {"international": "allow"}, "trunks": [trunk], "rates": {"sell": "rates", "purchase": "rates"},
                "extensions": [{"number": str(number), "password": secret(number), "limits": limits}
                               for number in range(FIRST_USER, FIRST_USER + phones)]}
    addresses = {"carrier": f"{town.carrier[4]}:{CARRIER_PORT}", "carrier6": f"[{town.carrier[6]}]:{CARRIER_PORT}"}
    return {"version": 1, "rates": [{"name": "rates", "file": "rates.csv"}],
            "tenants": [tenant("siege", DOMAIN, PHONES + 1, "carrier"), tenant("six", DOMAIN6, PHONES, "carrier6")],
            "trunks": [{"name": name, "address": f"sip:{address};transport=udp", "channels": 5_000}
                       for name, address in addresses.items()]}


def apply(program, folder, town):
    """Puts the configuration into the folder's `data`."""
    folder = pathlib.Path(folder)
    (folder / "rates.csv").write_text("prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s\n"
                                      "44,United Kingdom,0,0.01,1,1\n")
    (folder / "siege.yaml").write_text(json.dumps(configuration(town)))
    subprocess.run([program, "apply", folder / "siege.yaml", "--data", folder / "data"], check=True, capture_output=True)


def listeners(town):
    """Where the server listens, and the ports of its media."""
    return {"sip": f"{town.place.v4}:5060,[{town.place.v6}]:5060", "rtp": "10000-49999"}


class Town:
    """The hosts: the server's; the customers', an office with its carrier at another address; and outside."""

    def __init__(self, network):
        self.place, self.office, self.outside = network.host(), network.host(), network.host()
        self.carrier = {4: "10.66.0.100", 6: "fd66::100"}
        self._add(self.office, ["address", "add", "10.66.0.100/24", "dev", "eth0"],
                  ["-6", "address", "add", "fd66::100/64", "dev", "eth0", "nodad"])
        # Everything ends outside that leaves the others: answers to forged senders, and those to a crowd.
        self._add(self.outside, ["address", "add", "10.66.0.254/24", "dev", "eth0"],
                  ["-6", "address", "add", "fd66::fe/64", "dev", "eth0", "nodad"],
                  ["route", "add", "local", CROWD[4], "dev", "lo"],
                  ["-6", "route", "add", "local", CROWD[6], "dev", "lo"])

    @staticmethod
    def _add(host, *commands):
        for words in commands:
            subprocess.run(host.command("ip", *words), check=True)


class Customers:
    """Phones with calls that are up, further ones, and their carrier; what `settle` and `end` give is since the last of them."""

    def __init__(self, programs, town, log, family=4, host=None, carrier_port=CARRIER_PORT, domain=DOMAIN, first_user=FIRST_USER,
                 phones=PHONES, calls=CALLS, rate=RATE, number="+44207"):
        host = host or town.office
        carrier = town.carrier[family] if calls else host.address(family)
        command = host.command(*CUSTOMERS_FIRST, pathlib.Path(programs) / "customers", town.place.address(family), 5060,
                               host.address(family), carrier, carrier_port, domain, first_user, phones, calls, rate, number)
        self._log = open(log, "wb")
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
                                       start_new_session=True)

    def _line(self, seconds):
        if not select.select([self._child.stdout], [], [], seconds)[0]:
            raise AssertionError(f"the customers said nothing for {seconds} s")
        line = self._child.stdout.readline()
        if not line:
            raise AssertionError(f"the customers ended: {pathlib.Path(self._log.name).read_text()}")
        return line

    def _say(self, words):
        self._child.stdin.write(words + "\n")
        self._child.stdin.flush()

    def held(self, seconds=60):
        """Waits until all calls that are to be held are up."""
        line = self._line(seconds)
        if line != "held\n":
            raise AssertionError(line)
        return self

    def settle(self):
        """Waits until the calls that have begun are over; what happened."""
        self._say("settle")
        return json.loads(self._line(80))

    def end(self):
        self._say("end")
        report = json.loads(self._line(80))
        self._child.wait(10)
        return report

    def stop(self):
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        for file in (self._child.stdin, self._child.stdout, self._log):
            file.close()


class Outside:
    """What strangers do."""

    def __init__(self, programs, town, family=4):
        self._programs, self._host, self._family = pathlib.Path(programs), town.outside, family
        self._server = town.place.address(family)

    def _run(self, program, *words):
        command = self._host.command("taskset", "-c", "1", self._programs / program, self._server, *words)
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if result.returncode:
            raise AssertionError(f"{program} ended with {result.returncode}: {result.stderr}")
        return json.loads(result.stdout)

    def flood(self, kind, seconds, source="anywhere", rate=0):
        """Datagrams with forged senders; without a rate as many as go."""
        return self._run("flood", 5060, DOMAIN, kind, source, seconds, rate)

    def crowd(self, kind, seconds, connections, port=5060):
        """Connections from everywhere in the crowd's network."""
        return self._run("crowd", port, DOMAIN, kind, CROWD[self._family], connections, seconds)
