/// The crypto suites we speak, strongest first (RFC 4568 §6.2, RFC 6188, RFC 7714).
package enum ProtectionProfile: UInt8, Hashable, Sendable, CaseIterable {
  case aeadAES256GCM
  case aeadAES128GCM
  case aes256CMSHA1Tag80
  case aes128CMSHA1Tag80
  case aes256CMSHA1Tag32
  case aes128CMSHA1Tag32

  /// The name in an `a=crypto` attribute.
  package var name: String {
    switch self {
    case .aeadAES256GCM: "AEAD_AES_256_GCM"
    case .aeadAES128GCM: "AEAD_AES_128_GCM"
    case .aes256CMSHA1Tag80: "AES_256_CM_HMAC_SHA1_80"
    case .aes128CMSHA1Tag80: "AES_CM_128_HMAC_SHA1_80"
    case .aes256CMSHA1Tag32: "AES_256_CM_HMAC_SHA1_32"
    case .aes128CMSHA1Tag32: "AES_CM_128_HMAC_SHA1_32"
    }
  }

  /// Reads the name of a crypto suite, case ignored (RFC 4568 §9.2 makes it case insensitive).
  package init?(name: some StringProtocol) {
    let upper = name.uppercased()
    guard let profile = Self.allCases.first(where: { $0.name == upper }) else { return nil }
    self = profile
  }

  package var keyBytes: Int {
    switch self {
    case .aeadAES256GCM, .aes256CMSHA1Tag80, .aes256CMSHA1Tag32: 32
    case .aeadAES128GCM, .aes128CMSHA1Tag80, .aes128CMSHA1Tag32: 16
    }
  }

  package var saltBytes: Int {
    switch self {
    case .aeadAES256GCM, .aeadAES128GCM: 12
    case .aes256CMSHA1Tag80, .aes128CMSHA1Tag80, .aes256CMSHA1Tag32, .aes128CMSHA1Tag32: 14
    }
  }

  /// Length of the authentication tag of an RTP packet.
  var tagBytes: Int {
    switch self {
    case .aeadAES256GCM, .aeadAES128GCM: 16
    case .aes256CMSHA1Tag80, .aes128CMSHA1Tag80: 10
    case .aes256CMSHA1Tag32, .aes128CMSHA1Tag32: 4
    }
  }

  /// Length of the authentication tag of an RTCP packet, which is never the short one.
  var controlTagBytes: Int { max(tagBytes, 10) }

  /// Length of key and salt together, as they stand in an `inline:` parameter.
  package var masterBytes: Int { keyBytes + saltBytes }
}
