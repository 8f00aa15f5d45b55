#!/usr/bin/env python3
"""Writes what fuzzing begins with: a folder of small files for each subject, of the fixtures of the tests.

    Fuzzing/seeds.py FOLDER
"""

import hashlib
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "Tests/Fixtures"
CRLF = b"\r\n"


def messages():
    for folder, ending in [("rfc4475", "dat"), ("rfc5118", "dat"), ("rfc3665", "sip"), ("transfer", "sip")]:
        for path in sorted((FIXTURES / folder).glob(f"*.{ending}")):
            yield path.read_bytes()


def unfolded_lines(head):
    return re.sub(rb"\r\n(?=[ \t])", b"\x00", head).replace(b"\x00", CRLF + b" ").split(CRLF)


def streams():
    found = list(messages())
    for start in range(0, len(found), 3):
        yield (CRLF * 2).join(found[start:start + 3])
    yield CRLF
    yield CRLF * 2


def header_values():
    for message in messages():
        for line in re.split(rb"\r\n(?![ \t])", message.split(CRLF * 2)[0])[1:]:
            if b":" in line:
                yield line.split(b":", 1)[1].strip()
        yield message.split(b" ")[1]
    for name in ["uri.txt"]:
        path = FIXTURES / name
        if path.exists():
            yield from path.read_bytes().splitlines()
    yield b'Digest username="bob", realm="a", nonce="x\\"y", uri="sip:b@c", response="0", qop=auth, nc=00000001'
    yield b'<sip:a@b?Reason=SIP%3Bcause%3D302>;index=1.2.3;mp=1.1'
    yield b"12345@host;to-tag=1;from-tag=2;early-only"
    yield b"Sat, 13 Nov 2010 23:29:00 GMT"
    yield b'307 isi.edu "Session parameter not understood"'
    yield b"1800;refresher=uac"
    yield b"120 (back soon);duration=3600"
    yield b"776656 1 INVITE"


def descriptions():
    for message in messages():
        body = message.partition(CRLF * 2)[2]
        if body.startswith(b"v="):
            yield body
    yield CRLF.join([
        b"v=0", b"o=- 1 1 IN IP4 198.51.100.7", b"s=-", b"c=IN IP6 2001:db8::7", b"t=0 0", b"a=group:BUNDLE 0 1",
        b"m=audio 40000/2 RTP/SAVPF 8 0 101 9", b"a=rtpmap:101 telephone-event/8000", b"a=fmtp:101 0-15",
        b"a=rtcp:40001 IN IP4 198.51.100.7", b"a=rtcp-mux", b"a=ptime:20", b"a=sendonly", b"b=AS:64", b"b=TIAS:64000",
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
        b"a=candidate:1 1 UDP 2130706431 198.51.100.7 40000 typ host", b"a=ice-ufrag:x", b"a=fingerprint:sha-1 00",
        b"m=video 0 UDP/TLS/RTP/SAVPF 96", b"a=rtpmap:96 H264/90000", b"a=rtcp-fb:96 nack",
        b"m=image 4000 udptl t38", b"c=IN IP4 0.0.0.0", b"a=T38FaxVersion:0", b""])


def rtp(kind=8, sequence=1, stamp=160, source=10, payload=b"\xd5" * 20, first=0x80, extra=b""):
    return struct.pack("!BBHII", first, kind, sequence, stamp, source) + extra + payload


def rtcp():
    block = struct.pack("!IIIIII", 11, 0x05000001, 100, 3, 0, 0)
    sender = struct.pack("!BBHIIIIII", 0x81, 200, 12, 10, 1, 2, 160, 1, 20) + block
    names = struct.pack("!BBHI", 0x81, 202, 3, 10) + b"\x01\x04name\x00\x00"
    return [
        sender + names, struct.pack("!BBHI", 0x81, 201, 7, 10) + block,
        struct.pack("!BBHI", 0x80, 201, 1, 10) + struct.pack("!BBHI", 0x81, 203, 1, 10),
        struct.pack("!BBHIII", 0x81, 205, 3, 10, 11, 0), struct.pack("!BBHII", 0x80, 207, 2, 10, 0),
        struct.pack("!BBHI4s", 0x80, 204, 2, 10, b"name"),
    ]


def packets():
    yield rtp()
    yield rtp(first=0x92, extra=struct.pack("!IIHHI", 1, 2, 0xBEDE, 1, 0))
    yield rtp(first=0xA0, payload=b"\x00" * 19 + b"\x04")
    yield rtp(kind=0x80 | 101, payload=b"\x05\x8a\x03\x20")
    yield from rtcp()
    yield b"\x10\x00\x00\x01ZRTP" + b"\x00" * 8
    yield stun()
    yield b"\x16\xfe\xff" + b"\x00" * 20


