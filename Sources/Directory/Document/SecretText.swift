package import Elements

/// A secret inside the document; encoded as hexadecimal digits, never printed.
package struct SecretText: Codable, Hashable, Sendable {
  package let value: Secret

  package init(_ value: Secret) {
    self.value = value
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = Array(try container.decode(String.self).utf8)
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: text.count - text.count % 2, by: 2) {
      guard let high = Self.value(of: text[index]), let low = Self.value(of: text[index + 1]) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal")
      }
      bytes.append(high << 4 | low)
    }
    value = Secret(bytes)
  }

  package func encode(to encoder: any Encoder) throws {
    let digits = Array("0123456789abcdef".utf8)
    let text = value.exposed.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    var container = encoder.singleValueContainer()
    try container.encode(String(decoding: text, as: UTF8.self))
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case 48...57: digit - 48
    case 97...102: digit - 87
    case _: nil
    }
  }
}

/// H(user:realm:password) by algorithm (RFC 7616 §3.4.2): all that is kept of a phone's password.
///
/// Each value is the lower-case hexadecimal text, as it goes into the digest.
package struct CredentialHashes: Codable, Hashable, Sendable {
  package var md5: SecretText
  package var sha256: SecretText
  package var sha512256: SecretText

  package init(md5: Secret, sha256: Secret, sha512256: Secret) {
    self.md5 = SecretText(md5)
    self.sha256 = SecretText(sha256)
    self.sha512256 = SecretText(sha512256)
  }
}
