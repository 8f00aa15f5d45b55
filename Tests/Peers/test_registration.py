"""Kamailio as a carrier with accounts: registration with digest, calls through it both ways, its death and its return."""

import re
import unittest

from .support.authority import Authority
from .support.kamailio import Kamailio
from .support.process import eventually
from .support.scenario import Answerer, Caller
from .support.town import Town

ZARAGOZA = "976333444"
SECRET = "granite-harbour-4711"
REALM = "carrier.example"
ADDRESS = "sip:127.0.0.1:{port}"


def account(name, **more):
    """Our account with a carrier: each its own, since over TCP only the user called tells whose call it is."""
    return {"username": f"martinet-{name}", "password": SECRET, **more}


class Registration(Town):
    at_once = 5
    offices = {
        "registered": {"trunks": [{"address": ADDRESS, "register": account("registered", expires=600)}]},
        "stream": {"trunks": [{"address": ADDRESS + ";transport=tcp", "register": account("stream")}]},
        # SIPp has no SRTP, which would be offered over TLS.
        "secure": {"trunks": [{"address": ADDRESS + ";transport=tls", "register": account("secure"), "srtp": "off"}]},
        "impostor": {"trunks": [{"address": ADDRESS + ";transport=tls", "register": account("impostor")}]},
        "elsewhere": {"trunks": [{"address": ADDRESS + ";transport=tls", "register": account("elsewhere")}]},
        "probed": {"trunks": [{"address": ADDRESS + ";transport=tls", "probe": 1}]},
        "digest": {"trunks": [{"address": ADDRESS, "credentials": account("digest")}]},
        "wrong": {"trunks": [{"address": ADDRESS, "register": account("wrong", password="granite-harbour-4712")}, {}]},
        "revived": {"trunks": [{"address": ADDRESS, "probe": 1, "credentials": account("revived")}]},
    }
    first_port = 23000

    @classmethod
    def before_start(cls):
        known, unknown = Authority(cls.folder, "known"), Authority(cls.folder, "unknown")
        cls.identities = {
            "secure": known.identity("secure", "127.0.0.1"),
            "impostor": unknown.identity("impostor", "127.0.0.1"),
            "elsewhere": known.identity("elsewhere", "127.0.0.9"),
            "probed": unknown.identity("probed", "127.0.0.1"),
        }
        cls.settings = ["--tls-authorities", known.certificate]
        cls.exchanges = {name: cls.exchange(office) for name, office in cls.town.items()}

    @classmethod
    def exchange(cls, office):
        algorithm = "SHA-256" if office.name == "digest" else "MD5"
        carrier = Kamailio(cls.folder, office.trunk(), cls.network(office), account(office.name)["username"], SECRET,
                           REALM, algorithm=algorithm, identity=cls.identities.get(office.name))
        cls.addClassCleanup(carrier.stop)
        return carrier

    @staticmethod
    def network(office):
        """The port of the telephone network behind the office's carrier."""
        return office.trunk(9)

    def state(self, office, place=0):
        return next(row["state"] for row in self.server.ask("trunks") if row["trunk"] == office.trunk_name(place))

    def call_out(self, office, name="phone", place=0, hold_ms=300):
        """A call through the carrier to its network, hung up by the phone."""
        network = self.peer(office, f"network-{name}", Answerer().invited().rings().accepts().called_off(),
                            self.network(office))
        self.phone(office, self.calling(office, ZARAGOZA).invite().answered().pause(hold_ms).hang_up(), place, name).finish()
        return network.finish()

    def call_in(self, office, talk):
        """A call of the carrier's network to the office's number, `talk` after its answer."""
        call = Caller("+34600111222", "127.0.0.1", office.number, password=False, host=f"127.0.0.1:{office.trunk()}")
        return self.peer(office, "network-in", talk(call.invite().answered()), self.network(office),
                         server=f"127.0.0.1:{office.trunk()}")

    def test_a_connection_that_ends_during_a_call(self):
        # RFC 3261 §18.1.1, RFC 5923: the BYE opens another one to where the carrier takes them.
        office = self.town["stream"]
        eventually(lambda: self.state(office) == "up", 10, "the registration")
        self.call_out(office, hold_ms=300)
        phone = self.registered(office, Answerer().invited().rings().accepts().pause(12_000).hang_up(), place=1)
        network = self.call_in(office, lambda call: call.called_off(30))
        phone.finish()
        network.finish()
        self.assertEqual([(row["cause"], row["trunk"]) for row in self.records(office, 2)],
                         [("normal", office.trunk_name())] * 2)
        self.nothing_is_left(office)

    def test_calls_pass_both_ways_over_tls(self):
        office, carrier = self.town["secure"], self.exchanges["secure"]
        eventually(lambda: self.state(office) == "up", 10, "the registration")
        self.call_out(office)
        self.assertEqual(len(carrier.lines("accepted, from")), 1)
        phone = self.registered(office, Answerer().invited().rings().accepts().called_off(), place=1)
        self.call_in(office, lambda call: call.pause(300).hang_up()).finish()
        phone.finish()
        self.assertEqual({(row["kind"], row["cause"]) for row in self.records(office, 2)},
                         {("inbound", "normal"), ("outbound", "normal")})
        self.nothing_is_left(office)

    def test_a_carrier_whose_certificate_is_not_its_own_hears_nothing(self):
        # RFC 5922 §7: signed by nobody we know, and signed for another address.
        for name, reason in (("impostor", "no authority that we know"), ("elsewhere", "not that of 127.0.0.1"),
                             ("probed", "no authority that we know")):
            office, carrier = self.town[name], self.exchanges[name]
            eventually(lambda: reason in self.state(office), 10, "the reason is shown")
            self.phone(office, self.calling(office, ZARAGOZA).invite().fails(503)).finish()
            self.assertEqual(carrier.lines("carrier:"), [], "not even the account's name")

    def test_we_register_and_calls_pass_both_ways(self):
        office, carrier = self.town["registered"], self.exchanges["registered"]
        # 20 s are granted, of the 600 s asked for: the next REGISTER comes after ten.
        accepted = eventually(lambda: len(lines := carrier.lines("accepted, expires")) >= 2 and lines, 25, "a refresh")
        self.assertGreaterEqual(len(carrier.lines("REGISTER of martinet-registered challenged")), 1)
        first, again = (re.search(r"expires (\d+), CSeq (\d+), Call-ID (\S+)", line).groups() for line in accepted[:2])
        self.assertEqual((first[0], again[0], first[2]), ("600", "600", again[2]))
        self.assertGreater(int(again[1]), int(first[1]))
        self.assertEqual(self.state(office), "up")

        network = self.call_out(office)
        self.assertEqual(len(carrier.lines(f"INVITE to +34{ZARAGOZA} challenged")), 1)
        self.assertEqual(len(carrier.lines(f"INVITE to +34{ZARAGOZA} of martinet-registered accepted")), 1)
        invite = network.messages("INVITE")[0]
        self.assertEqual(invite.header("Proxy-Authorization"), "", "the carrier keeps it")
        record = self.record(office)
        self.assertEqual((record["cause"], record["attempts"]), ("normal", 1))

        phone = self.registered(office, Answerer().invited().rings().accepts().called_off(), place=1)
        self.call_in(office, lambda call: call.pause(300).hang_up()).finish()
        phone.finish()
        self.assertIn("+34600111222", phone.messages("INVITE")[0].header("From"))
        self.assertEqual({row["kind"] for row in self.records(office, 2)}, {"inbound", "outbound"})
        self.nothing_is_left(office)

    def test_a_call_is_challenged_with_sha256_without_registering(self):
        office, carrier = self.town["digest"], self.exchanges["digest"]
        self.call_out(office)
        self.assertEqual(carrier.lines("REGISTER"), [])
        self.assertEqual(len(carrier.lines("challenged")), 1)
        self.nothing_is_left(office)

    def test_a_refused_registration_leads_to_the_next_trunk(self):
        office, carrier = self.town["wrong"], self.exchanges["wrong"]
        eventually(lambda: self.state(office).startswith("down"), 10, "the trunk is down")
        second = self.carrier(office, Answerer().invited().rings().accepts().called_off(), 1)
        self.phone(office, self.calling(office, ZARAGOZA).invite().answered().hang_up()).finish()
        second.finish()
        self.assertEqual(carrier.lines("accepted"), [])
        self.assertEqual(carrier.lines("INVITE"), [], "it is not asked for what it will not do")
        self.assertEqual(self.record(office)["attempts"], 1)

    def test_a_carrier_dies_and_comes_back(self):
        office, carrier = self.town["revived"], self.exchanges["revived"]
        eventually(lambda: self.state(office) == "up", 10, "the trunk is up")
        carrier.stop()
        eventually(lambda: self.state(office).startswith("down"), 15, "the trunk is down")
        self.phone(office, self.calling(office, ZARAGOZA).invite().fails(503), 0, "refused").finish()
        self.exchange(office)
        eventually(lambda: self.state(office) == "up", 15, "the trunk is up again")
        self.call_out(office, "after", 1)
        self.assertEqual(sorted(record["cause"] for record in self.records(office, 2)), ["normal", "trunkFailure"])


if __name__ == "__main__":
    unittest.main()
