package import Elements
package import Numbering

/// The configuration as the switch reads it: immutable, checked, indexed; adopted whole.
///
/// Made by ``DirectoryCompiler``. Look-ups by what stands in a message take bytes and make no `String`.
package final class DirectorySnapshot: Sendable {
  /// Counts up with every change.
  package let revision: UInt64
  /// In order of their ids, as are the other lists.
  package let tenants: [Tenant]
  package let extensions: [Extension]
  package let devices: [Device]
  package let trunks: [Trunk]
  package let platform: PlatformEntry
  /// Whom no ban may hit, besides the carriers.
  package let neverBanned: [IPNetwork]
  /// Which country an address is in.
  package let countries: CountryTable
  let indexes: SnapshotIndexes

  init(
    revision: UInt64, tenants: [Tenant], extensions: [Extension], devices: [Device],
    trunks: [Trunk], platform: PlatformEntry, neverBanned: [IPNetwork], countries: CountryTable,
    indexes: SnapshotIndexes
  ) {
    (self.revision, self.tenants, self.extensions) = (revision, tenants, extensions)
    (self.devices, self.trunks, self.platform) = (devices, trunks, platform)
    (self.neverBanned, self.countries, self.indexes) = (neverBanned, countries, indexes)
  }

  /// Without a tenant: what a server has before the first `apply`.
  package static let empty = DirectorySnapshot(
    revision: 0, tenants: [], extensions: [], devices: [], trunks: [], platform: PlatformEntry(),
    neverBanned: [], countries: .empty, indexes: SnapshotIndexes())

  package func tenant(_ id: TenantID) -> Tenant? { Self.find(id, in: tenants) { $0.id } }
  package func line(_ id: ExtensionID) -> Extension? { Self.find(id, in: extensions) { $0.id } }
  package func device(_ id: DeviceID) -> Device? { Self.find(id, in: devices) { $0.id } }
  package func trunk(_ id: TrunkID) -> Trunk? { Self.find(id, in: trunks) { $0.id } }

  /// The extension that pays from this account.
  package func line(paying account: AccountID) -> Extension? { line(ExtensionID(account.number)) }

  /// The tenant whose domain this is; letters compare without case.
  package func tenant(domain: Span<UInt8>) -> Tenant? {
    indexes.domains[domain].flatMap { self.tenant(TenantID($0)) }
  }

  /// The phone of a tenant with this user name; names compare with case.
  package func device(of tenant: Tenant, named username: Span<UInt8>) -> Device? {
    tenant.devicesByName[username].flatMap { device(DeviceID($0)) }
  }

  /// The extension of a tenant with this number.
  package func line(_ tenant: TenantID, _ digits: DigitString) -> Extension? {
    indexes.lines[LineKey(tenant: tenant, digits: digits)].flatMap { line($0) }
  }

  /// The extension of a tenant whose number stands in a message.
  package func line(_ tenant: TenantID, user: Span<UInt8>) -> Extension? {
    DigitString(parsing: user).flatMap { line(tenant, $0) }
  }

  /// Who has this number, for calls that a trunk delivers.
  package func inbound(_ number: PhoneNumber) -> InboundRoute? {
    indexes.inbound.route(of: number, in: self)
  }

  /// The trunks that an address may belong to, in order of their ids; ones known by host name are matched by
  /// what the name resolved to, which the switch knows.
  package func trunks(from address: IPAddress) -> [Trunk] {
    trunks.filter { trunk in trunk.sources.contains { $0.contains(address) } }
  }

  private static func find<Thing, Subject>(
    _ id: ID<Subject>, in things: [Thing], _ key: (Thing) -> ID<Subject>
  ) -> Thing? {
    // Numbers are given out in a row: most things stand where the number says.
    if let first = things.first {
      let guess = id.number &- key(first).number
      if guess < UInt64(things.count), key(things[Int(guess)]) == id { return things[Int(guess)] }
    }
    var (low, high) = (0, things.count)
    while low < high {
      let middle = (low + high) / 2
      let found = key(things[middle])
      if found == id { return things[middle] }
      if found < id { low = middle + 1 } else { high = middle }
    }
    return nil
  }
}

extension DirectorySnapshot {
  /// What a phone's dialled string means to its extension.
  package enum Dialled: Sendable {
    /// Goes out at once, past limits and policies.
    case emergency(DigitString)
    case line(Extension)
    /// No extension has it; perhaps a service code of the switch.
    case unknown(DigitString)
    /// A number of its own tenant: it rings inside, and no carrier is paid for it.
    case ownNumber(InboundRoute)
    case outside(OutsideNumber, DestinationVerdict)
    case invalid(DiallingError)
  }

  /// Resolves what `line` dialled: emergency first, then its colleagues, then the outside.
  package func dial(_ bytes: Span<UInt8>, from line: Extension) -> Dialled {
    if let digits = DigitString(parsing: bytes), !line.tenant.dialPlan.isEmergency(digits),
      let colleague = self.line(line.tenant.id, digits)
    {
      return .line(colleague)
    }
    switch line.tenant.dialPlan.resolve(bytes) {
    case .emergency(let digits): return .emergency(digits)
    case .inside(let digits, _):
      return self.line(line.tenant.id, digits).map(Dialled.line) ?? .unknown(digits)
    case .outside(let number):
      if let own = inbound(number.number), own.tenant.id == line.tenant.id {
        return .ownNumber(own)
      }
      return .outside(number, line.destinations.verdict(on: number))
    case .invalid(let error): return .invalid(error)
    }
  }
}
