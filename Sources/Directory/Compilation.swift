import Elements
import Numbering

/// One run of the compiler: collects problems and the parts of the snapshot.
struct Compilation {
  let document: DirectoryDocument
  var identities: IdentityMap
  var problems: [DirectoryProblem] = []

  var tenants: [Tenant] = []
  var extensions: [Extension] = []
  var devices: [Device] = []
  var trunks: [Trunk] = []
  var indexes = SnapshotIndexes()
  /// Trunks by name.
  var trunkNames: [String: TrunkID] = [:]

  /// Whom no ban may hit.
  var neverBanned: [IPNetwork] = []
  let countries: CountryTable
  /// The document is in force already, and is not asked to follow what came later.
  let isInForce: Bool

  init(_ document: DirectoryDocument, _ countries: CountryTable, isInForce: Bool) {
    (self.document, self.countries, self.isInForce) = (document, countries, isInForce)
    identities = document.identities
  }

  mutating func report(_ path: FieldPath, _ message: String) {
    problems.append(DirectoryProblem(path, message))
  }

  mutating func run(revision: UInt64) -> DirectorySnapshot {
    let root = FieldPath()
    compilePlatform(root)
    compileRates(root.key("rates"))
    compileTrunks(root.key("trunks"))
    compileTenants(root.key("tenants"))
    finish()
    return DirectorySnapshot(
      revision: revision, tenants: tenants, extensions: extensions, devices: devices,
      trunks: trunks, platform: document.platform, neverBanned: neverBanned,
      countries: countries, indexes: indexes)
  }
}
