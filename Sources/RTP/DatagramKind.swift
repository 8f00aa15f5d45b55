/// What a datagram on a media port is, told by its first bytes (RFC 7983, RFC 6189 §5, RFC 5761 §4).
package enum DatagramKind: UInt8, Hashable, Sendable {
  case rtp, rtcp, zrtp, stun, dtls, other

  /// "ZRTP" where RTP has its timestamp.
  @usableFromInline static let zrtpCookie: UInt32 = 0x5A52_5450
  @usableFromInline static let stunCookie: UInt32 = 0x2112_A442

  /// The `length` bytes at the start of `bytes`; RTP still has to pass ``RTPHeader/init(parsing:length:)``.
  @inlinable
  package init(of bytes: RawSpan, length: Int) {
    guard length >= 8, bytes.byteCount >= length else {
      self = .other
      return
    }
    let first = bytes.byte(at: 0)
    if first >> 6 == 2 {
      self = (192...223).contains(bytes.byte(at: 1)) ? .rtcp : .rtp
    } else if first == 0x10, length >= 12, bytes.big32(at: 4) == Self.zrtpCookie {
      self = .zrtp
    } else if first < 4, length >= 20, bytes.big32(at: 4) == Self.stunCookie {
      self = .stun
    } else if (20...63).contains(first) {
      self = .dtls
    } else {
      self = .other
    }
  }
}
