"""Phones in browsers: SIP by WebSocket, plain and over TLS."""

import asyncio
import unittest

import websockets

from .support.browser import SDP, Browser
from .support.process import eventually
from .support.scenario import Answerer
from .support.server import password
from .support.town import Town

ZARAGOZA = "976333444"


class Browsers(Town):
    offices = {"plain": {}, "secret": {}, "called": {}, "pages": {}}
    listeners = ("ws:127.0.0.1:15080", "wss:127.0.0.1:15443")
    settings = ("--websocket-origins", "https://phone.example")

    def browser(self, office, scheme="ws", origin=None):
        port = {"ws": 15080, "wss": 15443}[scheme]
        return Browser(f"{scheme}://127.0.0.1:{port}/", "101", office.domain, password("101"), origin)

    def calls_a_carrier(self, office, scheme):
        carrier = self.carrier(office, Answerer().invited().rings().accepts().called_off())

        async def talk():
            async with self.browser(office, scheme) as browser:
                answer, _ = await browser.register()
                self.assertIn(" 200 ", answer)
                [row] = [row for row in self.server.ask("registrations") if row["tenant"] == office.name]
                self.assertEqual(row["flow"].split()[0], scheme)
                to = f"sip:{ZARAGOZA}@{office.domain}"
                answer, call = await browser.proven("INVITE", to, to, SDP)
                self.assertTrue(answer.startswith("SIP/2.0 200"), answer)
                tag = ";tag=" + answer.split("To: ")[1].split("\r")[0].split("tag=")[1]
                browser.sequence += 1
                await browser.request("BYE", to, to, call, tag=tag)
                await browser.receive("SIP/2.0 200")

        asyncio.run(talk())
        carrier.finish()
        self.assertIsNotNone(self.record(office)["answered_at"])
        eventually(lambda: not [row for row in self.server.ask("registrations") if row["tenant"] == office.name], 5,
                   "the end of a registration with its connection")

    def test_a_browser_calls_a_carrier(self):
        self.calls_a_carrier(self.town["plain"], "ws")

    def test_a_browser_calls_a_carrier_over_tls(self):
        self.calls_a_carrier(self.town["secret"], "wss")

    def test_a_browser_is_called(self):
        office = self.town["called"]

        async def talk():
            async with self.browser(office) as browser:
                await browser.register()
                desk = self.phone(office, self.calling(office, "101", user="102").invite().answered().pause(300).hang_up(),
                                  user="102")
                try:
                    invite = await browser.receive("INVITE ")
                except TimeoutError:
                    raise AssertionError(f"nobody called the browser: {desk.messages()}") from None
                self.assertIn("SIP/2.0/WS ", invite)
                await browser.answer(invite, "180 Ringing")
                await browser.answer(invite, "200 OK", SDP)
                await browser.receive("ACK ")
                await browser.answer(await browser.receive("BYE "), "200 OK")
                return desk

        asyncio.run(talk()).finish()
        self.assertIsNotNone(self.record(office)["answered_at"])

    def test_a_page_of_another_host_does_not_connect(self):
        office = self.town["pages"]

        async def connects(origin):
            try:
                async with self.browser(office, "wss", origin):
                    return 101
            except websockets.exceptions.InvalidStatusCode as error:
                return error.status_code

        found = [asyncio.run(connects(origin)) for origin in (None, "https://phone.example", "https://evil.example")]
        self.assertEqual(found, [101, 101, 403])


if __name__ == "__main__":
    unittest.main()
