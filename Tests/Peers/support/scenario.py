"""SIPp scenarios written as the steps of one peer, in the order in which they happen on the wire.

A `Caller` sends the first INVITE, an `Answerer` gets it, a `Registration` registers a phone. Each call of a method is one
message, so that a test shows its own call flow.
"""

import pathlib

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n'


def sdp(port="[media_port]", direction="sendrecv", version=1, more=""):
    """A session description; another `version` and `direction` is a new offer of the same session."""
    return f"""\
v=0
o=peer 7 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {port} RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
{more}a={direction}
"""


class Scenario:
    """What every peer can do; `text` is what SIPp reads."""

    def __init__(self, transport="udp"):
        self.transport = transport
        self._steps = []
        self._captures = []
        self._requests = 0

    @property
    def text(self):
        names = ",".join(dict.fromkeys(self._captures))
        reference = f'<Reference variables="{names}"/>\n' if names else ""
        return _HEAD.format(name=type(self).__name__) + "\n".join(self._steps) + f"\n{reference}</scenario>\n"

    def label(self, name):
        """Where a step with `next=name` goes on."""
        self._steps.append(f'<label id="{name}"/>')
        return self

    def pause(self, milliseconds):
        self._steps.append(f'<pause milliseconds="{milliseconds}"/>')
        return self

    def receive(self, what, seconds=15, actions="", **attributes):
        """A request by its method, a response by its number. `optional=True` comes before one that must come."""
        kind = "request" if isinstance(what, str) else "response"
        if not attributes.get("optional"):
            attributes["timeout"] = int(seconds * 1000)
        words = "".join(f' {key}="{str(value).lower() if isinstance(value, bool) else value}"'
                        for key, value in attributes.items())
        self._steps.append(f'<recv {kind}="{what}"{words}>{actions}</recv>')
        return self

    def capture(self, header, name, pattern=".*"):
        self._captures.append(name)
        return (f'<ereg regexp="{pattern}" search_in="hdr" header="{header}:" check_it="true" '
                f'assign_to="{name}"/>')

    def message(self, first, headers, body="", again=True, **attributes):
        """Sends one message; `again` repeats it until its answer comes."""
        lines = [first, *[line for line in headers if line]]
        if body:
            lines.append("Content-Type: application/sdp")
        lines += ["Content-Length: [len]", "", *body.splitlines()]
        if again and self.transport == "udp":
            attributes["retrans"] = 500
        words = "".join(f' {key}="{value}"' for key, value in attributes.items())
        text = "\n".join(lines)
        self._steps.append(f"<send{words}><![CDATA[\n{text}\n\n]]></send>")
        return self

    def answer(self, status, reason="OK", body="", headers=(), again=False, tag=False):
        """Answers the request that came last."""
        return self.message(
            f"SIP/2.0 {status} {reason}",
            ["[last_Via:]", "[last_Record-Route:]", "[last_From:]",
             "[last_To:]" + (self.own_tag if tag else ""), "[last_Call-ID:]", "[last_CSeq:]",
             self.contact, *headers], body, again)

    def called_off(self, seconds=15):
        """The other side hangs up."""
        return self.receive("BYE", seconds).answer(200)

    own_tag = ";tag=[pid]peer[call_number]"
    contact = "Contact: <sip:peer@[local_ip]:[local_port];transport=[transport]>"

    def branch(self):
        self._requests += 1
        return f"z9hG4bK[pid]x[call_number]x{self._requests}"

    def via(self, branch=None):
        return f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch or self.branch()};rport"

    def write(self, folder, name):
        file = pathlib.Path(folder) / f"{name}.xml"
        file.write_text(self.text)
        return file


