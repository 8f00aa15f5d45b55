"""Kamailio as a carrier that has accounts: registrar, digest, and a proxy to its network."""

import pathlib

from .process import Process
from .sipp import SCENARIOS


class Kamailio:
    """Its log tells what it challenged and accepted; `network` is the port of the telephone network behind it.

    With `identity`, a folder with certificate and key, it takes its customers over TLS; with `believes`, a file of authorities,
    only those who show a certificate of theirs.
    """

    def __init__(self, folder, port, network, user, password, realm, expires=20, algorithm="MD5",
                 address="127.0.0.1", identity=None, believes=None):
        folder = pathlib.Path(folder) / f"kamailio-{port}"
        folder.mkdir(parents=True, exist_ok=True)
        text = (SCENARIOS / "kamailio_carrier.cfg").read_text()
        for word, value in (("ADDRESS", address), ("PORT", port), ("NETWORK", network), ("USER", user),
                            ("PASSWORD", password), ("REALM", realm), ("EXPIRES", expires), ("ALGORITHM", algorithm),
                            ("IDENTITY", identity), ("BELIEVED", believes)):
            text = text.replace(word, str(value))
        (folder / "kamailio.cfg").write_text(text)
        self.process = Process(
            ["kamailio", "-f", folder / "kamailio.cfg", "-DD", "-E", "-w", folder, "-Y", folder,
             "-P", folder / "pid", "-m", "64", "-M", "8", *(["-A", "WITH_TLS"] if identity else []),
             *(["-A", "WITH_CLIENTS"] if believes else [])], folder / "log.txt")

    def lines(self, text):
        """What it logged of itself with `text` in it."""
        return [line for line in self.process.output().splitlines() if "carrier: " in line and text in line]

    def stop(self):
        self.process.stop()
