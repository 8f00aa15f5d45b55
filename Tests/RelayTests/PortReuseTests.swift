import Elements
import RTP
import Relay
import Testing

/// Ports that go from one session to the next with their open sockets (invariant 8).
@Suite struct PortReuseTests {
  /// One NAT with two phones behind it; their SDP names private addresses.
  private static let office = "203.0.113.77"

  /// A studio in which the ports of one call are all that there are.
  private func narrowStudio(seed: UInt64 = 1, pairs: UInt16 = 2) -> Studio {
    var configuration = RelayConfiguration()
    configuration.ports = 20_000...20_000 + 2 * pairs - 1
    return Studio(seed: seed, configuration: configuration)
  }

  /// A phone of the office calls Bob: known by its NAT's address, named by its private one.
  private func officeCall(
    _ studio: Studio, number: UInt64, outside: UInt16, inside: UInt16
  ) throws -> Call {
    try Call(studio: studio, number: number, aliceAt: "\(Self.office):\(outside)") { first, _ in
      first.streams[0].remote = Endpoint(IPAddress(v4: 0xC0A8_0100), inside)
    }
  }

  /// Calls one after the other until a leg of the office has the ports that `old` had.
  private func officeCall(
    after old: Call, outside: UInt16, inside: UInt16
  ) throws -> Call {
    for number in UInt64(2)...40 {
      var next = try officeCall(old.studio, number: number, outside: outside, inside: inside)
      if next.toAlice.rtp == old.toAlice.rtp { return next }
      try next.talk()
      old.studio.command(.close(next.id))
      old.studio.advance(.seconds(2))
    }
    throw NoEndpoint()
  }

  @Test("Who has missed the end of his call in an outage of 45 s is not heard in the next one")
  func outage() throws {
    let studio = narrowStudio()
    var old = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    try old.talk()
    studio.command(.close(old.id))
    studio.advance(.seconds(45))
    var next = try officeCall(after: old, outside: 32_000, inside: 5_000)
    #expect(try next.say(&old.alice, to: next.toAlice.rtp) == nil)
    #expect(try next.say(&next.alice, to: next.toAlice.rtp) != nil)
  }

