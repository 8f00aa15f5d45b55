"""What somebody on the wire sees: every frame that a host sends and receives, and what can be made of it."""

import array
import collections
import pathlib
import socket
import struct
import sys
import wave

from .process import Process

Datagram = collections.namedtuple("Datagram", "protocol source target payload")
TCP, UDP = 6, 17


class Capture:
    """Listens from its making to `stop`; `packets` are what TCP and UDP carried."""

    def __init__(self, host, folder):
        self.path = pathlib.Path(folder) / "capture"
        self._process = Process(host.command("/usr/bin/python3", "-m", "Peers.support.capture", self.path),
                                self.path.with_suffix(".log"), directory=pathlib.Path(__file__).parents[2])
        self._process.wait_for("^listening")

    def stop(self):
        self._process.stop()

    def packets(self):
        data, found, offset = self.path.read_bytes(), [], 0
        while offset + 4 <= len(data):
            length = int.from_bytes(data[offset:offset + 4], "big")
            packet = _parse(data[offset + 4:offset + 4 + length])
            if packet:
                found.append(packet)
            offset += 4 + length
        return found


def _parse(frame):
    kind, packet = frame[12:14], frame[14:]
    if kind == b"\x08\x00":
        protocol, source, target = packet[9], packet[12:16], packet[16:20]
        body = packet[4 * (packet[0] & 15):int.from_bytes(packet[2:4], "big")]
    elif kind == b"\x86\xdd":
        protocol, source, target = packet[6], packet[8:24], packet[24:40]
        body = packet[40:40 + int.from_bytes(packet[4:6], "big")]
    else:
        return None
    if protocol not in (TCP, UDP):
        return None
    ports = struct.unpack(">HH", body[:4])
    payload = body[8:] if protocol == UDP else body[4 * (body[12] >> 4):]
    return Datagram(protocol, (source, ports[0]), (target, ports[1]), payload)


def words(packets, wanted):
    """Which of these bytes stand anywhere in what was carried, in large or small letters, over the borders of packets too."""
    streams = collections.defaultdict(bytearray)
    for packet in packets:
        streams[packet[:3]] += packet.payload
    return {word for word in wanted if any(word.lower() in bytes(stream).lower() for stream in streams.values())}


def rtp(packets):
    """By source and target, the packets that look like RTP (RFC 3550)."""
    streams = collections.defaultdict(list)
    for packet in packets:
        if packet.protocol == UDP and len(packet.payload) > 12 and packet.payload[0] >> 6 == 2 and packet.payload[1] & 0x7F < 64:
            streams[packet[1:3]].append(packet.payload)
    return streams


def listen_to(payloads, path):
    """Writes what somebody hears who plays payloads as A-law into a wave file."""
    samples = array.array("h")
    for payload in payloads:
        samples.extend(map(_A_LAW.__getitem__, payload[12:]))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def _a_law(byte):
    """G.711."""
    byte ^= 0x55
    segment, value = byte >> 4 & 7, (byte & 15) << 4
    value += 8 if segment == 0 else 0x108
    value <<= max(segment - 1, 0)
    return value if byte & 0x80 else -value


_A_LAW = [_a_law(byte) for byte in range(256)]


def _record(path):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    link.bind(("eth0", 0))
    with open(path, "wb", buffering=0) as file:
        print("listening", flush=True)
        while True:
            frame = link.recv(65535)
            file.write(len(frame).to_bytes(4, "big") + frame)


if __name__ == "__main__":
    _record(sys.argv[1])
