"""A real SMTP server that keeps what it takes, with the moment of arrival."""

import email
import email.policy
import socket
import time

from aiosmtpd.controller import Controller


class _Keeper:
    def __init__(self):
        self.letters = []

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((time.time(), envelope.rcpt_tos, letter))
        return "250 OK"


class MailServer:
    """Use as a context; `letters` holds (arrival, recipients, message)."""

    def __init__(self, port=0):
        if port == 0:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
        self.port = port
        self._keeper = _Keeper()
        self._controller = Controller(self._keeper, hostname="127.0.0.1", port=port)

    @property
    def letters(self):
        return list(self._keeper.letters)

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self._controller.stop()
