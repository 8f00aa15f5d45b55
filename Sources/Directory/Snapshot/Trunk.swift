package import Elements
package import Numbering

/// A link to a carrier, compiled.
package final class Trunk: Sendable {
  package let id: TrunkID
  package let name: String
  package let address: TrunkAddress
  package let channels: Int
  package let registration: RegistrationEntry?
  /// For challenges of the carrier, the registration's where it has one.
  package let credentials: TrunkCredentials?
  /// Where its calls come from; the address itself where it is an IP address.
  package let sources: [IPNetwork]
  /// `sources` were written down: calls come from nowhere else, not even from the address that is called.
  package let isRestricted: Bool
  /// In lower case: only a connection whose certificate proves this name is the trunk's; nil: its address is enough.
  package let clientCertificate: String?
  /// Which certificate of ours it is shown; nil: the standard one.
  package let presentCertificate: String?
  package let numberFormat: NumberFormat
  package let prefix: [UInt8]
  /// Nil: the tenant's.
  package let country: CountryPlan?
  package let identity: TrunkIdentity
  /// Nil: no probing.
  package let probeEvery: Duration?
  package let answerTimeout: Duration
  /// From the INVITE to the first sign that the far end rings.
  package let progressTimeout: Duration
  /// Deck with what this carrier charges; nil: the tenant's.
  package let purchase: String?
  package let limits: LimitEntry
  package let media: MediaEntry
  package let sessionTimer: SessionTimerEntry

  init(
    id: TrunkID, entry: TrunkEntry, address: TrunkAddress, sources: [IPNetwork],
    isRestricted: Bool, numberFormat: NumberFormat, country: CountryPlan?
  ) {
    (self.id, self.address, self.sources) = (id, address, sources)
    self.isRestricted = isRestricted
    name = entry.name
    channels = entry.channels
    registration = entry.registration
    credentials = entry.registration?.credentials ?? entry.credentials
    clientCertificate = entry.clientCertificate.map { name in
      IPAddress(name)?.description ?? name.lowercased()
    }
    presentCertificate = entry.presentCertificate
    (self.numberFormat, self.country) = (numberFormat, country)
    prefix = Array(entry.prefix.utf8)
    identity = entry.identity
    probeEvery = entry.probeSeconds > 0 ? .seconds(entry.probeSeconds) : nil
    answerTimeout = .milliseconds(entry.timeoutMilliseconds)
    progressTimeout = .seconds(entry.progressSeconds ?? Trunk.usualProgressSeconds)
    purchase = entry.purchase
    limits = entry.limits
    media = entry.media
    sessionTimer = entry.sessionTimer
  }

  /// Whether its calls may come from an address that it is called at.
  package func admits(_ address: IPAddress) -> Bool {
    !isRestricted || sources.contains { $0.contains(address) }
  }

  /// Mobile networks abroad are known to search a subscriber for 15 s before they say anything.
  package static let usualProgressSeconds = 20

  /// The user part for a call to `number`, in the carrier's way of writing.
  package func user(for number: OutsideNumber, from tenant: Tenant) -> [UInt8] {
    var bytes = prefix
    if let short = number.shortCode {
      short.write(into: &bytes)
    } else {
      bytes += numberFormat.write(number.number, in: country ?? tenant.country)
    }
    return bytes
  }
}

/// Where a trunk is reached.
package struct TrunkAddress: Hashable, Sendable {
  package enum Transport: String, Hashable, Sendable, CaseIterable { case udp, tcp, tls }

  /// An address, or a name in lower case to be resolved (RFC 3263).
  package let host: String
  /// Set when `host` is an address.
  package let ip: IPAddress?
  /// Nil: 5060, 5061 for TLS, or what the name's SRV records say.
  package let port: UInt16?
  /// Nil: UDP, or what the name's records say.
  package let transport: Transport?
}
