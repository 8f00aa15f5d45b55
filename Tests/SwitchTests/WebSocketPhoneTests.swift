import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Phones in browsers (RFC 7118): they have no address of their own, and one connection for everything.
@Suite struct WebSocketPhoneTests {
  private func phone(_ bench: Bench, _ transport: Transport) -> UserAgent {
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.stream = transport
    phone.connect(from: 43_210, as: FlowID(7))
    phone.manner = .answers(after: .seconds(1))
    phone.register(
      contact: "<sip:k3f8@2l9x0b.invalid;transport=ws>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"")
    return phone
  }

  @Test(
    "It registers under a name that is nowhere, and calls and is called on its connection",
    arguments: [Transport.ws, .wss])
  func calls(_ transport: Transport) throws {
    let bench = try Bench()
    let browser = phone(bench, transport)
    #expect(browser.lastStatus == 200)
    let desk = UserAgent(bench, user: "102", address: "198.51.100.8:5062")
    desk.manner = .answers(after: .seconds(1))
    desk.register()
    // Where nobody listens in to the signalling we offer SRTP, which this phone does not speak.
    if transport == .wss { browser.manner = .rings }
    desk.call("101")
    bench.run(for: .seconds(3))
    #expect(desk.lastStatus == (transport == .ws ? 200 : 180))
    let invite = try #require(browser.received(.invite).first)
    #expect(invite.topVia.transport == (transport == .ws ? .ws : .wss))
    let text = String(decoding: invite.bytes, as: UTF8.self)
    #expect(text.contains("sip:k3f8@2l9x0b.invalid;transport=ws SIP/2.0"))
    #expect(text.contains(";transport=ws>"), "where the browser finds us again")
    if transport == .ws { browser.hangUp() } else { desk.cancel() }
    bench.run(for: .seconds(1))
    #expect(bench.records.count == 1)
    browser.call("102")
    bench.run(for: .seconds(3))
    #expect(browser.lastStatus == 200)
    desk.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.records.count == 2)
  }

  @Test("With its connection its registration ends")
  func ends() throws {
    let bench = try Bench()
    _ = phone(bench, .wss)
    #expect(bench.core.bindings.count == 1)
    bench.happen(.flowClosed(FlowID(7)))
    #expect(bench.core.bindings.count == 0)
  }

  @Test("sips reaches it by WSS only", arguments: [Transport.ws, .wss])
  func sips(_ transport: Transport) throws {
    let bench = try Bench()
    let browser = phone(bench, transport)
    let desk = UserAgent(bench, user: "102", address: "198.51.100.8:5062")
    desk.stream = .tls
    desk.connect(from: 43_211, as: FlowID(8))
    desk.register()
    desk.call("101", target: URI(secure: true, user: "101", host: .name(Town.domain)))
    bench.run(for: .seconds(3))
    #expect(browser.received(.invite).isEmpty == (transport == .ws))
  }

  @Test("A message without a length is whole, as its frame says")
  func length() throws {
    let bench = try Bench()
    let flow = Flow(
      transport: .ws, local: Bench.switchEndpoint,
      remote: try #require(Endpoint("198.51.100.7:43210")),
      connection: FlowID(9))
    let text = """
      OPTIONS sip:\(Town.domain) SIP/2.0\r
      Via: SIP/2.0/WS 2l9x0b.invalid;branch=z9hG4bK1\r
      From: <sip:a@\(Town.domain)>;tag=1\r
      To: <sip:\(Town.domain)>\r
      Call-ID: 1\r
      CSeq: 1 OPTIONS\r
      Max-Forwards: 70\r
      \r

      """
    bench.happen(.received(Array(text.utf8), flow))
    #expect(bench.sent.last?.text.hasPrefix("SIP/2.0 200") == true)
  }

  @Test("It is no carrier, wherever it is")
  func noTrunk() throws {
    for transport in [Transport.tcp, .ws, .wss] {
      let bench = try Bench()
      let desk = UserAgent(bench, user: "101", address: "198.51.100.8:5062")
      desk.register()
      let page = UserAgent(
        bench, user: "+34600111222", address: "192.0.2.50:5061", domain: "a.example")
      page.password = nil
      page.stream = transport
      page.connect(from: 43_210, as: FlowID(7))
      page.call(
        Town.ddi, from: NameAddress(uri: URI(user: "+34600111222", host: .name("carrier.example"))),
        target: URI(user: Town.ddi, host: .address(Bench.switchEndpoint.address)))
      bench.run(for: .seconds(1))
      #expect(desk.received(.invite).isEmpty == transport.isWebSocket, "\(transport)")
    }
  }
}
