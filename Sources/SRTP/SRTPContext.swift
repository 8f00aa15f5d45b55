internal import CLibsrtp
import Elements
import RTP

/// One direction of one stream, RTP and RTCP, under one master key: a safe face on libsrtp2.
///
/// The library keeps replay windows and rollover counters for each synchronization source. It takes up a
/// new incoming source only after its first packet passed authentication, so that nobody without the key
/// can make it remember anything.
@safe package final class SRTPContext {
  package enum Direction: Hashable, Sendable { case inbound, outbound }

  /// The most that protecting a packet adds: tag, MKI and SRTCP index.
  package static let maximumTrailer = 16 + 128 + 4
  /// Sources one key may serve; none is ever forgotten, since a forgotten outgoing one could be
  /// protected twice with the same keystream.
  package static let maximumSources = 64

  private let session: srtp_t
  private let usesIdentifier: Bool
  private let direction: Direction
  /// The least a protected packet adds to its payload: tag and MKI, and for RTCP the index.
  private let rtpTrailer: Int
  private let rtcpTrailer: Int
  private var sources: [UInt32] = []

  package init(_ key: MasterKey, _ direction: Direction) throws(SRTPError) {
    guard Self.libraryStatus == srtp_err_status_ok else {
      throw .refused(Self.libraryStatus.rawValue)
    }
    var created: srtp_t?
    let status = unsafe Self.withPolicy(key, direction) { policy in
      unsafe srtp_create(&created, &policy)
    }
    guard status == srtp_err_status_ok, let created = unsafe created else {
      throw .refused(status.rawValue)
    }
    unsafe session = created
    (usesIdentifier, self.direction) = (!key.identifier.isEmpty, direction)
    rtpTrailer = key.profile.tagBytes + key.identifier.count
    rtcpTrailer = key.profile.controlTagBytes + key.identifier.count + 4
  }

  deinit { unsafe _ = srtp_dealloc(session) }

  /// The library's one-time set-up.
  private static let libraryStatus: srtp_err_status_t = srtp_init()

  private static func withPolicy(
    _ key: MasterKey, _ direction: Direction,
    _ body: (inout srtp_policy_t) -> srtp_err_status_t
  ) -> srtp_err_status_t {
    var policy = unsafe srtp_policy_t()
    unsafe setCiphers(of: &policy, to: key.profile)
    unsafe policy.ssrc.type = direction == .inbound ? ssrc_any_inbound : ssrc_any_outbound
    unsafe policy.window_size = 128
    unsafe policy.allow_repeat_tx = 0
    var (material, identifier) = (key.material.exposed, key.identifier)
    defer { for index in material.indices { material[index] = 0 } }
    return unsafe material.withUnsafeMutableBufferPointer { materialBytes in
      unsafe identifier.withUnsafeMutableBufferPointer { identifierBytes in
        var master = unsafe srtp_master_key_t(
          key: materialBytes.baseAddress, mki_id: identifierBytes.baseAddress,
          mki_size: UInt32(identifierBytes.count))
        return unsafe withUnsafeMutablePointer(to: &master) { pointer in
          var list: UnsafeMutablePointer<srtp_master_key_t>? = unsafe pointer
          return unsafe withUnsafeMutablePointer(to: &list) { keys in
            if identifierBytes.isEmpty {
              unsafe policy.key = materialBytes.baseAddress
            } else {
              unsafe policy.keys = keys
              unsafe policy.num_master_keys = 1
            }
            return unsafe body(&policy)
          }
        }
      }
    }
  }

  /// SRTCP always has the 80-bit tag (RFC 3711 §5.2, RFC 4568 §6.2).
  private static func setCiphers(of policy: inout srtp_policy_t, to profile: ProtectionProfile) {
    switch profile {
    case .aeadAES256GCM:
      unsafe srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
      unsafe srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
    case .aeadAES128GCM:
      unsafe srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      unsafe srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    case .aes256CMSHA1Tag80:
      unsafe srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtp)
      unsafe srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy.rtcp)
    case .aes128CMSHA1Tag80:
      unsafe srtp_crypto_policy_set_rtp_default(&policy.rtp)
      unsafe srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .aes128CMSHA1Tag32:
      unsafe srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp)
      unsafe srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    }
  }

  /// Protects an RTP packet of `length` bytes in place; the new length.
  package func protectRTP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    try check(buffer, length: length, isRTCP: false)
    return try unsafe run(&buffer, length, sourceOffset: 8) { bytes, count in
      unsafe srtp_protect_mki(session, bytes, &count, usesIdentifier ? 1 : 0, 0)
    }
  }

  /// Authenticates and decrypts an SRTP packet in place; the new length.
  package func unprotectRTP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    try check(buffer, length: length, isRTCP: false)
    return try unsafe run(&buffer, length, sourceOffset: 8) { bytes, count in
      unsafe srtp_unprotect_mki(session, bytes, &count, usesIdentifier ? 1 : 0)
    }
  }

  /// Protects an RTCP compound in place; the new length.
  package func protectRTCP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    try check(buffer, length: length, isRTCP: true)
    return try unsafe run(&buffer, length, sourceOffset: 4) { bytes, count in
      unsafe srtp_protect_rtcp_mki(session, bytes, &count, usesIdentifier ? 1 : 0, 0)
    }
  }

  /// Authenticates and decrypts an SRTCP compound in place; the new length.
  package func unprotectRTCP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    try check(buffer, length: length, isRTCP: true)
    return try unsafe run(&buffer, length, sourceOffset: 4) { bytes, count in
      unsafe srtp_unprotect_rtcp_mki(session, bytes, &count, usesIdentifier ? 1 : 0)
    }
  }

  /// What the library takes for granted: a whole header, and room for a trailer.
  private func check(
    _ buffer: borrowing MutableRawSpan, length: Int, isRTCP: Bool
  ) throws(SRTPError) {
    let room = direction == .outbound ? Self.maximumTrailer : 0
    guard length >= 0, length + room <= buffer.byteCount else { throw .noRoom }
    let trailer = direction == .outbound ? 0 : isRTCP ? rtcpTrailer : rtpTrailer
    if isRTCP {
      guard length - trailer >= 8 else { throw .malformed }
    } else {
      let bytes = buffer.bytes
      guard RTPHeader(parsing: bytes, length: length - trailer, encrypted: true) != nil else {
        throw .malformed
      }
    }
  }

  private func run(
    _ buffer: inout MutableRawSpan, _ length: Int, sourceOffset: Int,
    _ operation: (UnsafeMutableRawPointer, inout CInt) -> srtp_err_status_t
  ) throws(SRTPError) -> Int {
    let source = buffer.bytes.big32(at: sourceOffset)
    let isNew = sources.last != source && !sources.contains(source)
    guard !isNew || sources.count < Self.maximumSources else { throw .tooManySources }
    var count = CInt(truncatingIfNeeded: length)
    let status = unsafe buffer.withUnsafeMutableBytes { bytes -> srtp_err_status_t? in
      // The library reads words: an odd buffer would be our bug, and must not be undefined behaviour.
      guard let base = bytes.baseAddress, UInt(bitPattern: base) & 3 == 0 else {
        return nil
      }
      return unsafe operation(base, &count)
    }
    guard let status else { throw .noRoom }
    guard status == srtp_err_status_ok else { throw Self.error(of: status) }
    if isNew { sources.append(source) }
    return Int(count)
  }

  private static func error(of status: srtp_err_status_t) -> SRTPError {
    switch status {
    case srtp_err_status_auth_fail, srtp_err_status_cipher_fail, srtp_err_status_bad_mki:
      .unauthentic
    case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old:
      .replayed
    case srtp_err_status_bad_param, srtp_err_status_parse_err: .malformed
    case srtp_err_status_key_expired: .keyExpired
    case _: .refused(status.rawValue)
    }
  }
}
