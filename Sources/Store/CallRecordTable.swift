package import Elements
import GRDB
import Switch

extension ID {
  /// As SQLite keeps it.
  var row: Int64 { Int64(truncatingIfNeeded: number) }

  init?(row: Int64?) {
    guard let row, row > 0 else { return nil }
    self.init(UInt64(row))
  }
}

extension WallTime {
  init?(row: Int64?) {
    guard let row else { return nil }
    self.init(unixMilliseconds: row)
  }
}

/// Writes the records of calls with their legs, within one transaction.
struct CallRecordWriter {
  private let db: GRDB.Database
  private let calls: RowWriter
  private let legs: RowWriter

  init(_ db: GRDB.Database) throws {
    self.db = db
    calls = try RowWriter(
      """
      INSERT INTO call_record (tenant_id, started_at_ms, call_id, direction, ringing_at_ms,
        answered_at_ms, ended_at_ms, last_media_at_ms, cause, ended_by, status, caller, shown,
        dialled, normalised, forwarded_by, destination_class, country, payer_id, trunk_id, attempts,
        hold_id, sell_micros, sell_currency, purchase_micros, purchase_currency, slices)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING
      """, in: db)
    legs = try RowWriter(
      """
      INSERT INTO call_leg (tenant_id, started_at_ms, call_id, leg, side, extension_id, trunk_id,
        address, user_agent, codecs, packets_received, packets_lost, jitter_us, round_trip_us,
        mos_milli, answered, unheard)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, in: db)
  }

  /// A record that is there already stays.
  func insert(_ record: CallDetailRecord) throws {
    try calls.write([
      .number(record.tenant?.row ?? 0), .number(record.startedAt.unixMilliseconds),
      .number(record.call.row), .text(record.direction.rawValue),
      .number(record.ringingAt?.unixMilliseconds), .number(record.answeredAt?.unixMilliseconds),
      .number(record.endedAt.unixMilliseconds), .number(record.lastMediaAt?.unixMilliseconds),
      .text(record.cause.rawValue), .text(record.endedBy.rawValue), .number(Int64(record.status)),
      .text(record.caller), .text(record.shown), .text(record.dialled), .text(record.normalised),
      .number(record.forwardedBy?.row), .text(record.destinationClass), .text(record.country),
      .number(record.payer?.row), .number(record.trunk?.row), .number(Int64(record.attempts)),
      .number(record.hold?.row), .number(record.sell?.micros),
      .text(record.sell?.currency.description), .number(record.purchase?.micros),
      .text(record.purchase?.currency.description), .number(Int64(record.slices)),
    ])
    guard db.changesCount == 1 else { return }
    for index in record.legs.indices { try insertLeg(index, of: record) }
  }

  private func insertLeg(_ index: Int, of record: CallDetailRecord) throws {
    let leg = record.legs[index]
    let quality = leg.quality
    try legs.write([
      .number(record.tenant?.row ?? 0), .number(record.startedAt.unixMilliseconds),
      .number(record.call.row), .number(Int64(index)), .text(leg.side.rawValue),
      .number(leg.extension?.row), .number(leg.trunk?.row), .text(leg.address?.description),
      .text(leg.userAgent), .text(leg.codecs.joined(separator: ",")),
      .number(quality.map { Int64(truncatingIfNeeded: $0.packetsReceived) }),
      .number(quality.map { Int64(truncatingIfNeeded: $0.packetsLost) }),
      .number(quality.map { Int64($0.jitterMicroseconds) }),
      .number(quality.map { Int64($0.roundTripMicroseconds) }),
      .number(quality.map { Int64($0.meanOpinionMilli) }),
      .number(leg.answered ? 1 : 0), .number(leg.unheard ? 1 : 0),
    ])
  }
}

/// Which calls to look up: newest first, at most `limit` of them.
package struct CallRecordQuery: Hashable, Sendable {
  package var from = WallTime(unixMilliseconds: 0)
  /// Calls that started before this moment.
  package var until = WallTime(unixMilliseconds: .max)
  package var limit = 100
  package static let largestLimit = 10_000

  package init() {}
}

extension Database {
  func callRecords(
    tenant: Int64, extension only: ExtensionID?, _ query: CallRecordQuery
  ) throws(StoreError) -> [CallDetailRecord] {
    let limit = min(max(query.limit, 0), CallRecordQuery.largestLimit)
    return try read("looking up call records") { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT * FROM call_record AS record
          WHERE tenant_id = ?1 AND started_at_ms >= ?2 AND started_at_ms < ?3
            AND (?4 IS NULL OR payer_id = ?4 OR EXISTS (
              SELECT 1 FROM call_leg AS leg
              WHERE leg.tenant_id = record.tenant_id AND leg.started_at_ms = record.started_at_ms
                AND leg.call_id = record.call_id AND leg.extension_id = ?4))
          ORDER BY started_at_ms DESC, call_id DESC LIMIT ?5
          """,
        arguments: [
          tenant, query.from.unixMilliseconds, query.until.unixMilliseconds, only?.row, limit,
        ])
      return try rows.map { row in
        var record = Database.record(row)
        record.legs = try Database.legs(of: row, in: db)
        return record
      }
    }
  }

  private static func record(_ row: Row) -> CallDetailRecord {
    var record = CallDetailRecord(
      call: CallID(UInt64(row["call_id"] as Int64)),
      direction: CallDetailRecord.Direction(rawValue: row["direction"]) ?? .internal,
      startedAt: WallTime(unixMilliseconds: row["started_at_ms"]))
    record.tenant = TenantID(row: row["tenant_id"])
    record.ringingAt = WallTime(row: row["ringing_at_ms"])
    record.answeredAt = WallTime(row: row["answered_at_ms"])
    record.endedAt = WallTime(unixMilliseconds: row["ended_at_ms"])
    record.lastMediaAt = WallTime(row: row["last_media_at_ms"])
    record.cause = HangupCause(rawValue: row["cause"]) ?? .internalFault
    record.endedBy = CallDetailRecord.Party(rawValue: row["ended_by"]) ?? .system
    record.status = UInt16(truncatingIfNeeded: row["status"] as Int64)
    (record.caller, record.shown) = (row["caller"], row["shown"])
    (record.dialled, record.normalised) = (row["dialled"], row["normalised"])
    record.forwardedBy = ExtensionID(row: row["forwarded_by"])
    (record.destinationClass, record.country) = (row["destination_class"], row["country"])
    record.payer = AccountID(row: row["payer_id"])
    record.trunk = TrunkID(row: row["trunk_id"])
    (record.attempts, record.slices) = (row["attempts"], row["slices"])
    record.hold = HoldID(row: row["hold_id"])
    record.sell = money(row["sell_micros"], row["sell_currency"])
    record.purchase = money(row["purchase_micros"], row["purchase_currency"])
    return record
  }

  private static func money(_ micros: Int64?, _ currency: String?) -> Money? {
    guard let micros, let currency = currency.flatMap({ Currency($0) }) else { return nil }
    return Money(micros: micros, currency)
  }

  private static func legs(of row: Row, in db: GRDB.Database) throws -> [CallDetailRecord.Leg] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM call_leg WHERE tenant_id = ? AND started_at_ms = ? AND call_id = ?
        ORDER BY leg
        """, arguments: [row["tenant_id"], row["started_at_ms"], row["call_id"]])
    return rows.map { row in
      var leg = CallDetailRecord.Leg(
        side: CallDetailRecord.Party(rawValue: row["side"]) ?? .system)
      leg.extension = ExtensionID(row: row["extension_id"])
      leg.trunk = TrunkID(row: row["trunk_id"])
      leg.address = (row["address"] as String?).flatMap { Endpoint($0) }
      leg.userAgent = row["user_agent"]
      (leg.answered, leg.unheard) = (row["answered"], row["unheard"])
      leg.codecs = (row["codecs"] as String).split(separator: ",").map(String.init)
      if let received: Int64 = row["packets_received"] {
        leg.quality = CallQuality(
          packetsReceived: UInt64(bitPattern: received),
          packetsLost: UInt64(bitPattern: row["packets_lost"] ?? 0),
          jitterMicroseconds: UInt32(clamping: row["jitter_us"] as Int64? ?? 0),
          roundTripMicroseconds: UInt32(clamping: row["round_trip_us"] as Int64? ?? 0),
          meanOpinionMilli: UInt32(clamping: row["mos_milli"] as Int64? ?? 0))
      }
      return leg
    }
  }
}