class Caller(Scenario):
    """Begins a call to `target`: a phone with its password, or a carrier without."""

    def __init__(self, user, domain, target, transport="udp", password=True, to=None, host=None):
        super().__init__(transport)
        self.user, self.domain, self.target, self.password = user, domain, target, password
        self.uri = f"sip:{target}@{host or domain}"
        self.to = f"To: <sip:{to or target}@{domain}>"
        self.sequence = 0

    @property
    def own(self):
        return f"From: <sip:{self.user}@{self.domain}>{self.own_tag}"

    def _invite(self, branch, body, headers):
        self.sequence += 1
        return self.message(
            f"INVITE {self.uri} SIP/2.0",
            [self.via(branch), self.own, self.to, "Call-ID: [call_id]", f"CSeq: {self.sequence} INVITE",
             self.contact, "Max-Forwards: 70", *headers], body)

    def invite(self, body=None, headers=(), trying=False):
        """The INVITE, and again with the answer to its challenge; with `trying` the 100 must come."""
        self.invited = self.branch()
        body = sdp() if body is None else body
        self._invite(self.invited, body, headers)
        if self.password:
            self.receive(100, optional=True).receive(401, auth=True).refused()
            self.invited = self.branch()
            self._invite(self.invited, body, [*headers, "[authentication]"])
        return self.receive(100) if trying else self.receive(100, optional=True)

    def refused(self):
        """Acknowledges a final answer that is no success."""
        return self.message(
            f"ACK {self.uri} SIP/2.0",
            [self.via(self.invited), self.own, "[last_To:]", "Call-ID: [call_id]", f"CSeq: {self.sequence} ACK",
             "Max-Forwards: 70"], again=False)

    def fails(self, status, seconds=15):
        return self.receive(180, optional=True).receive(183, optional=True) \
            .receive(status, seconds).refused()

    def answered(self, seconds=15):
        """The 200, with or without ringing before it, and its ACK."""
        return self.receive(180, optional=True).receive(183, optional=True).success(seconds)

    def success(self, seconds=15):
        return self.receive(200, seconds, rrs=True).acknowledge()

    def acknowledge(self, body=""):
        return self.request("ACK", self.sequence, body, again=False)

    def send_cancel(self):
        return self.message(
            f"CANCEL {self.uri} SIP/2.0",
            [self.via(self.invited), self.own, self.to, "Call-ID: [call_id]", f"CSeq: {self.sequence} CANCEL",
             "Max-Forwards: 70"])

    def cancel(self):
        """CANCEL, its 200, and the 487 of the INVITE."""
        return self.send_cancel().receive(200).receive(487).refused()

    def request(self, method, sequence=None, body="", headers=(), again=True):
        """A request in the dialog."""
        if sequence is None:
            self.sequence += 1
        return self.message(
            f"{method} [next_url] SIP/2.0",
            [self.via(), "[routes]", self.own, f"{self.to}[peer_tag_param]", "Call-ID: [call_id]",
             f"CSeq: {sequence or self.sequence} {method}", "Max-Forwards: 70",
             self.contact if method in ("INVITE", "UPDATE") else "", *headers], body, again)

    def offer(self, body, headers=()):
        """A re-INVITE up to its ACK."""
        return self.request("INVITE", body=body, headers=headers).receive(100, optional=True) \
            .receive(200).acknowledge()

    def hang_up(self, **attributes):
        return self.request("BYE").receive(200, **attributes)

    def or_fails(self, status, talk):
        """Where a call may be refused with `status`: does `talk` after an answer, and ends either way."""
        self.receive(180, optional=True).receive(status, optional=True, next="refused").success()
        talk(self)
        return self.hang_up(next="end").label("refused").refused().label("end").pause(50)


class Answerer(Scenario):
    """Is called: a carrier, or a registered phone."""

    def __init__(self, transport="udp"):
        super().__init__(transport)
        self.sequence = 0
        # Of every hop, while nothing came after the INVITE, or with the same path; see `acknowledged_reliably`.
        self._invite_via = "[last_Via:]"

    def invited(self, seconds=60):
        actions = "".join([
            self.capture("From", "peer"), self.capture("To", "own"), self.capture("CSeq", "number", "[0-9]+"),
            self.capture("Contact", "target", "sip:[^&gt;]*"), self.capture("Via", "via")])
        return self.receive("INVITE", seconds, f"<action>{actions}</action>")

    def answer_invite(self, status, reason="OK", body="", headers=()):
        """Answers the INVITE, whatever came after it."""
        return self.message(
            f"SIP/2.0 {status} {reason}",
            [self._invite_via, "[last_Record-Route:]", "[last_From:]", f"To:[$own]{self.own_tag}", "[last_Call-ID:]",
             "CSeq: [$number] INVITE", self.contact, *headers], body, again=status >= 200)

    def acknowledged_reliably(self):
        """The PRACK of a reliable provisional answer (RFC 3262); the INVITE came without a proxy between."""
        self._invite_via = "Via:[$via]"
        return self.receive("PRACK").answer(200)

    def rings(self):
        return self.answer_invite(180, "Ringing")

    def accepts(self, body=None, headers=()):
        return self.answer_invite(200, "OK", sdp() if body is None else body, headers).receive("ACK")

    def refuses(self, status, reason, headers=()):
        return self.answer_invite(status, reason, headers=headers).receive("ACK")

    def cancelled(self, seconds=15):
        """CANCEL and its 200; what the INVITE gets is the test's."""
        return self.receive("CANCEL", seconds).answer(200, tag=True)

    def request(self, method, body="", headers=(), again=True):
        if method != "ACK":
            self.sequence += 1
        return self.message(
            f"{method} [$target] SIP/2.0",
            [self.via(), f"From:[$own]{self.own_tag}", "To:[$peer]", "Call-ID: [call_id]",
             f"CSeq: {self.sequence} {method}", "Max-Forwards: 70",
             self.contact if method in ("INVITE", "UPDATE") else "", *headers], body, again)

    def offer(self, body, headers=()):
        """A re-INVITE up to its ACK."""
        return self.request("INVITE", body=body, headers=headers).receive(100, optional=True) \
            .receive(200).request("ACK", again=False)

    def offered(self, body, seconds=15):
        """A re-INVITE of the other side, answered with `body`."""
        return self.receive("INVITE", seconds).answer(200, body=body, again=True).receive("ACK")

    def hang_up(self):
        return self.request("BYE").receive(200)


class Registration(Scenario):
    """A phone that registers, answers its challenge and is gone; its binding stays."""

    def __init__(self, user, domain, expires=600):
        super().__init__()
        for sequence, extra in ((1, ""), (2, "[authentication]")):
            self.message(
                f"REGISTER sip:{domain} SIP/2.0",
                [self.via(), f"From: <sip:{user}@{domain}>;tag=[pid]", f"To: <sip:{user}@{domain}>",
                 "Call-ID: [call_id]", f"CSeq: {sequence} REGISTER",
                 f"Contact: <sip:{user}@[local_ip]:[local_port]>", f"Expires: {expires}", "Max-Forwards: 70", extra])
            self.receive(200 if extra else 401, **({} if extra else {"auth": True}))
