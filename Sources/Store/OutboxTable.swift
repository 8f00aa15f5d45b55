package import Elements
import Foundation
import GRDB

/// Where a copy of an alert goes.
package struct Recipient: Hashable, Sendable {
  package enum Channel: String, Hashable, Sendable {
    case mail, webhook
  }

  package let channel: Channel
  /// A mail address, or a URL.
  package let address: String

  package init(_ channel: Channel, _ address: String) {
    (self.channel, self.address) = (channel, address)
  }
}

/// One alert on its way to one recipient.
package struct OutboxItem: Hashable, Sendable {
  package let alert: Alert
  package let recipient: Recipient
  /// Failed ones so far.
  package let attempts: Int
  package let isEscalated: Bool

  package init(_ alert: Alert, to recipient: Recipient, attempts: Int = 0, isEscalated: Bool) {
    (self.alert, self.recipient) = (alert, recipient)
    (self.attempts, self.isEscalated) = (attempts, isEscalated)
  }

  /// What makes two rows the same delivery.
  package struct Key: Hashable, Sendable {
    package let tenant: TenantID?
    package let alert: String
    package let recipient: Recipient
  }

  package var key: Key { Key(tenant: alert.tenant, alert: alert.key, recipient: recipient) }
}

/// What must be known of an alert to put copies of it into the outbox.
package struct UnaddressedAlert: Hashable, Sendable {
  package let tenant: TenantID?
  package let key: String
  package let kind: Alert.Kind
}

/// An alert and how far it has come.
package struct AlertStanding: Hashable, Sendable {
  package let alert: Alert
  /// Nil: not yet addressed.
  package let recipients: Int?
  package let acknowledged: Int
  package let lastError: String?
}

extension Database {
  /// Records an alert that did not come by the journal, such as one about the journal itself.
  package func raise(_ alert: Alert) throws(StoreError) {
    try write("writing an alert") { try AlertWriter($0).insert(alert) }
    ringAlertBell()
  }

  /// Alerts that have no rows in the outbox yet, oldest first.
  package func unaddressedAlerts(limit: Int) throws(StoreError) -> [UnaddressedAlert] {
    try read("looking for new alerts") { db in
      let statement = try db.cachedStatement(
        sql: """
          SELECT tenant_id, alert_key, kind FROM alert
          WHERE addressed_at_ms IS NULL ORDER BY raised_at_ms LIMIT ?
          """)
      return try Row.fetchAll(statement, arguments: [limit]).compactMap { row in
        Alert.Kind(rawValue: row[2]).map {
          UnaddressedAlert(tenant: TenantID(row: row[0]), key: row[1], kind: $0)
        }
      }
    }
  }

  /// Puts copies of alerts into the outbox, due at once.
  package func address(
    _ copies: [(alert: UnaddressedAlert, recipients: [Recipient])], at time: WallTime
  ) throws(StoreError) {
    try write("putting an alert into the outbox") { db in
      for (alert, recipients) in copies {
        for recipient in recipients {
          try db.cachedStatement(
            sql: """
              INSERT INTO outbox (tenant_id, alert_key, channel, recipient, next_try_at_ms)
              VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
              """
          ).execute(arguments: [
            alert.tenant?.row ?? 0, alert.key, recipient.channel.rawValue, recipient.address,
            time.unixMilliseconds,
          ])
        }
        try db.cachedStatement(
          sql: """
            UPDATE alert SET addressed_at_ms = ?, recipient_count = ?
            WHERE tenant_id = ? AND alert_key = ?
            """
        ).execute(arguments: [
          time.unixMilliseconds, recipients.count, alert.tenant?.row ?? 0, alert.key,
        ])
      }
    }
  }

