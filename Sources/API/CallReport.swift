/// One running call, as `martinet calls` shows it.
package struct CallReport: Codable, Sendable {
  package var call: UInt64
  package var tenant: String
  /// "routing", "ringing", "talking" or "ending": see the README of Switch.
  package var state: String
  package var from: String
  package var to: String
  /// "internal", "outbound", "inbound" or "emergency".
  package var kind: String
  package var trunk: String?
  /// ISO 8601 in UTC.
  package var startedAt: String
  package var answeredAt: String?
  /// Extension that pays, and what is reserved and spent on the call so far, "0.50 EUR".
  package var payer: String?
  package var committed: String?

  package init(
    call: UInt64, tenant: String, state: String, from: String, to: String, kind: String,
    trunk: String?, startedAt: String, answeredAt: String?, payer: String?, committed: String?
  ) {
    (self.call, self.tenant, self.state) = (call, tenant, state)
    (self.from, self.to, self.kind, self.trunk) = (from, to, kind, trunk)
    (self.startedAt, self.answeredAt) = (startedAt, answeredAt)
    (self.payer, self.committed) = (payer, committed)
  }

  enum CodingKeys: String, CodingKey {
    case call, tenant, state, from, to, kind, trunk, payer, committed
    case startedAt = "started_at"
    case answeredAt = "answered_at"
  }
}

/// One binding of a phone, as `martinet registrations` shows it.
package struct RegistrationReport: Codable, Sendable {
  package var tenant: String
  package var `extension`: String
  package var contact: String
  /// "udp 192.0.2.10:5060": where the phone really is.
  package var flow: String
  package var userAgent: String
  /// ISO 8601 in UTC.
  package var expiresAt: String

  package init(
    tenant: String, extension number: String, contact: String, flow: String, userAgent: String,
    expiresAt: String
  ) {
    (self.tenant, self.extension, self.contact) = (tenant, number, contact)
    (self.flow, self.userAgent, self.expiresAt) = (flow, userAgent, expiresAt)
  }

  enum CodingKeys: String, CodingKey {
    case tenant, `extension`, contact, flow
    case userAgent = "user_agent"
    case expiresAt = "expires_at"
  }
}

/// One link to a carrier, as `martinet trunks` shows it.
package struct TrunkReport: Codable, Sendable {
  package var trunk: String
  package var address: String
  /// "up", "down", "registering" …, and why.
  package var state: String
  package var channels: Int
  package var channelsInUse: Int

  package init(trunk: String, address: String, state: String, channels: Int, channelsInUse: Int) {
    (self.trunk, self.address, self.state) = (trunk, address, state)
    (self.channels, self.channelsInUse) = (channels, channelsInUse)
  }

  enum CodingKeys: String, CodingKey {
    case trunk, address, state, channels
    case channelsInUse = "channels_in_use"
  }
}
