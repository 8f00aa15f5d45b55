"""A phone as a script in a browser is one: everything on one WebSocket, and no address of its own (RFC 7118)."""

import asyncio
import re
import ssl
import uuid

import websockets

from .stranger import authorization

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 29000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"


def header(message, name):
    return re.search(rf"^{name}: *(.*?)\r$", message, re.M | re.I).group(1)


class Browser:
    """Opened with `async with`; requests and answers as text."""

    def __init__(self, url, user, domain, password, origin=None):
        self.url, self.user, self.domain, self.password, self.origin = url, user, domain, password, origin
        self.place = f"{uuid.uuid4().hex[:10]}.invalid"
        self.via = "WSS" if url.startswith("wss") else "WS"
        self.sequence = 0

    async def __aenter__(self):
        context = None
        if self.url.startswith("wss"):
            # The server's own certificate, which nobody has signed.
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.link = await websockets.connect(self.url, subprotocols=["sip"], origin=self.origin, ssl=context)
        return self

    async def __aexit__(self, *_):
        await self.link.close()

    async def receive(self, wanted):
        """The next message that begins so; others are passed over."""
        while True:
            message = await asyncio.wait_for(self.link.recv(), 10)
            if message.startswith(wanted):
                return message

    async def request(self, method, uri, to, call, body="", tag="", more=()):
        lines = [f"{method} {uri} SIP/2.0",
                 f"Via: SIP/2.0/{self.via} {self.place};branch=z9hG4bK{uuid.uuid4().hex}", "Max-Forwards: 70",
                 f"From: <sip:{self.user}@{self.domain}>;tag=b", f"To: <{to}>{tag}", f"Call-ID: {call}",
                 f"CSeq: {self.sequence} {method}",
                 f"Contact: <sip:{self.user}@{self.place};transport=ws>", *more]
        lines += ["Content-Type: application/sdp"] if body else []
        await self.link.send("\r\n".join([*lines, "", body]))

    async def proven(self, method, uri, to, body="", more=()):
        """Sends it, answers the challenge; the final answer, acknowledged, and its Call-ID."""
        call, extra = uuid.uuid4().hex, ()
        for _ in range(2):
            self.sequence += 1
            await self.request(method, uri, to, call, body, more=(*more, *extra))
            answer = await self.receive("SIP/2.0 ")
            while answer.startswith("SIP/2.0 1"):
                answer = await self.receive("SIP/2.0 ")
            if method == "INVITE":
                await self.request("ACK", uri, to, call, tag=";tag=" + header(answer, "To").split("tag=")[1])
            if not answer.startswith("SIP/2.0 401"):
                break
            challenge = next(line for line in answer.split("\r\n") if "MD5" in line)
            extra = (authorization(challenge, self.domain, self.user, self.password, method, uri).strip(),)
        return answer, call

    async def register(self):
        home = f"sip:{self.domain}"
        return await self.proven("REGISTER", home, f"sip:{self.user}@{self.domain}", more=("Expires: 600",))

    async def answer(self, request, status, body=""):
        """Answers a request; a 2xx to an INVITE with a description."""
        lines = [f"SIP/2.0 {status}", *re.findall(r"^(?:Via|From|Call-ID|CSeq|Record-Route): .*?(?=\r$)", request, re.M),
                 f"To: {header(request, 'To').split(';tag=')[0]};tag=browser",
                 f"Contact: <sip:{self.user}@{self.place};transport=ws>"]
        lines += ["Content-Type: application/sdp"] if body else []
        await self.link.send("\r\n".join([*lines, "", body]))
