import Elements
import Testing

@Suite("Text as bytes")
struct TextTests {
  @Test(
    "Numbers have all their digits",
    arguments: [0, 9, 10, 99, 100, 5_060, 65_535, 1_000_000_000_000_000_000, UInt64.max])
  func decimals(_ number: UInt64) {
    var bytes: [UInt8] = []
    bytes.append(decimal: number)
    #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
  }
}
