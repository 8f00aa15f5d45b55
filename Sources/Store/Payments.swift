package import Elements
import GRDB

/// Money that a person pays in or takes back, before the ledger has it.
package struct Payment: Hashable, Sendable {
  package let tenant: TenantID
  /// Nil for the tenant as a whole.
  package let account: AccountID?
  /// The payment's own number: it counts once for each account and direction.
  package let reference: String
  package let isTakenBack: Bool
  /// With its currency, for people.
  package let amount: String

  package init(
    tenant: TenantID, account: AccountID?, reference: String, isTakenBack: Bool, amount: String
  ) {
    (self.tenant, self.account, self.reference) = (tenant, account, reference)
    (self.isTakenBack, self.amount) = (isTakenBack, amount)
  }
}

/// A payment that was ordered before under the same reference.
package struct FormerPayment: Hashable, Sendable {
  package let amount: String
  package let orderedAt: WallTime
}

extension Database {
  /// Writes a payment down together with its row of the trail, before the ledger is asked.
  ///
  /// - Returns: The payment that had the reference before; then nothing was written.
  package func order(
    _ payment: Payment, _ entry: AuditEntry
  ) throws(StoreError) -> FormerPayment? {
    try write("writing down a payment") { db in
      let former = try Row.fetchOne(
        db,
        sql: """
          SELECT amount, ordered_at_ms FROM payment
          WHERE tenant_id = ? AND account_id = ? AND taken_back = ? AND reference = ?
          """, arguments: payment.key)
      if let former {
        return FormerPayment(
          amount: former["amount"],
          orderedAt: WallTime(unixMilliseconds: former["ordered_at_ms"]))
      }
      try db.execute(
        sql: """
          INSERT INTO payment
            (tenant_id, account_id, taken_back, reference, amount, ordered_at_ms)
          VALUES (?, ?, ?, ?, ?, ?)
          """, arguments: payment.key + [payment.amount, entry.at.unixMilliseconds])
      try append(entry, in: db)
      return nil
    }
  }

  /// Takes an order back that the ledger refused, with the row that says so: the reference is free again.
  package func withdraw(_ payment: Payment, _ entry: AuditEntry) throws(StoreError) {
    try write("withdrawing a payment") { db in
      try db.execute(
        sql: """
          DELETE FROM payment
          WHERE tenant_id = ? AND account_id = ? AND taken_back = ? AND reference = ?
          """, arguments: payment.key)
      try append(entry, in: db)
    }
  }
}

extension Payment {
  fileprivate var key: StatementArguments {
    [tenant.row, account?.row ?? 0, isTakenBack, reference]
  }
}