def sealed():
    yield from packets()
    for line in (FIXTURES / "srtp/libsrtp-arrays.tsv").read_text().splitlines()[1:]:
        for word in line.split("\t"):
            if re.fullmatch(r"(?:[0-9a-f]{2}){12,}", word):
                yield bytes.fromhex(word)


def turns_of_relay():
    def turn(who, socket, packet):
        return bytes([who | socket << 3, len(packet)]) + packet

    talk = b"".join(
        turn(0, 0, rtp(sequence=number, stamp=160 * number)) + turn(1, 2, rtp(0, number, 160 * number, 11))
        for number in range(4))
    yield talk
    yield talk + b"\xff\x40" + turn(4, 0, rtp(sequence=9)) + turn(6, 0, rtp(source=77))
    yield turn(0, 0, rtp()) + b"".join(turn(0, 1, packet) + turn(1, 3, packet) for packet in rtcp())
    yield b"".join(turn(2, 4, packet) + turn(3, 6, packet) for packet in packets())


def stun(attributes=b""):
    return struct.pack("!HHI", 1, len(attributes), 0x2112A442) + b"transaction!" + attributes


def binding_requests():
    yield stun()
    yield stun(struct.pack("!HH4s", 0x8022, 4, b"name") + struct.pack("!HHI", 0x8028, 4, 0))
    yield stun(struct.pack("!HHI", 0x0024, 4, 1))


def numbers():
    for name in ["dialled.tsv", "short_numbers.tsv", "examples.tsv"]:
        for place, line in enumerate((FIXTURES / "numbering" / name).read_text().splitlines()[1::7]):
            for word in line.split("\t"):
                if re.search(r"\d", word) and len(word) < 40:
                    yield bytes([place * 37 % 256, place % 4]) + word.encode()
    for text in ["tel:+44-20-7946-0000;phone-context=example.com", "%2B34 976 111 222", "00 44 (0)20 7946 0000",
                 "*67 911", "#31#112", "0 112", "\u0661\u0661\u0662", "141 02079460000", "1-800-FLOWERS"]:
        yield b"\x40\x01" + text.encode()


def rates():
    header = b"prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s\n"
    yield header + b"34,Spain,0,0.06,0,1\n44,\"United, \"\"Kingdom\"\"\",0.10,0.60,0,60\n"
    yield (b"\xef\xbb\xbfprefix;destination;price_per_minute;currency;valid_from;valid_until;days;from_time;to_time\r\n"
           b"34;Spain;0,06;EUR;2026-01-01;2026-12-31 18:30;mon-fri;08:00;20:00\r\n"
           b"34;Spain;0,03;EUR;;;;20:00;08:00\r\n34;Spain;0,03;EUR;;;sat sun;08:00;20:00\r\n")
    yield b"prefix\tprice_per_minute\tfree_s\trounding\n+1\t1\t30\t0.01\n8823\t2.5\t\t\n"
    for path in sorted(ROOT.glob("examples/**/*.csv")) + sorted(ROOT.glob("docs/**/*.csv")):
        yield path.read_bytes()


def directories():
    for path in sorted((FIXTURES / "directory").glob("*.json")):
        yield path.read_bytes()


def configurations():
    for path in sorted(ROOT.glob("examples/*.yaml")):
        yield path.read_bytes()
    for path in sorted((ROOT / "docs").glob("**/*.md")):
        for block in re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
            yield block.encode()
    # The document of the tests that has every key.
    text = (ROOT / "Tests/ServerTests/Apply/EverythingYAML.swift").read_text()
    text = text.replace(r"\(authoritiesFile)", f"{FIXTURES}/tls/authority.pem")
    text = text.replace(r"\(countriesFile)", f"{FIXTURES}/directory/countries.csv")
    yield re.sub(r"^  ", "", text.split('"""')[1].lstrip("\n"), flags=re.MULTILINE).encode()
    yield b"version: 1\nplatform: &p { limits: { spend: { day: 10 } } }\nmail: *p\n"
    yield b"version: " + b"{!limits: " * 500


SDP = CRLF.join([
    b"v=0", b"o=phone 1 1 IN IP4 198.51.100.7", b"s=-", b"c=IN IP4 198.51.100.7", b"t=0 0",
    b"m=audio 40000 RTP/AVP 8 0 101", b"a=rtpmap:101 telephone-event/8000", b"a=sendrecv", b""])


def request(method, uri, number, *fields, body=b"", sequence=1, tag=b""):
    head = [
        b"%s %s SIP/2.0" % (method, uri), b"Via: SIP/2.0/UDP 198.51.100.7:5062;rport;branch=z9hG4bK%d" % number,
        b"From: <sip:101@office.example>;tag=f1", b"To: <%s>%s" % (uri, tag), b"Call-ID: call-%d" % number,
        b"CSeq: %d %s" % (sequence, method), b"Contact: <sip:101@198.51.100.7:5062>", b"Max-Forwards: 70", *fields,
        b"Content-Length: %d" % len(body), b"", body]
    return CRLF.join(head)


