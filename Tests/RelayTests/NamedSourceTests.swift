import Elements
import RTP
import Relay
import SRTP
import Testing

/// Whom the SDP names, against those who share an address with it (A37 to A39).
@Suite struct NamedSourceTests {
  /// Behind the address of the phone: another port of a carrier-grade NAT, or of an office.
  private func neighbour() throws -> Phone { try Phone("198.51.100.10:7000", source: 0xE) }

  @Test(
    "However much a neighbour sends before the phone speaks, the named endpoint wins",
    arguments: [1, 50, 140])
  func spokenFirst(packets: Int) throws {
    var call = try Call()
    var neighbour = try neighbour()
    for _ in 0..<packets {
      call.studio.advance(.milliseconds(5))
      _ = try call.say(&neighbour, to: call.toAlice.rtp)
    }
    // Nobody but a kernel that lets nobody else through could keep the phone out.
    #expect(call.studio.narrowed.isEmpty)
    for _ in 0..<100 {
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice != nil && fromBob?.to == call.alice.at)
      #expect(try call.say(&neighbour, to: call.toAlice.rtp) == nil)
    }
    #expect(call.studio.quality(call.id, 0)?.source == call.alice.at)
  }

  @Test(
    "A38: the named endpoint keeps its place from its first packet on, however long it is silent")
  func silent() throws {
    var call = try Call()
    try call.talk()
    call.studio.advance(.seconds(60))
    var neighbour = try neighbour()
    for _ in 0..<200 {
      call.studio.advance(.milliseconds(20))
      #expect(try call.say(&neighbour, to: call.toAlice.rtp) == nil)
      #expect(try call.say(&call.bob, to: call.toBob.rtp)?.to == call.alice.at)
    }
    #expect(try call.talk().fromAlice != nil)
  }

  @Test("A re-INVITE that names the same endpoint opens it to nobody else")
  func refreshed() throws {
    var call = try Call()
    for _ in 0..<200 { try call.talk() }
    let plan = try Call.leg(at: Call.aliceAt, local: call.toAlice.rtp.address)
    call.studio.command(.update(call.id, leg: 0, plan))
    var neighbour = try neighbour()
    for _ in 0..<200 {
      call.studio.advance(.milliseconds(20))
      #expect(try call.say(&neighbour, to: call.toAlice.rtp) == nil)
    }
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice != nil && fromBob?.to == call.alice.at)
  }

  @Test("A re-INVITE without a new address gives a talking phone behind NAT to nobody else")
  func refreshedBehindNAT() throws {
    var call = try Call(aliceAt: "203.0.113.77:31000") { first, _ in
      first.streams[0].remote = Endpoint(IPAddress(v4: 0xC0A8_0105), 40_000)
    }
    for _ in 0..<200 { try call.talk() }
    var plan = try Call.leg(at: "203.0.113.77:31000", local: call.toAlice.rtp.address)
    plan.streams[0].remote = Endpoint(IPAddress(v4: 0xC0A8_0105), 40_000)
    call.studio.command(.update(call.id, leg: 0, plan))
    var neighbour = try Phone("203.0.113.77:9999", source: 0xE)
    for _ in 0..<50 {
      #expect(try call.say(&neighbour, to: call.toAlice.rtp) == nil)
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice != nil && fromBob?.to == call.alice.at)
    }
  }

  @Test("A phone behind NAT that names its router is followed where it is, and not narrowed")
  func otherPort() throws {
    var call = try Call(aliceAt: "203.0.113.77:31000") { first, _ in
      first.streams[0].remote = Endpoint(IPAddress(v4: 0xCB00_714D), 40_000)
    }
    for _ in 0..<200 { try call.talk() }
    #expect(try call.talk().fromBob?.to == call.alice.at)
    call.studio.advance(.milliseconds(1))
    #expect(call.studio.narrowed.values.map(\.self) == [call.bob.at])
  }

  @Test("A trunk that sends from another port than it names is sent to where it listens")
  func asymmetricTrunk() throws {
    var call = try Call { _, second in second.trustsNamedAddress = true }
    var gateway = try Phone("203.0.113.20:61000", source: 0xB)
    for _ in 0..<200 {
      call.studio.advance(.milliseconds(20))
      #expect(try call.say(&gateway, to: call.toBob.rtp) != nil)
      #expect(try call.say(&call.alice, to: call.toAlice.rtp)?.to == call.bob.at)
    }
    // A kernel that knows only where it sends from would send there.
    #expect(call.studio.narrowed.values.map(\.self) == [call.alice.at])
  }

  @Test("A trunk behind NAT is sent to where its packets come from")
  func trunkBehindNAT() throws {
    var call = try Call { _, second in
      second.streams[0].remote = Endpoint(IPAddress(v4: 0x0A00_0005), 50_000)
      second.trustsNamedAddress = true
    }
    for _ in 0..<10 { try call.talk() }
    #expect(try call.talk().fromAlice?.to == call.bob.at)
  }

  // MARK: - Reports

  private static func report(_ source: UInt8) -> [UInt8] { [0x80, 201, 0, 1, 0, 0, 0, source] }

  @Test(
    "A39: reports of a neighbour neither pass nor keep out those of the phone",
    arguments: [false, true])
  func reports(isFirst: Bool) throws {
    var call = try Call()
    try call.talk()
    let control = Endpoint(call.alice.at.address, call.alice.at.port + 1)
    let neighbour = try endpoint("198.51.100.10:7001")
    func deliver(_ source: UInt8, from endpoint: Endpoint) -> Studio.Sent? {
      call.studio.deliver(Self.report(source), to: call.toAlice.rtcp, from: endpoint)
    }
    if !isFirst { #expect(deliver(0xA, from: control) != nil) }
    for _ in 0..<20 {
      call.studio.advance(.seconds(5))
      // It may even know the SSRC.
      let passed = deliver(0xA, from: neighbour)
      if !isFirst { #expect(passed == nil) }
    }
    for _ in 0..<20 {
      call.studio.advance(.seconds(5))
      #expect(deliver(0xA, from: control) != nil)
      #expect(deliver(0xA, from: neighbour) == nil)
      let back = call.studio.deliver(
        Self.report(0xB), to: call.toBob.rtcp,
        from: Endpoint(call.bob.at.address, call.bob.at.port + 1))
      #expect(back?.to == control)
    }
  }

  @Test(
    "A39: behind NAT reports are learned from who sends the RTP's SSRC, and then of nobody else")
  func reportsBehindNAT() throws {
    var call = try Call(aliceAt: "203.0.113.77:31000") { first, _ in
      first.streams[0].remote = Endpoint(IPAddress(v4: 0xC0A8_0105), 40_000)
    }
    try call.talk()
    let control = try endpoint("203.0.113.77:31007")
    let neighbour = try endpoint("203.0.113.77:9999")
    func deliver(_ source: UInt8, from endpoint: Endpoint) -> Studio.Sent? {
      call.studio.deliver(Self.report(source), to: call.toAlice.rtcp, from: endpoint)
    }
    #expect(deliver(0xE, from: neighbour) == nil)
    for _ in 0..<20 {
      #expect(deliver(0xA, from: control) != nil)
      call.studio.advance(.seconds(5))
      #expect(deliver(0xA, from: neighbour) == nil)
    }
    #expect(call.studio.quality(call.id, 0)?.strangers == 21)
  }

  @Test("RFC 3605: an RTCP address of its own is named, too")
  func namedReports() throws {
    let control = try endpoint("198.51.100.99:6000")
    var call = try Call { first, _ in first.streams[0].remoteRTCP = control }
    try call.talk()
    let sent = call.studio.deliver(Self.report(0xA), to: call.toAlice.rtcp, from: control)
    #expect(sent != nil)
  }
}
