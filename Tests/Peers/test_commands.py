"""The program as an operator meets it: first start, wrong files, taken ports, a second server, the way down."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request

from .support.process import Process, eventually
from .support.server import PROGRAM, Martinet


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-commands-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.server = Martinet(self.folder, sip="127.0.0.1:15060", http="127.0.0.1:19090")
        self.addCleanup(self.server.stop)

    def test_a_first_start_needs_no_file(self):
        self.server.start()
        text = self.server.process.output()
        self.assertRegex(text, r"phone 101 +server 127\.0\.0\.1:15060 +user 101 +password \S{16,}")
        self.assertRegex(text, r"phone 102 ")
        status = self.server.ask("status")[0]
        self.assertEqual((status["state"], status["extensions"]), ("ready", 2))
        self.assertEqual(urllib.request.urlopen("http://127.0.0.1:19090/health").read(), b"ok\n")
        self.assertEqual(self.server.metrics()["martinet_registrations"], 0)

    def test_the_pages_are_read_with_get_and_head_and_nothing_else(self):
        self.server.start()

        def ask(method, path):
            connection = http.client.HTTPConnection("127.0.0.1", 19090, timeout=10)
            self.addCleanup(connection.close)
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            # What a HEAD must not have would be taken for the next answer.
            connection.request("GET", "/health")
            self.assertEqual(connection.getresponse().read(), b"ok\n")
            return answer, body
        for path in ("/health", "/metrics"):
            got, body = ask("GET", path)
            head, nothing = ask("HEAD", path)
            self.assertEqual((got.status, head.status, nothing), (200, 200, b""), path)
            self.assertGreater(len(body), 0)
            self.assertEqual(head.getheader("Content-Type"), got.getheader("Content-Type"))
            self.assertGreater(int(head.getheader("Content-Length")), 0)
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
                answer, _ = ask(method, path)
                self.assertEqual((answer.status, answer.getheader("Allow")), (405, "GET, HEAD"), method)
        self.assertEqual([ask(method, "/elsewhere")[0].status for method in ("GET", "HEAD", "POST")], [404] * 3)

    def test_passwords_are_nowhere_in_the_folder(self):
        self.server.start()
        secrets = [line.split("password ")[1].strip() for line in self.server.process.output().splitlines()
                   if "password " in line and "phone" in line]
        self.assertEqual(len(secrets), 2)
        self.server.stop()
        for file in (self.folder / "data").rglob("*"):
            if file.is_file():
                for secret in secrets:
                    self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def test_a_wrong_file_names_line_and_field_and_changes_nothing(self):
        self.server.office()
        before = self.server.run("export", "--data", self.server.data).stdout
        text = (self.folder / "office.yaml").read_text().replace("timezone: Europe/Madrid", "timezone: 7")
        text = text.replace('number: "102"', 'numbr: "102"')
        (self.folder / "wrong.yaml").write_text(text)
        result = self.server.run("apply", self.folder / "wrong.yaml", "--data", self.server.data, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"wrong\.yaml:\d+.*numbr")
        self.assertEqual(self.server.run("export", "--data", self.server.data).stdout, before)

    def test_a_wrong_rate_file_names_line_and_field(self):
        self.server.office()
        (self.folder / "retail.csv").write_text(
            "prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s\n34,Spain,0,cheap,1,1\n")
        result = self.server.run("apply", self.folder / "office.yaml", "--data", self.server.data, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"retail\.csv:2.*price_per_minute")

    def test_what_export_writes_applies_again_and_into_a_new_installation(self):
        self.server.office()
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()

        def export(data):
            return self.server.run("export", "--data", data).stdout

        def again():
            (elsewhere / "office.yaml").write_text(export(self.server.data))
            return self.server.run("apply", elsewhere / "office.yaml", "--data", self.server.data).stdout
        self.assertEqual(again(), "Nothing has changed.\n")
        self.server.start()
        self.assertEqual(again(), "Nothing has changed.\n")
        written = self.folder / "written"
        self.server.run("export", "--into", written, "--data", self.server.data)
        self.assertEqual(sorted(file.name for file in written.iterdir()),
                         ["configuration.yaml", "retail.csv", "wholesale.csv"])
        self.assertEqual((written / "retail.csv").read_text(), (self.folder / "retail.csv").read_text())
        modes = {place.stat().st_mode & 0o777 for place in written.iterdir()}
        self.assertEqual((modes, written.stat().st_mode & 0o777), ({0o600}, 0o700), "prices are nobody else's")
        other = self.folder / "other"
        result = self.server.run("apply", written / "configuration.yaml", "--data", other).stdout
        self.assertIn("added rates retail", result)
        self.assertEqual(export(other), export(self.server.data))
        result = self.server.run("export", "--into", written, "--data", self.server.data, check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("is there already", result.stderr)

    def test_a_taken_port_is_named_with_the_way_out(self):
        self.server.start()
        other = subprocess.run(
            [PROGRAM, "serve", "--data", self.folder / "other", "--sip", "127.0.0.1:15060", "--http",
             "127.0.0.1:19099"], capture_output=True, text=True, timeout=20)
        self.assertNotEqual(other.returncode, 0)
        self.assertIn("15060", other.stderr)
        self.assertIn("--sip", other.stderr)

    def test_a_failed_first_start_keeps_no_password_that_nobody_saw(self):
        for taken, option in (("sip", "--sip"), ("http", "--http")):
            with self.subTest(taken), socket.socket() as holder:
                data = self.folder / f"held-{taken}"
                holder.bind(("127.0.0.1", 0))
                holder.listen()
                held = f"127.0.0.1:{holder.getsockname()[1]}"
                places = {"sip": "127.0.0.1:15060", "http": "127.0.0.1:19090", taken: held}
                words = [PROGRAM, "serve", "--data", data, "--sip", places["sip"], "--http", places["http"]]
                result = subprocess.run(words, capture_output=True, text=True, timeout=20)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(held.rsplit(":")[-1], result.stderr)
                self.assertIn(option, result.stderr)
                self.assertNotIn("ready", result.stdout)
                words[-1] = "127.0.0.1:19091"
                words[-3] = "127.0.0.1:15062"
                again = Process(words, self.folder / f"again-{taken}.log")
                self.addCleanup(again.stop)
                again.wait_for("^ready", 20)
                self.assertRegex(again.output(), r"phone 101 .*password \S{16,}")
                # And the phones are really there, not only their passwords.
                status = subprocess.run([PROGRAM, "status", "--data", data, "--json"], capture_output=True,
                                        text=True, timeout=20)
                self.assertEqual(json.loads(status.stdout)["extensions"], 2)
                again.stop()

    def test_nothing_to_show_is_a_sentence(self):
        self.server.start()
        for command, sentence in (("calls", "Nobody talks"), ("registrations", "No phone has registered"),
                                  ("trunks", "no link to a carrier"), ("records", "no call records")):
            self.assertIn(sentence, self.server.run(command, "--data", self.server.data).stdout)
            self.assertEqual(self.server.ask(command), [])

    def test_a_second_server_on_the_same_folder_is_refused(self):
        self.server.start()
        other = subprocess.run(
            [PROGRAM, "serve", "--data", self.server.data, "--sip", "127.0.0.1:15070", "--http", "127.0.0.1:19099"],
            capture_output=True, text=True, timeout=20)
        self.assertNotEqual(other.returncode, 0)
        self.assertIn(str(self.server.data), other.stderr)

    def test_sigterm_drains_and_ends(self):
        self.server.start()
        self.server.process.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.server.process.wait(20), 0, self.server.process.output())

    def test_apply_holds_on_a_running_server(self):
        self.server.office()
        self.server.start()
        text = (self.folder / "office.yaml").read_text().replace("Phone 102", "Workshop")
        (self.folder / "office.yaml").write_text(text)
        result = self.server.run("apply", self.folder / "office.yaml", "--data", self.server.data)
        self.assertIn("changed extension 102 of office", result.stdout)
        self.assertIn("Workshop", self.server.run("export", "--data", self.server.data).stdout)

    def test_limits_are_of_exactly_one_subject(self):
        self.server.office()
        self.server.start()
        data = ("--data", self.server.data)
        for command in (("block",), ("unblock",), ("set", "--concurrent", "7")):
            for options in ((), ("--trunk", "carrier", "--platform"), ("--tenant", "office", "--trunk", "carrier")):
                result = self.server.run("limits", *command, *options, *data, check=False)
                self.assertNotEqual(result.returncode, 0)
                for option in ("--tenant NAME", "--extension NUMBER", "--trunk NAME", "--platform"):
                    self.assertIn(option, result.stderr)
        for options, level in ((("--trunk", "carrier"), "trunk"),
                               (("--platform",), "platform")):
            rows = self.server.ask("limits", "show", *options)
            self.assertEqual([(row["level"], row.get("trunk")) for row in rows],
                             [(level, "carrier" if level == "trunk" else None)])
            self.assertIn("limits of", self.server.run("limits", "set", *options, "--day", "7", *data).stdout)
            day = next(row for row in self.server.ask("limits", "show", *options)[0]["limits"]
                       if (row["metric"], row["kind"], row["window"]) == ("money", "calendar", "day"))
            self.assertEqual(day["limit"], "7.00 EUR")
            result = self.server.run("limits", "unblock", *options, *data, check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("is not blocked", result.stderr)
            self.check_every_limit(options)
        result = self.server.run("limits", "unblock", "--trunk", "carier", *data, check=False)
        self.assertIn("Known are carrier", result.stderr)

    def check_every_limit(self, options):
        """Each limit can be set, is shown, and can be taken away again."""
        data = ("--data", self.server.data)
        said = self.server.run(
            "limits", "set", *options, "--hour", "3", "--day", "5", "--month", "none", "--call", "1.50",
            "--international-hour", "1", "--international-day", "2", "--international-month", "none",
            "--attempts-per-hour", "60", "--concurrent", "4", "--price-per-minute", "0.25", "--connection-fee",
            "0.1", "--prepaid", "false", "--basis", "purchase", "--release", "hour,day", *data).stdout
        self.assertIn("price per minute 0.25", said)
        self.assertIn("month none", said)
        self.assertIn("Where it says none, only the limits of", said)
        refused = self.server.run("limits", "set", *options, "--prepaid", "true", *data, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("nobody pays in for it", refused.stderr)
        report = self.server.ask("limits", "show", *options)[0]
        self.assertEqual(report["ceilings"], {
            "call": "1.50 EUR", "concurrent": "4", "paid_calls": 0, "price_per_minute": "0.25 EUR",
            "connection_fee": "0.10 EUR", "prepaid": False, "basis": "purchase", "release": ["hour", "day"]})
        windows = {(row["metric"], row["window"]): row["limit"] for row in report["limits"]}
        self.assertEqual(windows, {
            ("money", "hour"): "3.00 EUR", ("money", "day"): "5.00 EUR", ("money", "month"): "none",
            ("international", "hour"): "1", ("international", "day"): "2", ("international", "month"): "none",
            ("attempts", "hour"): "60"})
        text = self.server.run("limits", "show", *options, *data).stdout
        for words in ("price per minute +0.25 EUR", "cost of one call +1.50 EUR", "ends by itself +hour, day",
                      "paid calls at a time +4, 0 now"):
            self.assertRegex(text, words)
        self.server.run("limits", "set", *options, "--call", "none", "--price-per-minute", "default", "--prepaid",
                        "default", "--release", "none", *data)
        ceilings = self.server.ask("limits", "show", *options)[0]["ceilings"]
        self.assertEqual([ceilings[key] for key in ("call", "price_per_minute", "prepaid", "release", "concurrent")],
                         ["none", "none", False, [], "4"])

    def test_a_block_by_hand_holds_until_it_is_lifted(self):
        self.server.office()
        self.server.start()
        for options in (("--tenant", "office", "--extension", "101"), ("--tenant", "office"), ("--trunk", "carrier"),
                        ("--platform",)):
            def block():
                return self.server.ask("limits", "show", *options)[0].get("blocked")
            words = (*options, "--data", self.server.data)
            self.assertIsNone(block())
            self.assertIn("no paid calls", self.server.run("limits", "block", *words, "--reason", "stolen phone").stdout)
            self.assertRegex(block()["reason"], r"^by hand \(.+: stolen phone\)$")
            again = self.server.run("limits", "block", *words, check=False)
            self.assertNotEqual(again.returncode, 0)
            self.assertIn("blocked by hand already", again.stderr)
            done = json.loads(self.server.run("limits", "unblock", *words, "--json").stdout)
            self.assertIn("calls again", done["done"])
            self.assertIsNone(block())
        again = self.server.run("limits", "unblock", "--tenant", "office", "--extension", "101", "--data",
                                self.server.data, check=False)
        self.assertIn("office 101 is not blocked", again.stderr)

    def test_a_new_password_names_its_extension(self):
        (self.folder / "names.yaml").write_text("""
