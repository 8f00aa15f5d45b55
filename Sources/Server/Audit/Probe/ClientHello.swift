import Elements

/// The first message of TLS, for one question: whether a server would agree to this.
struct ClientHello {
  /// As the protocol numbers them.
  enum Version: UInt16, CaseIterable, CustomStringConvertible {
    case ssl3 = 0x0300
    case tls10, tls11, tls12, tls13

    var description: String {
      switch self {
      case .ssl3: "SSL 3.0"
      case .tls10: "TLS 1.0"
      case .tls11: "TLS 1.1"
      case .tls12: "TLS 1.2"
      case .tls13: "TLS 1.3"
      }
    }
  }

  /// The newest version that is offered, and with TLS 1.3 the only one.
  let version: Version
  let ciphers: [UInt16]
  let serverName: String?

  /// A record that holds the message (RFC 8446 §4.1.2, §5.1, RFC 5246 §7.4.1.2).
  var bytes: [UInt8] {
    var body = Self.word(version == .tls13 ? Version.tls12.rawValue : version.rawValue)
    body += (0..<32).map { _ in UInt8.random(in: 0...255) }
    body.append(0)  // No session.
    // With the sign that renegotiation is understood (RFC 5746 §3.3).
    body += Self.counted16((ciphers + [0x00FF]).flatMap(Self.word))
    body += [1, 0]  // No compression.
    if version != .ssl3 { body += Self.counted16(extensions) }
    let length = body.count
    let message = [1, UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255)] + body
    return [0x16] + Self.word(Version.tls10.rawValue) + Self.counted16(message)
  }

  private var extensions: [UInt8] {
    var all: [UInt8] = []
    if let serverName {
      let entry = [0] + Self.counted16(Array(serverName.utf8))
      all += Self.option(0, Self.counted16(entry))
    }
    // x25519, P-256, P-384; points uncompressed.
    all += Self.option(10, Self.counted16([0x001D, 0x0017, 0x0018].flatMap(Self.word)))
    all += Self.option(11, [1, 0])
    guard version >= .tls12 else { return all }
    let signatures: [UInt16] = [
      0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807, 0x0203,
      0x0201,
    ]
    all += Self.option(13, Self.counted16(signatures.flatMap(Self.word)))
    guard version == .tls13 else { return all }
    all += Self.option(43, [2] + Self.word(version.rawValue))
    // Any 32 bytes are a public key of x25519 (RFC 7748 §5); the handshake ends before it is used.
    let key = (0..<32).map { _ in UInt8.random(in: 0...255) }
    all += Self.option(51, Self.counted16(Self.word(0x001D) + Self.counted16(key)))
    return all
  }

  private static func word(_ number: UInt16) -> [UInt8] {
    [UInt8(number >> 8), UInt8(number & 255)]
  }

  private static func counted16(_ bytes: [UInt8]) -> [UInt8] {
    word(UInt16(truncatingIfNeeded: bytes.count)) + bytes
  }

  private static func option(_ number: UInt16, _ bytes: [UInt8]) -> [UInt8] {
    word(number) + counted16(bytes)
  }
}

extension ClientHello.Version: Comparable {
  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
