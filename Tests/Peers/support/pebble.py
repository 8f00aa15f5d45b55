"""Pebble as the authority: a real ACME server, which looks at the names itself and throws everything away at its end."""

import json
import pathlib
import signal
import socket
import ssl
import urllib.request

from .process import Process, eventually


class Pebble:
    """`certificate` is what its HTTPS is signed by; `root` what the certificates that it issues are signed by."""

    def __init__(self, folder, authority, port, challenge_port, life_s=None):
        self.folder = pathlib.Path(folder) / f"pebble-{port}"
        self.folder.mkdir(parents=True)
        self.certificate = authority.certificate
        self.directory, self._management = f"https://127.0.0.1:{port}/dir", f"https://127.0.0.1:{port + 1}"
        identity = authority.identity(f"pebble-{port}", address="127.0.0.1")
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{port + 1}",
            "certificate": str(identity / "certificate.pem"), "privateKey": str(identity / "key.pem"),
            "httpPort": challenge_port, "tlsPort": 1, "externalAccountBindingRequired": False,
            **({"certificateValidityPeriod": life_s} if life_s else {})}}))
        dns = f"127.0.0.1:{port + 2}"
        # Every name leads to this machine.
        self._names = Process(["pebble-challtestsrv", "-dns01", dns, "-http01", "", "-https01", "", "-tlsalpn01", "",
                               "-management", f"127.0.0.1:{port + 3}", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""],
                              self.folder / "names.log")
        # Four nonces in ten are refused although they are good, as any authority may do (RFC 8555 §6.5).
        self._process = Process(["pebble", "-config", self.folder / "pebble.json", "-dnsserver", dns], self.folder / "pebble.log",
                                environment={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "40"})
        self._process.wait_for("Listening on: ")
        # It says so before it does.
        eventually(lambda: all(map(self._is_open, (port, port + 1))), 10, "Pebble's ports")

    @staticmethod
    def _is_open(port):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            return False

    def root(self):
        """A file with the root of what it issues."""
        path = self.folder / "root.pem"
        context = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(f"{self._management}/roots/0", timeout=10, context=context) as answer:
            path.write_bytes(answer.read())
        return path

    def freeze(self):
        """It takes connections from now on, and says nothing."""
        self._process.child.send_signal(signal.SIGSTOP)

    def stop(self):
        self._process.child.send_signal(signal.SIGCONT)
        self._process.stop()
        self._names.stop()
