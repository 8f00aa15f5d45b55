"""SIPp as carrier: calls out and in, the next trunk when one fails, channels, early media, long requests."""

import math
import socket
import unittest

from .support.media import Media
from .support.process import eventually
from .support.scenario import Answerer, sdp
from .support.town import Town

ZARAGOZA = "976333444"
LONDON = "00442079460000"
# Longer than a datagram should be (RFC 3261 §18.1.1).
LONG = "".join(f"a=x-peer-{number}:{'long' * 12}\n" for number in range(20))


class CarrierTests(Town):
    at_once = 6
    offices = {
        # Failover: the next trunk is tried within the same call attempt.
        "silent": {"trunks": [{"timeout_ms": 1500}, {}]},
        "overloaded": {"trunks": [{}, {}]},
        "dead": {"trunks": [{}, {}]},
        "deadtcp": {"trunks": [{"address": "sip:127.0.0.1:{port};transport=tcp"}, {}]},
        "all": {"trunks": [{}, {}]},
        "impatient": {"trunks": [{"timeout_ms": 1000}, {}]},
        "early503": {"trunks": [{}, {}]},
        "outward": {"trunks": [{"channels": 2}]},
        "inward": {"trunks": [{"channels": 2}]},
        "out": {},
        "in": {},
        "several": {"to": ["101", "102"]},
        "turns": {"to": [{"extensions": ["101"], "ring": 5}, {"extensions": ["102"], "ring": 20}]},
        "early": {},
        "fork": {},
        "reliable": {},
        "long": {"trunks": [{"address": "sip:127.0.0.1:{port}"}]},
        "longudp": {"trunks": [{"address": "sip:127.0.0.1:{port}"}]},
        "stream": {},
        "lateoffer": {},
        "absent": {},
    }
    first_port = 22000

    # Failover: the next trunk is tried within the same call attempt.

    def second_takes_it(self, office, seconds, patience=10):
        """The call goes out over the second trunk, is one call and one record, and is paid once."""
        second = self.carrier(office, Answerer().invited().rings().accepts().called_off(), 1, "second")
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(500).hang_up())
        phone.finish()
        second.finish()
        took = second.messages("INVITE")[0].moment - phone.messages("INVITE")[-1].moment
        self.assertLess(took, seconds)
        record = self.record(office, seconds=patience)
        self.assertEqual((record["cause"], record["trunk"], record["attempts"]), ("normal", office.trunk_name(1), 2))
        return took

    def test_a_silent_trunk(self):
        office = self.town["silent"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silence:
            silence.bind(("127.0.0.1", office.trunk()))
            # The record waits for what becomes of the first attempt: half a minute (RFC 3261 timer B).
            took = self.second_takes_it(office, 4, 45)
            self.assertGreater(took, 1.4, "the first one has its time")
            self.assertTrue(silence.recv(4096).startswith(b"INVITE "))

    def test_a_trunk_that_answers_503(self):
        office = self.town["overloaded"]
        first = self.carrier(office, Answerer().invited().refuses(503, "Service Unavailable"), 0, "first")
        self.second_takes_it(office, 2)
        first.finish()
        self.check_price(office, self.record(office))

    def test_a_port_where_nobody_is(self):
        self.second_takes_it(self.town["dead"], 2)
        self.nothing_is_left(self.town["dead"])

    def test_a_connection_that_is_refused(self):
        self.second_takes_it(self.town["deadtcp"], 2)
        self.nothing_is_left(self.town["deadtcp"])

    def test_every_trunk_fails(self):
        office = self.town["all"]
        peers = [self.carrier(office, Answerer().invited().refuses(503, "Service Unavailable"), place, f"trunk{place}")
                 for place in (0, 1)]
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite().fails(503))
        for peer in [phone, *peers]:
            peer.finish()
        self.assertIn("cause=38", phone.messages(503)[0].header("Reason"))
        self.assertEqual(self.record(office)["cause"], "trunkFailure")
        self.assertEqual(self.nothing_is_left(office), 0)

    # Out and in

    def calls(self, peer, method):
        """The calls that such requests were of; a repeated one counts once."""
        return {message.header("Call-ID") for message in peer.messages(method)}

    def check_price(self, office, record):
        """Each begun second at 0.02 EUR a minute, once, on the account and in the record alike."""
        spent = self.nothing_is_left(office)
        self.assertAlmostEqual(float(record["sell"].split()[0]), spent, places=4)
        # The talk ends for the ledger when the carrier has answered our BYE: a moment later than for the record.
        seconds = round(spent * 60 / 0.02)
        self.assertIn(seconds, (math.ceil(record["talk_s"]), math.ceil(record["talk_s"] + 0.9)))

    def test_a_call_out(self):
        office = self.town["out"]
        carrier = self.carrier(office, Answerer().invited().rings().pause(200).accepts().called_off())
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(1200).hang_up())
        phone.finish()
        carrier.finish()
        invite = carrier.messages("INVITE")[0]
        self.assertRegex(invite.first, rf"^INVITE sip:\+34{ZARAGOZA}@127\.0\.0\.1:{office.trunk()}")
        self.assertIn(f"sip:{office.number}@", invite.header("P-Asserted-Identity"))
        self.assertNotIn(office.domain, str(invite.lines), "our inside is nobody's business")
        record = self.record(office)
        self.assertEqual((record["kind"], record["cause"], record["ended_by"]), ("outbound", "normal", "caller"))
        self.assertEqual((record["to"], record["trunk"]), (f"+34{ZARAGOZA}", office.trunk_name()))
        self.check_price(office, record)

    def test_a_call_in_to_an_extension(self):
        office = self.town["in"]
        phone = self.registered(office, Answerer().invited().rings().pause(200).accepts().called_off())
        carrier = self.inbound(office, self.from_carrier(office).invite().receive(180).success().pause(500).hang_up())
        carrier.finish()
        phone.finish()
        self.assertIn("+34600111222", phone.messages("INVITE")[0].header("P-Asserted-Identity"))
        record = self.record(office)
        self.assertEqual((record["kind"], record["cause"], record["status"]), ("inbound", "normal", 200))
        self.assertEqual(record["legs"][1]["extension"], "101")
        self.assertEqual(self.nothing_is_left(office), 0)

    def test_a_call_in_to_several_at_once(self):
        office = self.town["several"]
        first = self.registered(office, Answerer().invited().rings().cancelled().refuses(487, "Request Terminated"))
        second = self.registered(office, Answerer().invited().rings().pause(500).accepts().called_off(), "102", 1)
        carrier = self.inbound(office, self.from_carrier(office).invite().answered().pause(300).hang_up())
        for peer in (carrier, first, second):
            peer.finish()
        self.assertIn("cause=200", first.messages("CANCEL")[0].header("Reason"), "no missed call is shown")
        self.assertEqual(self.record(office)["legs"][-1]["extension"], "102")

    def test_a_call_in_to_one_after_another(self):
        office = self.town["turns"]
        first = self.registered(office, Answerer().invited().rings().cancelled().refuses(487, "Request Terminated"))
        second = self.registered(office, Answerer().invited().rings().accepts().called_off(), "102", 1)
        carrier = self.inbound(office, self.from_carrier(office).invite().answered().pause(300).hang_up())
        for peer in (carrier, first, second):
            peer.finish()
        waited = second.messages("INVITE")[0].moment - first.messages("INVITE")[0].moment
        self.assertGreater(waited, 4.9)
        self.assertLess(waited, 10)

    def test_a_call_in_whose_offer_comes_with_our_answer(self):
        # RFC 3261 §13.2.1: no description in the INVITE; the phone offers, the carrier's ACK answers.
        office = self.town["lateoffer"]
        with Media(0x11) as network, Media(0x22) as desk:
            phone = self.registered(office, Answerer().invited().rings().accepts(sdp(desk.port)).called_off())
            carrier = self.inbound(office, self.from_carrier(office).invite("").receive(180).receive(200, rrs=True)
                                   .acknowledge(sdp(network.port)).pause(1500).hang_up())
            network.talk(carrier.got(200).body)
            desk.talk(phone.got("ACK").body)
            carrier.finish()
            phone.finish()
            self.assertEqual(phone.messages("INVITE")[0].body, "")
            self.assertEqual((network.marks(), desk.marks()), ({0x22}, {0x11}))
        self.assertEqual(self.record(office)["cause"], "normal")

    def test_a_call_in_that_reaches_nobody(self):
        office = self.town["absent"]
        nobody = self.inbound(office, self.from_carrier(office, "+34976999999").invite().fails(404)).finish()
        self.assertIn("Q.850;cause=1;", nobody.messages(404)[0].header("Reason"))
        absent = self.inbound(office, self.from_carrier(office).invite().fails(480), role="absent").finish()
        self.assertIn("Q.850;cause=20;", absent.messages(480)[0].header("Reason"))
        self.assertEqual(self.record(office)["cause"], "notRegistered")

    def test_early_media_is_heard_before_the_answer(self):
        office = self.town["early"]
        with Media(0x11) as caller, Media(0x22) as network:
            progress = Answerer().invited().answer_invite(183, "Session Progress", sdp(network.port)).pause(2500) \
                .accepts(sdp(network.port)).called_off()
            carrier = self.carrier(office, progress)
            phone = self.phone(office, self.calling(office, ZARAGOZA).invite(sdp(caller.port)).receive(183)
                               .success().pause(1000).hang_up())
            network.talk(carrier.got("INVITE").body)
            caller.talk(phone.got(183).body)
            phone.finish()
            carrier.finish()
            answered = phone.messages(200)[0].moment
            self.assertEqual(caller.marks(until=answered), {0x22}, "the caller hears the network before the answer")
            self.assertEqual(caller.marks(since=answered + 0.2), {0x22})
            self.assertEqual(network.marks(since=answered + 0.2), {0x11})

    def test_an_announcement_of_one_and_the_answer_of_another(self):
        # RFC 3261 §13.2.2.4: a fork behind the carrier; each has a tag, a dialog and a place for sound of its own.
        office = self.town["fork"]
        with Media(0x11) as caller, Media(0x22) as announcement, Media(0x33) as called:
            answers = Answerer().invited()
            answers.own_tag = ";tag=announcement"
            answers.answer_invite(183, "Session Progress", sdp(announcement.port)).pause(1500)
            answers.own_tag = ";tag=called"
            carrier = self.carrier(office, answers.accepts(sdp(called.port)).called_off())
            phone = self.phone(office, self.calling(office, ZARAGOZA).invite(sdp(caller.port)).receive(183)
                               .success().pause(2000).hang_up())
            announcement.talk(carrier.got("INVITE").body)
            caller.talk(phone.got(183).body)
            carrier.got("ACK")
            announcement.target = None
            called.talk(carrier.got("INVITE").body)
            phone.finish()
            carrier.finish()
            answered = phone.messages(200)[0].moment
            self.assertEqual(caller.marks(until=answered), {0x22})
            self.assertEqual(caller.marks(since=answered + 0.7), {0x33}, "who answered is heard")
            self.assertEqual(called.marks(since=answered + 0.7), {0x11}, "and hears")
        self.assertIn("tag=called", carrier.messages("BYE")[0].header("To"))
        self.nothing_is_left(office)

    def test_a_reliable_announcement(self):
        # RFC 3262: a carrier that wants its 183 acknowledged gets PRACK.
        office = self.town["reliable"]
        answers = Answerer().invited().answer_invite(183, "Session Progress", sdp(), ["Require: 100rel", "RSeq: 77"]) \
            .acknowledged_reliably().accepts().called_off()
        carrier = self.carrier(office, answers)
        self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(300).hang_up()).finish()
        carrier.finish()
        self.assertEqual(carrier.messages("PRACK")[0].header("RAck"), "77 1 INVITE")

    def test_a_long_invite_goes_over_tcp_to_who_speaks_both(self):
        office = self.town["long"]
        answers = Answerer("tcp").invited().rings().pause(200).accepts().called_off()
        stream = self.carrier(office, answers, role="stream", transport="t1")
        datagram = self.carrier(office, Answerer().invited(), role="datagram", seconds=40)
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite(sdp(more=LONG)).answered().pause(500).hang_up())
        phone.finish()
        stream.finish()
        invite = stream.messages("INVITE")[0]
        self.assertGreater(invite.size, 1300)
        self.assertRegex(invite.header("Via"), "^SIP/2.0/TCP ")
        self.assertIn("transport=tcp", invite.header("Contact"))
        self.assertEqual(datagram.messages(), [])
        self.assertEqual(self.record(office)["cause"], "normal")

    def test_a_long_invite_goes_by_datagram_where_nobody_takes_tcp(self):
        office = self.town["longudp"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off())
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite(sdp(more=LONG)).answered().pause(500).hang_up())
        phone.finish()
        carrier.finish()
        self.assertRegex(carrier.messages("INVITE")[0].header("Via"), "^SIP/2.0/UDP ")

    def test_a_phone_on_tcp_and_a_carrier_on_udp(self):
        office = self.town["stream"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off())
        phone = self.phone(office, self.calling(office, ZARAGOZA, "tcp").invite().answered().pause(500).hang_up(),
                           transport="t1")
        phone.finish()
        carrier.finish()
        self.assertRegex(carrier.messages("INVITE")[0].header("Via"), "^SIP/2.0/UDP ")

    def test_a_caller_who_gives_up_while_trunks_are_tried(self):
        office = self.town["impatient"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silence:
            silence.bind(("127.0.0.1", office.trunk()))
            second = self.carrier(office, Answerer().invited().rings().cancelled().refuses(487, "Request Terminated"), 1)
            self.phone(office, self.calling(office, LONDON).invite().receive(180).pause(300).cancel()).finish()
            second.finish()
            # The silent one may have answered for all we know: that is charged, once, and the record says so.
            record = self.record(office, seconds=45)
        self.assertEqual((record["cause"], record["attempts"]), ("cancelled", 2))
        self.assertAlmostEqual(self.nothing_is_left(office), float(record["sell"].split()[0]), places=4)

    def test_a_trunk_that_fails_after_early_media(self):
        office = self.town["early503"]
        first = self.carrier(office, Answerer().invited().answer_invite(183, "Session Progress", sdp())
                             .refuses(503, "Service Unavailable"), 0, "first")
        self.second_takes_it(office, 5)
        first.finish()
        self.nothing_is_left(office)

    # Channels: call N+1 is refused with the cause that the telephone network has for it.

    def test_the_third_call_out_of_two_channels(self):
        office = self.town["outward"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off(), calls=3, at_once=3)
        long = self.calling(office, ZARAGOZA).invite().answered().pause(6000).hang_up()
        talking = self.phone(office, long, calls=2, at_once=2)
        eventually(lambda: len(self.calls(carrier, "ACK")) == 2, 15, "two calls")
        refused = self.phone(office, self.calling(office, ZARAGOZA).invite().fails(503), 1, "refused").finish()
        self.assertIn("Q.850;cause=34", refused.messages(503)[0].header("Reason"))
        self.assertEqual(len(self.calls(carrier, "INVITE")), 2, "the carrier is not asked")
        talking.finish()
        self.phone(office, self.calling(office, ZARAGOZA).invite().answered().hang_up(), 2, "after").finish()
        carrier.finish()
        causes = [record["cause"] for record in self.records(office, 4)]
        self.assertEqual(sorted(causes), ["noChannel", "normal", "normal", "normal"])
        self.nothing_is_left(office)

    def test_the_third_call_in_over_two_channels(self):
        office = self.town["inward"]
        phone = self.registered(office, Answerer().invited().rings().accepts().called_off(), calls=2, at_once=2)
        three = self.from_carrier(office).invite().or_fails(486, lambda call: call.pause(6000))
        talking = self.inbound(office, three, calls=3, at_once=3)
        self.assertIn("Q.850;cause=34", talking.got(486).header("Reason"))
        eventually(lambda: len(self.calls(phone, "ACK")) == 2, 15, "two calls")
        # The channels are those of both directions.
        refused = self.phone(office, self.calling(office, ZARAGOZA).invite().fails(503), 1, "refused").finish()
        self.assertIn("Q.850;cause=34", refused.messages(503)[0].header("Reason"))
        talking.finish()
        phone.finish()
        self.nothing_is_left(office)


if __name__ == "__main__":
    unittest.main()
