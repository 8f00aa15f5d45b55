import Elements
import RTP
import Relay
import SRTP
import Testing

@Suite struct AttackTests {
  private func key(_ profile: ProtectionProfile, _ seed: UInt64) -> MasterKey {
    var dice = Dice.seeded(SplitMix(seed: seed))
    return MasterKey(random: profile, using: &dice)
  }

  private func stranger(_ random: inout SplitMix) -> Endpoint {
    Endpoint(
      IPAddress(v4: 0x4000_0000 | UInt32.random(in: 0...0xFF_FFFF, using: &random)),
      UInt16.random(in: 1024...65_535, using: &random))
  }

  @Test(
    "A37: spraying all ports before and during a call gets no victim's packet", arguments: 1...5)
  func spray(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    var call = try Call(studio: Studio(seed: UInt64(seed)))
    var attacker = try Phone("64.0.0.1:7000", source: 0xE)
    for round in 0..<100 {
      let source = stranger(&random)
      for local in call.studio.sockets.keys.sorted() {
        let packet =
          Bool.random(using: &random) ? attacker.nextPacket() : [0x80, 201, 0, 1, 0, 0, 0, 9]
        #expect(call.studio.deliver(packet, to: local, from: source) == nil)
      }
      guard round >= 50 else { continue }
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice?.to == call.bob.at && fromBob?.to == call.alice.at)
    }
    let quality = try #require(call.studio.quality(call.id, 0))
    #expect(quality.strangers + quality.malformed == 200 && quality.packetsReceived == 50)
    #expect(quality.source == call.alice.at)
  }

  @Test("A38: a locked stream takes nothing from another port of the same address")
  func inject() throws {
    var call = try Call()
    for _ in 0..<130 { try call.talk() }
    call.studio.advance(.seconds(5))  // Silence opens nothing.
    var neighbour = try Phone("198.51.100.10:40002", source: 0xE)
    for _ in 0..<50 {
      #expect(try call.say(&neighbour, to: call.toAlice.rtp) == nil)
    }
    #expect(try call.talk().fromBob?.to == call.alice.at)
    #expect(call.studio.quality(call.id, 0)?.strangers == 50)
  }

  @Test("A38: an SSRC taken over from elsewhere is dropped, a new one from the phone passes")
  func sourceTakeover() throws {
    var call = try Call()
    try call.talk()
    var thief = try Phone("64.0.0.1:40000", source: call.alice.source)
    #expect(try call.say(&thief, to: call.toAlice.rtp) == nil)
    call.alice.source = 0xAA
    #expect(try call.talk().fromAlice != nil)
  }

  @Test(
    "A41: a ClientHello of DTLS, from a stranger or from the phone itself, is dropped and teaches nothing"
  )
  func clientHello() throws {
    let hello: [UInt8] =
      [22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 44, 1, 0, 0, 32] + Array(repeating: 0, count: 40)
    var call = try Call()
    let stranger = try #require(Endpoint("64.0.0.1:40000"))
    for source in [stranger, call.alice.at] {
      for _ in 0..<50 {
        #expect(call.studio.deliver(hello, to: call.toAlice.rtp, from: source) == nil)
      }
    }
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice?.to == call.bob.at && fromBob?.to == call.alice.at)
    #expect(call.studio.quality(call.id, 0)?.source == call.alice.at)
  }

  @Test("A39: forged RTCP, short RTCP and BYE are counted and end nothing", arguments: 1...5)
  func forgedReports(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    var call = try Call()
    try call.talk()
    let control = Endpoint(call.alice.at.address, call.alice.at.port + 1)
    let bye: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 10, 0x81, 203, 0, 1, 0, 0, 0, 10]
    #expect(
      call.studio.deliver(bye, to: call.toAlice.rtcp, from: stranger(&random)) == nil)
    for bad: [UInt8] in [
      [0x80, 201, 0, 0], [0x81, 203, 0, 1, 0, 0, 0, 10], [0x80, 200, 0, 1, 0, 0, 0, 1],
      [0x9F, 201, 0, 1, 0, 0, 0, 1],
    ] {
      #expect(call.studio.deliver(bad, to: call.toAlice.rtcp, from: control) == nil)
    }
    // Even from the phone itself a BYE is only passed on: it is no signalling.
    #expect(call.studio.deliver(bye, to: call.toAlice.rtcp, from: control)?.bytes == bye)
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice != nil && fromBob != nil)
    #expect(call.studio.takeEvents() == [])
  }

  @Test(
    "A40: a flood of invalid SRTP from the right address only counts",
    arguments: ProtectionProfile.allCases)
  func invalidTags(profile: ProtectionProfile) throws {
    let keys = (0..<4).map { key(profile, UInt64($0)) }
    var call = try Call { first, second in
      (first.streams[0].receiveKey, first.streams[0].sendKey) = (keys[0], keys[1])
      (second.streams[0].receiveKey, second.streams[0].sendKey) = (keys[2], keys[3])
    }
    // Before the phone's first packet: an unauthenticated one must not teach an address (CVE-2025-53399).
    var forger = try Phone("198.51.100.10:41000", source: 0xE, sendKey: key(profile, 99))
    for _ in 0..<20 { #expect(try call.say(&forger, to: call.toAlice.rtp) == nil) }
    #expect(call.studio.quality(call.id, 0)?.source == nil)
    for _ in 0..<10 { try call.talk() }
    var spoofer = try Phone(Call.aliceAt, source: 0xA, sendKey: key(profile, 98))
    for _ in 0..<200 { #expect(try call.say(&spoofer, to: call.toAlice.rtp) == nil) }
    for _ in 0..<10 {
      let (fromAlice, fromBob) = try call.talk()
      #expect(fromAlice != nil && fromBob != nil)
    }
    let quality = try #require(call.studio.quality(call.id, 0))
    // Numbers the phone has used already are seen as replays before their tag is looked at.
    #expect(quality.unauthentic + quality.replayed == 220 && quality.packetsReceived == 20)
  }

  @Test("A40: replayed SRTP is dropped, and the call goes on")
  func replay() throws {
    let keys = (0..<2).map { key(.aeadAES128GCM, UInt64($0)) }
    var call = try Call { first, _ in
      (first.streams[0].receiveKey, first.streams[0].sendKey) = (keys[0], keys[1])
    }
    let context = try #require(call.alice.outbound)
    let packet = try transform(call.alice.nextPacket(), context.protectRTP)
    #expect(call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at) != nil)
    for _ in 0..<50 {
      #expect(call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at) == nil)
    }
    #expect(call.studio.quality(call.id, 0)?.replayed == 50)
    #expect(try call.talk().fromAlice != nil)
  }

  @Test("A40: ZRTP and plain RTP cannot slip past a stream that has keys")
  func downgrade() throws {
    let keys = (0..<2).map { key(.aes128CMSHA1Tag80, UInt64($0)) }
    var call = try Call { first, _ in
      (first.streams[0].receiveKey, first.streams[0].sendKey) = (keys[0], keys[1])
    }
    try call.talk()
    let plain = call.alice.nextPacket()
    #expect(call.studio.deliver(plain, to: call.toAlice.rtp, from: call.alice.at) == nil)
    let hello: [UInt8] =
      [0x10, 0, 0, 1, 0x5A, 0x52, 0x54, 0x50] + [UInt8](repeating: 0, count: 60)
    #expect(call.studio.deliver(hello, to: call.toAlice.rtp, from: call.alice.at) == nil)
    #expect(call.studio.deliver(hello, to: call.toBob.rtp, from: call.bob.at) == nil)
  }

  @Test("A45: 10,000 packets a second are cut down to what was agreed")
  func flood() throws {
    var call = try Call { first, _ in first.streams[0].packetTimeMs = 20 }
    var passed = 0
    for _ in 0..<20_000 {
      call.studio.now = call.studio.now + .microseconds(100)
      if try call.say(&call.alice, to: call.toAlice.rtp) != nil { passed += 1 }
    }
    // Two seconds at 120 a second, and the burst of one second.
    #expect((300...365).contains(passed))
    #expect(call.studio.quality(call.id, 0)?.policed == UInt64(20_000 - passed))
    call.studio.advance(.seconds(3))
    for _ in 0..<100 {
      let (fromAlice, _) = try call.talk()
      #expect(fromAlice != nil)
    }
  }

  @Test("A45: offers that change nothing, ten a second, give no further bursts")
  func repeatedOffers() throws {
    var call = try Call { first, _ in first.streams[0].packetTimeMs = 20 }
    var plan = try Call.leg(at: Call.aliceAt, local: call.toAlice.rtp.address)
    plan.streams[0].packetTimeMs = 20
    var passed = 0
    for number in 0..<20_000 {
      call.studio.now = call.studio.now + .microseconds(100)
      if number % 1_000 == 0 { call.studio.command(.update(call.id, leg: 0, plan)) }
      if try call.say(&call.alice, to: call.toAlice.rtp) != nil { passed += 1 }
    }
    #expect((300...365).contains(passed))
  }

  @Test("A40, A45: packets without the key cost the work of twenty times the agreed rate, no more")
  func forgedFlood() throws {
    let profile = ProtectionProfile.aes128CMSHA1Tag80
    let call = try Call { first, _ in
      first.streams[0].packetTimeMs = 20
      (first.streams[0].receiveKey, first.streams[0].sendKey) = (key(profile, 1), key(profile, 2))
    }
    var forger = try Phone(Call.aliceAt, source: 0xE, sendKey: key(profile, 99))
    for _ in 0..<10_000 {
      call.studio.now = call.studio.now + .microseconds(100)
      #expect(try call.say(&forger, to: call.toAlice.rtp) == nil)
    }
    let quality = try #require(call.studio.quality(call.id, 0))
    // A second at 2,400 a second, and the burst of one second.
    #expect((4_000...4_900).contains(quality.unauthentic))
    #expect(quality.unauthentic + quality.policed == 10_000)
  }

  @Test("A45: a packet time of 1 ms in the SDP is no licence")
  func packetTime() throws {
    var call = try Call { first, _ in first.streams[0].packetTimeMs = 1 }
    var passed = 0
    for _ in 0..<10_000 {
      call.studio.now = call.studio.now + .microseconds(100)
      if try call.say(&call.alice, to: call.toAlice.rtp) != nil { passed += 1 }
    }
    #expect(passed < 450)
  }

  @Test("A18, A45: no datagram of any size and form traps the relay", arguments: 1...10)
  func noise(seed: Int) throws {
    var random = SplitMix(seed: UInt64(seed))
    let keys = (0..<4).map { key(ProtectionProfile.allCases[seed % 5], UInt64($0)) }
    let call = try Call(studio: Studio(seed: UInt64(seed))) { first, second in
      if seed % 2 == 0 {
        (first.streams[0].receiveKey, first.streams[0].sendKey) = (keys[0], keys[1])
      }
      if seed % 3 == 0 {
        (second.streams[0].receiveKey, second.streams[0].sendKey) = (keys[2], keys[3])
      }
      (first.streams[0].rtcpMux, second.streams[0].rtcpMux) = (seed % 4 == 1, seed % 5 == 1)
    }
    let heads: [[UInt8]] = [
      [0x80, 8], [0x80, 200, 0, 6], [0x81, 201, 0, 7], [0x10, 0, 0, 1, 0x5A, 0x52, 0x54, 0x50],
      [0xBF, 0x88], [0x80, 203], [], [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42], [0x81, 202, 0, 3],
    ]
    for _ in 0..<1_000 {
      call.studio.now = call.studio.now + .milliseconds(5)
      var packet = heads.randomElement(using: &random) ?? []
      let size = Bool.random(using: &random) ? 40 : 2048 - packet.count
      for _ in 0..<Int.random(in: 0...size, using: &random) {
        packet.append(UInt8.random(in: .min ... .max, using: &random))
      }
      let local = [call.toAlice.rtp, call.toAlice.rtcp, call.toBob.rtp, call.toBob.rtcp]
        .randomElement(using: &random)
      let sources = [
        call.alice.at, call.bob.at, Endpoint(call.alice.at.address, call.alice.at.port + 1),
        stranger(&random),
      ]
      guard let local, let source = sources.randomElement(using: &random) else { continue }
      let sent = call.studio.deliver(packet, to: local, from: source)
      #expect(
        sent == nil || [call.alice.at.address, call.bob.at.address].contains(sent?.to.address))
    }
  }
}
