/// What the first bytes of a connection are (RFC 8446 §4, §5.1).
package enum TLSOpening: Hashable, Sendable {
  /// More must come before it can be told.
  case unfinished
  /// A whole record that begins a ClientHello, which nearly always is one.
  case hello
  /// Something else: an alert, the form of SSL 2.0, an empty record, or no TLS.
  case other

  private static let headerLength = 5
  /// A handshake record of any version of TLS, and a ClientHello in it.
  private static let (handshake, major, clientHello): (UInt8, UInt8, UInt8) = (22, 3, 1)
  /// A ClientHello with all that is known today takes two kilobytes; it is kept until it is whole.
  private static let longestRecord = 4_096

  package init(_ bytes: some Collection<UInt8>) {
    let head = Array(bytes.prefix(Self.headerLength + 1))
    let length = head.count < Self.headerLength ? nil : Int(head[3]) << 8 | Int(head[4])
    self =
      if let type = head.first, type != Self.handshake {
        .other
      } else if head.count > 1, head[1] != Self.major {
        .other
      } else if let length, length == 0 || length > Self.longestRecord {
        .other
      } else if head.count > Self.headerLength, head[Self.headerLength] != Self.clientHello {
        .other
      } else if let length, bytes.count >= Self.headerLength + length {
        .hello
      } else {
        .unfinished
      }
  }
}
