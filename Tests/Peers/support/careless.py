"""A SIP server that does everything wrong that the audit looks for, over UDP.

    careless.py ADDRESS PORT USER

Only USER exists. It says what it is, tells who exists, takes registrations and calls from strangers, and repeats itself.
"""

import socket
import sys


def answer(request, status, more=""):
    head = request.decode().split("\r\n")
    kept = [line for line in head[1:] if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
    to = next(line for line in head if line.startswith("To:"))
    return "\r\n".join([f"SIP/2.0 {status}", *kept, f"{to};tag=1", "Server: Careless 0.9", *more.splitlines(),
                        "Content-Length: 0", "", ""]).encode()


def main():
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind((sys.argv[1], int(sys.argv[2])))
    user = sys.argv[3]
    print("ready", flush=True)
    while True:
        request, source = link.recvfrom(65536)
        method = request.split()[0].decode()
        exists = f"From: <sip:{user}@".encode() in request
        if method in ("ACK", "CANCEL", "BYE"):
            reply = []
        elif method == "REGISTER":
            reply = [answer(request, "200 OK")] if exists else [
                answer(request, "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="always"')]
        elif method == "INVITE":
            reply = [answer(request, "183 Session Progress")]
        elif method == "OPTIONS":
            reply = [answer(request, "200 OK")] * 4
        else:
            reply = [answer(request, "403 Forbidden" if exists else "404 Not Found")]
        for piece in reply:
            link.sendto(piece, source)


if __name__ == "__main__":
    main()
