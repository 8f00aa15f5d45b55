import Elements
import RTP
import Relay
import SRTP
import Testing

/// Keys that change within a call, and keys that come back.
@Suite struct RekeyingTests {
  private func key(_ seed: UInt64) -> MasterKey {
    var dice = Dice.seeded(SplitMix(seed: seed))
    return MasterKey(random: .aes128CMSHA1Tag80, using: &dice)
  }

  /// Alice's leg with keys; Bob speaks in the clear.
  private func plan(_ seed: UInt64) throws -> LegPlan {
    var plan = try Call.leg(at: Call.aliceAt, local: try #require(IPAddress("192.0.2.1")))
    (plan.streams[0].receiveKey, plan.streams[0].sendKey) = (key(seed), key(seed + 1))
    return plan
  }

  /// What Alice got, by the beginning of its payload: all say the same, so that it shows the keystream.
  private struct Ear {
    var heard: [[UInt8]] = []

    mutating func take(_ sent: Studio.Sent?, by phone: Phone) throws -> RTPHeader {
      let bytes = try #require(sent).bytes
      heard.append(Array(bytes[12..<28]))
      let inbound = try #require(phone.inbound)
      let plain = try transform(bytes, inbound.unprotectRTP)
      #expect(plain.suffix(160) == Phone.speech[...])
      let header = RTPHeader(parsing: plain.span.bytes, length: plain.count)
      return try #require(header)
    }
  }

  /// A call whose sequence numbers have turned in both directions.
  private func longCall(_ agreed: LegPlan, _ ear: inout Ear) throws -> Call {
    var call = try Call { first, _ in first = agreed }
    for sequence in [100, 30_000, 60_000, 65_530] as [UInt16] {
      (call.alice.sequence, call.bob.sequence) = (sequence, sequence)
      for _ in 0..<10 {
        let (fromAlice, fromBob) = try call.talk()
        #expect(fromAlice?.bytes.suffix(160) == Phone.speech[...])
        _ = try ear.take(fromBob, by: call.alice)
      }
    }
    return call
  }

  enum Interlude: CaseIterable { case otherKeys, rejected, clear }

  @Test(
    "A40, RFC 3711 §9.1: a key that comes back goes on where it was, and protects no number twice",
    arguments: Interlude.allCases)
  func returning(interlude: Interlude) throws {
    let (agreed, other) = (try plan(1), try plan(11))
    var ear = Ear()
    var call = try longCall(agreed, &ear)
    let outbound = try #require(call.alice.outbound)
    let last = try transform(call.alice.nextPacket(), outbound.protectRTP)
    #expect(call.studio.deliver(last, to: call.toAlice.rtp, from: call.alice.at) != nil)

    var meanwhile = agreed
    switch interlude {
    case .otherKeys: meanwhile = other
    case .rejected: meanwhile.streams[0] = .rejected
    case .clear: (meanwhile.streams[0].receiveKey, meanwhile.streams[0].sendKey) = (nil, nil)
    }
    call.studio.command(.update(call.id, leg: 0, meanwhile))
    if interlude == .otherKeys {
      #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)
      #expect(try call.say(&call.bob, to: call.toBob.rtp) != nil)
    }
    call.studio.command(.update(call.id, leg: 0, agreed))

    #expect(call.studio.deliver(last, to: call.toAlice.rtp, from: call.alice.at) == nil)
    for round in 0..<40 {
      // A phone that numbers anew must not make us use up a number again either.
      if round == 20 { call.bob.sequence = 100 }
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice?.bytes.suffix(160) == Phone.speech[...])
      let header = try ear.take(fromBob, by: call.alice)
      if interlude != .otherKeys { #expect(header.source == call.bob.source) }
    }
    #expect(Set(ear.heard).count == ear.heard.count, "a keystream was used twice")
  }

  @Test(
    "RFC 3711 §3.3.1, RFC 4568 §7.1.4: with a new key the leg's rollover counter goes on or begins anew",
    arguments: [true, false])
  func newKeys(goesOn: Bool) throws {
    var ear = Ear()
    let call = try longCall(try plan(1), &ear)
    let next = try plan(11)
    call.studio.command(.update(call.id, leg: 0, next))
    var alice = try Phone(
      Call.aliceAt, source: call.alice.source, sendKey: next.streams[0].receiveKey,
      receiveKey: next.streams[0].sendKey)
    if goesOn {
      let outbound = try #require(alice.outbound)
      for sequence in [30_000, 60_000, 65_535] as [UInt16] {
        alice.sequence = sequence
        _ = try transform(alice.nextPacket(), outbound.protectRTP)
      }
    }
    alice.sequence = call.alice.sequence
    for _ in 0..<10 {
      let sent = try call.say(&alice, to: call.toAlice.rtp)
      #expect(sent?.bytes.suffix(160) == Phone.speech[...])
    }
  }

  @Test("With a new key of ours the leg hears a new source, which counts from zero for everybody")
  func newSource() throws {
    var ear = Ear()
    var call = try longCall(try plan(1), &ear)
    let next = try plan(11)
    call.studio.command(.update(call.id, leg: 0, next))
    let alice = try Phone(
      Call.aliceAt, source: call.alice.source, receiveKey: next.streams[0].sendKey)
    for _ in 0..<10 {
      let header = try ear.take(try call.say(&call.bob, to: call.toBob.rtp), by: alice)
      #expect(header.source != call.bob.source)
    }
  }
}
