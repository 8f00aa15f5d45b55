"""What a version before the rule of passwords would have left in the database: a weak one, sealed as it is."""

import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import pathlib
import sqlite3

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(_crypto, _name).restype = ctypes.c_void_p
_GET_TAG, _SET_TAG = 0x10, 0x11


def _gcm(key, nonce, text, place, tag=None):
    """AES-256-GCM: with a tag it opens, without one it closes."""
    context = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
    opens = tag is not None
    direction = 0 if opens else 1
    length = ctypes.c_int()
    out = ctypes.create_string_buffer(len(text) + 16)
    steps = [
        _crypto.EVP_CipherInit_ex(context, ctypes.c_void_p(_crypto.EVP_aes_256_gcm()), None, key, nonce, direction),
        _crypto.EVP_CipherUpdate(context, None, ctypes.byref(length), place, len(place)),
        _crypto.EVP_CipherUpdate(context, out, ctypes.byref(length), text, len(text)),
    ]
    if opens:
        steps.append(_crypto.EVP_CIPHER_CTX_ctrl(context, _SET_TAG, 16, tag))
    steps.append(_crypto.EVP_CipherFinal_ex(context, ctypes.create_string_buffer(16), ctypes.byref(length)))
    made = ctypes.create_string_buffer(16)
    if not opens:
        steps.append(_crypto.EVP_CIPHER_CTX_ctrl(context, _GET_TAG, 16, made))
    _crypto.EVP_CIPHER_CTX_free(context)
    assert steps == [1] * len(steps), steps
    return out.raw[:len(text)], made.raw


def weaken(data, tenant, username, password):
    """Gives a phone another password, in a folder on which no server runs."""
    data = pathlib.Path(data)
    number, digits = (data / "master.key").read_text().split("\n")[0].split()
    extract = hmac.new(bytes(32), bytes.fromhex(digits), hashlib.sha256).digest()
    key = hmac.new(extract, b"martinet seal\x01", hashlib.sha256).digest()
    head = b"\x01" + int(number).to_bytes(4, "big")
    base = sqlite3.connect(data / "martinet.db")
    revision, sealed = base.execute("SELECT max(revision), document FROM configuration").fetchone()
    assert sealed.startswith(head)
    place = b"".join(b"%d:%s" % (len(part), part) for part in (b"configuration", b"document", b"%d" % revision))
    text, _ = _gcm(key, sealed[5:17], sealed[17:-16], place, sealed[-16:])
    document = json.loads(text)
    [entry] = [row for row in document["tenants"] if row["name"] == tenant]
    [device] = [device for line in entry["extensions"] for device in line["devices"] if device["username"] == username]
    for name in device["hashes"]:
        function = {"md5": "md5", "sha256": "sha256", "sha512256": "sha512_256"}[name]
        ha1 = hashlib.new(function, f"{username}:{entry['domain']}:{password}".encode()).hexdigest()
        device["hashes"][name] = ha1.encode().hex()
    nonce = os.urandom(12)
    text, tag = _gcm(key, nonce, json.dumps(document).encode(), place)
    base.execute("UPDATE configuration SET document = ? WHERE revision = ?", (head + nonce + text + tag, revision))
    base.commit()
    base.close()