  @Test("The sockets of a call that is over serve the next one: none is bound, none closed")
  func handedOn() throws {
    let studio = narrowStudio()
    for number in UInt64(1)...50 {
      var call = try Call(studio: studio, number: number)
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice != nil && fromBob != nil)
      studio.command(.close(call.id))
      #expect(studio.core.restingPairs == 2)
      studio.advance(.seconds(2))
    }
    #expect(studio.bound == 4 && studio.closed == 0)
  }

  @Test("Ports rest for two seconds, and those that rested longest go first")
  func longestFirst() throws {
    let studio = narrowStudio(pairs: 6)
    var calls = try (1...3).map { try Call(studio: studio, number: $0) }
    for index in calls.indices { try calls[index].talk() }
    for call in calls {
      studio.command(.close(call.id))
      studio.advance(.milliseconds(500))
    }
    _ = studio.takeEvents()
    studio.advance(.milliseconds(499))
    let plan = try Call.leg(at: Call.aliceAt, local: calls[0].toAlice.rtp.address)
    studio.command(.open(MediaSessionID(9), MediaPlan(legs: [plan])))
    #expect(studio.takeEvents() == [.failed(MediaSessionID(9), .portsExhausted(plan.local))])
    studio.advance(.milliseconds(1))
    for number in UInt64(4)...6 {
      let next = try Call(studio: studio, number: number)
      let old = calls.removeFirst()
      #expect(
        Set([next.toAlice.rtp, next.toBob.rtp]) == Set([old.toAlice.rtp, old.toBob.rtp]))
      studio.advance(.milliseconds(500))
    }
  }

  @Test("A pair rests until whoever sent to it has stopped, five minutes at most")
  func lateSender() throws {
    let studio = narrowStudio()
    var old = try Call(studio: studio)
    for _ in 0..<200 { try old.talk() }
    studio.command(.close(old.id))
    _ = studio.takeEvents()
    let plan = try Call.leg(at: Call.bobAt, local: old.toAlice.rtp.address)
    func opens(_ number: UInt64) -> Bool {
      studio.command(.open(MediaSessionID(number), MediaPlan(legs: [plan, plan])))
      defer { studio.command(.close(MediaSessionID(number))) }
      return !studio.takeEvents().contains {
        if case .failed = $0 { true } else { false }
      }
    }
    // Alice missed the BYE; strangers prolong nothing.
    var stranger = try Phone("64.0.0.1:7000", source: 0xE)
    for _ in 0..<300 {
      #expect(try old.say(&old.alice, to: old.toAlice.rtp) == nil)
      #expect(try old.say(&stranger, to: old.toBob.rtp) == nil)
      studio.advance(.milliseconds(20))
    }
    #expect(!opens(2))
    // The other pair was opened for nobody to be heard.
    studio.advance(.seconds(40))
    #expect(opens(3))

    let again = try Call(studio: narrowStudio())
    var alice = again.alice
    again.studio.command(.close(again.id))
    for second in 0..<300 {
      #expect(try again.say(&alice, to: again.toAlice.rtp) == nil)
      again.studio.advance(.seconds(1))
      guard second % 50 == 0 else { continue }
      again.studio.command(.open(MediaSessionID(2), MediaPlan(legs: [plan, plan])))
      guard case .failed = again.studio.takeEvents().last else {
        Issue.record("used while somebody sends, after \(second) s")
        return
      }
    }
    again.studio.command(.open(MediaSessionID(2), MediaPlan(legs: [plan, plan])))
    #expect(again.studio.takeEvents() == [])
  }

  @Test(
    "A38: who goes on sending after its call is not heard in the next, behind the same NAT neither")
  func oldPhone() throws {
    let studio = narrowStudio()
    var old = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    for _ in 0..<50 { try old.talk() }
    studio.command(.close(old.id))
    studio.advance(.seconds(3))
    var next = try officeCall(after: old, outside: 31_002, inside: 5_000)
    // First of all, and once a second for minutes: a phone with silence suppression.
    for _ in 0..<200 {
      #expect(try next.say(&old.alice, to: next.toAlice.rtp) == nil)
      studio.advance(.seconds(1))
    }
    #expect(studio.quality(next.id, 0)?.source == nil)
    #expect(studio.quality(next.id, 0)?.strangers == 200)
    let (fromAlice, fromBob) = try next.talk()
    #expect(fromAlice != nil && fromBob?.to == next.alice.at)
    #expect(try next.say(&old.alice, to: next.toAlice.rtp) == nil)
  }

  @Test("Where a party was never heard the pair rests for 40 s: it may begin to send only now")
  func unheardParty() throws {
    let studio = narrowStudio()
    let silent = try Call(studio: studio)
    studio.command(.close(silent.id))
    studio.advance(.milliseconds(39_999))
    _ = studio.takeEvents()
    let plan = try Call.leg(at: Call.aliceAt, local: silent.toAlice.rtp.address)
    studio.command(.open(MediaSessionID(9), MediaPlan(legs: [plan])))
    #expect(studio.takeEvents() == [.failed(MediaSessionID(9), .portsExhausted(plan.local))])
    studio.advance(.seconds(40))
    _ = try Call(studio: studio, number: 2)
  }

  @Test("Where a party may begin yet its pair rests for five minutes, or until that has stopped")
  func sparedParty() throws {
    for isHeard in [false, true] {
      let studio = narrowStudio(pairs: 1)
      let plan = try Call.leg(at: Call.aliceAt, local: IPAddress(v4: 0xC000_0201))
      studio.command(.open(MediaSessionID(1), MediaPlan(legs: [plan])))
      let ports = try #require(studio.ports(0)).rtp
      studio.command(.close(MediaSessionID(1)))
      studio.advance(.seconds(31))
      studio.command(
        .spare(
          MediaSessionID(1),
          LegPorts(
            leg: 0, local: ports.address,
            streams: [nil, LegPorts.Pair(rtp: ports.port, rtcp: ports.port + 1)])))
      func opens(_ number: UInt64) -> Bool {
        studio.command(.open(MediaSessionID(number), MediaPlan(legs: [plan])))
        return !studio.takeEvents().contains { if case .failed = $0 { true } else { false } }
      }
      studio.advance(.seconds(60))
      #expect(!opens(2))
      if isHeard {
        var late = try Phone(Call.aliceAt, source: 0xA)
        #expect(studio.deliver(late.nextPacket(), to: ports, from: late.at) == nil)
        studio.advance(.seconds(58))
      } else {
        studio.advance(.seconds(207))
      }
      #expect(!opens(3))
      studio.advance(.seconds(2))  // When it is looked at again.
      #expect(opens(4))
    }
  }

  @Test("The last session's own phone is remembered however many sources the pair has heard")
  func manySources() throws {
    let studio = narrowStudio()
    var first = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    try first.talk()
    studio.command(.close(first.id))
    for source in UInt32(100)..<130 {
      var changing = try Phone("\(Self.office):31000", source: source)
      _ = try first.say(&changing, to: first.toAlice.rtp)
      studio.advance(.milliseconds(20))
    }
    studio.advance(.seconds(2))
    var short = try officeCall(after: first, outside: 31_002, inside: 5_000)
    try short.talk()
    studio.command(.close(short.id))
    studio.advance(.seconds(2))
    let next = try officeCall(after: first, outside: 31_004, inside: 6_000)
    #expect(try next.say(&short.alice, to: next.toAlice.rtp) == nil)
  }

  @Test("What is no RTP is not taken from the last session's phone either: RTCP, ZRTP, fax")
  func otherDatagrams() throws {
    let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 10]
    let hello: [UInt8] =
      [0x10, 0, 0, 1, 0x5A, 0x52, 0x54, 0x50] + [UInt8](repeating: 0, count: 60)
    let studio = narrowStudio()
    var old = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    try old.talk()
    let control = Endpoint(old.alice.at.address, 31_001)
    #expect(studio.deliver(report, to: old.toAlice.rtcp, from: control) != nil)
    studio.command(.close(old.id))
    studio.advance(.seconds(3))
    var next = try officeCall(after: old, outside: 31_002, inside: 5_000)
    try next.talk()
    #expect(studio.deliver(report, to: next.toAlice.rtcp, from: control) == nil)
    #expect(studio.deliver(hello, to: next.toAlice.rtp, from: old.alice.at) == nil)
    let other = Endpoint(control.address, 31_003)
    #expect(studio.deliver(report, to: next.toAlice.rtcp, from: other) != nil)
    #expect(studio.deliver(hello, to: next.toAlice.rtp, from: next.alice.at) != nil)
    studio.command(.close(next.id))
    studio.advance(.seconds(3))
    let fax = try Call(studio: studio, number: 50, aliceAt: "\(Self.office):31004") {
      first, second in
      first.streams[0] = StreamPlan(.other, remote: Endpoint(IPAddress(v4: 0xC0A8_0102), 6_000))
      second.streams[0] = StreamPlan(.other, remote: second.streams[0].remote)
    }
    #expect(fax.toAlice.rtp == old.toAlice.rtp)
    for phone in [old.alice.at, next.alice.at] {
      #expect(studio.deliver([1, 2, 3], to: fax.toAlice.rtp, from: phone) == nil)
    }
    #expect(studio.deliver([1, 2, 3], to: fax.toAlice.rtp, from: fax.alice.at) != nil)
  }

  @Test("A phone that calls again at once is heard, with the same port and SSRC, behind NAT or not")
  func redial() throws {
    let studio = narrowStudio()
    var old = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    try old.talk()
    studio.command(.close(old.id))
    studio.advance(.seconds(2))
    var next = try officeCall(after: old, outside: 31_000, inside: 4_000)
    #expect(try next.say(&next.alice, to: next.toAlice.rtp) != nil)

    let open = narrowStudio()
    for number in UInt64(1)...20 {
      var call = try Call(studio: open, number: number)
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice != nil && fromBob != nil)
      open.command(.close(call.id))
      open.advance(.seconds(2))
    }
  }

  @Test("A thief who names the phone of the call before does not get to hear it")
  func namedByThief() throws {
    let studio = narrowStudio()
    var old = try Call(studio: studio)
    for _ in 0..<50 { try old.talk() }
    studio.command(.close(old.id))
    studio.advance(.seconds(3))
    for number in UInt64(2)...40 {
      let thief = try Call(studio: studio, number: number) { first, _ in
        first.signallingSource = IPAddress("64.0.0.1")
      }
      if thief.toAlice.rtp == old.toAlice.rtp {
        #expect(try thief.say(&old.alice, to: thief.toAlice.rtp) == nil)
        return
      }
      studio.command(.close(thief.id))
      studio.advance(.seconds(2))
    }
    Issue.record("the ports never came")
  }

  @Test("A short call in between does not make the one before it forgotten")
  func remembersLonger() throws {
    let studio = narrowStudio()
    var first = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    for _ in 0..<50 { try first.talk() }
    studio.command(.close(first.id))
    studio.advance(.seconds(2))
    var second = try officeCall(after: first, outside: 31_002, inside: 5_000)
    try second.talk()
    studio.command(.close(second.id))
    studio.advance(.seconds(2))
    let third = try officeCall(after: first, outside: 31_004, inside: 6_000)
    #expect(try third.say(&first.alice, to: third.toAlice.rtp) == nil)
    #expect(try third.say(&second.alice, to: third.toAlice.rtp) == nil)
  }

  @Test("A narrowed socket is open to everybody again when its session is over")
  func widened() throws {
    let studio = narrowStudio()
    var old = try Call(studio: studio)
    for _ in 0..<200 { try old.talk() }
    studio.advance(.zero)
    #expect(studio.narrowed.count == 2)
    studio.command(.close(old.id))
    #expect(studio.narrowed.isEmpty && studio.closed == 0)
  }

  @Test("While the kernel kept it out nobody heard a phone of an earlier call: it is not forgotten")
  func deafWhileNarrowed() throws {
    let studio = narrowStudio()
    var first = try officeCall(studio, number: 1, outside: 31_000, inside: 4_000)
    for _ in 0..<50 { try first.talk() }
    studio.command(.close(first.id))
    studio.advance(.seconds(3))
    var second = try officeCall(after: first, outside: 31_002, inside: 5_000)
    for _ in 0..<200 { try second.talk() }
    studio.advance(.zero)
    #expect(studio.narrowed.count == 2)
    // The first phone sends all the time, and only when nobody's socket is narrowed does it arrive.
    studio.advance(.seconds(600))
    studio.command(.close(second.id))
    studio.advance(.seconds(3))
    let third = try officeCall(after: first, outside: 31_004, inside: 6_000)
    #expect(try third.say(&first.alice, to: third.toAlice.rtp) == nil)
  }

  @Test("What was not needed for five minutes is closed, one with each that comes to rest")
  func surplus() throws {
    var configuration = RelayConfiguration()
    configuration.variety = 4
    let studio = Studio(configuration: configuration)
    let many = try (1...20).map { try Call(studio: studio, number: $0) }
    for call in many { studio.command(.close(call.id)) }
    #expect(studio.core.restingPairs == 40)
    studio.advance(.seconds(301))
    for number in UInt64(21)...60 {
      studio.command(.close(try Call(studio: studio, number: number).id))
      studio.advance(.seconds(4))
    }
    #expect(studio.core.restingPairs == 20 && studio.sockets.count == 40)
  }

  @Test(
    "Property: no packet of a call that is over leaves in another, whoever goes on",
    arguments: 1...30
  )
  func nothingMixes(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    let studio = narrowStudio(seed: UInt64(seed), pairs: 6)
    var (talking, over): ([Call], [Call]) = ([], [])
    var forwarded = 0
    for number in UInt64(1)...600 {
      if talking.count < 2, Bool.random(using: &random) {
        // Twenty phones behind one NAT; an RTP port is used again only by the same phone.
        let phone = UInt16.random(in: 0..<20, using: &random)
        guard !talking.contains(where: { $0.alice.at.port == 31_000 + phone }) else { continue }
        over.removeAll { $0.alice.at.port == 31_000 + phone }
        if let call = try? officeCall(
          studio, number: number, outside: 31_000 + phone, inside: 4_000 + phone)
        {
          var call = call
          call.alice.source = UInt32(phone)
          call.bob.source = UInt32(number)
          talking.append(call)
        }
      } else if !talking.isEmpty, Int.random(in: 0..<4, using: &random) == 0 {
        let call = talking.remove(at: Int.random(in: talking.indices, using: &random))
        studio.command(.close(call.id))
        over.append(call)
        if over.count > 12 { over.removeFirst() }
      }
      for index in over.indices where Int.random(in: 0..<3, using: &random) == 0 {
        #expect(try over[index].say(&over[index].alice, to: over[index].toAlice.rtp) == nil)
      }
      for index in talking.indices {
        let (fromAlice, _) = try talking[index].talk()
        forwarded += fromAlice == nil ? 0 : 1
      }
      studio.advance(.milliseconds(Int.random(in: 0...2_000, using: &random)))
    }
    #expect(forwarded > 100)
  }
}
