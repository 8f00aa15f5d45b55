import Elements

/// What protects RTP or RTCP under one master key: session keys, salt, tag (RFC 3711 §4, RFC 7714).
final class Protection {
  enum Use: UInt8 {
    /// The first of the three labels of RFC 3711 §4.3.1 for each protocol.
    case rtp = 0
    case rtcp = 3
  }

  let isAEAD: Bool
  /// Of the packets of this protocol.
  let tagBytes: Int
  let cipher: PacketCipher
  let authenticator: PacketAuthenticator?
  private let salt: PacketCipher.Nonce

  init(_ key: MasterKey, _ use: Use, encrypts: Bool) throws(SRTPError) {
    let profile = key.profile
    isAEAD = profile.isAEAD
    tagBytes = use == .rtp ? profile.tagBytes : profile.controlTagBytes
    let derivation = try KeyDerivation(key)
    let label = use.rawValue
    cipher = try PacketCipher(
      profile.algorithm, key: try derivation.derive(label, count: profile.keyBytes),
      encrypts: encrypts || !profile.isAEAD)
    authenticator =
      profile.isAEAD
      ? nil : try PacketAuthenticator(key: try derivation.derive(label + 1, count: 20))
    let bytes = try derivation.derive(label + 2, count: profile.saltBytes)
    salt = KeyDerivation.block(bytes)
  }

  /// The counter block of RFC 3711 §4.1.1 or the nonce of RFC 7714 §8.1, §9.1.
  func nonce(source: UInt32, index: UInt64) -> PacketCipher.Nonce {
    if isAEAD {
      return PacketCipher.Nonce(
        high: salt.high ^ (UInt64(source) << 16 | index >> 32), low: salt.low ^ (index << 32))
    }
    return PacketCipher.Nonce(high: salt.high ^ UInt64(source), low: salt.low ^ (index << 16))
  }
}

/// Session keys from a master key: AES in counter mode over labels (RFC 3711 §4.3.3, RFC 6188 §3).
///
/// The key derivation rate is zero, so there is one set for the life of the master key.
struct KeyDerivation {
  private let cipher: PacketCipher
  private let salt: PacketCipher.Nonce

  init(_ key: MasterKey) throws(SRTPError) {
    let material = key.material.exposed
    let size = key.profile.keyBytes
    cipher = try PacketCipher(
      size == 32 ? .ctr256 : .ctr128, key: Array(material[..<size]), encrypts: true)
    salt = Self.block(Array(material[size...]))
  }

  func derive(_ label: UInt8, count: Int) throws(SRTPError) -> [UInt8] {
    // The label is the eighth byte of the block; the last two count the blocks.
    let nonce = PacketCipher.Nonce(high: salt.high ^ UInt64(label), low: salt.low)
    var bytes = [UInt8](repeating: 0, count: count)
    let cipher = cipher
    let error = unsafe bytes.withUnsafeMutableBytes { buffer -> SRTPError? in
      do throws(SRTPError) {
        try unsafe cipher.applyKeystream(buffer, 0..<count, nonce: nonce)
        return nil
      } catch {
        return error
      }
    }
    if let error { throw error }
    return bytes
  }

  /// Up to 16 bytes from the left, zeros behind them.
  static func block(_ bytes: [UInt8]) -> PacketCipher.Nonce {
    var words: (UInt64, UInt64) = (0, 0)
    for (index, byte) in bytes.prefix(16).enumerated() {
      let bits = UInt64(byte) << UInt64(56 - index % 8 * 8)
      if index < 8 { words.0 |= bits } else { words.1 |= bits }
    }
    return PacketCipher.Nonce(high: words.0, low: words.1)
  }
}

extension ProtectionProfile {
  var isAEAD: Bool { self == .aeadAES128GCM || self == .aeadAES256GCM }

  fileprivate var algorithm: PacketCipher.Algorithm {
    switch self {
    case .aeadAES256GCM: .gcm256
    case .aeadAES128GCM: .gcm128
    case .aes256CMSHA1Tag80, .aes256CMSHA1Tag32: .ctr256
    case .aes128CMSHA1Tag80, .aes128CMSHA1Tag32: .ctr128
    }
  }
}
