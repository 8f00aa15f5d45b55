"""SIPp as phones and as carrier, and the bill that a carrier makes of what it saw."""

import csv
import itertools
import math
import pathlib
import re
import subprocess

from .process import Process, eventually
from .scenario import Registration
from .wire import messages

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "scenarios"


# Below the kernel's own range and above the server's; SIPp takes two pairs.
_media_ports = itertools.cycle(range(28000, 32700, 4))


class Carrier:
    """A carrier that answers every call; `bill` is made of its own log."""

    def __init__(self, folder, port=5090, scenario="carrier_answers.xml"):
        self.log = pathlib.Path(folder) / f"carrier-{port}.csv"
        self.process = Process(
            ["sipp", "-sf", SCENARIOS / scenario, "-i", "127.0.0.1", "-p", port, "-mp", 40000, "-trace_shortmsg",
             "-shortmessage_file", self.log, "-nostdin", "-aa"], pathlib.Path(folder) / f"carrier-{port}.log")

    def calls(self, since_ack=False):
        """Call-ID → (seconds since the answer, whether it was ended), as the carrier saw them.

        With `since_ack` the time on the way of the 200 is left out: nobody but the carrier can know it.
        """
        begun, ended, last = {}, {}, 0.0
        if not self.log.exists():
            return {}
        for line in self.log.read_text(errors="replace").splitlines():
            # date \t time \t stamp \t S|R \t Call-ID \t CSeq \t first line
            fields = line.split("\t")
            if len(fields) < 6:
                continue
            stamp = next(float(field) for field in fields if re.fullmatch(r"\d{10}\.\d+", field))
            last = max(last, stamp)
            call = next((f.split("CSEQ")[0] for f in fields if f.startswith("Call-ID:")), fields[-3])
            answers = r"\bACK sip" if since_ack else r"SIP/2\.0 200.*INVITE|INVITE.*SIP/2\.0 200"
            if re.search(answers, line):
                begun.setdefault(call, stamp)
            elif re.search(r"\bBYE sip", line):
                ended.setdefault(call, stamp)
        return {call: (ended.get(call, last) - start, call in ended) for call, start in begun.items()}

    def bill(self, fee, per_minute, minimum, increment, since_ack=False):
        """What it charges, in euros: connection fee and begun increments."""
        total = 0.0
        for seconds, _ in self.calls(since_ack).values():
            billed = max(minimum, math.ceil(seconds / increment) * increment)
            total += fee + billed * per_minute / 60
        return round(total, 6)

    def stop(self):
        self.process.stop()


def call_many(folder, server, user, password, target, calls, rate, hold_ms=120_000, port=5071,
              domain="office.example", name="phones"):
    """Phones that call at once with one account; returns the running process."""
    folder = pathlib.Path(folder)
    scenario = folder / f"{name}.xml"
    scenario.write_text((SCENARIOS / "phone_calls.xml").read_text().replace("HOLD_MS", str(hold_ms)))
    return Process(
        ["sipp", "-sf", scenario, server, "-i", "127.0.0.1", "-p", port, "-mp", 41000,
         "-key", "user", user, "-key", "domain", domain, "-key", "target", target,
         "-au", user, "-ap", password, "-m", calls, "-r", rate, "-l", calls, "-nostdin",
         "-trace_stat", "-stf", folder / f"{name}.csv", "-fd", 1, "-timeout", 170], folder / f"{name}.log")


def outcome(folder, name="phones"):
    """SIPp's own count of calls: created, successful, failed."""
    rows = list(csv.DictReader(open(pathlib.Path(folder) / f"{name}.csv"), delimiter=";"))
    return rows[-1] if rows else {}


class Peer:
    """One SIPp with one scenario, and everything that it heard and said."""

    def __init__(self, folder, name, scenario, port, server=None, calls=1, at_once=1, transport="u1",
                 user=None, password=None, keys=None, seconds=60, address="127.0.0.1", host=None, more=()):
        folder = pathlib.Path(folder)
        self.name, self.port = name, port
        self.log, errors = folder / f"{name}.messages", folder / f"{name}.errors"
        command = ["sipp", "-sf", scenario.write(folder, name), "-i", address, "-p", port, "-t", transport,
                   "-m", calls, "-l", at_once, "-r", at_once, "-nostdin", "-timeout", seconds, "-timeout_error",
                   "-trace_msg", "-message_file", self.log, "-trace_err", "-error_file", errors,
                   "-mp", next(_media_ports), *more]
        for key, value in (keys or {}).items():
            command += ["-key", key, value]
        if user:
            command += ["-au", user, "-ap", password]
        if server:
            command.append(server)
        self.errors, self.seconds = errors, seconds
        self.process = Process(host.command(*command) if host else command, folder / f"{name}.log")
        self._wait_for_socket("tcp" if transport.startswith("t") and not server else "udp", server)

    def _wait_for_socket(self, kind, server):
        """Who is called must listen before somebody calls; seen in the kernel's table of its own network."""
        table = pathlib.Path(f"/proc/{self.process.child.pid}/net/{kind}")
        local = re.compile(rf"^\s*\d+: [0-9A-F]+:{self.port:04X} ", re.MULTILINE)
        if not server:
            eventually(lambda: local.search(table.read_text()), 10, f"{self.name} on port {self.port}")

    def messages(self, first=None, sent=None):
        """What crossed the wire: all of it, or the messages that are so named: a method or a status."""
        found = messages(self.log)
        if first is not None:
            found = [message for message in found
                     if message.status == first or message.first.startswith(f"{first} ")]
        return found if sent is None else [message for message in found if message.is_sent == sent]

    def got(self, first, seconds=15):
        """Waits for a message of the other side and gives the latest."""
        return eventually(lambda: self.messages(first, sent=False), seconds, f"{first} at {self.name}")[-1]

    def finish(self, seconds=None):
        """Waits for the scenario's end; an error that shows the wire when it did not go as written."""
        try:
            code = self.process.wait(seconds or self.seconds + 5)
        except subprocess.TimeoutExpired:
            code = "no end"
        if code != 0:
            errors = self.errors.read_text(errors="replace")[-1500:] if self.errors.exists() else ""
            raise AssertionError(f"{self.name} ended with {code}: {self.messages()}\n{errors}")
        return self

    def stop(self):
        self.process.stop()


def register(folder, server, user, domain, password, port):
    """A phone's binding for `port`, made by a phone that is gone again."""
    peer = Peer(folder, f"register-{user}-{port}", Registration(user, domain), port, server, user=user,
                password=password, seconds=15)
    try:
        peer.finish()
    finally:
        peer.stop()
