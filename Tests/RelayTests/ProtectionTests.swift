import Elements
import RTP
import Relay
import SRTP
import Testing

@Suite struct ProtectionTests {
  private static func key(_ profile: ProtectionProfile, _ seed: UInt64) -> MasterKey {
    var dice = Dice.seeded(SplitMix(seed: seed))
    return MasterKey(random: profile, using: &dice)
  }

  private static let report: [UInt8] =
    [0x80, 200, 0, 6, 0, 0, 0, 10] + [UInt8](repeating: 3, count: 20)

  @Test(
    "RTP and SRTP of every suite, bridged both ways with different keys",
    arguments: [nil] + ProtectionProfile.allCases.map(Optional.some),
    [nil] + ProtectionProfile.allCases.map(Optional.some))
  func bridging(left: ProtectionProfile?, right: ProtectionProfile?) throws {
    var call = try Call { first, second in
      if let left {
        first.streams[0].receiveKey = Self.key(left, 1)
        first.streams[0].sendKey = Self.key(left, 2)
      }
      if let right {
        second.streams[0].receiveKey = Self.key(right, 3)
        second.streams[0].sendKey = Self.key(right, 4)
      }
    }
    for _ in 0..<30 {
      let plain = call.alice
      let (fromAlice, fromBob) = try call.talk()
      var (heard, answer) = (try #require(fromAlice).bytes, try #require(fromBob).bytes)
      if let inbound = call.bob.inbound { heard = try transform(heard, inbound.unprotectRTP) }
      if let inbound = call.alice.inbound { answer = try transform(answer, inbound.unprotectRTP) }
      var copy = plain
      #expect(heard == copy.nextPacket())
      #expect(answer.suffix(160) == Phone.speech[...])
    }
    let control = Endpoint(call.alice.at.address, call.alice.at.port + 1)
    var packet = Self.report
    if let outbound = call.alice.outbound { packet = try transform(packet, outbound.protectRTCP) }
    let sent = try #require(call.studio.deliver(packet, to: call.toAlice.rtcp, from: control))
    #expect(sent.from == call.toBob.rtcp && sent.to.port == call.bob.at.port + 1)
    var heard = sent.bytes
    if let inbound = call.bob.inbound { heard = try transform(heard, inbound.unprotectRTCP) }
    #expect(heard == Self.report)
  }

  @Test("A refresh with the same keys keeps the counters; new keys begin anew")
  func rekeying() throws {
    let local = try #require(IPAddress("192.0.2.1"))
    func plan(_ seed: UInt64) throws -> LegPlan {
      var plan = try Call.leg(at: Call.aliceAt, local: local)
      plan.streams[0].receiveKey = Self.key(.aeadAES128GCM, seed)
      plan.streams[0].sendKey = Self.key(.aeadAES128GCM, seed + 1)
      return plan
    }
    let first = try plan(1)
    var call = try Call { leg, _ in leg = first }
    for _ in 0..<5 { try call.talk() }
    let outbound = try #require(call.alice.outbound)
    let old = try transform(call.alice.nextPacket(), outbound.protectRTP)
    #expect(call.studio.deliver(old, to: call.toAlice.rtp, from: call.alice.at) != nil)
    call.studio.command(.update(call.id, leg: 0, try plan(1)))
    #expect(call.studio.deliver(old, to: call.toAlice.rtp, from: call.alice.at) == nil)
    #expect(call.studio.quality(call.id, 0)?.replayed == 1)
    let second = try plan(7)
    call.studio.command(.update(call.id, leg: 0, second))
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)  // Still with the old key.
    var fresh = try Phone(
      Call.aliceAt, source: 0xA, sendKey: second.streams[0].receiveKey,
      receiveKey: second.streams[0].sendKey)
    #expect(try call.say(&fresh, to: call.toAlice.rtp) != nil)
    var bare = try Call.leg(at: Call.aliceAt, local: local)
    bare.streams[0].formats = Call.formats
    call.studio.command(.update(call.id, leg: 0, bare))
    let plain = fresh.nextPacket()
    #expect(call.studio.deliver(plain, to: call.toAlice.rtp, from: fresh.at)?.bytes == plain)
  }

  @Test("A plain phone that starts its numbers anew is heard again, under a new source")
  func restart() throws {
    var call = try Call { _, second in
      second.streams[0].receiveKey = Self.key(.aeadAES128GCM, 3)
      second.streams[0].sendKey = Self.key(.aeadAES128GCM, 4)
    }
    call.alice.sequence = 20_000
    for _ in 0..<10 { try call.talk() }
    call.alice.sequence = 10_000
    var refused = 0
    while try call.talk().fromAlice == nil {
      refused += 1
      try #require(refused < 100)
    }
    #expect(refused == 16)
    let sent = try #require(try call.talk().fromAlice)
    let inbound = try #require(call.bob.inbound)
    let heard = try transform(sent.bytes, inbound.unprotectRTP)
    let parsed = RTPHeader(parsing: heard.span.bytes, length: heard.count)
    let header = try #require(parsed)
    #expect(header.source != call.alice.source)
    #expect(heard.suffix(160) == Phone.speech[...])
  }

  @Test("RFC 5761: a shared port on one side, two ports on the other")
  func muxing() throws {
    var call = try Call { first, _ in first.streams[0].rtcpMux = true }
    try call.talk()
    let sent = try #require(
      call.studio.deliver(Self.report, to: call.toAlice.rtp, from: call.alice.at))
    #expect(sent.from == call.toBob.rtcp && sent.to.port == call.bob.at.port + 1)
    let control = Endpoint(call.bob.at.address, call.bob.at.port + 1)
    let back = try #require(call.studio.deliver(Self.report, to: call.toBob.rtcp, from: control))
    #expect(back.from == call.toAlice.rtp && back.to == call.alice.at)
    // Without the agreement RTCP on the RTP port is not taken.
    #expect(call.studio.deliver(Self.report, to: call.toBob.rtp, from: call.bob.at) == nil)
  }
}