  /// Copies whose time has come: of each recipient a few, those that were refused least often and wait longest.
  ///
  /// The first of everybody come before the second of anybody: a recipient that hangs while very many
  /// wait for it hides nobody else's. No pause is longer than `horizon`: what is due later than that was
  /// written before the clock was put back, and is due now. Of one recipient there are at most `share`, of
  /// all together `limit`.
  package func dueItems(
    at time: WallTime, horizon: Duration, share: Int, limit: Int
  ) throws(StoreError) -> [OutboxItem] {
    try read("reading the outbox") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT alert.*, due.channel, due.recipient, due.attempts, due.escalated_at_ms
          FROM (
            SELECT *, row_number () OVER (
              PARTITION BY channel, recipient ORDER BY attempts, next_try_at_ms) AS place
            FROM outbox
            WHERE acknowledged_at_ms IS NULL AND (next_try_at_ms <= ? OR next_try_at_ms > ?)
          ) AS due JOIN alert USING (tenant_id, alert_key)
          WHERE due.place <= ?
          ORDER BY due.place, due.attempts, due.next_try_at_ms LIMIT ?
          """,
        arguments: [time.unixMilliseconds, (time + horizon).unixMilliseconds, share, limit]
      ).compactMap { row in
        guard let alert = Database.alert(row),
          let channel = Recipient.Channel(rawValue: row["channel"])
        else { return nil }
        return OutboxItem(
          alert, to: Recipient(channel, row["recipient"]), attempts: row["attempts"],
          isEscalated: (row["escalated_at_ms"] as Int64?) != nil)
      }
    }
  }

  /// Alerts and copies of them that have not arrived yet.
  package func alertsWaiting() throws(StoreError) -> Int {
    try read("counting the outbox") { db in
      try Int.fetchOne(
        db,
        sql: """
          SELECT (SELECT count(*) FROM outbox WHERE acknowledged_at_ms IS NULL)
            + (SELECT count(*) FROM alert WHERE addressed_at_ms IS NULL)
          """) ?? 0
    }
  }

  /// Why the copy that was tried in vain most often has not arrived: "mail to a@b.example: …"; nil when none was.
  package func alertComplaint() throws(StoreError) -> String? {
    try read("reading the outbox") { db in
      try String.fetchOne(
        db,
        sql: """
          SELECT channel || ' to ' || recipient || ': ' || last_error FROM outbox
          WHERE acknowledged_at_ms IS NULL AND last_error IS NOT NULL
          ORDER BY attempts DESC, alert_key LIMIT 1
          """)
    }
  }

  /// When the next copy after `time` is due; nil when none is.
  package func nextDue(after time: WallTime) throws(StoreError) -> WallTime? {
    try read("reading the outbox") { db in
      WallTime(
        row: try Int64.fetchOne(
          db,
          sql: """
            SELECT min(next_try_at_ms) FROM outbox
            WHERE acknowledged_at_ms IS NULL AND next_try_at_ms > ?
            """, arguments: [time.unixMilliseconds]))
    }
  }

  /// The other side has taken the copy.
  package func acknowledge(_ key: OutboxItem.Key, at time: WallTime) throws(StoreError) {
    try change(key, set: "acknowledged_at_ms = ?, last_error = NULL", [time.unixMilliseconds])
  }

  /// The copy is not to be sent any more.
  package func withdraw(
    _ key: OutboxItem.Key, at time: WallTime, reason: String
  ) throws(StoreError) {
    try change(key, set: "acknowledged_at_ms = ?, last_error = ?", [time.unixMilliseconds, reason])
  }

  /// The other side was not there or refused; the copy is due again later.
  package func postpone(
    _ key: OutboxItem.Key, until time: WallTime, error: String
  ) throws(StoreError) {
    try change(
      key, set: "attempts = attempts + 1, next_try_at_ms = ?, last_error = ?",
      [time.unixMilliseconds, error])
  }

  /// The copy's age was reported.
  package func escalate(_ key: OutboxItem.Key, at time: WallTime) throws(StoreError) {
    try change(key, set: "escalated_at_ms = ?", [time.unixMilliseconds])
  }

  private func change(
    _ key: OutboxItem.Key, set assignments: String, _ values: StatementArguments
  ) throws(StoreError) {
    try write("writing to the outbox") { db in
      try db.cachedStatement(
        sql: """
          UPDATE outbox SET \(assignments)
          WHERE tenant_id = ? AND alert_key = ? AND channel = ? AND recipient = ?
          """
      ).execute(
        arguments: values + [
          key.tenant?.row ?? 0, key.alert, key.recipient.channel.rawValue, key.recipient.address,
        ])
    }
  }

  func alerts(tenant: Int64, limit: Int) throws(StoreError) -> [AlertStanding] {
    try read("looking up alerts") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT alert.*, (SELECT count(*) FROM outbox AS arrived
              WHERE arrived.tenant_id = alert.tenant_id
                AND arrived.alert_key = alert.alert_key
                AND arrived.acknowledged_at_ms IS NOT NULL) AS acknowledged,
            (SELECT max(last_error) FROM outbox AS failed
              WHERE failed.tenant_id = alert.tenant_id
                AND failed.alert_key = alert.alert_key) AS last_error
          FROM alert WHERE tenant_id = ? ORDER BY raised_at_ms DESC, alert_key LIMIT ?
          """, arguments: [tenant, limit]
      ).compactMap { row in
        Database.alert(row).map {
          AlertStanding(
            alert: $0, recipients: row["recipient_count"], acknowledged: row["acknowledged"],
            lastError: row["last_error"])
        }
      }
    }
  }

  /// Alerts about blocks and their ends, oldest first.
  ///
  /// Of the same moment the block is the later one: a block that ends with its window may come back with the very call that ended it.
  func blockAlerts(tenant: Int64) throws(StoreError) -> [Alert] {
    try read("looking up blocks") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT * FROM alert
          WHERE tenant_id = ? AND kind IN ('accountBlocked', 'accountUnblocked')
          ORDER BY raised_at_ms, kind DESC, alert_key
          """, arguments: [tenant]
      ).compactMap(Database.alert)
    }
  }

  private static func alert(_ row: Row) -> Alert? {
    guard let kind = Alert.Kind(rawValue: row["kind"]),
      let severity = Alert.Severity(rawValue: row["severity"]),
      let facts = try? JSONDecoder().decode(
        [[String]].self, from: Data((row["facts"] as String).utf8))
    else { return nil }
    return Alert(
      kind, severity, tenant: TenantID(row: row["tenant_id"]),
      at: WallTime(unixMilliseconds: row["raised_at_ms"]), key: row["alert_key"],
      facts: facts.compactMap { $0.count == 2 ? Alert.Fact($0[0], $0[1]) : nil })
  }
}
