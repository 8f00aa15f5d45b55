"""One server with many offices, so that each test has its own extensions, numbers, trunks and ports."""

import pathlib
import shutil
import tempfile

from .process import eventually
from .scenario import Caller
from .server import Martinet, password
from .sipp import Peer, register
from .together import Together


class Office:
    """A tenant of the town. Trunk number k is at port `trunk(k)`; its phones have ports from `phone(0)` on."""

    def __init__(self, name, index, first_port, trunks, to, more):
        self.name, self.domain = name, f"{name}.example"
        self.number = f"+3497610{index:02}00"
        self._port = first_port + index * 20
        self._trunks, self._to, self._more = trunks, to, more

    def trunk(self, place=0):
        return self._port + place

    def phone(self, place=0):
        return self._port + 10 + place

    def trunk_name(self, place=0):
        return f"{self.name}-{place}"

    def trunk_entries(self):
        rows = []
        for place, entry in enumerate(self._trunks):
            address = entry.get("address", "sip:127.0.0.1:{port};transport=udp").format(port=self.trunk(place))
            rows.append({"name": self.trunk_name(place), "probe": 0, "channels": 100, **entry, "address": address})
        return rows

    def entry(self):
        limits = {"spend": {"day": 100, "month": 100}, "concurrent": 100, "attempts_per_hour": 1000}
        return {
            "name": self.name, "domain": self.domain, "timezone": "Europe/Madrid", "country": "ES", "currency": "EUR",
            "destinations": {"international": "allow"}, "rates": {"sell": "retail", "purchase": "wholesale"},
            "extensions": [{"number": number, "password": password(number), "limits": limits}
                           for number in ("101", "102")],
            "numbers": [{"number": self.number, "to": self._to}],
            "trunks": [self.trunk_name(place) for place in range(len(self._trunks))], **self._more}


class Town(Together):
    """Tests with a server for all and an office for each.

    `offices` of the class: name → keys: `trunks`, a list of entries that add to the usual one; `to`, whom the office's number
    rings; anything else goes into the tenant as it is.
    """

    offices = {}
    first_port = 22000
    sip_port, http_port = 15060, 19090
    rates = None
    # More entries of `--sip`.
    listeners = ()
    # More words for `martinet serve`; set by `before_start` where they are not known earlier.
    settings = ()

    @classmethod
    def setUpClass(cls):
        if not cls.offices:
            return
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="martinet-town-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.town = {}
        for index, (name, keys) in enumerate(cls.offices.items()):
            more = dict(keys)
            trunks, to = more.pop("trunks", [{}]), more.pop("to", ["101"])
            cls.town[name] = Office(name, index, cls.first_port, trunks, to, more)
        cls.server = Martinet(cls.folder / "server", sip=",".join([f"127.0.0.1:{cls.sip_port}", *cls.listeners]), http=f"127.0.0.1:{cls.http_port}")
        cls.server.apply({
            "version": 1, "tenants": [office.entry() for office in cls.town.values()],
            "trunks": [entry for office in cls.town.values() for entry in office.trunk_entries()],
            "rates": [{"name": "retail", "file": "retail.csv"}, {"name": "wholesale", "file": "wholesale.csv"}]},
            *([cls.rates] if cls.rates else []))
        cls.before_start()
        cls.server.start(20, *cls.settings)
        cls.addClassCleanup(cls.server.stop)

    @classmethod
    def before_start(cls):
        """For peers that must be there before the server."""

    @property
    def address(self):
        return f"127.0.0.1:{self.sip_port}"

    def peer(self, office, role, scenario, port, **words):
        """Starts one SIPp of this test."""
        peer = Peer(self.folder, f"{office.name}-{role}", scenario, port, **words)
        self.addCleanup(peer.stop)
        return peer

    def carrier(self, office, scenario, place=0, role="carrier", **words):
        """A carrier that is called by us, or with `server` one that calls."""
        return self.peer(office, role, scenario, office.trunk(place), **words)

    def calling(self, office, target, transport="udp", user="101"):
        """The scenario of a phone that calls; its steps follow."""
        return Caller(user, office.domain, target, transport)

    def phone(self, office, scenario, place=0, role="phone", user="101", **words):
        """A phone that calls."""
        return self.peer(office, role, scenario, office.phone(place), server=self.address, user=user,
                         password=password(user), **words)

    def from_carrier(self, office, to=None):
        """The scenario of a carrier that calls the office's number; its steps follow."""
        return Caller("+34600111222", "127.0.0.1", to or office.number, password=False,
                      host=f"127.0.0.1:{self.sip_port}")

    def inbound(self, office, scenario, place=0, role="carrier", **words):
        return self.carrier(office, scenario, place, role, server=self.address, **words)

    def registered(self, office, scenario, user="101", place=0, **words):
        """A registered phone that waits to be called."""
        register(self.folder, self.address, user, office.domain, password(user), office.phone(place))
        return self.peer(office, f"phone-{user}", scenario, office.phone(place), **words)

    def record(self, office, seconds=10):
        """The office's only call record, once it is there."""
        return self.records(office, 1, seconds)[0]

    def records(self, office, count, seconds=10):
        rows = eventually(lambda: (rows := self.server.records(tenant=office.name)) and len(rows) >= count and rows,
                          seconds, f"{count} records of {office.name}")
        self.assertEqual(len(rows), count, rows)
        return rows

    def nothing_is_left(self, office, extension="101"):
        """No call, no held money, no channel; what was spent."""
        eventually(lambda: not any(call["tenant"] == office.name for call in self.server.ask("calls")), 10,
                   f"the end of {office.name}'s calls")
        spent, held = eventually(lambda: (money := self.server.money(office.name, extension))[1] == 0 and money, 10,
                                 f"the end of {office.name}'s holds")
        names = {office.trunk_name(place) for place in range(len(office.trunk_entries()))}
        for trunk in self.server.ask("trunks"):
            if trunk["trunk"] in names:
                self.assertEqual(trunk["channels_in_use"], 0, trunk)
        self.assertEqual(held, 0)
        return spent
