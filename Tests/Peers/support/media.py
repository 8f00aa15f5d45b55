"""Sound at one end of a call: a socket that talks RTP with a mark of its own and notes what it hears."""

import re
import socket
import struct
import threading
import time


class Media:
    """Use as a context. `heard` is a list of (moment, mark); a mark is the byte that a talker's packets are full of."""

    def __init__(self, mark, address="127.0.0.1"):
        self.mark = mark
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.heard = []
        self.target = None
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._talk)]

    def talk(self, description):
        """Talks to where a session description says."""
        address = re.search(r"^c=IN IP[46] (\S+)", description, re.MULTILINE).group(1)
        port = int(re.search(r"^m=audio (\d+)", description, re.MULTILINE).group(1))
        self.target = (address, port)

    def marks(self, since=0.0, until=float("inf")):
        """Whom it heard in that time."""
        return {mark for moment, mark in list(self.heard) if since <= moment <= until}

    def _listen(self):
        while not self._ended.is_set():
            try:
                packet = self.socket.recv(2048)
            except TimeoutError:
                continue
            if len(packet) == 172:
                self.heard.append((time.time(), packet[20]))

    def _talk(self):
        number = 0
        while not self._ended.wait(0.02):
            target = self.target
            if target:
                number += 1
                header = struct.pack("!BBHII", 0x80, 8, number & 0xFFFF, number * 160 & 0xFFFFFFFF, 0x5000 + self.mark)
                self.socket.sendto(header + bytes([self.mark]) * 160, target)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self.socket.close()
