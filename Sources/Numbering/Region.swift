/// A country or territory by its two letters of ISO 3166, or the world for numbers of no country.
package struct Region: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Both letters, the first in the high byte; 0 is the world.
  package let code: UInt16

  /// Numbers that belong to no country: +800, +870, +881, +979 and others.
  package static let world = Region(code: 0)

  package init(code: UInt16) {
    self.code = code
  }

  /// Two letters, or "001" for the world; nil for anything else.
  ///
  /// Says nothing about whether it exists.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    if bytes == [48, 48, 49] {
      self = .world
      return
    }
    guard bytes.count == 2, bytes.allSatisfy({ (65...90).contains($0 & 0xDF) }) else { return nil }
    code = UInt16(bytes[0] & 0xDF) << 8 | UInt16(bytes[1] & 0xDF)
  }

  package static func < (left: Region, right: Region) -> Bool { left.code < right.code }

  package var description: String {
    self == .world
      ? "001"
      : String(
        decoding: [UInt8(truncatingIfNeeded: code >> 8), UInt8(truncatingIfNeeded: code)],
        as: UTF8.self)
  }
}