version: 1
tenants:
  - name: office
    domain: office.example
    timezone: Europe/Madrid
    country: ES
    currency: EUR
    extensions:
      - { number: "301", username: alice }
      - { number: "302", devices: [ { username: bob1 }, { username: bob2 } ] }
    notices: { webhooks: [ { url: "https://hooks.office.example/alerts" } ] }
""")
        report = json.loads(self.server.run("apply", self.folder / "names.yaml", "--data", self.server.data,
                                            "--json").stdout)
        made = {(new["purpose"], new.get("extension"), new["user"]) for new in report["generated"]}
        self.assertEqual(made, {("phone", "301", "alice"), ("phone", "302", "bob1"), ("phone", "302", "bob2"),
                                ("webhook", None, "https://hooks.office.example/alerts")})

    def test_looking_makes_no_folder(self):
        for command in ("records", "export", "recover"):
            typo = self.folder / "typo"
            result = self.server.run(command, "--data", typo, check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(f"no installation in {typo}", result.stderr)
            self.assertFalse(typo.exists())

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_a_user_who_may_not_look_is_told_so_and_not_that_all_is_lost(self):
        self.server.office()
        self.server.start()
        self.folder.chmod(0o711)
        # A copy: the build may stand where an ordinary user cannot look.
        program = shutil.copy(shutil.which(PROGRAM) or PROGRAM, self.folder / "martinet")
        for isRunning in (True, False):
            for command in ("doctor", "export", "records", "status"):
                with self.subTest(command, isRunning=isRunning):
                    said = subprocess.run(
                        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, command, "--data",
                         self.server.data], capture_output=True, text=True, timeout=60)
                    self.assertNotEqual(said.returncode, 0)
                    text = said.stdout + said.stderr
                    self.assertNotRegex(text, "lost|gone|made at the first start|decod|None yet")
                    self.assertRegex(text, "Permission denied|may not ask|not writable by this user")
            if isRunning:
                self.server.stop()

    def test_no_number_of_records_is_a_mistake_that_is_named(self):
        self.server.office()
        self.server.start()
        said = self.server.run("records", "--limit=-1", "--data", self.server.data, check=False)
        self.assertNotEqual(said.returncode, 0)
        self.assertIn("--limit", said.stderr)

    def test_a_payment_counts_once(self):
        self.server.office()
        self.server.start()
        words = ("limits", "deposit", "--tenant", "office", "--extension", "101", "--data", self.server.data)
        self.assertIn("5.00 EUR is paid in", self.server.run(*words, "--reference", "A 1", "5").stdout)
        for rest, sentence in ((("--reference", "A 1", "5"), "already: 5.00 EUR"),
                               (("--reference", " ", "5"), "it is empty"),
                               (("--reference", "A 2", "--", "-5"), "--take-back")):
            result = self.server.run(*words, *rest, check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(sentence, result.stderr)

    def test_the_doctor_verifies_the_audit_trail_of_a_running_server(self):
        self.server.office()
        self.server.start()
        self.server.run("limits", "block", "--platform", "--data", self.server.data)
        result = self.server.run("doctor", "--json", "--data", self.server.data, check=False)
        findings = {row["subject"]: row for row in map(json.loads, result.stdout.splitlines())}
        # Of the configuration, of the office's part in it, and of the block.
        self.assertEqual(findings["audit trail"]["finding"], "3 rows, each as it was written.")


if __name__ == "__main__":
    unittest.main()
