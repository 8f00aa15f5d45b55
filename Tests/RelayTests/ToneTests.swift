import Elements
import RTP
import Relay
import SRTP
import Testing

@Suite struct ToneTests {
  @Test("The warning replaces the peer for its time, every 20 ms, then the peer is heard again")
  func warning() throws {
    var call = try Call()
    try call.talk()
    call.studio.command(.play(call.id, leg: 0, .warning))
    var passed = 0
    while call.studio.takeEvents().isEmpty {
      call.studio.advance(.milliseconds(20))
      if try call.say(&call.bob, to: call.toBob.rtp) != nil { passed += 1 }
      #expect(try call.say(&call.alice, to: call.toAlice.rtp) != nil)
      try #require(call.studio.transmitted.count < 100)
    }
    // 1,200 ms in frames of 20 ms; the last of the peer's packets came with the end.
    let frames = call.studio.transmitted
    #expect(frames.count == 60 && passed == 1)
    let headers = frames.compactMap { RTPHeader($0.bytes) }
    #expect(frames.allSatisfy { $0.to == call.alice.at && $0.from == call.toAlice.rtp })
    #expect(headers.count == 60 && headers.allSatisfy { $0.payloadType == 8 })
    #expect(headers[0].marker && headers.dropFirst().allSatisfy { !$0.marker })
    for (one, next) in zip(headers, headers.dropFirst()) {
      #expect(next.sequence == one.sequence &+ 1 && next.timestamp == one.timestamp &+ 160)
      #expect(next.source == one.source && next.source != call.bob.source)
    }
    let payloads = frames.map { Array($0.bytes[12...]) }
    #expect(payloads.allSatisfy { $0.count == 160 })
    // A-law silence is 0xD5: frames 10 to 19 are the pause.
    #expect(payloads[10..<20].allSatisfy { $0.allSatisfy { $0 == 0xD5 } })
    #expect(payloads[0..<10].allSatisfy { $0.contains { $0 != 0xD5 } })
    #expect(try call.say(&call.bob, to: call.toBob.rtp)?.to == call.alice.at)
  }

  @Test("A tone of 1,400 Hz crosses zero 2,800 times a second")
  func frequency() throws {
    let call = try Call { first, _ in
      first.streams[0].formats = [PayloadFormat(number: 0, encoding: .pcmu)]
    }
    var phone = call.alice
    let packet = phone.nextPacket(payloadType: 0)
    call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at)
    call.studio.command(.play(call.id, leg: 0, Tone([Tone.Segment(1400, milliseconds: 1000)])))
    call.studio.advance(.seconds(1))
    // The sign bit of mu-law is set for positive samples.
    let signs = call.studio.transmitted.flatMap { $0.bytes[12...].map { $0 & 0x80 } }
    #expect(signs.count == 8000)
    let crossings = zip(signs, signs.dropFirst()).count { $0 != $1 }
    #expect((2790...2810).contains(crossings))
  }

  @Test("A tone to an SRTP leg is protected and can be read with its key")
  func protected() throws {
    var dice = Dice.seeded(SplitMix(seed: 5))
    let keys = (0..<2).map { _ in MasterKey(random: .aes256CMSHA1Tag80, using: &dice) }
    var call = try Call { first, _ in
      (first.streams[0].receiveKey, first.streams[0].sendKey) = (keys[0], keys[1])
    }
    try call.talk()
    call.studio.command(.play(call.id, leg: 0, .ended))
    call.studio.advance(.seconds(3))
    #expect(call.studio.transmitted.count == 144)
    let inbound = try #require(call.alice.inbound)
    for frame in call.studio.transmitted {
      #expect(try transform(frame.bytes, inbound.unprotectRTP).count == 172)
    }
  }

  @Test("The end tone is heard after the slice has expired")
  func afterExpiry() throws {
    var call = try Call(until: Studio().now + .seconds(1))
    try call.talk()
    call.studio.advance(.seconds(2))
    call.studio.command(.play(call.id, leg: 0, .ended))
    call.studio.advance(.seconds(1))
    #expect(call.studio.transmitted.count > 45)
  }

  @Test("No G.711, no tone; a second tone ends the first; closing ends all")
  func refusals() throws {
    var call = try Call { _, second in
      second.streams[0].formats = [
        PayloadFormat(number: 111, encodingName: "opus", clockRate: 48_000)
      ]
    }
    call.studio.command(.play(call.id, leg: 1, .warning))
    #expect(call.studio.takeEvents() == [.played(call.id, leg: 1, completed: false)])
    call.studio.command(.play(call.id, leg: 7, .warning))
    #expect(call.studio.takeEvents() == [.played(call.id, leg: 7, completed: false)])
    _ = try call.say(&call.alice, to: call.toAlice.rtp)
    call.studio.command(.play(call.id, leg: 0, .ringback))
    call.studio.advance(.seconds(1))
    call.studio.command(.play(call.id, leg: 0, .busy))
    #expect(call.studio.takeEvents() == [.played(call.id, leg: 0, completed: false)])
    call.studio.command(.stopPlaying(call.id, leg: 0))
    #expect(call.studio.takeEvents() == [.played(call.id, leg: 0, completed: false)])
    let before = call.studio.transmitted.count
    call.studio.advance(.seconds(5))
    #expect(call.studio.transmitted.count == before)
  }

  @Test("A lane that was late sends the last frames only, and the tone ends on time")
  func lateLane() throws {
    var call = try Call()
    try call.talk()
    call.studio.command(.play(call.id, leg: 0, .warning))
    call.studio.now = call.studio.now + .milliseconds(1000)
    call.studio.advance(.seconds(1))
    #expect(call.studio.transmitted.count < 20)
    #expect(call.studio.takeEvents() == [.played(call.id, leg: 0, completed: true)])
  }
}

extension RTPHeader {
  init?(_ bytes: [UInt8]) { self.init(parsing: bytes.span.bytes, length: bytes.count) }
}
