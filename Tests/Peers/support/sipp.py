"""SIPp as phones and as carrier, and the bill that a carrier makes of what it saw."""

import csv
import math
import pathlib
import re

from .process import Process

SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "scenarios"


class Carrier:
    """A carrier that answers every call; `bill` is made of its own log."""

    def __init__(self, folder, port=5090, scenario="carrier_answers.xml"):
        self.log = pathlib.Path(folder) / f"carrier-{port}.csv"
        self.process = Process(
            ["sipp", "-sf", SCENARIOS / scenario, "-i", "127.0.0.1", "-p", port, "-mp", 40000, "-trace_shortmsg",
             "-shortmessage_file", self.log, "-nostdin", "-aa"], pathlib.Path(folder) / f"carrier-{port}.log")

    def calls(self):
        """Call-ID → (seconds since the answer, whether it was ended), as the carrier saw them."""
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
            if "SIP/2.0 200" in line and "INVITE" in line:
                begun.setdefault(call, stamp)
            elif re.search(r"\bBYE sip", line):
                ended.setdefault(call, stamp)
        return {call: (ended.get(call, last) - start, call in ended) for call, start in begun.items()}

    def bill(self, fee, per_minute, minimum, increment):
        """What it charges, in euros: connection fee and begun increments."""
        total = 0.0
        for seconds, _ in self.calls().values():
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
