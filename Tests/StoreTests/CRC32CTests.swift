import Store
import Testing

@Suite struct CRC32CTests {
  @Test(
    "RFC 3720 B.4: the examples",
    arguments: [
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 255, count: 32), 0x62A8_AB43),
      (Array(0...31), 0x46DD_794E), (Array((0...31).reversed()), 0x113F_DB5C),
      (Array("123456789".utf8), 0xE306_9283),
    ] as [([UInt8], UInt32)])
  func examples(bytes: [UInt8], expected: UInt32) {
    var crc = CRC32C()
    crc.add(bytes)
    #expect(crc.value == expected)
  }

  @Test("The sum does not depend on how the bytes were cut up", arguments: 0...40)
  func pieces(cut: Int) {
    let bytes = (0..<40).map { UInt8($0 * 7 & 0xFF) }
    var (whole, parts) = (CRC32C(), CRC32C())
    whole.add(bytes)
    parts.add(Array(bytes[..<cut]))
    parts.add(Array(bytes[cut...]))
    #expect(whole.value == parts.value)
  }
}
