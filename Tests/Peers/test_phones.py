"""Real phones talk through the server, both ways, over every transport and address family."""

import pathlib
import shutil
import tempfile
import unittest

from .support import audio
from .support.network import Network
from .support.phones import Baresip, Linphone
from .support.process import eventually
from .support.scenario import Answerer, Caller
from .support.server import Martinet, password
from .support.sipp import Peer

FRONT = [0, 3, 1, 4]
BACK = [5, 2, 0, 5, 3]


class PhonesTalk(unittest.TestCase):
    """baresip (101) calls linphone (102); each plays a melody and records what it hears."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-phones-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.network = cls.enterClassContext(Network())
        cls.server_host, cls.front, cls.back = (cls.network.host() for _ in range(3))
        audio.melody(cls.folder / "front.wav", FRONT)
        audio.melody(cls.folder / "back.wav", BACK)
        v4, v6 = cls.server_host.v4, cls.server_host.v6
        cls.server = Martinet(cls.folder / "server", cls.server_host, sip=f"{v4}:5060,[{v6}]:5060")
        cls.server.office()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def talk(self, front, back):
        """`front` and `back` are (transport, family, srtp) of the caller and of the called."""
        folder = self.folder / self.id().rsplit(".", 1)[-1]
        (transport, family, srtp), (transport2, family2, srtp2) = front, back
        caller = Baresip(self.front, folder / "front", 101, password(101), "office.example",
                         self.server_host.address(family), transport, family, srtp,
                         self.folder / "front.wav")
        called = None
        try:
            called = Linphone(self.back, folder / "back", 102, password(102), "office.example",
                              self.server_host.address(family2), transport2, family2, srtp2,
                              self.folder / "back.wav")
            caller.registered()
            called.registered()
            before = len(self.server.records())
            caller.dial(102)
            caller.established()
            called.established()
            # Twelve notes of a quarter of a second, heard at both ends, are three seconds of talk.
            eventually(lambda: caller.recording().stat().st_size > 80_000
                       and called.recording().exists() and called.recording().stat().st_size > 80_000,
                       20, "five seconds of talk")
            caller.hang_up()
            called.closed()
        except AssertionError as error:
            raise AssertionError(f"{error}\n--- server:\n{self.server.process.output()[-3000:]}") from None
        finally:
            caller.stop()
            if called:
                called.stop()
        for phone, melody in ((caller, BACK), (called, FRONT)):
            heard = audio.notes_heard(phone.recording())
            self.assertGreaterEqual(
                audio.longest_match(heard, melody), 12,
                f"{phone.user} heard {heard} and not {melody} over and over")
        record = eventually(lambda: self.server.records()[before:], 5, "the call record")[-1]
        self.assertEqual(record["cause"], "normal")
        self.assertGreater(record["legs"][0]["packets_received"], 200)
        self.assertGreater(record["legs"][1]["mos"], 3.5)

    def test_udp_over_ipv4(self):
        self.talk(("udp", 4, False), ("udp", 4, False))

    def test_tcp_over_ipv4(self):
        self.talk(("tcp", 4, False), ("tcp", 4, False))

    def test_tls_and_srtp_over_ipv4(self):
        self.talk(("tls", 4, True), ("tls", 4, True))

    def test_udp_over_ipv6(self):
        self.talk(("udp", 6, False), ("udp", 6, False))

    def test_tcp_over_ipv6(self):
        self.talk(("tcp", 6, False), ("tcp", 6, False))

    def test_tls_and_srtp_over_ipv6(self):
        self.talk(("tls", 6, True), ("tls", 6, True))

    def test_one_of_each_secure_ipv6_to_plain_ipv4(self):
        self.talk(("tls", 6, True), ("udp", 4, False))

    def test_one_of_each_plain_ipv4_to_secure_ipv6(self):
        self.talk(("udp", 4, False), ("tls", 6, True))


class PhoneAndCarrier(unittest.TestCase):
    """baresip over a stream, a carrier over UDP and IPv4 that sends back the sound it gets: calls out and in."""

    NUMBER = "+34976111222"

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-carrier-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.network = cls.enterClassContext(Network())
        cls.host, cls.front, cls.outside = (cls.network.host() for _ in range(3))
        audio.melody(cls.folder / "front.wav", FRONT)
        cls.server = Martinet(cls.folder / "server", cls.host, sip=f"{cls.host.v4}:5060,[{cls.host.v6}]:5060")
        cls.server.office(
            numbers=[f'{{ number: "{cls.NUMBER}", to: ["101"] }}'],
            trunks={"carrier": f'{{ name: carrier, address: "sip:{cls.outside.v4}:5060;transport=udp", probe: 0 }}'})
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def carrier(self, name, scenario, **words):
        peer = Peer(self.folder, f"{self._testMethodName}-{name}", scenario, 5060, address=self.outside.v4,
                    host=self.outside, more=["-rtp_echo"], **words)
        self.addCleanup(peer.stop)
        return peer

    def talk(self, transport, family, srtp):
        folder = self.folder / self._testMethodName
        phone = Baresip(self.front, folder, 101, password(101), "office.example", self.host.address(family), transport,
                        family, srtp, self.folder / "front.wav")
        self.addCleanup(phone.stop)
        phone.registered()
        before = len(self.server.records())
        carrier = self.carrier("out", Answerer().invited().rings().accepts().called_off())
        phone.dial("976333444")
        phone.established()
        eventually(lambda: any(file.stat().st_size > 80_000 for file in folder.glob("dump-*-dec.wav")), 20,
                   "five seconds of talk")
        phone.hang_up()
        carrier.finish()
        heard = audio.notes_heard(phone.recording())
        self.assertGreaterEqual(audio.longest_match(heard, FRONT), 12, f"its own melody came back as {heard}")
        invite = carrier.messages("INVITE")[0]
        self.assertRegex(invite.header("Via"), "^SIP/2.0/UDP ")
        self.assertIn("RTP/AVP ", invite.body)
        self.assertNotIn("crypto", invite.body, "the keys of the phone are not the carrier's")

        call = Caller("+34600111222", self.outside.v4, self.NUMBER, password=False, host=f"{self.host.v4}:5060")
        self.carrier("in", call.invite().answered().pause(1000).hang_up(), server=f"{self.host.v4}:5060").finish()
        rows = eventually(lambda: len(rows := self.server.records()) >= before + 2 and rows[:2], 10, "two records")
        self.assertEqual([(row["kind"], row["cause"]) for row in rows], [("inbound", "normal"), ("outbound", "normal")])
        self.assertGreater(rows[1]["legs"][0]["packets_received"], 200)

    def test_a_phone_on_tcp(self):
        self.talk("tcp", 4, False)

    def test_a_phone_on_tls_with_srtp_and_ipv6(self):
        self.talk("tls", 6, True)


if __name__ == "__main__":
    unittest.main()
