/// An IPv4 or IPv6 address; an IPv4-mapped IPv6 address is the IPv4 address (RFC 4291 §2.5.5.2).
package struct IPAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The 128 bits, high half; an IPv4 address is held in its mapped form.
  package let high: UInt64
  package let low: UInt64

  @inlinable
  package init(high: UInt64, low: UInt64) {
    (self.high, self.low) = (high, low)
  }

  @inlinable
  package init(v4 bits: UInt32) {
    (high, low) = (0, 0xFFFF_0000_0000 | UInt64(bits))
  }

  @inlinable package var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }
  /// The 32 bits of an IPv4 address.
  @inlinable package var v4: UInt32? { isV4 ? UInt32(truncatingIfNeeded: low) : nil }

  @inlinable
  package static func == (left: IPAddress, right: IPAddress) -> Bool {
    left.low == right.low && left.high == right.high
  }

  /// One word for an IPv4 address, as for the other types that an address is in: each takes a run of SipHash.
  @inlinable
  package func hash(into hasher: inout Hasher) {
    if high != 0 { hasher.combine(high) }
    hasher.combine(low)
  }

  /// Hashes the address and 16 bits that stand beside it; of an IPv4 address the highest 16 bits are free for them.
  @inlinable
  package func hash(with bits: UInt16, into hasher: inout Hasher) {
    guard high != 0 || low >> 48 != 0 else { return hasher.combine(low | UInt64(bits) << 48) }
    hash(into: &hasher)
    hasher.combine(bits)
  }

  @inlinable
  package static func < (left: IPAddress, right: IPAddress) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }

  package static let v4Any = IPAddress(v4: 0)
  package static let v6Any = IPAddress(high: 0, low: 0)
  package static let v4Loopback = IPAddress(v4: 0x7F00_0001)
  package static let v6Loopback = IPAddress(high: 0, low: 1)

  package var isUnspecified: Bool { self == .v4Any || self == .v6Any }
  package var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (self == .v6Loopback) }
  package var isMulticast: Bool { v4.map { $0 >> 28 == 0xE } ?? (high >> 56 == 0xFF) }
  package var isBroadcast: Bool { v4 == 0xFFFF_FFFF }
  package var isLinkLocal: Bool { v4.map { $0 >> 16 == 0xA9FE } ?? (high >> 54 == 0x3FA) }

  /// Could be sent to as one host: not unspecified, not multicast, not broadcast.
  package var isUnicast: Bool { !isUnspecified && !isMulticast && !isBroadcast }

  /// Bytes of the longest text: eight groups of four digits and what stands between them.
  package static var longestText: Int { 39 }

  /// RFC 5952 for IPv6, dotted quad for IPv4.
  package var description: String {
    var text: [UInt8] = []
    text.append(self)
    return String(decoding: text, as: UTF8.self)
  }

  /// One of the eight groups of 16 bits, the highest first.
  func group(_ index: Int) -> UInt16 {
    let half = index < 4 ? high : low
    return UInt16(truncatingIfNeeded: half >> UInt64((3 - index % 4) * 16))
  }

  /// The groups that "::" stands for: the longest run of two zeros or more, the first of several (RFC 5952 §4.2).
  var gap: Range<Int> {
    var best = 8..<8
    var start = 0
    for index in 0..<8 {
      if group(index) != 0 {
        start = index + 1
      } else if index + 1 - start > max(1, best.count) {
        best = start..<index + 1
      }
    }
    return best
  }
}

extension IPAddress {
  /// Parses "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; nil for anything else, zone ids included.
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    self.init(parsing: bytes.span)
  }

  /// Parses the text form of an address without making a `String`; brackets around IPv6 are taken.
  package init?(parsing bytes: Span<UInt8>) {
    var (start, end) = (0, bytes.count)
    if end >= 2, bytes[0] == UInt8(ascii: "["), bytes[end - 1] == UInt8(ascii: "]") {
      (start, end) = (1, end - 1)
    } else if let v4 = Self.parseV4(bytes, start, end) {
      self.init(v4: v4)
      return
    }
    guard let (high, low) = Self.parseV6(bytes, start, end) else { return nil }
    self.init(high: high, low: low)
  }

  /// Parses an IPv4 address and nothing else.
  package init?(dottedQuad bytes: Span<UInt8>) {
    guard let v4 = Self.parseV4(bytes, 0, bytes.count) else { return nil }
    self.init(v4: v4)
  }

  private static func parseV4(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt32? {
    guard end - start >= 7, end - start <= 15 else { return nil }
    var (bits, value, digits, dots): (UInt32, UInt32, Int, Int) = (0, 0, 0, 0)
    for index in start..<end {
      let byte = bytes[index]
      if byte == UInt8(ascii: ".") {
        guard digits > 0, dots < 3 else { return nil }
        (bits, value, digits, dots) = (bits << 8 | value, 0, 0, dots + 1)
      } else {
        guard byte >= 48, byte <= 57, digits < 3 else { return nil }
        (value, digits) = (value * 10 + UInt32(byte - 48), digits + 1)
        guard value <= 255 else { return nil }
      }
    }
    return dots == 3 && digits > 0 ? bits << 8 | value : nil
  }

  private static func parseV6(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int
  ) -> (UInt64, UInt64)? {
    guard end - start >= 2, end - start <= 45 else { return nil }
    // The groups so far, the last one lowest, and how many stand before the gap and in all.
    var (bits, head): (UInt128, UInt128) = (0, 0)
    var (count, gap): (Int, Int?) = (0, nil)
    var index = start
    if bytes[index] == UInt8(ascii: ":") {
      guard bytes[index + 1] == UInt8(ascii: ":") else { return nil }
      (gap, index) = (0, index + 2)
    }
    while index < end {
      var (value, digits, next): (UInt32, Int, Int) = (0, 0, index)
      while next < end, digits < 5, let digit = hexadecimal(bytes[next]) {
        (value, digits, next) = (value << 4 | UInt32(digit), digits + 1, next + 1)
      }
      if next < end, bytes[next] == UInt8(ascii: ".") {
        guard let v4 = parseV4(bytes, index, end), count <= 6 else { return nil }
        (bits, count, index) = (bits << 32 | UInt128(v4), count + 2, end)
        break
      }
      guard (1...4).contains(digits), count < 8 else { return nil }
      (bits, count, index) = (bits << 16 | UInt128(value), count + 1, next)
      guard index < end else { break }
      guard bytes[index] == UInt8(ascii: ":"), index + 1 < end else { return nil }
      index += 1
      if bytes[index] == UInt8(ascii: ":") {
        guard gap == nil else { return nil }
        (gap, head, bits, index) = (count, bits, 0, index + 1)
      }
    }
    guard gap == nil ? count == 8 : count < 8 else { return nil }
    if let gap { bits |= head << UInt128(16 * (8 - gap)) }
    return (
      UInt64(truncatingIfNeeded: bits >> 64), UInt64(truncatingIfNeeded: bits)
    )
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    case _: nil
    }
  }
}
