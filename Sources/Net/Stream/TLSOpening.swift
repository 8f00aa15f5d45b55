/// What the first bytes of a connection are (RFC 8446 §5.1).
package enum TLSOpening: Hashable, Sendable {
  /// More must come before it can be told.
  case unfinished
  /// A whole record of a handshake; a ClientHello in several is counted with the first.
  case handshake
  /// None, or a record that is longer than one may be.
  case other

  private static let headerLength = 5
  private static let handshakeType: UInt8 = 22
  private static let longestRecord = 1 << 14

  package init(_ bytes: some Collection<UInt8>) {
    let header = Array(bytes.prefix(Self.headerLength))
    self =
      if let type = header.first, type != Self.handshakeType {
        .other
      } else if header.count < Self.headerLength {
        .unfinished
      } else {
        Self.opening(length: Int(header[3]) << 8 | Int(header[4]), of: bytes.count)
      }
  }

  private static func opening(length: Int, of count: Int) -> TLSOpening {
    guard length <= longestRecord else { return .other }
    return count < headerLength + length ? .unfinished : .handshake
  }
}
