"""A SIP client of a few lines for the edge: registers, well or badly, from wherever it is started.

    stranger.py SERVER:PORT DOMAIN [--tcp] USER:PASSWORD …

Prints, for each pair, the status of the last answer, or "silence". One socket for all, as a scanner has.
"""

import hashlib
import re
import socket
import sys
import uuid


def message(method, domain, user, local, transport, sequence, extra=""):
    mark = uuid.uuid4().hex
    local = (f"[{local[0]}]" if ":" in local[0] else local[0], local[1])
    return (f"{method} sip:{domain} SIP/2.0\r\nVia: SIP/2.0/{transport} {local[0]}:{local[1]};branch=z9hG4bK{mark};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{user}@{domain}>;tag={mark[:8]}\r\nTo: <sip:{user}@{domain}>\r\n"
            f"Call-ID: {mark}\r\nCSeq: {sequence} {method}\r\nContact: <sip:{user}@{local[0]}:{local[1]}>\r\nExpires: 600\r\n"
            f"{extra}Content-Length: 0\r\n\r\n").encode()


def authorization(challenge, domain, user, password, method="REGISTER", uri=None):
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()
    nonce, realm = (re.search(rf'{name}="([^"]*)"', challenge).group(1) for name in ("nonce", "realm"))
    cnonce, uri = uuid.uuid4().hex, uri or f"sip:{domain}"
    response = md5(f"{md5(f'{user}:{realm}:{password}')}:{nonce}:00000001:{cnonce}:auth:{md5(f'{method}:{uri}')}")
    return (f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}"\r\n')


def register(link, transport, domain, user, password, sequence):
    """The status of the last answer, or None for silence."""
    local, status, extra = link.getsockname(), None, ""
    for turn in range(2):
        try:
            link.send(message("REGISTER", domain, user, local, transport, sequence + turn, extra))
            answer = link.recv(65536).decode(errors="replace")
        except (TimeoutError, ConnectionError):
            return None
        if not answer:
            return None
        status = int(answer.split()[1])
        challenge = next((line for line in answer.split("\r\n")
                          if line.lower().startswith("www-authenticate") and "MD5" in line), None)
        if status != 401 or challenge is None:
            return status
        extra = authorization(challenge, domain, user, password)
    return status


def main():
    words = sys.argv[1:]
    is_stream = "--tcp" in words
    words = [word for word in words if word != "--tcp"]
    host, port = words[0].rsplit(":", 1)
    host = host.strip("[]")
    kind = socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM
    link = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    link.settimeout(2)
    try:
        link.connect((host, int(port)))
    except OSError:
        print("silence")
        return
    for place, pair in enumerate(words[2:]):
        user, password = pair.split(":", 1)
        status = register(link, "TCP" if is_stream else "UDP", words[1], user, password, 2 * place + 1)
        print(status or "silence", flush=True)


if __name__ == "__main__":
    main()
