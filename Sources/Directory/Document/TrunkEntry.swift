/// A link to a carrier or to a gateway.
package struct TrunkEntry: Codable, Hashable, Sendable {
  package var name: String
  /// `sip:host[:port][;transport=udp|tcp|tls]`.
  package var address: String
  /// Calls at the same time, both directions.
  package var channels = 30
  /// Nil: address-based; the carrier knows us by our address.
  package var registration: RegistrationEntry?
  /// User name and password for its challenges; a registration has its own.
  package var credentials: TrunkCredentials?
  /// Addresses and networks that its calls come from; empty: those of `address`.
  package var sources: [String] = []
  /// Name that its certificate must prove when it connects to us (RFC 5922); nil: none is asked for.
  package var clientCertificate: String?
  /// Folder, in that of our certificates, of the one it is shown when it asks; nil: the standard one.
  package var presentCertificate: String?
  /// "plus", "e164", "international" or "national".
  package var numberFormat = "plus"
  /// Put before every number that goes out, such as a technical prefix.
  package var prefix = ""
  /// Two letters: the country whose way of dialling `numberFormat` follows; nil: each tenant's own.
  package var country: String?
  /// Which header carries the caller's number.
  package var identity = TrunkIdentity.asserted
  /// OPTIONS this often, in seconds; 0: never.
  package var probeSeconds = 30
  /// Without any answer for so long the next trunk is tried.
  package var timeoutMilliseconds = 4000
  /// Taken (100) and neither ringing nor refused for so long, the next trunk is tried; nil: the usual time.
  package var progressSeconds: Int?
  /// Deck with what this carrier charges; nil: the tenant's purchase deck.
  package var purchase: String?
  package var limits = LimitEntry()
  package var media = MediaEntry()
  package var sessionTimer = SessionTimerEntry()

  package init(name: String, address: String) {
    (self.name, self.address) = (name, address)
  }
}

/// How we answer a carrier's challenge; its password is kept as it is, since the realm may be any.
package struct TrunkCredentials: Codable, Hashable, Sendable {
  package var username: String
  package var password: SecretText
  /// Nil: whatever realm the carrier names.
  package var realm: String?

  package init(username: String, password: SecretText, realm: String? = nil) {
    (self.username, self.password, self.realm) = (username, password, realm)
  }
}

/// Registering with a carrier.
package struct RegistrationEntry: Codable, Hashable, Sendable {
  package var credentials: TrunkCredentials
  /// The address of record; nil: the user name at the host of the trunk.
  package var addressOfRecord: String?
  package var expiresSeconds = 600

  package init(credentials: TrunkCredentials) {
    self.credentials = credentials
  }
}

/// The header field that carries the caller's number.
package enum TrunkIdentity: String, Codable, Hashable, Sendable, CaseIterable {
  /// P-Asserted-Identity (RFC 3325).
  case asserted
  /// P-Preferred-Identity (RFC 3325).
  case preferred
  /// Remote-Party-ID.
  case remoteParty = "remote_party"
  /// From only.
  case from
}
