/// One running call, as `martinet calls` shows it.
package struct CallReport: Codable, Sendable {
  package var call: UInt64
  package var tenant: String
  /// "ringing", "talking", "held" …: see the README of Switch.
  package var state: String
  package var from: String
  package var to: String
  /// "internal", "outbound", "inbound" or "emergency".
  package var kind: String
  package var trunk: String?
  /// Whole seconds since the call came in.
  package var ageSeconds: Int
  /// Whole seconds since it was answered.
  package var talkSeconds: Int?
  /// Extension that pays, and what is reserved and already spent on it, "0.50 EUR".
  package var payer: String?
  package var reserved: String?
  package var spent: String?

  package init(
    call: UInt64, tenant: String, state: String, from: String, to: String, kind: String,
    trunk: String?, ageSeconds: Int, talkSeconds: Int?, payer: String?, reserved: String?,
    spent: String?
  ) {
    (self.call, self.tenant, self.state) = (call, tenant, state)
    (self.from, self.to, self.kind, self.trunk) = (from, to, kind, trunk)
    (self.ageSeconds, self.talkSeconds) = (ageSeconds, talkSeconds)
    (self.payer, self.reserved, self.spent) = (payer, reserved, spent)
  }

  enum CodingKeys: String, CodingKey {
    case call, tenant, state, from, to, kind, trunk, payer, reserved, spent
    case ageSeconds = "age_s"
    case talkSeconds = "talk_s"
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
  package var expiresInSeconds: Int

  package init(
    tenant: String, extension number: String, contact: String, flow: String, userAgent: String,
    expiresInSeconds: Int
  ) {
    (self.tenant, self.extension, self.contact) = (tenant, number, contact)
    (self.flow, self.userAgent, self.expiresInSeconds) = (flow, userAgent, expiresInSeconds)
  }

  enum CodingKeys: String, CodingKey {
    case tenant, `extension`, contact, flow
    case userAgent = "user_agent"
    case expiresInSeconds = "expires_in_s"
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
