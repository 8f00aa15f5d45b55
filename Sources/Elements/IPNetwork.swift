/// Addresses that begin with the same bits: 192.0.2.0/24, 2001:db8::/32, or a single address.
package struct IPNetwork: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The first address; what lies behind ``bits`` is zero.
  package let address: IPAddress
  /// How many bits count, of the 128 of the mapped form.
  package let bits: Int

  /// The network of an address, of which so many bits count: 0...32 of IPv4, 0...128 of IPv6.
  package init(_ address: IPAddress, length: Int) {
    invariant((0...(address.isV4 ? 32 : 128)).contains(length), "a network of \(length) bits")
    bits = address.isV4 ? length + 96 : length
    self.address = address.masked(to: bits)
  }

  /// One address alone.
  package init(_ address: IPAddress) {
    (self.address, bits) = (address, 128)
  }

  /// "192.0.2.0/24", "2001:db8::/32", or one address; nil for anything else.
  ///
  /// Bits behind the length may be set, as people write their own address with its network. An IPv4 address in
  /// IPv6's notation (::ffff:192.0.2.0/120) has its length counted as there, and is the same network.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let address = IPAddress(parts[0]) else { return nil }
    let isMapped = address.isV4 && parts[0].contains(":")
    let lengths = isMapped ? 96...128 : 0...(address.isV4 ? 32 : 128)
    var length = lengths.upperBound
    if parts.count == 2 {
      guard let given = Int(parts[1]), lengths.contains(given) else { return nil }
      length = given
    }
    self.init(address, length: isMapped ? length - 96 : length)
  }

  /// How many bits count in the family of the address: 24 of 192.0.2.0/24.
  package var length: Int { address.isV4 ? bits - 96 : bits }
  package var isSingle: Bool { bits == 128 }

  /// Whether one holds the other.
  package func overlaps(_ other: IPNetwork) -> Bool { contains(other) || other.contains(self) }

  @inlinable
  package static func == (left: IPNetwork, right: IPNetwork) -> Bool {
    left.bits == right.bits && left.address == right.address
  }

  @inlinable
  package func hash(into hasher: inout Hasher) {
    address.hash(with: UInt16(truncatingIfNeeded: bits), into: &hasher)
  }

  package func contains(_ other: IPAddress) -> Bool {
    address.isV4 == other.isV4 && other.masked(to: bits) == address
  }

  package func contains(_ other: IPNetwork) -> Bool {
    bits <= other.bits && contains(other.address)
  }

  package static func < (left: IPNetwork, right: IPNetwork) -> Bool {
    (left.address, left.bits) < (right.address, right.bits)
  }

  /// As a firewall writes it: a single address without its length.
  package var description: String { isSingle ? "\(address)" : "\(address)/\(length)" }
}

extension IPAddress {
  /// The first `bits` of the 128, and zeros behind them; an IPv4 address stays one as long as 96 count.
  package func masked(to bits: Int) -> IPAddress {
    let upper = bits >= 64 ? ~0 : ~(~UInt64(0) >> UInt64(bits))
    let lower = bits <= 64 ? 0 : bits >= 128 ? ~0 : ~(~UInt64(0) >> UInt64(bits - 64))
    return IPAddress(high: high & upper, low: low & lower)
  }
}
