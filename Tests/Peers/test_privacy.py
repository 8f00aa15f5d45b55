"""What a capture at the server shows of calls between real phones: everything in the clear, and nothing with TLS and SRTP or ZRTP."""

import pathlib
import shutil
import tempfile
import unittest

from .support import audio, capture
from .support.network import Network
from .support.phones import Baresip, Linphone
from .support.process import eventually
from .support.server import Martinet, password

FRONT = [0, 3, 1, 4]
BACK = [5, 2, 0, 5, 3]
# What signalling says: the protocol, who talks with whom, and the keys of the sound.
WORDS = [b"SIP/2.0", b"INVITE", b"REGISTER", b"sip:101", b"sip:102", b"office.example", b"m=audio", b"a=crypto", b"inline:", b"zrtp-hash",
         b"nonce="]


class Privacy(unittest.TestCase):
    """101 calls 102; each plays a melody, and somebody listens at the server, where all of it passes."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-privacy-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.network = cls.enterClassContext(Network())
        cls.host, cls.front, cls.back = (cls.network.host() for _ in range(3))
        audio.melody(cls.folder / "front.wav", FRONT)
        audio.melody(cls.folder / "back.wav", BACK)
        cls.server = Martinet(cls.folder / "server", cls.host, sip=f"{cls.host.v4}:5060")
        cls.server.office()
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def phone(self, kind, host, user, transport, secrecy, play):
        phone = kind(host, self.folder / self._testMethodName / str(user), user, password(user), "office.example", self.host.v4,
                     transport, 4, secrecy, self.folder / play)
        self.addCleanup(phone.stop)
        return phone

    def talk(self, kind, transport, secrecy):
        """A call of some seconds; the phones, and what was seen from their first message to their last."""
        folder = self.folder / self._testMethodName
        folder.mkdir()
        spy = capture.Capture(self.host, folder)
        self.addCleanup(spy.stop)
        caller = self.phone(kind, self.front, 101, transport, secrecy, "front.wav")
        called = self.phone(Linphone, self.back, 102, transport, secrecy, "back.wav")
        caller.registered()
        called.registered()
        caller.dial(102)
        # A phone that wants ZRTP refuses our keys first, and looks up names for some seconds before.
        caller.established(30)
        called.established()
        if secrecy == "zrtp":
            self.assertEqual(caller.secret(), called.secret(), "the phones agree upon keys with each other, and nobody between")
        eventually(lambda: all(phone.heard_bytes() > 80_000 for phone in (caller, called)), 20, "five seconds of talk")
        caller.hang_up()
        called.closed()
        spy.stop()
        for phone, melody in ((caller, BACK), (called, FRONT)):
            self.assertGreaterEqual(audio.longest_match(audio.notes_heard(phone.recording()), melody), 8)
        return spy.packets()

    def notes(self, packets):
        """The longest piece of a melody in each stream of sound, played as if nobody had hidden it."""
        found = {}
        for stream, payloads in capture.rtp(packets).items():
            if len(payloads) > 100:
                path = self.folder / self._testMethodName / "overheard.wav"
                capture.listen_to(payloads, path)
                heard = audio.notes_heard(path)
                found[stream] = max(audio.longest_match(heard, melody) for melody in (FRONT, BACK))
        return found

    def is_secret(self, packets):
        self.assertEqual(capture.words(packets, WORDS), set())
        notes = self.notes(packets)
        self.assertEqual(len(notes), 4, "both ways, from each phone and to it")
        self.assertLess(max(notes.values()), 4, notes)

    def test_a_call_in_the_clear_is_an_open_book(self):
        packets = self.talk(Baresip, "udp", False)
        self.assertEqual(capture.words(packets, WORDS), set(WORDS) - {b"a=crypto", b"inline:", b"zrtp-hash"})
        notes = self.notes(packets)
        self.assertEqual(len(notes), 4)
        self.assertGreaterEqual(min(notes.values()), 8, notes)

    def test_tls_and_srtp_hide_everything(self):
        # baresip says goodbye in the clear (RTCP BYE with its name), which is its own fault; linphone does not.
        self.is_secret(self.talk(Linphone, "tls", True))

    def test_tls_and_zrtp_hide_everything_from_the_server_too(self):
        packets = self.talk(Linphone, "tls", "zrtp")
        self.assertTrue(any(packet.payload[4:8] == b"ZRTP" for packet in packets), "they have spoken ZRTP")
        self.is_secret(packets)


if __name__ == "__main__":
    unittest.main()
