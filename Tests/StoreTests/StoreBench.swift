import Directory
import Elements
import Foundation
import GRDB
import SIP
import Store
import Switch

/// A data folder with its database and key, and values to put into it.
struct StoreBench {
  let temporary: TemporaryFolder
  let folder: DataFolder
  let database: Store.Database

  init() throws {
    temporary = try TemporaryFolder()
    folder = try DataFolder(temporary.path)
    database = try Store.Database(in: folder, key: try MasterKey(in: folder, credentials: nil))
  }

  /// A connection of the test's own, past all doors.
  func sql() throws -> DatabaseQueue { try DatabaseQueue(path: folder.databasePath) }

  static let noon = WallTime(unixMilliseconds: 1_795_348_800_000)
  static let office = TenantID(1)

  static func record(_ number: UInt64, tenant: TenantID? = office) -> CallDetailRecord {
    var record = CallDetailRecord(
      call: CallID(number), direction: .outbound,
      startedAt: noon + .seconds(Int64(number)))
    record.tenant = tenant
    record.answeredAt = record.startedAt + .seconds(5)
    record.endedAt = record.startedAt + .seconds(65)
    record.lastMediaAt = record.endedAt
    (record.cause, record.endedBy, record.status) = (.normal, .caller, 200)
    (record.caller, record.shown, record.dialled) = ("101", "+34976111222", "0044 20 7946 0000")
    (record.normalised, record.destinationClass, record.country) = ("+442079460000", "fixed", "GB")
    (record.payer, record.trunk, record.hold) = (AccountID(7), TrunkID(3), HoldID(number))
    record.sell = Money(micros: 1_250_000, .eur)
    record.purchase = Money(micros: 900_001, .eur)
    (record.attempts, record.slices) = (1, 2)
    var (caller, callee) = (
      CallDetailRecord.Leg(side: .caller), CallDetailRecord.Leg(side: .callee)
    )
    caller.extension = ExtensionID(7)
    caller.address = Endpoint(IPAddress(v4: 0xC000_0201), 5060)
    caller.userAgent = "Desk \u{7} phone'); DROP TABLE call_record; --"
    caller.codecs = ["PCMA", "telephone-event"]
    caller.quality = CallQuality(
      packetsReceived: 3000, packetsLost: 2, jitterMicroseconds: 900, roundTripMicroseconds: 0,
      meanOpinionMilli: 4_390)
    callee.trunk = TrunkID(3)
    (callee.answered, callee.unheard) = (true, true)
    record.legs = [caller, callee]
    return record
  }

  static func alert(
    _ key: String, tenant: TenantID? = office, at time: WallTime = noon
  ) -> Alert {
    Alert(
      .callRefused, .critical, tenant: tenant, at: time, key: key,
      facts: [
        .init("tenant", "office"), .init("extension", "101"), .init("limit", "10.00 EUR per day"),
        .init("from", "203.0.113.7:5060"), .init("to", "+88213000"), .init("spent", "9.50 EUR"),
      ])
  }

  static func binding(_ line: UInt64, expiresIn seconds: Int64) -> Binding {
    let local = Endpoint(IPAddress(v4: 0xC000_0202), 5060)
    let remote = Endpoint(IPAddress(v4: 0xC000_0201), UInt16(5060 + line))
    return Binding(
      extension: ExtensionID(line), key: .contact("sip:\(line)@192.0.2.1"), tenant: office,
      contact: "sip:\(line)@192.0.2.1",
      flow: Flow(transport: .udp, local: local, remote: remote, connection: nil), path: [],
      callID: "a", sequence: 1, expiresAt: noon + .seconds(seconds), preference: 1000,
      userAgent: "phone", registeredAt: noon)
  }

  static func document() -> DirectoryDocument {
    var document = DirectoryDocument()
    var office = TenantEntry(name: "office", domain: "office.example", country: "ES")
    office.extensions = [ExtensionEntry(number: "101", name: "Front desk")]
    office.notices.webhooks = [
      WebhookEntry(
        url: "https://hooks.example/a", secret: SecretText(Secret("a very secret key here")))
    ]
    document.tenants = [office]
    document.rates = [
      RateEntry(name: "retail", currency: "EUR", file: "retail.csv", table: "prefix,price\n44,2\n")
    ]
    var identities = IdentityMap()
    _ = identities.line("101", of: identities.tenant("office"))
    document.identities = identities
    return document
  }
}
