import Elements
import GRDB
import Limits
import Store
import Switch
import Testing

/// What the database knows of money that is paid in: it hears from the journal whether the ledger has it.
@Suite struct PaymentTests {
  private let office = StoreBench.office

  private func payment(
    _ reference: String, account: AccountID? = nil, isTakenBack: Bool = false
  ) -> Payment {
    Payment(
      tenant: office, account: account, reference: reference, isTakenBack: isTakenBack,
      amount: "5.00 EUR")
  }

  private func order(_ payment: Payment, _ bench: StoreBench) throws -> FormerPayment? {
    try bench.database.order(
      payment,
      AuditEntry(
        tenant: office, at: StoreBench.noon, actor: "anna", action: "deposit.ordered",
        subject: "Tenant office", detail: payment.reference))
  }

  private func follow(_ entries: [LedgerEntry], _ bench: StoreBench) throws {
    let journal = try Journal(in: bench.folder) { _ in }
    journal.append(
      JournalBatch(
        sequence: journal.lastRecovered + 1, entries: entries.map { JournalEntry.ledger($0) }))
    journal.start { _ in }
    journal.close()
    let follower = try JournalFollower(try Journal(in: bench.folder) { _ in }, into: bench.database)
    #expect(!follower.hasCaughtUp)
    follower.start { Issue.record("the follower said \($0)") }
    follower.stop()
    #expect(follower.hasCaughtUp)
  }

  @Test("An order is booked when the journal has its money, and that of nobody else is")
  func booked() throws {
    let bench = try StoreBench()
    let account = AccountID(7)
    let all = [
      payment("A 1"), payment("A 1", isTakenBack: true), payment("A 1", account: account),
      payment("A 1", account: AccountID(8)), payment("A 2"),
    ]
    for payment in all { #expect(try order(payment, bench) == nil) }
    func booked() throws -> [Bool] { try all.map { try bench.database.isBooked($0) } }
    #expect(try booked() == [false, false, false, false, false])
    let paid = LedgerEntry.deposited(.tenant(office), micros: 5_000_000, reference: "A 1")
    // The ledger has more than what was ordered here: a payment of another way.
    try follow([paid, .deposited(.account(account), micros: 1, reference: "B 9")], bench)
    #expect(try booked() == [true, false, false, false, false])
    #expect(try order(all[0], bench)?.isBooked == true)
    #expect(try order(all[1], bench)?.isBooked == false)
    try follow([.deposited(.account(account), micros: 5_000_000, reference: "A 1")], bench)
    #expect(try booked() == [true, false, true, false, false])
    try follow([.deposited(.tenant(office), micros: -5_000_000, reference: "A 1")], bench)
    #expect(try booked() == [true, true, true, false, false])
  }

  @Test("An order from before this was written down counts as booked: nobody knows better")
  func older() throws {
    let bench = try StoreBench()
    try bench.sql().write { db in
      try db.execute(
        sql: """
          INSERT INTO payment (tenant_id, account_id, taken_back, reference, amount, ordered_at_ms)
          VALUES (\(office.number), 0, 0, 'A 1', '5.00 EUR', 0)
          """)
    }
    #expect(try order(payment("A 1"), bench)?.isBooked == true)
  }
}