def invite(uri, number, *fields, body=SDP):
    kind = [b"Content-Type: application/sdp"] if body else []
    return request(b"INVITE", uri, number, *fields, *kind, body=body)


def lines(*fields, body=b""):
    kind = [b"Content-Type: application/sdp"] if body else []
    return CRLF.join([*fields, *kind, b"Content-Length: %d" % len(body), b"", body])


def turns_of_switch():
    contact = b"Contact: <sip:102@198.51.100.8:5064>"
    carrier = b"Contact: <sip:x@192.0.2.50:5060>"
    inside, outside = b"sip:102@office.example", b"sip:+442079460000@office.example"
    ring = b"A" + lines(b"180 Ringing", contact)
    answer = b"A" + lines(b"200 OK", contact, b"Supported: timer", body=SDP)
    taken = b"C" + lines(b"200 OK", carrier, body=SDP)
    ack, bye = b"D" + lines(b"ACK"), b"D" + lines(b"BYE")
    turns = [
        [b"P" + invite(inside, 1), ring, answer, ack, b"t\x08", bye, b"A" + lines(b"200 OK")],
        [b"P" + invite(inside, 2), b"E" + lines(b"BYE")],
        [b"P" + invite(inside, 3), b"A" + lines(b"486 Busy Here")],
        [b"P" + invite(inside, 4), answer, ack, b"E" + lines(b"INVITE", contact, body=SDP),
         b"D" + lines(b"INFO", b"Signal: 5")],
        [b"P" + invite(inside, 5, b"Supported: 100rel, timer", b"Session-Expires: 1800"),
         b"A" + lines(b"183 Session Progress", contact, b"Require: 100rel", b"RSeq: 1", body=SDP),
         b"D" + lines(b"PRACK", b"RAck: 1 1 INVITE"), answer, ack, b"D" + lines(b"UPDATE", body=SDP)],
        [b"P" + invite(inside, 6), ring, b"P" + request(b"CANCEL", inside, 6), b"A" + lines(b"487 Terminated")],
        [b"P" + invite(outside, 7), b"C" + lines(b"100 Trying"), b"C" + lines(b"183 Progress", carrier, body=SDP),
         taken, ack, b"t\xf0", b"t\xf0", bye, b"C" + lines(b"200 OK")],
        [b"P" + invite(outside, 8), b"C" + lines(b"503 Service Unavailable", b"Retry-After: 5")],
        [b"P" + invite(outside, 9), b"C" + lines(b"407 Proxy", b'Proxy-Authenticate: Digest realm="x", nonce="y"')],
        [b"P" + invite(outside, 10), taken, taken, ack, b"D" + lines(b"INVITE", body=SDP), b"C" + lines(b"491 Pending")],
        [b"P" + invite(inside, 11, body=b""), answer, b"D" + lines(b"ACK", body=SDP), bye],
        [b"P" + invite(inside, 12), b"A" + lines(b"302 Moved", b"Contact: <sip:+34976111222@office.example>")],
        [b"c" + invite(b"sip:+34976111222@192.0.2.1", 13), answer, b"c" + request(b"OPTIONS", b"sip:192.0.2.1", 14)],
        [b"P" + request(b"REGISTER", b"sip:office.example", 15, b"Expires: 0").replace(
            b"To: <sip:office.example>", b"To: <sip:101@office.example>"), b"Q" + invite(b"sip:101@office.example", 16)],
        [b"s" + invite(inside, 17), b"s" + request(b"OPTIONS", inside, 18), b"s" + request(b"REGISTER", inside, 19)],
        [b"P" + request(b"REFER", inside, 20, b"Refer-To: <sip:101@office.example>"),
         b"P" + request(b"SUBSCRIBE", inside, 21, b"Event: dialog"), b"P" + request(b"MESSAGE", inside, 22, body=b"hi")],
        [b"P" + invite(b"sip:112@office.example", 23), taken, ack],
    ]
    for turn in turns:
        yield b"\x1e".join(turn)
    for message in messages():
        yield b"s" + message
        yield b"P" + message.replace(b"example.com", b"office.example")


SUBJECTS = {
    "message": messages, "stream": streams, "header": header_values, "description": descriptions,
    "packet": packets, "sealed": sealed, "relay": turns_of_relay, "stun": binding_requests, "number": numbers,
    "rates": rates, "directory": directories, "configuration": configurations,
    "switch": turns_of_switch,
}


def main(folder):
    for name, seeds in SUBJECTS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            (folder / name / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
