/// What a server chose out of a ``ClientHello``.
package struct ServerHello: Hashable {
  package let version: UInt16
  package let cipher: UInt16

  package init(version: UInt16, cipher: UInt16) {
    (self.version, self.cipher) = (version, cipher)
  }

  /// What the first records of an answer hold.
  package enum Reading: Hashable {
    case agreed(ServerHello)
    /// An alert that ends it.
    case refused
    /// Something that is no TLS.
    case foreign
    /// Not all has come yet.
    case unfinished
  }

  private enum Record { static let (alert, handshake): (UInt8, UInt8) = (0x15, 0x16) }
  private enum Alert { static let (warning, closeNotify): (UInt8, UInt8) = (1, 0) }

  package static func read(_ bytes: [UInt8]) -> Reading {
    var rest = bytes[...]
    while rest.count >= 5 {
      let record = Array(rest.prefix(5))
      guard [Record.alert, Record.handshake].contains(record[0]), record[1] == 3 else {
        return .foreign
      }
      let length = Int(record[3]) << 8 | Int(record[4])
      guard rest.count >= 5 + length else { return .unfinished }
      let content = rest.dropFirst(5).prefix(length)
      guard record[0] == Record.alert else {
        var reader = Reader(bytes: content)
        return reader.serverHello().map { .agreed($0) } ?? .foreign
      }
      // Behind a warning, such as of a name that it does not know (RFC 6066 §3), it may go on.
      guard content.first == Alert.warning, content.last != Alert.closeNotify else {
        return .refused
      }
      rest = rest.dropFirst(5 + length)
    }
    return .unfinished
  }

  private struct Reader {
    var bytes: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
      guard bytes.count >= count else { return nil }
      defer { bytes = bytes.dropFirst(count) }
      return bytes.prefix(count)
    }

    mutating func number(_ size: Int) -> Int? {
      take(size).map { $0.reduce(0) { $0 << 8 | Int($1) } }
    }

    /// RFC 8446 §4.1.3: since TLS 1.3 the version stands in an extension.
    mutating func serverHello() -> ServerHello? {
      guard number(1) == 2, number(3) != nil, let legacy = number(2), take(32) != nil,
        let session = number(1), take(session) != nil, let cipher = number(2), take(1) != nil
      else { return nil }
      var version = legacy
      if let length = number(2), let options = take(length) {
        var rest = Reader(bytes: options)
        while let kind = rest.number(2), let size = rest.number(2),
          var value = rest.take(size).map(Reader.init)
        {
          if kind == 43, let chosen = value.number(2) { version = chosen }
        }
      }
      return ServerHello(
        version: UInt16(truncatingIfNeeded: version), cipher: UInt16(truncatingIfNeeded: cipher))
    }
  }
}
