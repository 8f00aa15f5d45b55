package import SIPSyntax

/// A hash that we take for digests, weakest first (RFC 7616 §3.3, RFC 8760 §2.1).
package enum DigestAlgorithm: UInt8, Hashable, Sendable, Comparable, CaseIterable {
  case md5
  case sha256
  case sha512Half

  /// The name in a header field.
  package var name: DigestAlgorithmName {
    switch self {
    case .md5: .md5
    case .sha256: .sha256
    case .sha512Half: .sha512t256
    }
  }

  /// The name as it is written.
  var token: StaticString {
    switch self {
    case .md5: "MD5"
    case .sha256: "SHA-256"
    case .sha512Half: "SHA-512-256"
    }
  }

  /// Nil for a hash that we do not take, the `-sess` variants included.
  package init?(_ name: DigestAlgorithmName) {
    switch name {
    case .md5: self = .md5
    case .sha256: self = .sha256
    case .sha512t256: self = .sha512Half
    case .md5Session, .sha256Session, .sha512t256Session, .other: return nil
    }
  }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Span<UInt8> {
  /// Whether both have the same bytes, in a time that depends on the lengths only.
  func isEqualInConstantTime(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    var difference: UInt8 = 0
    for index in indices { difference |= self[index] ^ other[index] }
    return difference == 0
  }
}
