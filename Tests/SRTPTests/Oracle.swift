import CLibsrtp
import Elements
import SRTP

/// The SRTP of somebody else: libsrtp2, to compare with.
final class Oracle {
  struct Failure: Error { let status: UInt32 }

  private var session: srtp_t?
  private let usesIdentifier: Int32

  private static let isReady = srtp_init() == srtp_err_status_ok

  init(_ key: MasterKey, outbound: Bool) throws {
    guard Self.isReady else { throw Failure(status: 0) }
    usesIdentifier = key.identifier.isEmpty ? 0 : 1
    var policy = srtp_policy_t()
    switch key.profile {
    case .aeadAES256GCM:
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
    case .aeadAES128GCM:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    case .aes256CMSHA1Tag80:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp)
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
    case .aes256CMSHA1Tag32:
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy.rtp)
      srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
    case .aes128CMSHA1Tag80:
      srtp_crypto_policy_set_rtp_default(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .aes128CMSHA1Tag32:
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    }
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound
    policy.window_size = 128
    var (material, identifier) = (key.material.exposed, key.identifier)
    let status = material.withUnsafeMutableBufferPointer { bytes in
      identifier.withUnsafeMutableBufferPointer { mki in
        var master = srtp_master_key_t(
          key: bytes.baseAddress, mki_id: mki.baseAddress, mki_size: UInt32(mki.count))
        return withUnsafeMutablePointer(to: &master) { pointer in
          var list: UnsafeMutablePointer<srtp_master_key_t>? = pointer
          return withUnsafeMutablePointer(to: &list) { keys in
            if mki.isEmpty {
              policy.key = bytes.baseAddress
            } else {
              (policy.keys, policy.num_master_keys) = (keys, 1)
            }
            return srtp_create(&session, &policy)
          }
        }
      }
    }
    guard status == srtp_err_status_ok else { throw Failure(status: status.rawValue) }
  }

  deinit { srtp_dealloc(session) }

  func protectRTP(_ packet: [UInt8]) throws -> [UInt8] {
    try run(packet) { srtp_protect_mki(session, $0, &$1, UInt32(usesIdentifier), 0) }
  }

  func unprotectRTP(_ packet: [UInt8]) throws -> [UInt8] {
    try run(packet) { srtp_unprotect_mki(session, $0, &$1, UInt32(usesIdentifier)) }
  }

  func protectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
    try run(packet) { srtp_protect_rtcp_mki(session, $0, &$1, UInt32(usesIdentifier), 0) }
  }

  func unprotectRTCP(_ packet: [UInt8]) throws -> [UInt8] {
    try run(packet) { srtp_unprotect_rtcp_mki(session, $0, &$1, UInt32(usesIdentifier)) }
  }

  private func run(
    _ packet: [UInt8], _ body: (UnsafeMutableRawPointer, inout Int32) -> srtp_err_status_t
  ) throws -> [UInt8] {
    var words = [UInt64](repeating: 0, count: 256)
    words.withUnsafeMutableBytes { $0.copyBytes(from: packet) }
    var length = Int32(packet.count)
    let status = words.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { body($0, &length) } ?? srtp_err_status_fail
    }
    guard status == srtp_err_status_ok else { throw Failure(status: status.rawValue) }
    return words.withUnsafeBytes { Array($0[..<Int(length)]) }
  }
}
