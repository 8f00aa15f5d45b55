"""The same floods against ours and against Kamailio with its usual protection: what becomes of the customers meanwhile.

200 calls with sound both ways are up, and ten attempts a second go on, from an office that both know, through floods of forged
REGISTERs, INVITEs and other requests, of one account's calls, and of connections. The server has core 0, everybody else core 1. A row is a
flood: of all attempts those that succeeded, how long an attempt took from its first INVITE to the answer, calls that were lost, the
longest silence in any of them, CPU, and what the resident set grew by.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Tests"))

from Peers.support import siege  # noqa: E402
from Peers.support.network import Network  # noqa: E402
from Peers.support.process import Process, eventually  # noqa: E402

FLOODS = ["calm", "register", "invite", "others", "office", "account", "connections"]
THIEF = siege.FIRST_USER + siege.PHONES


class Server:
    """Processes on core 0 of the server's host, with what they have used."""

    def __init__(self, town):
        self.town = town
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-siege-"))
        self.processes = []

    def start(self, *command, port, seconds=60):
        """Starts a program, and waits until it listens on a UDP port of its host."""
        name = pathlib.Path(command[0]).name
        process = Process(self.town.place.command(*siege.SERVER_CORE, *command), self.folder / f"{name}.log")
        self.processes.append(process)
        table = pathlib.Path(f"/proc/{process.child.pid}/net/udp")
        eventually(lambda: f":{port:04X} " in table.read_text(), seconds, f"{name} on port {port}: {process.output()}")

    def everybody(self):
        """Our processes and their descendants."""
        children = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                except (FileNotFoundError, ProcessLookupError):
                    continue
                children.setdefault(parent, []).append(int(entry.name))
        found = [process.child.pid for process in self.processes]
        for process in found:
            found += children.get(process, [])
        return found

    def cpu(self):
        """Seconds that they have used; the clock of a process is numbered as clock_getcpuclockid(3) does it."""
        return sum(time.clock_gettime(~process << 3 | 2) for process in self.everybody())

    def memory(self):
        total = 0
        for process in self.everybody():
            text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
        return total / 1000

    def stop(self):
        for process in self.processes:
            process.stop(20)
        shutil.rmtree(self.folder, ignore_errors=True)


def martinet(town):
    server = Server(town)
    siege.apply(os.environ["MARTINET"], server.folder, town)
    words = [word for name, value in siege.listeners(town).items() for word in (f"--{name}", value)]
    server.start(os.environ["MARTINET"], "serve", "--data", server.folder / "data", *words, "--log-level", "warning", port=5060)
    server.processes[0].wait_for(r"^ready", 60)
    return server


def kamailio(town):
    server = Server(town)
    address = town.place.v4
    server.start("rtpengine", "--table=-1", f"--interface={address}", "--listen-ng=127.0.0.1:22222", "-m", 10000, "-M", 49999,
                 "--num-threads=1", "-f", "-E", "-L", "5", f"--pidfile={server.folder}/rtpengine.pid", port=22222)
    text = (HERE / "peers/kamailio.cfg").read_text()
    for word, value in (("LISTEN", f"{address}:5060"), ("TRUNKS", town.carrier[4]), ("CARRIER", f"{town.carrier[4]}:{siege.CARRIER_PORT}"),
                        ("OFFICE", town.office.v4), ("USERS_END", str(THIEF + 1)), ("REALM", siege.DOMAIN),
                        ("PASSWORD", siege.secret("$var(user)")), ("disable_tcp=yes", f"listen=tcp:{address}:5060")):
        text = text.replace(word, value)
    (server.folder / "kamailio.cfg").write_text(f"#!define WITH_MEDIA\n#!define WITH_GUARD\n{text}")
    server.start("kamailio", "-DD", "-E", "-Y", server.folder, "-f", server.folder / "kamailio.cfg", "-x", "tlsf", "-X", "tlsf",
                 "-m", 1024, "-M", 64, port=5060)
    return server


def account(programs, town, log, seconds):
    """One account that begins a thousand calls a second."""
    thief = siege.Customers(programs, town, log, host=town.outside, first_user=THIEF, phones=1, calls=0, rate=1000, number="+44208")
    try:
        thief.held()
        time.sleep(seconds)
        report = thief.end()
    finally:
        thief.stop()
    return {"sent": report["begun"], "seconds": seconds}


def strangers(flood, seconds, programs, town, folder):
    """Does one flood; what was sent, and how long it took."""
    outside = siege.Outside(programs, town)
    if flood == "calm":
        time.sleep(seconds)
        return {"sent": 0, "seconds": seconds}
    if flood == "account":
        return account(programs, town, folder / "account.log", seconds)
    if flood == "connections":
        report = outside.crowd("slow", seconds, 8_000)
        return {"sent": report["made"], "seconds": report["seconds"]}
    if flood == "office":
        return outside.flood("register", seconds, town.office.v4)
    return outside.flood(flood, seconds)


def measure(start, chosen, seconds, programs):
    """The rows of one server."""
    with Network() as network:
        town = siege.Town(network)
        server = start(town)
        customers = None
        try:
            customers = siege.Customers(programs, town, server.folder / "customers.log").held()
            customers.settle()
            for flood in chosen:
                cpu, memory, begun = server.cpu(), server.memory(), time.monotonic()
                sent = strangers(flood, seconds, programs, town, server.folder)
                used, lasted = server.cpu() - cpu, time.monotonic() - begun
                report = customers.settle()
                yield {"flood": flood, "rate": round(sent["sent"] / sent["seconds"]), "attempts": report["begun"],
                       "succeeded": report["succeeded"], "setup_p50_ms": report["setup_p50_ms"],
                       "setup_p99_ms": report["setup_p99_ms"], "lost": report["lost"], "held": report["held"],
                       "silence_ms": report["longest_silence_ms"], "cpu_percent": round(100 * used / lasted),
                       "memory_MB": round(server.memory() - memory, 1)}
        finally:
            if customers:
                customers.stop()
            server.stop()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before the last row"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument("--quick", action="store_true", help="each flood for three seconds instead of ten")
    parser.add_argument("floods", nargs="*", choices=[[], *FLOODS])
    words = parser.parse_args()
    chosen = words.floods or FLOODS
    folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-siege-"))
    try:
        programs = siege.build(folder)
        if not words.json:
            print("server    flood        rate/s  succeeded   p50 ms  p99 ms  lost of 200  silence ms  CPU %  grew MB")
        for name, start in (("kamailio", kamailio), ("ours", martinet)):
            for row in measure(start, chosen, 3 if words.quick else 10, programs):
                if words.json:
                    print(json.dumps({"server": name, **row}), flush=True)
                    continue
                share = f"{row['succeeded']}/{row['attempts']}"
                print(f"{name:<9} {row['flood']:<12} {row['rate']:>6} {share:>10} {row['setup_p50_ms']:>8} {row['setup_p99_ms']:>7} "
                      f"{siege.CALLS - row['held']:>12} {row['silence_ms']:>11} {row['cpu_percent']:>6} {row['memory_MB']:>8}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
