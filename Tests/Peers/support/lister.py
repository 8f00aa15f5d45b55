"""An operator with a list of its own: signs entries as docs/operator/sharing.md says, and serves them over HTTPS, well or badly.

Signatures are made and checked by OpenSSL, so that nothing of the program proves itself.
"""

import base64
import hashlib
import http.server
import ipaddress
import json
import pathlib
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse

OFFENCES = {"wrongCredentials": 1, "probe": 2, "malformed": 3, "guesses": 4}
# What stands before the 32 bytes of a public key of Ed25519 in DER (RFC 8410).
DER = bytes.fromhex("302a300506032b6570032100")


def now_ms():
    return int(time.time() * 1000)


def signed_bytes(entry):
    """The bytes that the signature of an entry is over."""
    network = ipaddress.ip_network(entry["network"])
    address = network.network_address.packed
    if network.version == 4:
        address = bytes(10) + b"\xff\xff" + address
    packed = address + bytes([network.prefixlen])
    head = (b"martinet list entry 1\n" + base64.b64decode(entry["reporter"]) + struct.pack(">Q", entry["sequence"])
            + bytes.fromhex(entry["previous"]) + struct.pack(">q", entry["at_ms"]))
    if entry["kind"] == "removal":
        return head + b"\x02" + packed
    return (head + b"\x01" + packed + bytes([OFFENCES[entry["offence"]], {"proven": 1, "claimed": 2}[entry["evidence"]]])
            + bytes.fromhex(entry["digest"])
            + struct.pack(">qqqI", entry["first_ms"], entry["last_ms"], entry["expires_ms"], entry["score"]))


def is_signed(entry):
    """Whether its reporter has signed an entry, as a reader at another site finds out."""
    with tempfile.TemporaryDirectory() as folder:
        key, message, signature = (pathlib.Path(folder) / name for name in ("key", "message", "signature"))
        key.write_bytes(DER + base64.b64decode(entry["reporter"]))
        message.write_bytes(signed_bytes(entry))
        signature.write_bytes(base64.b64decode(entry["signature"]))
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(key), "-rawin", "-in", str(message),
             "-sigfile", str(signature)], capture_output=True).returncode == 0


class Lister:
    """A key, and entries that follow each other."""

    def __init__(self, folder):
        self._key, self._message = pathlib.Path(folder) / "lister.key", pathlib.Path(folder) / "lister.message"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(self._key)], check=True)
        der = subprocess.run(["openssl", "pkey", "-in", str(self._key), "-pubout", "-outform", "DER"],
                             check=True, capture_output=True).stdout
        self.key = base64.b64encode(der[-32:]).decode()
        self.sequence, self.head = 0, "00" * 32

    def sign(self, entry):
        self._message.write_bytes(signed_bytes(entry))
        made = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", str(self._key), "-rawin", "-in", str(self._message)],
                              check=True, capture_output=True).stdout
        return {**entry, "signature": base64.b64encode(made).decode()}

    def next(self, network, kind="listing", seconds=300, **changes):
        """The next entry, signed; `changes` are signed with it."""
        now = now_ms()
        entry = {"reporter": self.key, "sequence": self.sequence + 1, "previous": self.head, "at_ms": now, "kind": kind,
                 "network": network}
        if kind == "listing":
            entry |= {"offence": "probe", "evidence": "proven", "digest": "11" * 32, "first_ms": now - 1000, "last_ms": now,
                      "expires_ms": now + seconds * 1000, "score": 20}
        entry |= changes
        self.sequence, self.head = entry["sequence"], hashlib.sha256(signed_bytes(entry)).hexdigest()
        return self.sign(entry)


class Feed:
    """Serves lines over HTTPS: whatever `lines` holds behind the number that is asked for, or what `answer` makes of it."""

    def __init__(self, port, identity, token):
        self.entries, self.asked, self.raw, self.told = [], [], None, 0
        feed = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
                feed.asked.append((self.path, self.headers.get("Authorization")))
                if self.headers.get("Authorization") != f"Bearer {token}":
                    return self.reply(401, b"")
                if feed.raw is not None:
                    return self.reply(200, feed.raw)
                end = time.monotonic() + min(int(query.get("wait", 0)), 2)
                while not (fresh := feed.behind(int(query["after"]))) and time.monotonic() < end:
                    time.sleep(0.05)
                feed.told += len(fresh)
                return self.reply(200, "".join(json.dumps(entry) + "\n" for entry in fresh).encode())

            def reply(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity / "certificate.pem", identity / "key.pem")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def behind(self, sequence):
        return [entry for entry in list(self.entries) if entry["sequence"] > sequence]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
