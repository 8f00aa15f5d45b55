/// The hash of a digest, weakest first (RFC 7616 §3.3, RFC 8760 §2.1).
package enum DigestAlgorithm: UInt8, Hashable, Sendable, Comparable, CaseIterable {
  case md5
  case sha256
  case sha512Half

  /// The word of the `algorithm` parameter.
  package var token: StaticString {
    switch self {
    case .md5: "MD5"
    case .sha256: "SHA-256"
    case .sha512Half: "SHA-512-256"
    }
  }

  /// The algorithm of that word, in any case; nil for one that we do not take, `-sess` included.
  package init?(token: Span<UInt8>) {
    for algorithm in Self.allCases where token.isEqualIgnoringCase(to: algorithm.token) {
      self = algorithm
      return
    }
    return nil
  }

  /// Bytes of the hash itself; its text has twice as many.
  package var digestBytes: Int { self == .md5 ? 16 : 32 }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Span<UInt8> {
  /// Whether these bytes are `text`, ASCII letters in any case.
  func isEqualIgnoringCase(to text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    var index = 0
    return text.withUTF8Buffer { buffer in
      while index < buffer.count {
        let (mine, theirs) = (self[index], unsafe buffer[index])
        let isLetter = theirs | 0x20 >= 97 && theirs | 0x20 <= 122
        guard isLetter ? mine | 0x20 == theirs | 0x20 : mine == theirs else { return false }
        index += 1
      }
      return true
    }
  }

  /// Whether both have the same bytes, in a time that depends on the lengths only.
  func isEqualInConstantTime(to other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    var difference: UInt8 = 0
    for index in indices { difference |= self[index] ^ other[index] }
    return difference == 0
  }
}
