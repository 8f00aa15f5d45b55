"""An authority that signs certificates, as a carrier has its own."""

import pathlib
import subprocess

CURVE = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Authority:
    """Its own certificate is `certificate`; `identity` makes a folder with one for an address and for domains, and its key."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder) / f"authority-{name}"
        self.folder.mkdir(parents=True)
        self.certificate, self._key = self.folder / "authority.pem", self.folder / "authority.key"
        self._openssl("req", "-x509", *self._fresh(self._key), "-out", self.certificate, "-days", 60, "-subj", f"/CN={name}")

    def identity(self, name, address=None, domains=(), key=CURVE, days=60):
        folder = self.folder / name
        folder.mkdir()
        names = [f"IP:{address}"] if address else []
        names += [f"{kind}{domain}" for domain in domains for kind in ("DNS:", "URI:sip:")]
        request = folder / "request.pem"
        self._openssl("req", *self._fresh(folder / "key.pem", key), "-out", request, "-subj", f"/CN={name}",
                      "-addext", f"subjectAltName={','.join(names)}", "-addext", "basicConstraints=critical,CA:FALSE")
        # With days below zero it has ended already.
        self._openssl("x509", "-req", "-in", request, "-out", folder / "certificate.pem", "-copy_extensions", "copyall",
                      "-CA", self.certificate, "-CAkey", self._key, "-days", days)
        return folder

    @staticmethod
    def _fresh(path, key=CURVE):
        return ["-newkey", *key, "-nodes", "-keyout", path]

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
