"""The program under test: applied, served, asked and killed as an operator would."""

import json
import os
import pathlib
import subprocess
import urllib.request

from .process import Process

PROGRAM = os.environ.get("MARTINET", "martinet")

OFFICE = """\
version: 1
tenants:
  - name: office
    domain: office.example
    timezone: Europe/Madrid
    country: ES
    currency: EUR
    limits: {{ spend: {{ hour: 5000, day: 5000, month: 5000 }}, basis: sell, concurrent: 5000 }}
    destinations: {{ international: allow, premium: deny }}
    extensions:
{extensions}
    numbers:
{numbers}
    trunks: [{trunks}]
    rates: {{ sell: retail, purchase: wholesale }}
    notices: {{ mail: ["admin@office.example"] }}
trunks:
{trunk_rows}
rates:
  - {{ name: retail, file: retail.csv }}
  - {{ name: wholesale, file: wholesale.csv }}
mail: {{ server: "smtp://127.0.0.1:{mail_port}", from: "martinet@office.example" }}
"""

HEADER = "prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s\n"
# The destination of the theft: 2 EUR a minute, 0.50 EUR to connect, billed by the minute.
RATES = HEADER + "34,Spain,0,0.02,1,1\n44,United Kingdom,0.50,2.00,60,60\n49,Germany,0,0.10,1,1\n"


def password(number):
    """A different strong password for each extension, the same in every run."""
    return f"hilltop-{number}-lantern-{int(number) * 7919 % 10007}"


class Martinet:
    """One data folder and the server on it."""

    def __init__(self, folder, host=None, sip="127.0.0.1:5060", http="127.0.0.1:9090",
                 rtp="10000-14999"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.host, self.sip, self.http, self.rtp = host, sip, http, rtp
        self.process = None
        self.starts = 0

    def _command(self, *words, before=()):
        command = [*before, PROGRAM, *map(str, words)]
        return self.host.command(*command) if self.host else command

    def office(self, extensions=(101, 102), limits="{ spend: { day: 10, month: 100 } }",
               trunks=None, numbers=(), mail_port=2525, rates=RATES, more=None):
        """Writes and applies an office; `trunks` is name → flow mapping text."""
        trunks = {"carrier": '{ name: carrier, address: "sip:127.0.0.1:5090;transport=udp", channels: 1000 }'} \
            if trunks is None else trunks
        rows = []
        for number in extensions:
            own = (more or {}).get(number, "")
            rows.append(f'      - {{ number: "{number}", name: "Phone {number}", '
                        f'password: "{password(number)}", limits: {limits}{own} }}')
        text = OFFICE.format(
            extensions="\n".join(rows),
            numbers="\n".join(f"      - {row}" for row in numbers) or "      []",
            trunks=", ".join(trunks), mail_port=mail_port,
            trunk_rows="\n".join(f"  - {row}" for row in trunks.values()) or "  []")
        (self.folder / "office.yaml").write_text(text)
        (self.folder / "retail.csv").write_text(rates)
        (self.folder / "wholesale.csv").write_text(rates)
        return self.run("apply", self.folder / "office.yaml", "--data", self.data)

    def apply(self, configuration, rates=RATES):
        """Applies a configuration that is given as values; JSON is YAML."""
        for name in ("retail.csv", "wholesale.csv"):
            (self.folder / name).write_text(rates)
        (self.folder / "configuration.yaml").write_text(json.dumps(configuration))
        return self.run("apply", self.folder / "configuration.yaml", "--data", self.data)

    def money(self, tenant, extension="101"):
        """What the account has spent today and what is held for calls, in euros."""
        account = next(row for row in self.ask("limits", "--tenant", tenant, "--extension", extension)
                       if row["level"] == "account")
        day = next(row for row in account["limits"]
                   if (row["metric"], row["kind"], row["window"]) == ("money", "calendar", "day"))
        return float(day["spent"].split()[0]), float(day["reserved"].split()[0])

    def run(self, *words, check=True):
        """Runs a command to its end; its result, with the output in the error where it failed."""
        result = subprocess.run(self._command(*words), capture_output=True, text=True, timeout=60)
        if check and result.returncode != 0:
            raise AssertionError(f"martinet {' '.join(map(str, words))} failed:\n{result.stdout}{result.stderr}")
        return result

    def ask(self, *words):
        """A looking command with --json: one object, or one per line."""
        output = self.run(*words, "--data", self.data, "--json").stdout
        return [json.loads(line) for line in output.splitlines() if line.strip()]

    def start(self, seconds=20, *more, before=()):
        """`before` is what the program is started with: another one that hands over to it."""
        self.starts += 1
        self.process = Process(
            self._command("serve", "--data", self.data, "--sip", self.sip, "--http", self.http,
                          "--rtp", self.rtp, *more, before=before),
            self.folder / f"server-{self.starts}.log")
        self.process.wait_for(r"^ready", seconds)
        return self

    def metrics(self):
        """The Prometheus page as name{labels} → value."""
        if self.host:
            text = subprocess.run(
                self.host.command("python3", "-c",
                                  f"import urllib.request as u;print(u.urlopen('http://{self.http}/metrics').read().decode())"),
                capture_output=True, text=True, timeout=10).stdout
        else:
            text = urllib.request.urlopen(f"http://{self.http}/metrics", timeout=5).read().decode()
        rows = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def records(self, **wanted):
        """The call records whose fields are as wanted."""
        rows = self.ask("records")
        return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process:
            return self.process.stop(40)
        return None
