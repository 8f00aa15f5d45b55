import Elements
import RTP
import Relay
import Testing

@Suite struct QualityTests {
  private func word(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
  }

  @Test("Packets, bytes, loss and score of a leg, by hand")
  func numbers() throws {
    var call = try Call()
    let start = call.studio.now
    for index in 0..<100 {
      call.studio.now = start + .milliseconds(20 * index)
      let packet = call.alice.nextPacket()
      if index % 10 == 5 { continue }  // One of ten is lost.
      call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at)
    }
    let heard = try #require(call.studio.quality(call.id, 0))
    #expect(heard.packetsReceived == 90 && heard.bytesReceived == 90 * 172)
    #expect(heard.packetsLost == 10 && heard.jitter == .zero)
    #expect(heard.firstPacketAt == start && heard.lastPacketAt == start + .milliseconds(1980))
    #expect(heard.payloadType == 8 && heard.packetsSent == 0)
    // R = 93.2 - 0.024 * 40 - 95 * 10 / 35.1 = 65.17, which is a score of 3.36.
    let score = try #require(heard.meanOpinionScore)
    #expect(abs(score - 3.36) < 0.01)
    let other = try #require(call.studio.quality(call.id, 1))
    #expect(other.packetsSent == 90 && other.packetsReceived == 0)
    #expect(other.meanOpinionScore == nil && other.firstPacketAt == nil)
  }

  @Test("The round trip to a leg comes from its answers to the other's sender reports")
  func roundTrip() throws {
    var call = try Call()
    try call.talk()
    let (controlA, controlB) = (
      Endpoint(call.alice.at.address, call.alice.at.port + 1),
      Endpoint(call.bob.at.address, call.bob.at.port + 1)
    )
    let sender =
      [0x80, 200, 0, 6] + word(0xB) + word(0x1111_2222) + word(0x3333_4444)
      + word(160) + word(1) + word(160)
    #expect(call.studio.deliver(sender, to: call.toBob.rtcp, from: controlB)?.to == controlA)
    call.studio.now = call.studio.now + .milliseconds(560)
    // Alice held it for half a second, lost an eighth, and hears Bob with 10 ms of jitter.
    let receiver =
      [0x81, 201, 0, 7] + word(0xA) + word(0xB) + [32, 0, 0, 1] + word(1000) + word(80)
      + word(0x2222_3333) + word(32_768)
    #expect(call.studio.deliver(receiver, to: call.toAlice.rtcp, from: controlA)?.bytes == receiver)
    let quality = try #require(call.studio.quality(call.id, 0))
    #expect(quality.roundTrip == .milliseconds(60))
    #expect(quality.reportedLossOf256 == 32 && quality.reportedJitter == .milliseconds(10))
    #expect(call.studio.quality(call.id, 1)?.roundTrip == nil)
  }

  @Test("The final numbers come with the close, those of a leg with its detach")
  func finalNumbers() throws {
    var call = try Call()
    for _ in 0..<5 { try call.talk() }
    call.studio.command(.detach(call.id, leg: 1))
    guard case .report(call.id, let detached) = call.studio.takeEvents().first else {
      Issue.record("no report")
      return
    }
    #expect(detached.map(\.leg) == [1] && detached[0].audio?.packetsReceived == 5)
    call.studio.command(.close(call.id))
    guard case .closed(call.id, let closed) = call.studio.takeEvents().first else {
      Issue.record("no close")
      return
    }
    #expect(closed.map(\.leg) == [0] && closed[0].audio?.packetsReceived == 5)
  }

  @Test("Telephone events do not spoil the score's codec or the jitter")
  func events() throws {
    var call = try Call()
    for _ in 0..<20 { try call.talk() }
    let timestamp = call.alice.timestamp
    for step in 0..<20 {
      call.studio.now = call.studio.now + .milliseconds(20)
      var packet = call.alice.nextPacket(payloadType: 101, payload: [1, 10, 0, UInt8(step)])
      packet.replaceSubrange(4..<8, with: word(timestamp))
      call.studio.deliver(packet, to: call.toAlice.rtp, from: call.alice.at)
    }
    let quality = try #require(call.studio.quality(call.id, 0))
    #expect(quality.jitter == .zero && quality.packetsReceived == 40)
    #expect(try #require(quality.meanOpinionScore) > 4.3)
  }
}
