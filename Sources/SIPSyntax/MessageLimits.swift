/// The bounds of one message; what lies beyond is refused before it costs anything.
package enum MessageLimits {
  /// Bytes of a whole message; also what keeps every offset in 16 bits.
  package static let messageBytes = 65_535
  /// Bytes of start line and header fields on a stream, the empty line behind them included.
  package static let headBytes = 32_768
  /// Header fields of a message, compact or not, broken ones too; what follows is not looked at.
  package static let headerFields = 256
  /// Via values; a request through more hops than a Max-Forwards of 70 allows is a loop.
  package static let vias = 70
  /// Values that one accessor returns from all lines of one header field.
  package static let values = 256
  /// Bytes of one URI.
  package static let uriBytes = 4_096
  /// Parameters behind one value.
  package static let parameters = 64
}
