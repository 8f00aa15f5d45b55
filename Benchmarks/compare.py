"""Runs ours and the peers in turn under the same load and prints a row for each operation.

Servers are pinned to core 0, the load to core 1. A figure is the CPU time, user and system, of all server processes over the
whole job, divided by its operations: the median of the rounds, peers and ours alternating, so that a change of the machine's
speed meets both. Memory is the growth of the resident set for each registration or held call.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM, LOAD, SOCKETS = (os.environ[name] for name in ("MARTINET", "MARTINET_LOAD", "MARTINET_SOCKETS"))
SERVER, LOCAL = "127.0.0.1:15060", "127.0.0.1:16000"
USERS = 1000
# For the memory of a registration: each of them registers several phones, of which the first find room that the start left.
MANY_USERS, PHONES = 10_000, 5
# Measured after as many others; both together find room in 15,000 pairs of ports, of which a call takes two.
CALLS = 3_500
# Calls that are up while their packets are counted.
MEDIA_CALLS = 50
ROWS = ["register", "call", "ledger", "rtp", "memory"]


def family(root):
    """A process and all its descendants."""
    found, children = [root], {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    for process in found:
        found += children.get(process, [])
    return found


class Servers:
    """Processes under test, with what they have used."""

    # The load's job that has media pass through them.
    media_job = "hold"

    def __init__(self):
        self.roots = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-benchmark-"))

    def start(self, *command, ready=None):
        log = open(self.folder / f"{pathlib.Path(command[0]).name}.log", "wb")
        child = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], stdout=log, stderr=log,
                                 start_new_session=True)
        self.roots.append(child)
        end = time.monotonic() + 30
        while ready and not re.search(ready, open(log.name, errors="replace").read(), re.MULTILINE):
            if child.poll() is not None or time.monotonic() > end:
                sys.exit(f"{command[0]} did not start:\n" + open(log.name, errors="replace").read()[-2000:])
            time.sleep(0.05)

    def processes(self):
        return [process for root in self.roots for process in family(root.pid)]

    def cpu(self):
        """Seconds of all processes, with threads that have ended; the scheduler's own nanoseconds, not the ticks of ten milliseconds.

        The number of another process's clock is made of its id, as glibc's clock_getcpuclockid(3) makes it.
        """
        return sum(time.clock_gettime(~process << 3 | 2) for process in self.processes())

    def memory(self):
        """Resident bytes that belong to one process alone, and shared ones once."""
        total = 0
        for process in self.processes():
            text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024
        return total

    def stop(self):
        for root in self.roots:
            root.send_signal(signal.SIGTERM)
        for root in self.roots:
            try:
                root.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(root.pid, signal.SIGKILL)
                root.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def kamailio(media=False, users=USERS):
    servers = Servers()
    if media:
        servers.start("rtpengine", "--table=-1", "--interface=127.0.0.1", "--listen-ng=127.0.0.1:22222", "-m", "30000",
                      "-M", "59999", "--num-threads=1", "--delete-delay=0", "-f", "-E", "-L", "3",
                      f"--pidfile={servers.folder}/rtpengine.pid")
        time.sleep(1)
    text = (HERE / "peers/kamailio.cfg").read_text().replace("LISTEN", SERVER).replace("CARRIER", "127.0.0.1:16001")
    for word, value in (("USERS_END", str(1000 + users)), ("REALM", "bench.example"), ("PASSWORD", "bench-$var(user)-secret")):
        text = text.replace(word, value)
    (servers.folder / "kamailio.cfg").write_text(("#!define WITH_MEDIA\n" if media else "") + text)
    servers.start("kamailio", "-DD", "-E", "-Y", servers.folder, "-f", servers.folder / "kamailio.cfg",
                  "-x", "tlsf", "-X", "tlsf", "-m", "1024", "-M", "64", ready=r"^Listening on")
    time.sleep(1)
    return servers


def martinet(users=USERS):
    servers = Servers()
    folder = servers.folder
    limits = "{ spend: { hour: 900000, day: 900000, month: 900000 }, concurrent: 100000, " \
             "international: { hour: 900000, day: 900000, month: 900000 }, attempts_per_hour: 900000 }"
    extensions = "\n".join(
        f'      - {{ number: "{1000 + user}", password: "bench-{1000 + user}-secret", limits: {limits} }}'
        for user in range(users))
    (folder / "bench.yaml").write_text(f"""\
