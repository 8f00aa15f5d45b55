import Elements
import RTP
import Testing

@Suite struct RTPHeaderTests {
  private func parse(_ bytes: [UInt8], encrypted: Bool = false) -> RTPHeader? {
    RTPHeader(parsing: bytes.span.bytes, length: bytes.count, encrypted: encrypted)
  }

  @Test("RFC 3550 §5.1: every field of the fixed header")
  func fixedHeader() throws {
    // The packet of RFC 7714 §16.
    let bytes: [UInt8] = [
      0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41, 0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2, 1, 2, 3,
    ]
    let header = try #require(parse(bytes))
    #expect(header.payloadType == 64 && !header.marker)
    #expect(header.sequence == 0xf17b && header.timestamp == 0x8041_f8d3)
    #expect(header.source == 0x5501_a0b2)
    #expect(header.payloadStart == 12 && header.payloadEnd == 15)
  }

  @Test("RFC 3550 §5.1: contributing sources, extension and padding frame the payload")
  func optionalParts() throws {
    var bytes: [UInt8] = [0xB2, 0x88, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
    bytes += [0, 0, 0, 4, 0, 0, 0, 5]  // Two contributing sources.
    bytes += [0xBE, 0xDE, 0, 1, 9, 9, 9, 9]  // An extension of one word.
    bytes += [7, 7, 7, 0, 2]  // Three bytes of payload, two of padding.
    let header = try #require(parse(bytes))
    #expect(header.marker && header.payloadType == 8)
    #expect(header.payloadStart == 28 && header.payloadEnd == 31)
    let encrypted = try #require(parse(bytes, encrypted: true))
    #expect(encrypted.payloadEnd == 33)
  }

  @Test(
    "RFC 3550 §A.1: what is no RTP is refused",
    arguments: [
      [],
      [0x80],
      [0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],  // A byte short.
      [0x40, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],  // Version 1.
      [0x82, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4],  // One source for two.
      [0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xBE, 0xDE, 0xFF, 0xFF],  // Extension beyond the end.
      [0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xBE],  // Extension header cut.
      [0xA0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9],  // More padding than there is.
      [0xA0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0],  // Padding of no bytes.
    ] as [[UInt8]])
  func broken(bytes: [UInt8]) {
    #expect(parse(bytes) == nil)
  }

  @Test("A length beyond the buffer is refused, not read")
  func lengthBeyondBuffer() {
    let bytes = [UInt8](repeating: 0x80, count: 20)
    let header = RTPHeader(parsing: bytes.span.bytes, length: 21)
    #expect(header == nil)
    #expect(DatagramKind(bytes, length: 21) == .other)
    #expect(!RTCPPacket.isCompound(bytes, length: 24))
  }

  @Test("What we make is what we read", arguments: UInt64(1)...50)
  func roundTrip(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let payload = (0..<Int.random(in: 0...200, using: &random)).map { _ in
      UInt8.random(in: .min ... .max, using: &random)
    }
    let (sequence, timestamp) = (UInt16.random(in: 0...65_535, using: &random), UInt32.max - 5)
    let packet = RTPHeader.packet(
      payloadType: 101, marker: true, sequence: sequence, timestamp: timestamp, source: 0xdead_beef,
      payload: payload)
    let header = try #require(parse(packet))
    #expect(header.marker && header.payloadType == 101 && header.sequence == sequence)
    #expect(header.timestamp == timestamp && header.source == 0xdead_beef)
    #expect(Array(packet[header.payloadStart..<header.payloadEnd]) == payload)
  }

  @Test("A18: no random or truncated datagram traps", arguments: UInt64(1)...20)
  func noise(seed: UInt64) {
    var random = SplitMix(seed: seed)
    for _ in 0..<2_000 {
      var bytes = (0..<Int.random(in: 0...96, using: &random)).map { _ in
        UInt8.random(in: .min ... .max, using: &random)
      }
      if !bytes.isEmpty { bytes[0] = bytes[0] & 0x3F | 0x80 }
      if bytes.count > 1, Bool.random(using: &random) {
        bytes[1] = UInt8.random(in: 198...208, using: &random)
      }
      if bytes.count > 3 { (bytes[2], bytes[3]) = (0, bytes[3] & 15) }
      _ = DatagramKind(bytes)
      if let header = parse(bytes) {
        #expect(header.payloadStart <= header.payloadEnd && header.payloadEnd <= bytes.count)
        _ = TelephoneEvent(bytes, header)
      }
      if RTCPPacket.isCompound(bytes) {
        let packet = RTCPPacket.first(of: bytes)
        #expect(packet != nil)
        for index in 0..<32 { _ = packet?.block(index, of: bytes) }
        _ = packet?.middleNTP(of: bytes)
      }
    }
  }

  @Test("RFC 7983, RFC 6189 §5: kinds by their first bytes")
  func kinds() {
    func kind(_ head: [UInt8]) -> DatagramKind {
      let bytes = head + [UInt8](repeating: 0, count: 32)
      return DatagramKind(bytes)
    }
    #expect(kind([0x80, 0]) == .rtp && kind([0x80, 0x80 | 0]) == .rtp)
    #expect(kind([0x80, 200]) == .rtcp && kind([0x81, 206]) == .rtcp)
    #expect(kind([0x10, 0, 0, 1, 0x5a, 0x52, 0x54, 0x50]) == .zrtp)
    #expect(kind([0x10, 0, 0, 1, 0x5a, 0x52, 0x54, 0x51]) == .other)
    #expect(kind([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]) == .stun)
    #expect(kind([22, 0xfe, 0xfd]) == .dtls)
    #expect(kind([0xC0]) == .other)
    #expect(DatagramKind([0x80, 0]) == .other)
  }
}
