package import Elements
import GRDB
import Limits

/// Money that a person pays in or takes back, before the ledger has it.
package struct Payment: Hashable, Sendable {
  package let tenant: TenantID
  /// Nil for the tenant as a whole.
  package let account: AccountID?
  /// The payment's own number: it counts once for each account and direction.
  ///
  /// No longer than the journal keeps it, by which the database hears that the ledger has the money.
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
  /// The ledger has it; else the order was cut short, or is on its way.
  package let isBooked: Bool
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
          SELECT amount, ordered_at_ms, booked FROM payment
          WHERE tenant_id = ? AND account_id = ? AND taken_back = ? AND reference = ?
          """, arguments: payment.key)
      if let former {
        return FormerPayment(
          amount: former["amount"],
          orderedAt: WallTime(unixMilliseconds: former["ordered_at_ms"]),
          isBooked: former["booked"])
      }
      try db.execute(
        sql: """
          INSERT INTO payment
            (tenant_id, account_id, taken_back, reference, amount, ordered_at_ms, booked)
          VALUES (?, ?, ?, ?, ?, ?, 0)
          """, arguments: payment.key + [payment.amount, entry.at.unixMilliseconds])
      try append(entry, in: db)
      return nil
    }
  }

  /// Whether the journal has said that the ledger has it.
  package func isBooked(_ payment: Payment) throws(StoreError) -> Bool {
    try read("reading a payment") { db in
      try Bool.fetchOne(
        db,
        sql: """
          SELECT booked FROM payment
          WHERE tenant_id = ? AND account_id = ? AND taken_back = ? AND reference = ?
          """, arguments: payment.key) ?? false
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
  /// What a person may write as reference: the journal keeps no more of it.
  package static let longestReference = 64

  /// Notes that the ledger has a payment; of one that nobody ordered there is no row.
  static func book(
    _ reference: String, of subject: LimitSubject, isTakenBack: Bool, in db: GRDB.Database
  ) throws {
    let (place, id): (String, Int64)
    switch subject {
    case .account(let account): (place, id) = ("account_id = ?", account.row)
    case .tenant(let tenant): (place, id) = ("tenant_id = ? AND account_id = 0", tenant.row)
    case .trunk, .platform: return  // Nobody pays in for them.
    }
    try db.cachedStatement(
      sql: "UPDATE payment SET booked = 1 WHERE \(place) AND taken_back = ? AND reference = ?"
    ).execute(arguments: [id, isTakenBack, reference])
  }

  fileprivate var key: StatementArguments {
    [tenant.row, account?.row ?? 0, isTakenBack, reference]
  }
}
