import Elements
import Testing

@testable import SIP

@Suite struct STUNBindingTests {
  /// The transaction and the addresses of RFC 5769 §2.2 and §2.3.
  private static let transaction: [UInt8] = [
    0x21, 0x12, 0xA4, 0x42, 0xB7, 0xE7, 0xA7, 0x01, 0xBC, 0x34, 0xD6, 0x86, 0xFA, 0x87, 0xDF, 0xAE,
  ]
  private static let request: [UInt8] = [0, 1, 0, 0] + transaction

  @Test("RFC 5769 §2.2: the address that we see, exclusive-ored with the cookie")
  func v4() throws {
    let request = try #require(STUNBinding(Self.request))
    let remote = try #require(Endpoint("192.0.2.1:32853"))
    #expect(
      request.answer(to: remote)
        == [1, 1, 0, 12] + Self.transaction
        + [0, 0x20, 0, 8, 0, 1, 0xA1, 0x47, 0xE1, 0x12, 0xA6, 0x43])
  }

  @Test("RFC 5769 §2.3: the same over IPv6, with the transaction")
  func v6() throws {
    let request = try #require(STUNBinding(Self.request))
    let remote = try #require(Endpoint("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))
    #expect(
      request.answer(to: remote)
        == [1, 1, 0, 24] + Self.transaction
        + [
          0, 0x20, 0, 20, 0, 2, 0xA1, 0x47, 0x01, 0x13, 0xA9, 0xFA, 0xA5, 0xD3, 0xF1, 0x79, 0xBC,
          0x25, 0xF4, 0xB5, 0xBE, 0xD2, 0xB9, 0xD9,
        ])
  }

  @Test("What may be passed over is, what must be understood or is cut is no keep-alive")
  func attributes() {
    func withAttributes(_ bytes: [UInt8]) -> [UInt8] {
      [0, 1, 0, UInt8(bytes.count)] + Self.transaction + bytes
    }
    // SOFTWARE "abc" filled up to four, FINGERPRINT.
    let software: [UInt8] = [0x80, 0x22, 0, 3, 97, 98, 99, 0]
    let fingerprint: [UInt8] = [0x80, 0x28, 0, 4, 1, 2, 3, 4]
    #expect(STUNBinding(withAttributes(software + fingerprint)) != nil)
    #expect(STUNBinding(withAttributes([0, 6, 0, 0])) == nil, "USERNAME")
    #expect(STUNBinding(withAttributes([0x80, 0x22, 0, 9, 97, 98, 99, 0])) == nil)
    #expect(STUNBinding(withAttributes([0x80, 0x22])) == nil)
    #expect(STUNBinding(withAttributes([0x80, 0x22, 0xFF, 0xFF])) == nil)
    for count in 0..<Self.request.count {
      #expect(STUNBinding(Array(Self.request[..<count])) == nil)
    }
    #expect(STUNBinding(Self.request + [0]) == nil)
    for (index, wrong) in [(0, 1), (1, 0x11), (4, 0x22)] {
      var bytes = Self.request
      bytes[index] = UInt8(wrong)
      #expect(STUNBinding(bytes) == nil)
    }
  }
}
