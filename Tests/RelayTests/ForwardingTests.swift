import Elements
import RTP
import Relay
import Testing

@Suite struct ForwardingTests {
  @Test("Two phones hear each other byte for byte, each from its own port")
  func bothWays() throws {
    var call = try Call()
    let packet = call.alice.nextPacket()
    let sent = try #require(
      call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at))
    #expect(sent.bytes == packet && sent.to == call.bob.at && sent.from == call.toBob.rtp)
    let answer = call.bob.nextPacket()
    let back = try #require(call.studio.deliver(answer, to: call.toBob.rtp, from: call.bob.at))
    #expect(back.bytes == answer && back.to == call.alice.at && back.from == call.toAlice.rtp)
  }

  @Test("A44: a phone that names a stranger's address gets nothing there, before or after it spoke")
  func namedStranger() throws {
    let phone = try endpoint("198.51.100.10:40000")
    var call = try Call { first, second in
      // Bob is a phone behind NAT that claims another address in its SDP.
      second.streams[0].remote = Endpoint(IPAddress(v4: 0x0808_0808), 50_000)
      second.signallingSource = IPAddress("203.0.113.20")
    }
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)
    #expect(call.studio.quality(call.id, 0)?.unheard == 1)
    // Bob speaks from behind its NAT: from now on it is heard and hears, at that address.
    #expect(try call.say(&call.bob, to: call.toBob.rtp)?.to == phone)
    #expect(try call.say(&call.alice, to: call.toAlice.rtp)?.to == call.bob.at)
  }

  @Test("A trunk is sent to where its SDP names, before it sends itself")
  func trunk() throws {
    var call = try Call { _, second in
      second.streams[0].remote = Endpoint(IPAddress(v4: 0x0808_0808), 50_000)
      second.trustsNamedAddress = true
    }
    #expect(
      try call.say(&call.alice, to: call.toAlice.rtp)?.to
        == Endpoint(IPAddress(v4: 0x0808_0808), 50_000))
  }

  @Test(
    "A44: nothing is sent to ports and addresses that are no phone's",
    arguments: ["203.0.113.20:53", "203.0.113.20:0", "224.0.0.5:5000", "255.255.255.255:5000"])
  func unsafeDestinations(named: String) throws {
    var call = try Call(bobAt: named) { _, second in second.trustsNamedAddress = true }
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)
  }

  @Test("Hold: who may not send is not heard, who does not listen gets reports only")
  func hold() throws {
    var call = try Call()
    try call.talk()
    var plan = try Call.leg(at: Call.bobAt, local: call.toBob.rtp.address)
    plan.streams[0].legReceives = false
    call.studio.command(.update(call.id, leg: 1, plan))
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice == nil && fromBob != nil)  // Music on hold passes.
    plan.streams[0].legSends = false
    call.studio.command(.update(call.id, leg: 1, plan))
    let (_, muted) = try call.talk()
    #expect(muted == nil)
    plan = try Call.leg(at: Call.bobAt, local: call.toBob.rtp.address)
    call.studio.command(.update(call.id, leg: 1, plan))
    let resumed = try call.talk()
    #expect(resumed.fromAlice != nil && resumed.fromBob != nil)
  }

  @Test("IPv4 on one side, IPv6 on the other")
  func families() throws {
    var call = try Call(bobAt: "[2001:db8::20]:50000", localB: "2001:db8::1")
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice?.to == call.bob.at && fromAlice?.from.address == IPAddress("2001:db8::1"))
    #expect(fromBob?.to == call.alice.at)
  }

  @Test("An address of the other family is not sent to")
  func wrongFamily() throws {
    var call = try Call(bobAt: "[2001:db8::20]:50000") { _, second in
      second.trustsNamedAddress = true
    }
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)
  }

  @Test(
    "Telephone events, unknown payload types, extensions and padding pass once the source is known")
  func unknownPayloads() throws {
    var call = try Call()
    try call.talk()
    for packet in [
      call.alice.nextPacket(payloadType: 101, payload: [5, 0x8A, 3, 32]),
      call.alice.nextPacket(payloadType: 77, payload: []),
      [0xB1, 0x88, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0xBE, 0xDE, 0, 0, 9, 9, 9, 3],
    ] {
      let sent = call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at)
      #expect(sent?.bytes == packet)
    }
  }

  @Test("Video goes with video, in the order of the m= lines; a rejected line has no ports")
  func video() throws {
    let (a, b) = (try endpoint("198.51.100.10:40002"), try endpoint("203.0.113.20:50002"))
    let call = try Call { first, second in
      first.streams += [.rejected, StreamPlan(.video, remote: a)]
      second.streams += [.rejected, StreamPlan(.video, remote: b)]
    }
    let studio = call.studio
    #expect(studio.ports(0, stream: 1) == nil)
    let (toA, toB) = (
      try #require(studio.ports(0, stream: 2)), try #require(studio.ports(1, stream: 2))
    )
    var camera = call.alice
    let packet = camera.nextPacket(payloadType: 99, payload: [UInt8](repeating: 1, count: 1200))
    #expect(studio.deliver(packet, to: toB.rtp, from: b)?.to == a)
    let sent = studio.deliver(packet, to: toA.rtp, from: a)
    #expect(sent?.bytes == packet && sent?.to == b && sent?.from == toB.rtp)
    // A video packet on the audio port teaches nothing and reaches nobody.
    #expect(studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at) == nil)
  }

  @Test("RFC 6189: ZRTP passes untouched; STUN and DTLS end at us")
  func zrtp() throws {
    var call = try Call()
    try call.talk()
    let hello: [UInt8] =
      [0x10, 0, 0, 1, 0x5A, 0x52, 0x54, 0x50, 0, 0, 0, 10] + [UInt8](repeating: 7, count: 60)
    let sent = call.studio.deliver(hello, to: call.toAlice.rtp, from: call.alice.at)
    #expect(sent?.bytes == hello && sent?.to == call.bob.at)
    #expect(
      call.studio.deliver(hello, to: call.toAlice.rtp, from: try endpoint("192.0.2.66:1000")) == nil
    )
    let stun: [UInt8] = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 0, count: 12)
    let dtls: [UInt8] = [22, 0xFE, 0xFD] + [UInt8](repeating: 0, count: 30)
    #expect(call.studio.deliver(stun, to: call.toAlice.rtp, from: call.alice.at) == nil)
    #expect(call.studio.deliver(dtls, to: call.toAlice.rtp, from: call.alice.at) == nil)
    #expect(call.studio.quality(call.id, 0)?.malformed == 2)
  }

  @Test("T.38: datagrams that are no RTP pass between the legs, and from nobody else")
  func fax() throws {
    let (a, b) = (try endpoint("198.51.100.10:40002"), try endpoint("203.0.113.20:50002"))
    let call = try Call { first, second in
      first.streams.append(StreamPlan(.other, remote: a))
      second.streams.append(StreamPlan(.other, remote: b))
    }
    let toA = try #require(call.studio.ports(0, stream: 1)).rtp
    let toB = try #require(call.studio.ports(1, stream: 1)).rtp
    let page: [UInt8] = [0x00, 0x01, 0x06, 0xC0, 0x01, 0x80]
    #expect(call.studio.deliver(page, to: toA, from: try endpoint("64.0.0.1:40002")) == nil)
    let sent = call.studio.deliver(page, to: toA, from: a)
    #expect(sent?.bytes == page && sent?.to == b && sent?.from == toB)
    #expect(call.studio.deliver([0], to: toB, from: b)?.to == a)
    // An audio port takes no such datagrams.
    #expect(call.studio.deliver(page, to: call.toAlice.rtp, from: call.alice.at) == nil)
  }

  @Test("T.38: a fax takes the place of the voice in its m= line and gives it back")
  func faxInPlaceOfVoice() throws {
    var call = try Call()
    try call.talk()
    let page: [UInt8] = [0x00, 0x01, 0x06, 0xC0, 0x01, 0x80]
    let voice = (
      try Call.leg(at: "\(call.alice.at)", local: call.toAlice.rtp.address),
      try Call.leg(at: "\(call.bob.at)", local: call.toBob.rtp.address)
    )
    var fax = voice
    fax.0.streams = [StreamPlan(.other, remote: call.alice.at)]
    fax.1.streams = [StreamPlan(.other, remote: call.bob.at)]
    for round in 1...2 {
      call.studio.command(.update(call.id, leg: 0, fax.0))
      call.studio.command(.update(call.id, leg: 1, fax.1))
      let sent = call.studio.deliver(page, to: call.toAlice.rtp, from: call.alice.at)
      #expect(sent?.bytes == page && sent?.to == call.bob.at && sent?.from == call.toBob.rtp)
      #expect(
        call.studio.deliver(page, to: call.toBob.rtp, from: call.bob.at)?.to == call.alice.at)
      #expect(
        call.studio.deliver(page, to: call.toBob.rtp, from: try endpoint("192.0.2.66:1000")) == nil)
      let counted = try #require(call.studio.quality(call.id, 0))
      #expect(counted.kind == .audio && counted.packetsReceived == UInt64(round))
      #expect(counted.meanOpinionScore != nil)
      call.studio.command(.update(call.id, leg: 0, voice.0))
      call.studio.command(.update(call.id, leg: 1, voice.1))
      #expect(call.studio.deliver(page, to: call.toAlice.rtp, from: call.alice.at) == nil)
      let heard = try call.talk()
      #expect(heard.fromAlice?.to == call.bob.at && heard.fromBob?.to == call.alice.at)
    }
  }

  @Test("T.38: no tone is played into a fax that took the place of the voice")
  func noToneIntoFax() throws {
    var call = try Call()
    try call.talk()
    let before = call.studio.transmitted.count
    call.studio.command(.play(call.id, leg: 0, .warning))
    call.studio.advance(.milliseconds(60))
    let during = call.studio.transmitted.count
    #expect(during > before)
    var fax = try Call.leg(at: "\(call.alice.at)", local: call.toAlice.rtp.address)
    fax.streams = [StreamPlan(.other, remote: call.alice.at)]
    call.studio.command(.update(call.id, leg: 0, fax))
    call.studio.advance(.seconds(1))
    #expect(call.studio.transmitted.count == during)
  }

  @Test(
    "RFC 6189 §4: what the phones protect for each other passes as it is, SRTCP and padding too")
  func endToEnd() throws {
    var call = try Call()
    try call.talk()
    let control = Endpoint(call.alice.at.address, call.alice.at.port + 1)
    // Readable for us up to the source, then noise.
    let report: [UInt8] = [0x81, 200, 0, 6, 0, 0, 0, 10] + [UInt8](repeating: 0xEE, count: 34)
    #expect(call.studio.deliver(report, to: call.toAlice.rtcp, from: control) == nil)
    let hello: [UInt8] =
      [0x10, 0, 0, 1, 0x5A, 0x52, 0x54, 0x50, 0, 0, 0, 10] + [UInt8](repeating: 7, count: 60)
    call.studio.deliver(hello, to: call.toAlice.rtp, from: call.alice.at)
    #expect(call.studio.deliver(report, to: call.toAlice.rtcp, from: control)?.bytes == report)
    var packet = call.alice.nextPacket()
    (packet[0], packet[packet.count - 1]) = (0xA0, 255)
    #expect(call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at)?.bytes == packet)
    call.studio.command(.play(call.id, leg: 1, .warning))
    #expect(call.studio.takeEvents() == [.played(call.id, leg: 1, completed: false)])
    #expect(try call.talk().fromAlice != nil)
  }

  @Test("RFC 3264 §8.4: hold without an address, and the trunk's music still comes")
  func oldHold() throws {
    var call = try Call { _, second in
      second.trustsNamedAddress = true
      second.signallingSource = IPAddress("203.0.113.1")
    }
    try call.talk()
    var plan = try Call.leg(at: Call.bobAt, local: call.toBob.rtp.address)
    (plan.signallingSource, plan.trustsNamedAddress) = (IPAddress("203.0.113.1"), true)
    (plan.streams[0].remote, plan.streams[0].legReceives) = (nil, false)
    call.studio.command(.update(call.id, leg: 1, plan))
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice == nil && fromBob?.to == call.alice.at)
  }

  @Test("Branches of a fork have ports of their own; the bridge says who hears whom")
  func branches() throws {
    var call = try Call()
    let carol = try endpoint("203.0.113.30:60000")
    call.studio.command(
      .attach(
        call.id, leg: 2,
        try Call.leg(at: "203.0.113.30:60000", local: call.toBob.rtp.address)))
    let toCarol = try #require(call.studio.ports(2))
    try call.talk()
    var third = try Phone("203.0.113.30:60000", source: 0xC)
    #expect(call.studio.deliver(third.nextPacket(), to: toCarol.rtp, from: carol) == nil)
    call.studio.command(.bridge(call.id, LegPair(0, 2)))
    #expect(
      call.studio.deliver(third.nextPacket(), to: toCarol.rtp, from: carol)?.to == call.alice.at)
    let (fromAlice, fromBob) = try call.talk()
    #expect(fromAlice?.to == carol && fromBob == nil)
    call.studio.command(.detach(call.id, leg: 1))
    #expect(call.studio.core.restingPairs == 1)
    #expect(try call.say(&call.bob, to: call.toBob.rtp) == nil)
    #expect(try call.say(&call.alice, to: call.toAlice.rtp)?.to == carol)
    call.studio.command(.unbridge(call.id))
    #expect(try call.say(&call.alice, to: call.toAlice.rtp) == nil)
  }

  @Test("A re-INVITE that adds video gets ports for it, and the audio keeps its own")
  func growth() throws {
    var call = try Call()
    try call.talk()
    for (leg, at) in [(0, Call.aliceAt), (1, Call.bobAt)] {
      var plan = try Call.leg(at: at, local: call.toAlice.rtp.address)
      let address = try endpoint(at).address
      plan.streams.append(StreamPlan(.video, remote: Endpoint(address, 44_444)))
      call.studio.command(.update(call.id, leg: leg, plan))
    }
    let video = try #require(call.studio.ports(0, stream: 1))
    #expect(call.studio.ports(0)?.rtp == call.toAlice.rtp)
    let camera = Endpoint(call.alice.at.address, 44_444)
    let sent = call.studio.deliver(
      call.alice.nextPacket(payloadType: 96), to: video.rtp, from: camera)
    #expect(sent?.to == Endpoint(call.bob.at.address, 44_444))
    let (fromAlice, _) = try call.talk()
    #expect(fromAlice != nil)
  }
}
