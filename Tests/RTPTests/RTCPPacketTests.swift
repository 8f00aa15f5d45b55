import Elements
import RTP
import Testing

@Suite struct RTCPPacketTests {
  private func word(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
  }

  private func senderReport(blocks: Int = 0) -> [UInt8] {
    let words = UInt8(6 + 6 * blocks)
    var bytes: [UInt8] = [0x80 | UInt8(blocks), 200, 0, words] + word(0xcafe)
    bytes += word(0x1234_5678) + word(0x9abc_def0) + word(160) + word(10) + word(1600)
    for index in 0..<blocks { bytes += block(source: UInt32(index + 1)) }
    return bytes
  }

  private func block(
    source: UInt32, lastReport: UInt32 = 0x5678_9abc, delay: UInt32 = 65_536
  ) -> [UInt8] {
    word(source) + [25, 0, 0, 3] + word(70_000) + word(80) + word(lastReport) + word(delay)
  }

  private func isCompound(_ bytes: [UInt8]) -> Bool {
    RTCPPacket.isCompound(bytes)
  }

  private let description: [UInt8] = [
    0x81, 202, 0, 2, 0, 0, 0xca, 0xfe, 1, 1, 65, 0,
  ]
  private let goodbye: [UInt8] = [0x81, 203, 0, 1, 0, 0, 0xca, 0xfe]

  @Test("RFC 3550 §6.1: reports first, then descriptions and goodbye")
  func compounds() {
    #expect(isCompound(senderReport()))
    #expect(isCompound(senderReport(blocks: 2) + description + goodbye))
    #expect(isCompound([0x80, 201, 0, 1, 0, 0, 0, 1]))
    #expect(isCompound([0x81, 206, 0, 2] + word(1) + word(2)))  // RFC 5506, RFC 4585.
  }

  @Test("A39, AST-2017-008: short, overlong and forged compounds are refused")
  func forged() {
    #expect(!isCompound([]))
    #expect(!isCompound([0x80, 201, 0, 0]))
    #expect(!isCompound([0x81, 201, 0, 1, 0, 0, 0, 1]))  // A block that is not there.
    #expect(!isCompound([0x80, 200, 0, 1, 0, 0, 0, 1]))  // A sender report without its sender part.
    #expect(!isCompound(goodbye))  // A goodbye alone is what an attacker sends.
    #expect(!isCompound([0x81, 201, 0, 8] + word(1)))
    #expect(!isCompound(senderReport() + [0x9F, 203, 0, 1, 0, 0, 0, 1]))
    #expect(!isCompound(senderReport() + [0x80, 201]))
    #expect(!isCompound(Array(senderReport().dropLast())))
    #expect(!isCompound([0x40, 201, 0, 1, 0, 0, 0, 1]))
    #expect(!isCompound([0x81, 202, 0, 1, 0, 0, 0, 1] + senderReport()))
    // An item whose length leads out of the packet.
    #expect(!isCompound(senderReport() + [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 65, 0]))
    // Padding on a packet that is not the last, and more padding than packet.
    #expect(!isCompound([0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4] + goodbye))
    #expect(!isCompound([0xA0, 201, 0, 1, 0, 0, 0, 200]))
    #expect(isCompound([0xA0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4]))
  }

  @Test("RFC 3550 §6.4.1: the fields of a report block")
  func fields() throws {
    let bytes = senderReport(blocks: 2)
    let packet = try #require(RTCPPacket.first(of: bytes))
    #expect(packet.kind == .senderReport && packet.count == 2 && packet.end == bytes.count)
    #expect(packet.sender(of: bytes) == 0xcafe)
    #expect(packet.middleNTP(of: bytes) == 0x5678_9abc)
    let block = try #require(packet.block(1, of: bytes))
    #expect(block.source == 2 && block.lossOf256 == 25 && block.jitter == 80)
    #expect(block.highestSequence == 70_000 && block.lastReport == 0x5678_9abc)
    #expect(block.delay == 65_536)
    #expect(packet.block(2, of: bytes) == nil)
  }

  @Test("RFC 3550 §6.4.1: the round trip is what is left after the receiver's delay")
  func roundTrip() throws {
    let bytes = senderReport(blocks: 1)
    let packet = try #require(RTCPPacket.first(of: bytes))
    let block = try #require(packet.block(0, of: bytes))
    var meter = RoundTripMeter()
    meter.received(block, at: .start + .seconds(9))
    #expect(meter.roundTrip == nil)  // We sent no such report.
    meter.sent(0x5678_9abc, at: .start + .seconds(10))
    meter.sent(0x5679_0000, at: .start + .seconds(11))
    meter.received(block, at: .start + .seconds(11) + .milliseconds(80))
    #expect(meter.roundTrip == .milliseconds(80))
    // A receiver that says it held the report longer than it was away is not believed.
    meter.received(block, at: .start + .milliseconds(10_500))
    #expect(meter.roundTrip == .milliseconds(80))
  }
}