version: 1
tenants:
  - name: bench
    domain: bench.example
    timezone: Europe/Madrid
    country: ES
    currency: EUR
    limits: {limits}
    destinations: {{ international: allow }}
    extensions:
{extensions}
    trunks: [carrier]
    rates: {{ sell: rates, purchase: rates }}
trunks:
  - {{ name: carrier, address: "sip:127.0.0.1:16001;transport=udp", channels: 100000 }}
rates:
  - {{ name: rates, file: rates.csv }}
""")
    (folder / "rates.csv").write_text(
        "prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s\n44,United Kingdom,0,0.01,1,1\n")
    data = folder / "data"
    result = subprocess.run([PROGRAM, "apply", str(folder / "bench.yaml"), "--data", str(data)],
                            capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"apply failed:\n{result.stdout}{result.stderr}")
    servers.start(PROGRAM, "serve", "--data", data, "--sip", f"udp:{SERVER}", "--http", "127.0.0.1:19090",
                  "--rtp", "30000-59999", "--log-level", "warning", ready=r"^ready")
    return servers


def sockets():
    """The relay that does nothing but relay."""
    servers = Servers()
    servers.media_job = "media"
    servers.start(SOCKETS, SERVER, 2 * MEDIA_CALLS, ready=r"^ready")
    return servers


def load(*words, users=USERS, local=LOCAL):
    return ["taskset", "-c", "1", LOAD, words[0], SERVER, local, str(users), *map(str, words[1:])]


def job(servers, *words):
    """What the load reports of one job, and the servers' CPU microseconds for each of its operations."""
    before = servers.cpu()
    result = subprocess.run(load(*words), capture_output=True, text=True, timeout=300)
    # What the servers do just after the last answer belongs to the job.
    time.sleep(0.3)
    used = servers.cpu() - before
    try:
        report = json.loads(result.stdout)
    except ValueError:
        sys.exit(f"the load of {words} failed:\n{result.stdout}{result.stderr}")
    if report["failed"] > report["operations"] / 100:
        sys.exit(f"more than one in a hundred operations of {words} failed: {report}\n{result.stderr}")
    report["cpu_us"] = used / report["operations"] * 1e6
    return report


def warm(servers, *words):
    """The job behind as many calls, whose ports have rested.

    A server that has just started tells every account's owner of its first call abroad, and makes a socket for each port.
    """
    job(servers, "call", CALLS, 32)
    time.sleep(2.5)
    return job(servers, *words)


