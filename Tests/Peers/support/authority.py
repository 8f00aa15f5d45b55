"""An authority that signs certificates, as a carrier has its own."""

import pathlib
import subprocess


class Authority:
    """Its own certificate is `certificate`; `identity` makes a folder with a certificate for an address and its key."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder) / f"authority-{name}"
        self.folder.mkdir(parents=True)
        self.certificate, self._key = self.folder / "authority.pem", self.folder / "authority.key"
        self._openssl("req", "-x509", *self._fresh(self._key), "-out", self.certificate, "-subj", f"/CN={name}")

    def identity(self, name, address, domains=(), key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        folder = self.folder / name
        folder.mkdir()
        self._openssl("req", "-x509", *self._fresh(folder / "key.pem", key), "-out", folder / "certificate.pem",
                      "-CA", self.certificate, "-CAkey", self._key, "-subj", f"/CN={name}",
                      "-addext", "subjectAltName=" + ",".join(
                          [f"IP:{address}", *(f"{kind}{domain}" for domain in domains for kind in ("DNS:", "URI:sip:"))]), "-addext", "basicConstraints=critical,CA:FALSE")
        return folder

    @staticmethod
    def _fresh(path, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        return ["-newkey", *key, "-nodes", "-keyout", path, "-days", "60"]

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
