"""Hold and resume, CANCEL and its races, session timers: what happens within a call, with SIPp at both ends."""

import socket
import unittest

from .support.media import Media
from .support.scenario import Answerer, sdp
from .support.town import Town

ZARAGOZA = "976333444"
LONDON = "00442079460000"


# Longer than an interval lasts without its refresh, in milliseconds.
LONG = 66_000
SHORT = {"session_timer": {"expires": 90, "minimum": 90}}


class Sessions(Town):
    """All of them at once: the longest takes 70 s of waiting."""

    at_once = 20
    offices = {
        # A short session interval towards the carrier, or towards the phones.
        **{name: {"trunks": [SHORT]} for name in ("update", "reinvite", "carrier", "lostcarrier", "longer")},
        **{name: SHORT for name in ("oldphone", "phone", "lostphone", "short")},
        **{name: {} for name in ("ringing", "soon", "crossing", "twice", "late", "inward", "holdphone", "holdcarrier", "moves")},
    }
    first_port = 22500
    # RFC 4028 with the shortest legal interval, 90 s: refreshed after 45 s, given up 30 s before its end.

    def accepted(self, refresher, allow="INVITE, ACK, CANCEL, BYE, OPTIONS", seconds=90):
        return Answerer().invited().rings().accepts(headers=[
            f"Session-Expires: {seconds};refresher={refresher}", "Supported: timer",
            *(["Require: timer"] if refresher == "uac" else []), f"Allow: {allow}"])

    def refreshed(self, office, refresh, first):
        """The refresh came at half of the interval, and the call outlived the interval that was not refreshed."""
        self.assertGreater(refresh.moment - first.moment, 44)
        self.assertLess(refresh.moment - first.moment, 55)
        self.assertEqual(self.record(office)["cause"], "normal")
        self.nothing_is_left(office)

    def test_we_refresh_the_carrier_with_update(self):
        office = self.town["update"]
        answers = self.accepted("uac", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE").receive("UPDATE", 70).answer(
            200, headers=["Session-Expires: 90;refresher=uac", "Require: timer"]).called_off(40)
        carrier = self.carrier(office, answers, seconds=120)
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite(headers=["Supported: timer"]).answered()
                           .pause(LONG).hang_up(), seconds=120)
        phone.finish()
        carrier.finish()
        update = carrier.messages("UPDATE")[0]
        self.assertEqual(update.header("Session-Expires").split(";")[0], "90")
        self.assertEqual(update.body, "")
        self.refreshed(office, update, carrier.messages("ACK")[0])

    def test_we_refresh_a_carrier_without_update_with_invite(self):
        office = self.town["reinvite"]
        answers = self.accepted("uac").receive("INVITE", 70).answer(
            200, headers=["Session-Expires: 90;refresher=uac", "Require: timer"], body=sdp(), again=True) \
            .receive("ACK").called_off(40)
        carrier = self.carrier(office, answers, seconds=120)
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(LONG).hang_up(),
                           seconds=120)
        phone.finish()
        carrier.finish()
        first, again = carrier.messages("INVITE")
        self.assertEqual(again.body, first.body, "the same session, the same version")
        self.refreshed(office, again, carrier.messages("ACK")[0])

    def test_we_refresh_a_phone_that_knows_no_timers(self):
        office = self.town["oldphone"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off(100), seconds=120)
        call = self.calling(office, ZARAGOZA).invite().answered().receive("INVITE", 70) \
            .answer(200, body=sdp(), again=True).receive("ACK").pause(20_000).hang_up()
        phone = self.phone(office, call, seconds=120)
        phone.finish()
        carrier.finish()
        self.refreshed(office, phone.messages("INVITE", sent=False)[0], phone.messages("ACK", sent=True)[-1])

    def test_the_phone_refreshes(self):
        office = self.town["phone"]
        timer = ["Supported: timer", "Session-Expires: 90;refresher=uac"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off(100), seconds=120)
        call = self.calling(office, ZARAGOZA).invite(headers=timer).answered().pause(45_000) \
            .request("UPDATE", headers=timer).receive(200).pause(LONG - 45_000).hang_up()
        phone = self.phone(office, call, seconds=120)
        phone.finish()
        carrier.finish()
        answer = next(message for message in phone.messages(200) if message.method == "INVITE")
        self.assertEqual(answer.header("Session-Expires"), "90;refresher=uac")
        self.assertEqual(answer.header("Require"), "timer")
        self.refreshed(office, phone.messages("UPDATE")[0], answer)

    def test_the_carrier_refreshes(self):
        office = self.town["carrier"]
        timer = ["Supported: timer", "Session-Expires: 90;refresher=uac"]
        answers = self.accepted("uas").pause(45_000).offer(sdp(), timer).called_off(60)
        carrier = self.carrier(office, answers, seconds=120)
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(LONG).hang_up(),
                           seconds=120)
        phone.finish()
        carrier.finish()
        self.refreshed(office, carrier.messages("INVITE", sent=True)[0], carrier.messages("ACK")[0])

    def lost(self, office, ended, other):
        """The side that is left got its BYE, before the interval was over, and the record tells why."""
        bye = ended.messages("BYE")[0]
        waited = bye.moment - ended.messages("ACK")[-1].moment
        self.assertGreater(waited, 58)
        self.assertLess(waited, 75)
        self.assertIn("cause=102", bye.header("Reason"))
        record = self.record(office)
        self.assertEqual((record["cause"], record["ended_by"]), ("sessionExpired", "system"))
        self.assertIn("ended_at", record)

    def test_a_carrier_that_vanishes(self):
        office = self.town["lostcarrier"]
        carrier = self.carrier(office, self.accepted("uas"), seconds=60)
        call = self.calling(office, ZARAGOZA).invite(headers=["Supported: timer"]).answered().called_off(90)
        phone = self.phone(office, call, seconds=120)
        carrier.finish()
        phone.finish()
        # Nobody confirms the BYE there: the call may go on, and its money is held, until the carrier is back.
        self.assertEqual(self.server.records(tenant=office.name), [])
        self.assertGreater(self.server.money(office.name, "101")[1], 0)
        self.confirm_bye(office)
        self.lost(office, phone, carrier)
        self.nothing_is_left(office)

    def confirm_bye(self, office):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as carrier:
            carrier.bind(("127.0.0.1", office.trunk()))
            carrier.settimeout(70)
            while True:
                request, server = carrier.recvfrom(65536)
                if request.startswith(b"BYE "):
                    break
            names = (b"via:", b"from:", b"to:", b"call-id:", b"cseq:")
            lines = [line for line in request.split(b"\r\n") if line.lower().startswith(names)]
            carrier.sendto(b"\r\n".join([b"SIP/2.0 200 OK", *lines, b"Content-Length: 0", b"", b""]), server)

    def test_a_phone_that_vanishes(self):
        office = self.town["lostphone"]
        timer = ["Supported: timer", "Session-Expires: 90;refresher=uac"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off(90), seconds=120)
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite(headers=timer).answered(), seconds=60)
        phone.finish()
        carrier.finish()
        self.lost(office, carrier, phone)

    def test_too_short_an_interval_of_a_phone(self):
        office = self.town["short"]
        call = self.calling(office, ZARAGOZA).invite(headers=["Supported: timer", "Session-Expires: 30"]) \
            .receive(422).refused()
        phone = self.phone(office, call).finish()
        self.assertEqual(phone.messages(422)[0].header("Min-SE"), "90")
        self.nothing_is_left(office)

    def test_too_short_an_interval_for_a_carrier(self):
        office = self.town["longer"]
        answers = Answerer().invited().refuses(422, "Session Interval Too Small", ["Min-SE: 1200"]).invited() \
            .rings().accepts(headers=["Session-Expires: 1200;refresher=uac", "Require: timer"]).called_off()
        carrier = self.carrier(office, answers)
        phone = self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(300).hang_up())
        phone.finish()
        carrier.finish()
        first, again = carrier.messages("INVITE")
        self.assertEqual((first.header("Session-Expires"), again.header("Session-Expires")), ("90", "1200"))
        self.assertEqual(again.header("Min-SE"), "1200")
        self.assertEqual(first.header("Call-ID"), again.header("Call-ID"))
        self.assertEqual(self.record(office)["attempts"], 1, "one attempt at one trunk")

    # CANCEL. Nothing leaks, whoever is first: no call, no hold, no channel, and the right money.

    def test_cancel_while_it_rings(self):
        office = self.town["ringing"]
        carrier = self.carrier(office, Answerer().invited().rings().cancelled().refuses(487, "Request Terminated"))
        phone = self.phone(office, self.calling(office, LONDON).invite().receive(180).pause(300).cancel())
        phone.finish()
        carrier.finish()
        record = self.record(office)
        self.assertEqual((record["cause"], record["status"]), ("cancelled", 487))
        self.assertNotIn("answered_at", record)
        self.assertEqual(self.nothing_is_left(office), 0)

    def test_cancel_before_the_carrier_has_said_anything(self):
        # RFC 3261 §9.1: the CANCEL waits for the first provisional answer.
        office = self.town["soon"]
        carrier = self.carrier(office, Answerer().invited().pause(1500).rings().cancelled()
                               .refuses(487, "Request Terminated"))
        phone = self.phone(office, self.calling(office, LONDON).invite(trying=True).cancel())
        phone.finish()
        carrier.finish()
        self.assertGreater(carrier.messages("CANCEL")[0].moment, carrier.messages(180)[0].moment)
        self.assertEqual(self.nothing_is_left(office), 0)

    def test_an_answer_that_crosses_the_cancel(self):
        # RFC 3261 §9.1: the 200 was on its way; it is acknowledged and ended with BYE.
        office = self.town["crossing"]
        carrier = self.carrier(office, Answerer().invited().rings().cancelled().accepts().called_off())
        phone = self.phone(office, self.calling(office, LONDON).invite().receive(180).pause(300).cancel())
        phone.finish()
        carrier.finish()
        self.assertEqual(self.record(office)["cause"], "cancelled")
        # The carrier bills what it answered: 0.50 EUR and one begun minute at 2 EUR.
        self.assertAlmostEqual(self.nothing_is_left(office), 2.50, places=4)

    def test_an_answer_that_crosses_the_cancel_and_comes_again(self):
        # The ACK is lost: each copy of the 200 gets its ACK, and there is one BYE.
        office = self.town["twice"]
        again = Answerer().invited().rings().cancelled().accepts().answer_invite(200, "OK", sdp()).called_off()
        carrier = self.carrier(office, again.receive("ACK"))
        phone = self.phone(office, self.calling(office, LONDON).invite().receive(180).cancel())
        phone.finish()
        carrier.finish()
        self.assertEqual(len({message.header("Via") for message in carrier.messages("BYE")}), 1)
        self.assertAlmostEqual(self.nothing_is_left(office), 2.50, places=4)

    def test_a_cancel_that_crosses_the_answer(self):
        # RFC 3261 §9.2: it finds the final answer sent, so it is answered and changes nothing.
        office = self.town["late"]
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off())
        call = self.calling(office, LONDON).invite().receive(180).receive(200, rrs=True)
        phone = self.phone(office, call.send_cancel().receive(200).acknowledge().pause(300).hang_up())
        phone.finish()
        carrier.finish()
        self.assertEqual(self.record(office)["cause"], "normal")
        self.assertAlmostEqual(self.nothing_is_left(office), 2.50, places=4)

    def test_a_carrier_that_cancels(self):
        office = self.town["inward"]
        phone = self.registered(office, Answerer().invited().rings().cancelled().refuses(487, "Request Terminated"))
        carrier = self.inbound(office, self.from_carrier(office).invite().receive(180).pause(300).cancel())
        carrier.finish()
        phone.finish()
        self.assertEqual(self.record(office)["cause"], "cancelled")
        self.nothing_is_left(office)

    # Hold by re-INVITE of either side: directions pass from end to end, sound stops and comes back.

    def test_the_phone_holds_and_resumes(self):
        office = self.town["holdphone"]
        with Media(0x11) as front, Media(0x22) as back:
            answers = Answerer().invited().rings().accepts(sdp(back.port)) \
                .offered(sdp(back.port, "recvonly", 2)).offered(sdp(back.port, "sendrecv", 3)).called_off()
            carrier = self.carrier(office, answers)
            phone = self.phone(office, self.calling(office, ZARAGOZA).invite(sdp(front.port)).answered().pause(1500)
                               .offer(sdp(front.port, "sendonly", 2)).pause(1500)
                               .offer(sdp(front.port, "sendrecv", 3)).pause(1500).hang_up())
            self.talk(front, back, phone, carrier)
            offers = carrier.messages("INVITE")
            self.check(offers, [message for message in phone.messages(200) if message.method == "INVITE"],
                       front, back, phone, carrier)

    def test_the_carrier_holds_and_resumes(self):
        office = self.town["holdcarrier"]
        with Media(0x11) as front, Media(0x22) as back:
            answers = Answerer().invited().rings().accepts(sdp(back.port)).pause(1500) \
                .offer(sdp(back.port, "sendonly", 2)).pause(1500) \
                .offer(sdp(back.port, "sendrecv", 3)).pause(1500).hang_up()
            carrier = self.carrier(office, answers)
            call = self.calling(office, ZARAGOZA).invite(sdp(front.port)).answered()
            for direction, version in (("recvonly", 2), ("sendrecv", 3)):
                call.receive("INVITE").answer(200, body=sdp(front.port, direction, version), again=True).receive("ACK")
            phone = self.phone(office, call.called_off())
            self.talk(front, back, phone, carrier)
            self.check([None, *phone.messages("INVITE", sent=False)],
                       [message for message in carrier.messages(200) if not message.is_sent], back, front, carrier, phone)

    def talk(self, front, back, phone, carrier):
        back.talk(carrier.got("INVITE").body)
        front.talk(phone.got(200).body)
        phone.finish()
        carrier.finish()

    def check(self, offers, answers, holder, held, holding, other):
        """`offers` as the held side got them, `answers` as the holder did; None for one that is no matter."""
        self.assertEqual([offer.direction for offer in offers[1:]], ["sendonly", "sendrecv"])
        self.assertEqual([answer.direction for answer in answers if answer.method == "INVITE"][-2:],
                         ["recvonly", "sendrecv"])
        hold, resume = (message.moment for message in other.messages("INVITE")[-2:])
        # A quarter of a second for what is on the way, also where the machine is slow.
        self.assertEqual(len(holder.marks(until=hold)), 1, "heard before the hold")
        self.assertEqual(holder.marks(since=hold + 0.5, until=resume), set(), "the held side is not heard")
        self.assertEqual(len(held.marks(since=hold + 0.5, until=resume)), 1, "music of the holder is heard")
        self.assertEqual(len(holder.marks(since=resume + 0.5)), 1, "heard again")

    def test_sound_that_moves_during_the_call(self):
        # RFC 3264 §8.3.1: a re-INVITE names another port; the sound of both sides follows.
        office = self.town["moves"]
        with Media(0x11) as front, Media(0x22) as back, Media(0x33) as elsewhere:
            answers = Answerer().invited().rings().accepts(sdp(back.port)).pause(1500) \
                .offer(sdp(elsewhere.port, version=2)).called_off()
            carrier = self.carrier(office, answers)
            phone = self.phone(office, self.calling(office, ZARAGOZA).invite(sdp(front.port)).answered()
                               .receive("INVITE").answer(200, body=sdp(front.port), again=True).receive("ACK")
                               .pause(2000).hang_up())
            back.talk(carrier.got("INVITE").body)
            front.talk(phone.got(200).body)
            phone.got("INVITE")
            back.target = None
            elsewhere.talk(carrier.got("INVITE").body)
            phone.finish()
            carrier.finish()
            moved = phone.messages("INVITE", sent=False)[0].moment
            self.assertEqual(front.marks(until=moved), {0x22})
            self.assertEqual(front.marks(since=moved + 0.7), {0x33})
            self.assertEqual(elsewhere.marks(), {0x11})
            self.assertEqual(back.marks(since=moved + 0.7), set(), "nothing goes to where it was")
        self.nothing_is_left(office)


if __name__ == "__main__":
    unittest.main()
