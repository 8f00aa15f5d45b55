package import Elements
import GRDB

// Removing what has been kept as long as its tenant says.

extension Database {
  /// Whose rows of a kind there are; nil is the platform's.
  package func owners(of kind: DataClass) throws(StoreError) -> [TenantID?] {
    guard let table = Database.agedTable(of: kind) else { return [] }
    return try read("looking for what is old") { db in
      // One step in the key for each owner, however many rows it has.
      var owners: [TenantID?] = []
      var last: Int64 = -1
      while let next = try Int64.fetchOne(
        db, sql: "SELECT min(tenant_id) FROM \(table) WHERE tenant_id > ?", arguments: [last])
      {
        owners.append(TenantID(row: next))
        last = next
      }
      return owners
    }
  }

  /// Removes up to `limit` of an owner's oldest rows of a kind from before `time`; gives how many.
  ///
  /// Rows that hang on them go with them. An alert stays while a copy of it is on its way, and the last
  /// word about a subject's block while it says blocked: without the journal nothing else knows of it.
  package func prune(
    _ kind: DataClass, of owner: TenantID?, before time: WallTime, limit: Int
  ) throws(StoreError) -> Int {
    let sql: String
    switch kind.ageing {
    case .stays: return 0
    case .callRecordDays:
      sql = """
        DELETE FROM call_record WHERE (tenant_id, started_at_ms, call_id) IN (
          SELECT tenant_id, started_at_ms, call_id FROM call_record
          WHERE tenant_id = ?1 AND started_at_ms < ?2
          ORDER BY started_at_ms LIMIT ?3)
        """
    case .alertDays:
      sql = """
        DELETE FROM alert WHERE (tenant_id, alert_key) IN (
          SELECT tenant_id, alert_key FROM alert
          WHERE tenant_id = ?1 AND raised_at_ms < ?2 AND addressed_at_ms IS NOT NULL
            AND NOT EXISTS (
              SELECT 1 FROM outbox
              WHERE outbox.tenant_id = alert.tenant_id AND outbox.alert_key = alert.alert_key
                AND outbox.acknowledged_at_ms IS NULL)
            AND CASE kind
              WHEN 'accountBlocked' THEN EXISTS (
                SELECT 1 FROM alert AS later
                WHERE later.tenant_id = alert.tenant_id
                  AND later.kind IN ('accountBlocked', 'accountUnblocked')
                  AND (later.raised_at_ms > alert.raised_at_ms
                    OR later.raised_at_ms = alert.raised_at_ms
                      AND later.kind = 'accountBlocked' AND later.alert_key > alert.alert_key)
                  AND json_extract (later.facts, '$[0]') = json_extract (alert.facts, '$[0]'))
              WHEN 'accountUnblocked' THEN NOT EXISTS (
                SELECT 1 FROM alert AS block
                WHERE block.tenant_id = alert.tenant_id AND block.kind = 'accountBlocked'
                  AND block.raised_at_ms <= alert.raised_at_ms
                  AND json_extract (block.facts, '$[0]') = json_extract (alert.facts, '$[0]'))
              ELSE TRUE END
          ORDER BY raised_at_ms LIMIT ?3)
        """
    }
    return try write("removing what is old") { db in
      try db.execute(sql: sql, arguments: [owner?.row ?? 0, time.unixMilliseconds, limit])
      return db.changesCount
    }
  }

  private static func agedTable(of kind: DataClass) -> String? {
    switch kind.ageing {
    case .stays: nil
    case .callRecordDays: "call_record"
    case .alertDays: "alert"
    }
  }
}
