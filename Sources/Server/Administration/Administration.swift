package import API
import Directory
import Elements
import Foundation
import Limits
import Net
import Notices
package import Store
package import Switch
import Synchronization

/// The configuration of an installation and everything that changes it, with or without a running server.
package final class Administration: Sendable {
  package let folder: DataFolder
  let key: MasterKey
  package let database: Database
  private let state: Mutex<State>
  private let turn = Mutex(())

  struct State: Sendable {
    var document: DirectoryDocument
    var rulebook: Rulebook
    /// Why no address has a country although files are named; nil while all is well.
    var countriesComplaint: String?
  }

  /// Opens the folder; makes it, with an empty configuration, when it is not there.
  package convenience init(dataFolder: String) throws {
    try self.init(in: DataFolder(dataFolder))
  }

  /// Opens a folder that an installation is in, and makes nothing.
  ///
  /// The database of an older version is refused, so that a look at it does not take the way back away;
  /// `bringsUp` brings it to this program's schema.
  package convenience init(existing dataFolder: String, bringsUp: Bool = false) throws {
    try self.init(in: DataFolder(existing: dataFolder), bringsUp: bringsUp)
  }

  private init(in folder: DataFolder, bringsUp: Bool = true) throws {
    self.folder = folder
    key = try MasterKey(
      in: folder, credentials: ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"])
    database = try Database(in: folder, key: key, bringsUp: bringsUp)
    var document = DirectoryDocument()
    var revision: UInt64 = 0
    var person: String?
    if let stored = try database.configuration() {
      document = stored.document
      revision = UInt64(stored.revision)
      person = stored.appliedBy
    }
    let (countries, complaint) = CountryCopy(in: folder).countries(for: document)
    let rulebook = try Rulebooks.compile(
      &document, revision: revision, countries: countries, by: person)
    state = Mutex(
      State(document: document, rulebook: rulebook, countriesComplaint: complaint))
  }

  /// What the switch goes by at present.
  package func rulebook() -> Rulebook { state.withLock { $0.rulebook } }

  /// The configuration in force.
  func document() -> DirectoryDocument { state.withLock { $0.document } }

  /// Why no address has a country although files are named; nil while all is well.
  package var countriesComplaint: String? { state.withLock { $0.countriesComplaint } }

  /// What the switch is made with; the addresses that are listened on are its own names.
  func switchConfiguration(listeners: [ListenAddress]) -> SwitchConfiguration {
    var configuration = SwitchConfiguration(nonceSecret: key.secret(for: "digest nonces"))
    configuration.ownAddresses = Set(
      listeners.map(\.endpoint.address).filter { !$0.isUnspecified })
    configuration.mediaAddresses = Set(
      listeners.compactMap { listener -> IPAddress? in
        let address = listener.endpoint.address
        return address.isUnspecified ? OutwardAddress.inUse(isV4: address.isV4) : address
      })
    return configuration
  }

  /// Who is told, and by which mail server.
  func noticeSettings() -> NoticeSettings {
    state.withLock { NoticeSettings($0.document, $0.rulebook.directory) }
  }

  /// Runs `body`, which reads the configuration, changes it and stores it, alone: of two commands at once the second
  /// begins with what the first one left.
  func inTurn<Result: Sendable>(_ body: () throws -> Result) throws -> Result {
    try turn.withLock { _ in try body() }
  }

  /// Checks a document as a whole, stores it with its audit rows, and puts it in force; or changes nothing.
  ///
  /// Without `countries` those in force stay. What it changes of limits the ledger tells when it takes it over,
  /// and nobody else.
  func adopt(
    _ candidate: DirectoryDocument, countries: CountryTable? = nil, by person: String
  ) throws {
    var document = candidate
    let before = self.rulebook().directory
    let countries = countries ?? before.countries
    let rulebook = try Rulebooks.compile(
      &document, revision: before.revision + 1, countries: countries, by: person)
    if countries != before.countries { try CountryCopy(in: folder).keep(countries) }
    let now = Clocks.wall()
    let forwards = rulebook.directory.forwardsAbroad(notIn: before)
    let alerts = Self.alerts(of: forwards, by: person, at: now)
    try database.adopt(document, by: person, at: now, telling: alerts)
    state.withLock { state in
      let complaint = countries == before.countries ? state.countriesComplaint : nil
      state = State(document: document, rulebook: rulebook, countriesComplaint: complaint)
    }
  }

  /// One alert for each tenant, however many forwards were set at once.
  private static func alerts(
    of forwards: [ForwardAbroad], by person: String, at now: WallTime
  ) -> [Alert] {
    let named = 20
    return Dictionary(grouping: forwards) { $0.line.tenant.id }.sorted { $0.key < $1.key }
      .map { tenant, forwards in
        var facts = forwards.prefix(named).map { forward in
          Alert.Fact("extension \(forward.line.digits)", "\(forward.number)")
        }
        if forwards.count > named { facts.append(.init("others", "\(forwards.count - named)")) }
        let name = forwards.first?.line.tenant.name ?? "\(tenant)"
        return Alert(
          .forwardAbroad, .warning, tenant: tenant, at: now,
          key: "forward-\(tenant)-\(now.unixMilliseconds)",
          facts: [.init("subject", name)] + facts + [.init("by", person)])
      }
  }

  /// Call records, newest first, of one tenant or extension, or of all; none for a `limit` below 1.
  package func records(
    tenant name: String?, extension number: String?, limit: Int
  ) throws -> [RecordReport] {
    let directory = rulebook().directory
    let reports = SwitchReports(directory)
    var query = CallRecordQuery()
    query.limit = limit
    let scopes: [TenantScope]
    if let name {
      switch try reports.subject(tenant: name, extension: number) {
      case .account(let account):
        guard let line = directory.line(paying: account) else { return [] }
        scopes = [TenantScope(line.tenant.id, as: .user(line.id), in: database)]
      case .tenant(let id): scopes = [TenantScope(id, as: .operator, in: database)]
      case .trunk, .platform: scopes = []
      }
    } else {
      scopes =
        directory.tenants.map { TenantScope($0.id, as: .operator, in: database) }
        + [.platform(in: database)]
    }
    let records = try scopes.flatMap { try $0.callRecords(query) }
    return
      records.sorted { ($0.startedAt, $0.call) > ($1.startedAt, $1.call) }
      .prefix(max(0, limit)).map { RecordReport($0, names: directory) }
  }
}