class Held:
    """Calls that are up, for media and memory."""

    def __init__(self, servers, calls, suite=None):
        self.servers = servers
        self.child = subprocess.Popen(load(servers.media_job, calls, *(["srtp", suite] if suite else [])),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read("held")

    def read(self, until):
        report = None
        for line in self.child.stdout:
            if line.startswith("{"):
                report = json.loads(line)
            if until in line:
                return report
        sys.exit(f"the load ended before it said {until!r}")

    def packets(self, count, in_flight):
        """The servers' CPU microseconds for each."""
        before = self.servers.cpu()
        self.child.stdin.write(f"rtp {count} {in_flight}\n")
        self.child.stdin.flush()
        report = self.read('"rtp"')
        return (self.servers.cpu() - before) / report["operations"] * 1e6

    def end(self):
        self.child.stdin.write("end\n")
        self.child.stdin.close()
        self.child.wait(60)


def compare(rounds, ours, theirs, measure):
    """Alternates the two, fresh servers each time; the medians."""
    figures = {"ours": [], "peer": []}
    for _ in range(rounds):
        for side, start in (("peer", theirs), ("ours", ours)):
            servers = start()
            try:
                figures[side].append(measure(servers))
            finally:
                servers.stop()
    return statistics.median(figures["ours"]), statistics.median(figures["peer"])


def ledger_rows(amount):
    """What the ledger can do, and what it costs a call in time: the INVITE of a paid call beside an emergency call's.

    An emergency call takes the same way to the same trunk and is never rated, so that nothing of it waits for the disk. One call
    at a time: what a caller waits for, not what a queue adds.
    """
    servers = martinet()
    try:
        job(servers, "call", 200, 1)
        paid, free = job(servers, "call", amount(3_000), 1), job(servers, "call", amount(3_000), 1, "emergency")
    finally:
        servers.stop()
    servers = martinet()  # With ports that have not served yet.
    try:
        rush = job(servers, "call", amount(CALLS), 256)
    finally:
        servers.stop()
    for share in ("p50", "p99"):
        with_ledger, without = (report[f"invite_{share}_us"] for report in (paid, free))
        line = row(f"INVITE from phone to carrier, {share}", "ours without the ledger", "µs", with_ledger, without, None)
        yield line | {"added": round(with_ledger - without)}
    yield row("whole calls, each reserved on disk first", None, "1/s", rush["operations"] / rush["seconds"], 0, None)


def row(operation, peer, unit, ours, theirs, goal):
    return {"operation": operation, "unit": unit, "ours": round(ours, 2), "peer": round(theirs, 2), "peer_name": peer,
            "ratio": round(ours / theirs, 3) if theirs else None, "goal": goal}


def rows(chosen, scale):
    rounds = 1 if scale < 1 else 3

    def amount(count):
        return max(1000, int(count * scale))

    if "register" in chosen:
        yield row("authenticated REGISTER", "kamailio", "CPU-µs", *compare(
            rounds, martinet, kamailio, lambda s: job(s, "register", amount(60_000), 128)["cpu_us"]), 0.5)
    if "call" in chosen:
        def call(servers):
            return warm(servers, "call", amount(CALLS), 32)["cpu_us"]
        yield row("call: media anchored, money durable", "kamailio + rtpengine", "CPU-µs", *compare(
            rounds, martinet, lambda: kamailio(True), call), 0.35)
        yield row("the same call", "kamailio, no media", "CPU-µs", *compare(rounds, martinet, kamailio, call), 1.0)
    if "ledger" in chosen:
        yield from ledger_rows(amount)
    if "rtp" in chosen:
        def packet(servers, suite=None):
            held = Held(servers, MEDIA_CALLS, suite)
            held.packets(20_000, 16)  # Sources are learned, and those that stay are locked.
            figure = held.packets(amount(400_000), 128)
            held.end()
            return figure
        for name, suite in (("plain", None), ("SRTP AES-CM-80", "AES_CM_128_HMAC_SHA1_80"),
                            ("SRTP AES-GCM", "AEAD_AES_128_GCM")):
            yield row(f"relayed RTP packet, {name}", "rtpengine", "CPU-µs", *compare(
                rounds, martinet, lambda: kamailio(True), lambda servers: packet(servers, suite)), 0.6)
        yield row("the plain packet", "the sockets alone", "CPU-µs", *compare(rounds, martinet, sockets, packet), None)
    if "memory" in chosen:
        def growth(servers):
            resident = []
            for phone in range(PHONES):
                words = load("register", MANY_USERS, 32, users=MANY_USERS, local=f"127.0.0.1:{16_000 + 10 * phone}")
                subprocess.run(words, check=True, capture_output=True)
                resident.append(servers.memory())
            return (resident[-1] - resident[0]) / (PHONES - 1) / MANY_USERS / 1000

        def per_call(servers):
            subprocess.run(load("call", 1000, 32), check=True, capture_output=True)
            before = servers.memory()
            held = Held(servers, 1000)
            figure = (servers.memory() - before) / 1000 / 1000
            held.end()
            return figure
        yield row("memory of a registration", "kamailio", "kB", *compare(
            rounds, lambda: martinet(MANY_USERS), lambda: kamailio(users=MANY_USERS), growth), 1.0)
        yield row("memory of a held call", "kamailio + rtpengine", "kB",
                  *compare(rounds, martinet, lambda: kamailio(True), per_call), 1.0)


def main():
    # Ended from outside, too, the servers are stopped by the blocks that started them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before the last row"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object per row")
    parser.add_argument("--quick", action="store_true", help="a tenth of the operations, one round")
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS])
    words = parser.parse_args()
    chosen = words.rows or ROWS
    if not words.json:
        print(f"{'operation':<42} {'ours':>9} {'peer':>9}  ratio  goal  unit, peer")
    for line in rows(chosen, 0.1 if words.quick else 1):
        if words.json:
            print(json.dumps(line, ensure_ascii=False), flush=True)
        else:
            numbers = [line["ours"], line["peer"], line["ratio"] or "", line["goal"] or ""]
            print("{:<42} {:>9} {:>9}  {:>5}  {:>4}  ".format(line["operation"], *numbers)
                  + ", ".join(filter(None, (line["unit"], line["peer_name"]))), flush=True)


if __name__ == "__main__":
    main()
