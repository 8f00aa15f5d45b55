import Elements
import RTP
import Relay
import SRTP
import Testing

@Suite struct LatchTests {
  /// A phone behind NAT: its SDP names a private address, its packets come from the public one.
  private func callBehindNAT() throws -> Call {
    try Call(aliceAt: "203.0.113.77:31000") { first, _ in
      first.streams[0].remote = Endpoint(IPAddress(v4: 0xC0A8_0105), 40_000)
    }
  }

  @Test("The first packet from the signalling's address is followed at once")
  func first() throws {
    var call = try callBehindNAT()
    #expect(try call.say(&call.bob, to: call.toBob.rtp) == nil)
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) != nil)
    #expect(try call.say(&call.bob, to: call.toBob.rtp)?.to == call.alice.at)
  }

  @Test("A37: only a negotiated payload type teaches an address")
  func payloadType() throws {
    var call = try callBehindNAT()
    let packet = call.alice.nextPacket(payloadType: 99)
    #expect(call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at) == nil)
    #expect(call.studio.quality(call.id, 0)?.source == nil)
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) != nil)
  }

  @Test("A38: while learning, who fits the SDP better takes over; who fits worse does not")
  func ranks() throws {
    let call = try Call(aliceAt: "203.0.113.77:31000")
    var worse = try Phone("203.0.113.77:9999", source: 1)  // Same NAT, another phone.
    var better = try Phone("203.0.113.77:31000", source: 2)
    #expect(try call.say(&worse, to: call.toAlice.rtp) != nil)
    #expect(try call.say(&better, to: call.toAlice.rtp) != nil)
    #expect(try call.say(&worse, to: call.toAlice.rtp) == nil)
    #expect(call.studio.quality(call.id, 0)?.source == better.at)
  }

  @Test("A38: a phone may change its port after a re-INVITE, and never without one")
  func portChange() throws {
    var call = try callBehindNAT()
    for _ in 0..<200 { try call.talk() }
    var moved = try Phone("203.0.113.77:31500", source: 0xA)
    #expect(try call.say(&moved, to: call.toAlice.rtp) == nil)
    var plan = try Call.leg(at: "203.0.113.77:31000", local: call.toAlice.rtp.address)
    plan.streams[0].remote = Endpoint(IPAddress(v4: 0xC0A8_0105), 40_002)
    call.studio.command(.update(call.id, leg: 0, plan))
    // Until it moves, the old port is served.
    let before = try call.talk()
    #expect(before.fromAlice != nil && before.fromBob?.to == call.alice.at)
    // Both at once: the followed one stays. When it is quiet, the new one takes over.
    #expect(try call.say(&moved, to: call.toAlice.rtp) == nil)
    call.studio.advance(.milliseconds(200))
    #expect(try call.say(&moved, to: call.toAlice.rtp) != nil)
    #expect(try call.say(&call.bob, to: call.toBob.rtp)?.to == moved.at)
    // The old port is a stranger now.
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)
  }

  @Test("Media that the SDP moves elsewhere goes there, and the old address gets nothing more")
  func moved() throws {
    var call = try Call { _, second in second.trustsNamedAddress = true }
    for _ in 0..<200 { try call.talk() }
    var plan = try Call.leg(at: "203.0.113.99:20000", local: call.toBob.rtp.address)
    (plan.signallingSource, plan.trustsNamedAddress) = (call.bob.at.address, true)
    call.studio.command(.update(call.id, leg: 1, plan))
    #expect(try call.say(&call.alice, to: call.toAlice.rtp)?.to == endpoint("203.0.113.99:20000"))
  }

  @Test("A session refresh with the same SDP changes nothing for the phone that talks")
  func refresh() throws {
    var call = try Call()
    for _ in 0..<10 {
      for _ in 0..<20 {
        let (fromAlice, fromBob) = try call.talk()
        #expect(fromAlice?.to == call.bob.at && fromBob?.to == call.alice.at)
      }
      let plan = try Call.leg(at: Call.aliceAt, local: call.toAlice.rtp.address)
      call.studio.command(.update(call.id, leg: 0, plan))
    }
  }

  @Test(
    "A NAT that moves the port of an SRTP phone is followed: the key proves it; the address must stay"
  )
  func movedWithKey() throws {
    var dice = Dice.seeded(SplitMix(seed: 4))
    let keys = (0..<2).map { _ in MasterKey(random: .aeadAES256GCM, using: &dice) }
    var call = try Call { first, _ in
      (first.streams[0].receiveKey, first.streams[0].sendKey) = (keys[0], keys[1])
    }
    for _ in 0..<200 { try call.talk() }
    let context = try #require(call.alice.outbound)
    let moved = Endpoint(call.alice.at.address, 55_555)
    let elsewhere = try endpoint("192.0.2.200:40000")
    var packet = try transform(call.alice.nextPacket(), context.protectRTP)
    #expect(call.studio.deliver(packet, to: call.toAlice.rtp, from: elsewhere) == nil)
    packet = try transform(call.alice.nextPacket(), context.protectRTP)
    #expect(call.studio.deliver(packet, to: call.toAlice.rtp, from: moved) != nil)
    #expect(try call.say(&call.bob, to: call.toBob.rtp)?.to == moved)
  }

  @Test("Without any known address nothing is learned")
  func nobody() throws {
    let call = try Call { first, _ in
      (first.signallingSource, first.streams[0].remote) = (nil, nil)
    }
    var phone = call.alice
    #expect(try call.say(&phone, to: call.toAlice.rtp) == nil)
    #expect(call.studio.quality(call.id, 0)?.strangers == 1)
  }

  @Test("Property: whatever the order, packets go only to who sent or is named", arguments: 1...40)
  func destinations(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    var call = try Call(studio: Studio(seed: UInt64(seed)))
    var heardA: Set<Endpoint> = [call.alice.at]
    let others = try [
      "198.51.100.10:1", "198.51.100.10:40002", "64.1.1.1:5", "198.51.100.11:40000",
    ]
    .map(endpoint)
    for _ in 0..<400 {
      call.studio.now = call.studio.now + .milliseconds(Int.random(in: 1...200, using: &random))
      switch Int.random(in: 0..<10, using: &random) {
      case 0:
        let plan = try Call.leg(at: Call.aliceAt, local: call.toAlice.rtp.address)
        call.studio.command(.update(call.id, leg: 0, plan))
      case 1...4:
        guard let source = others.randomElement(using: &random) else { continue }
        let packet = call.alice.nextPacket()
        if call.studio.deliver(packet, to: call.toAlice.rtp, from: source) != nil {
          #expect(source.address == call.alice.at.address)
          heardA.insert(source)
        }
      case _:
        let (_, fromBob) = try call.talk()
        if let fromBob { #expect(heardA.contains(fromBob.to)) }
      }
    }
  }

  @Test("A locked stream in the clear is narrowed to its source, until signalling comes again")
  func narrowed() throws {
    var call = try callBehindNAT()
    for _ in 0..<127 { try call.talk() }
    call.studio.advance(.milliseconds(1))
    #expect(call.studio.narrowed.isEmpty)
    try call.talk()
    call.studio.advance(.milliseconds(1))
    let socket = try #require(call.studio.sockets[call.toAlice.rtp])
    #expect(call.studio.narrowed[socket] == call.alice.at)
    #expect(call.studio.narrowed.count == 2)
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice != nil && fromBob?.to == call.alice.at)
    let plan = try Call.leg(at: "203.0.113.77:31000", local: call.toAlice.rtp.address)
    call.studio.command(.update(call.id, leg: 0, plan))
    #expect(call.studio.narrowed[socket] == nil)
    #expect(call.studio.narrowed.count == 1)
  }

  @Test("A stream with a key is not narrowed: its key may prove a source that moves")
  func keyedIsNotNarrowed() throws {
    var dice = Dice.seeded(SplitMix(seed: 3))
    let key = MasterKey(random: .aeadAES256GCM, using: &dice)
    var call = try Call { first, _ in
      first.streams[0].receiveKey = key
      first.streams[0].sendKey = key
    }
    call.alice = try Phone(Call.aliceAt, source: 0xA, sendKey: key, receiveKey: key)
    for _ in 0..<200 { try call.talk() }
    call.studio.advance(.milliseconds(1))
    #expect(call.studio.narrowed.values.sorted { $0.port < $1.port } == [call.bob.at])
  }
}
