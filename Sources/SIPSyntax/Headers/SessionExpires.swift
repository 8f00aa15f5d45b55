import Elements

/// The Session-Expires header field: how long a session lives without a refresh (RFC 4028 §4).
package struct SessionExpires: Hashable, Sendable {
  /// Who sends the refresh.
  package enum Refresher: String, Hashable, Sendable { case uac, uas }

  package let seconds: UInt32
  package let refresher: Refresher?

  package init(seconds: UInt32, refresher: Refresher? = nil) {
    (self.seconds, self.refresher) = (seconds, refresher)
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    seconds = try bytes.parseUInt32(at: &offset, end: bytes.count)
    let parameters = try bytes.parseParametersToEnd(at: &offset)
    refresher = parameters.text("refresher").flatMap { Refresher(rawValue: $0.lowercased()) }
  }
}

extension SessionExpires: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(decimal: UInt64(seconds))
    if let refresher { bytes.append(contentsOf: ";refresher=\(refresher.rawValue)".utf8) }
  }
}
