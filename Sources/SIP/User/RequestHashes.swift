import Elements
import SIPSyntax

/// The hashes of method and URI that come again and again: all phones of a tenant register at the same domain.
///
/// A few of the last, each in the only place that it can have; what is not there is computed. They say nothing that does not
/// stand in the request.
struct RequestHashes: Sendable {
  private struct Entry: Sendable {
    var algorithm = DigestAlgorithm.md5
    var uri: [UInt8] = []
    var hash = HashText(HashValue())
  }

  private static let places = 64
  /// Longer URIs are not kept.
  static let longest = 128

  private var entries = [Entry](repeating: Entry(), count: places)

  /// HA2 of a REGISTER (RFC 7616 §3.4.3).
  mutating func ofRegister(_ algorithm: DigestAlgorithm, uri: Span<UInt8>) -> HashText {
    let place = Self.place(of: uri)
    let known = entries[place].uri
    if !uri.isEmpty, uri.equals(known.span), entries[place].algorithm == algorithm {
      return entries[place].hash
    }
    let hash = DigestResponse.requestHash(algorithm, method: .register, uri: uri)
    if uri.count <= Self.longest {
      entries[place] = Entry(algorithm: algorithm, uri: [UInt8](copying: uri), hash: hash)
    }
    return hash
  }

  private static func place(of uri: Span<UInt8>) -> Int {
    let (first, last) = (uri.characters(at: 0), uri.characters(at: max(0, uri.count - 8)))
    let middle = uri.characters(at: min(8, uri.count))
    let mixed = (first ^ middle << 7 ^ last << 13) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 58)
  }
}
