"""What a SIPp peer sent and received, read from its message log."""

import datetime
import re

_BORDER = re.compile(r"^-{20,}[ \t]*(\d{4}-\d\d-\d\d)[ \t](\d\d:\d\d:\d\d\.\d+)$", re.MULTILINE)


class Message:
    """One message on the wire, with the moment in seconds since 1970."""

    def __init__(self, moment, is_sent, transport, text):
        self.moment, self.is_sent, self.transport = moment, is_sent, transport
        head, _, self.body = text.replace("\r\n", "\n").partition("\n\n")
        self.first, *self.lines = head.split("\n")
        self.size = len(text.encode())

    @property
    def status(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else None

    @property
    def method(self):
        """The method of a request, and for a response that of its request."""
        return self.header("CSeq").split()[1]

    def header(self, name):
        """The first value of a header field; empty when it is not there."""
        for line in self.lines:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return ""

    @property
    def direction(self):
        """Of its session description."""
        found = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", self.body, re.MULTILINE)
        return found.group(1) if found else "sendrecv"

    def __repr__(self):
        return f"{'>' if self.is_sent else '<'} {self.first} [{self.header('CSeq')}]"


def messages(log):
    """Every message of a log, in order."""
    if not log.exists():
        return []
    pieces = _BORDER.split(log.read_text(errors="replace"))
    found = []
    for day, clock, text in zip(pieces[1::3], pieces[2::3], pieces[3::3]):
        title, _, message = text.strip("\n").partition("\n\n")
        begins = re.match(r"(\w+) message (sent|received)", title)
        if begins and message.strip():
            moment = datetime.datetime.fromisoformat(f"{day} {clock}").timestamp()
            found.append(Message(moment, begins.group(2) == "sent", begins.group(1), message.strip("\n")))
    return found
