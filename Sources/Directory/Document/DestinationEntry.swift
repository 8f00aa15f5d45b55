/// Which numbers may be called.
///
/// Nil: as the tenant, and for the tenant the safe default.
package struct DestinationEntry: Codable, Hashable, Sendable {
  package var international: Access?
  /// By the name of a ``Numbering/DestinationClass``, such as "premium" or "mobile".
  package var classes: [String: Access] = [:]
  /// Prefixes with a plus sign ("+44") or countries ("FR").
  package var allow: [String] = []
  package var deny: [String] = []

  package init() {}
}

/// Whether something may be called.
package enum Access: String, Codable, Hashable, Sendable, CaseIterable {
  case allow, deny
}

/// What phones and trunks may use for media.
package struct MediaEntry: Codable, Hashable, Sendable {
  package var srtp = SRTPPolicy.optional
  /// Names of codecs that may be offered, in order of preference; empty: as the phones offer.
  package var codecs: [String] = []

  package init() {}
}

/// Whether media is encrypted (SDES, RFC 4568).
package enum SRTPPolicy: String, Codable, Hashable, Sendable, CaseIterable {
  case off
  /// Taken when offered; offered where the signalling is encrypted.
  case optional
  /// A call without it is refused.
  case required
}

/// Session timers (RFC 4028), in seconds.
package struct SessionTimerEntry: Codable, Hashable, Sendable {
  package var expires = 1800
  package var minimum = 90

  package init() {}
}
