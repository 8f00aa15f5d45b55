import ConfigurationFiles
import API
import Directory
import Elements
import Foundation
import Limits
import Server
import Store
import Switch
import Synchronization
import Testing

/// What a person orders is in the trail before the switch hears of it.
@Suite struct OrdersTests {
  /// A switch that notes the newest row of the trail whenever it is asked.
  private final class Witness: Sendable {
    private let rows = Mutex<[String]>([])
    private let folder: ServedFolder
    private let refusal: String?
    /// Keeps a copy of the folder, as a crash leaves it, before the switch has done what it is asked, and behind that.
    private let crashes: Crashes?
    private let payments = PaymentDesk { true }

    init(
      _ folder: ServedFolder, refusing refusal: String? = nil, crashes: Crashes? = nil
    ) {
      (self.folder, self.refusal, self.crashes) = (folder, refusal, crashes)
    }

    var seen: [String] { rows.withLock { $0 } }

    var orders: Orders {
      Orders(folder.administration, payments: payments) { [self] command in
        let row = (try? OrdersTests.trail(folder).last) ?? "no row"
        rows.withLock { $0.append(row) }
        if let refusal { return .refused(refusal) }
        guard case .deposit(let money, let subject, let reference, _) = command else {
          return .done
        }
        let now = Now(instant: .start, wall: ServedFolder.now)
        var ledger = Ledger()
        var (entries, notices): ([LedgerEntry], [LedgerNotice]) = ([], [])
        ledger.adopt(
          folder.administration.rulebook().limitBook, at: now, into: &entries, notices: &notices)
        do {
          // Enough to take something back of; not of this payment.
          var former: [LedgerEntry] = []
          let hundred = Money(micros: 100_000_000, money.currency)
          try ledger.deposit(hundred, to: subject, reference: "", at: now, into: &former)
          try ledger.deposit(money, to: subject, reference: reference, at: now, into: &entries)
          try crashes?.keep("before", folder)
          // The journal has it, and tells the database.
          try folder.serve(entries.map { .ledger($0) })
          try crashes?.keep("behind", folder)
        } catch {
          Issue.record("\(error)")
        }
        return ledger.standing(of: subject, at: now).map(CommandReply.limits) ?? .done
      }
    }
  }

  /// What was ordered and refused, oldest first, of the office and then of the platform.
  private static func trail(_ folder: ServedFolder) throws -> [String] {
    let database = folder.administration.database
    let rows =
      try TenantScope(TenantID(1), as: .operator, in: database).audit().reversed()
      + TenantScope.platform(in: database).audit().reversed()
    return rows.filter { $0.action != "configuration.applied" }
      .map { "\($0.action) \($0.subject): \($0.detail)" }
  }

  private static let office = LimitTarget.tenant("office")

  private static let everyOrder: [@Sendable (Orders) async throws -> ControlReply] = [
    { try await $0.block(office, reason: "stolen", by: "anna") },
    { try await $0.unblock(office, reason: "found", by: "anna") },
    {
      try await $0.deposit(
        "5", tenant: "office", extension: nil, reference: "A 1", takesBack: false, by: "anna")
    },
    { try await $0.acceptClock(by: "anna") },
    { try await $0.hangUp(CallID(7), by: "anna") },
  ]

  private func deposit(
    _ orders: Orders, _ amount: String = "5", extension number: String? = nil,
    reference: String = "A 1", takesBack: Bool = false
  ) async throws -> String {
    switch try await orders.deposit(
      amount, tenant: "office", extension: number, reference: reference, takesBack: takesBack,
      by: "anna")
    {
    case .done(let text), .failed(let text): text
    case let reply: "\(reply)"
    }
  }

  @Test("What cannot be written into the trail is not done", arguments: everyOrder.indices)
  func trailFirst(index: Int) async throws {
    let folder = try ServedFolder()
    let witness = Witness(folder)
    folder.administration.database.close()
    let error = await #expect(throws: (any Error).self) {
      try await Self.everyOrder[index](witness.orders)
    }
    #expect(error.map { "\($0)" }?.hasPrefix("Nothing was changed") == true)
    #expect(witness.seen.isEmpty)
  }

  @Test("Every order is in the trail when the switch is asked, and a refusal behind it")
  func wording() async throws {
    let (carriedOut, refused) = (try ServedFolder(), try ServedFolder())
    let (willing, unwilling) = (Witness(carriedOut), Witness(refused, refusing: "No."))
    for order in Self.everyOrder {
      if case .failed(let text) = try await order(willing.orders) { Issue.record("\(text)") }
      guard case .failed("No.") = try await order(unwilling.orders) else {
        Issue.record("a refusal was not said")
        continue
      }
    }
    let ordered = [
      "block.ordered Tenant office: stolen", "unblock.ordered Tenant office: found",
      "deposit.ordered Tenant office: 5.00 EUR, A 1",
      "clock.ordered the ledger: The wall clock counts as it is.", "hangup.ordered call 7: ",
    ]
    #expect(try Self.trail(carriedOut) == ordered)
    // Those of the platform come after those of the office.
    #expect(willing.seen == ordered)
    let subjects = ["Tenant office", "Tenant office", "Tenant office", "the ledger", "call 7"]
    let names = ["block", "unblock", "deposit", "clock", "hangup"]
    let both = zip(ordered, zip(names, subjects)).flatMap { [$0, "\($1.0).refused \($1.1): No."] }
    #expect(try Self.trail(refused) == both)
  }

  @Test("A reference counts once for each account and direction")
  func reference() async throws {
    let folder = try ServedFolder()
    let witness = Witness(folder)
    #expect(try await deposit(witness.orders).hasPrefix("5.00 EUR is paid in for Tenant office"))
    for again in ["A 1", "  A   1 "] {
      let text = try await deposit(witness.orders, "6", reference: again)
      #expect(text.contains("a payment with the reference \"A 1\" already: 5.00 EUR"))
    }
    #expect(witness.seen.count == 1)
    #expect(try Self.trail(folder).count == 1)
    #expect(try await deposit(witness.orders, extension: "101").contains("is paid in"))
    #expect(try await deposit(witness.orders, "4", takesBack: true).contains("4.00 EUR"))
    #expect(try await deposit(witness.orders, "4", takesBack: true).contains("already"))
    #expect(
      try Self.trail(folder).last == "deposit.ordered Tenant office: -4.00 EUR, A 1")
  }

  @Test("A reference is free again when the switch refused, and when the journal is given up")
  func freeReference() async throws {
    let folder = try ServedFolder()
    #expect(try await deposit(Witness(folder, refusing: "No.").orders) == "No.")
    #expect(try await deposit(Witness(folder).orders).contains("is paid in"))
    try folder.serve([])
    try FileManager.default.removeItem(atPath: folder.journalPath)
    _ = try folder.administration.recover(accepts: true, by: "anna")
    #expect(try await deposit(Witness(folder).orders).contains("is paid in"))
  }

  /// A data folder as it was at some moments of a payment.
  private final class Crashes: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "crash-\(UUID())").path

    func keep(_ moment: String, _ folder: ServedFolder) throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: folder.path, toPath: "\(path)/\(moment)")
    }

    func folder(_ moment: String) throws -> ServedFolder {
      try ServedFolder(existing: "\(path)/\(moment)")
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test("A payment that a crash cut short is carried out when it is sent again, once")
  func crashBefore() async throws {
    let crashes = Crashes()
    let folder = try ServedFolder()
    try folder.serve([])
    _ = try await deposit(Witness(folder, crashes: crashes).orders, extension: "101")
    let restarted = try crashes.folder("before")
    let witness = Witness(restarted)
    // Another amount is another payment, and nothing is asked for it.
    let wrong = try await deposit(witness.orders, "6", extension: "101")
    #expect(wrong.hasPrefix("5.00 EUR for Extension 101 of office was ordered"), "\(wrong)")
    #expect(wrong.contains("Nothing was changed"))
    #expect(witness.seen.isEmpty)
    let again = try await deposit(witness.orders, extension: "101")
    #expect(again.contains("was cut short and is carried out now. 5.00 EUR is paid in"), "\(again)")
    #expect(
      witness.seen == [
        "deposit.ordered Extension 101 of office: 5.00 EUR, A 1, again after it was cut short"
      ])
    #expect(try await deposit(witness.orders, extension: "101").contains("already: 5.00 EUR"))
    #expect(witness.seen.count == 1)
    #expect(try restarted.payments() == [5_000_000])
  }

  @Test("A payment that the journal has is not carried out again, also before the database knows")
  func crashBehind() async throws {
    let crashes = Crashes()
    let folder = try ServedFolder()
    try folder.serve([])
    _ = try await deposit(Witness(folder, crashes: crashes).orders, takesBack: true)
    let restarted = try crashes.folder("behind")
    let witness = Witness(restarted)
    #expect(try await deposit(witness.orders, takesBack: true).contains("already: 5.00 EUR"))
    #expect(witness.seen.isEmpty)
    #expect(try restarted.payments() == [-5_000_000])

    // The journal alone: the database is as it was before the switch heard of it.
    let early = try crashes.folder("before")
    try early.write([
      .ledger(.deposited(.tenant(TenantID(1)), micros: -5_000_000, reference: "A 1"))
    ])
    let journal = try Journal(in: early.administration.folder) { _ in }
    let follower = try JournalFollower(journal, into: early.administration.database)
    #expect(!follower.hasCaughtUp)
    let orders = Orders(
      early.administration,
      payments: PaymentDesk(patience: .milliseconds(50)) { follower.hasCaughtUp }
    ) { _ in
      Issue.record("the switch was asked again")
      return .done
    }
    #expect(try await deposit(orders, takesBack: true).contains("still reads"))
    follower.start { _ in }
    follower.stop()
    #expect(follower.hasCaughtUp)
    #expect(try await deposit(orders, takesBack: true).contains("already: 5.00 EUR"))
  }

  @Test("A payment that the disk has not confirmed is not said to be done, and not asked for twice")
  func unconfirmed() async throws {
    let folder = try ServedFolder()
    try folder.serve([])
    let asked = Mutex(0)
    let payments = PaymentDesk(patience: .milliseconds(50)) { true }
    let orders = Orders(folder.administration, payments: payments) { _ in
      asked.withLock { $0 += 1 }
      var ledger = Ledger()
      var (entries, notices): ([LedgerEntry], [LedgerNotice]) = ([], [])
      let now = Now(instant: .start, wall: ServedFolder.now)
      ledger.adopt(
        folder.administration.rulebook().limitBook, at: now, into: &entries, notices: &notices)
      return ledger.standing(of: .tenant(TenantID(1)), at: now).map(CommandReply.limits) ?? .done
    }
    #expect(try await deposit(orders).contains("has not confirmed it yet"))
    #expect(try await deposit(orders).contains("is under way"))
    #expect(asked.withLock { $0 } == 1)
    try folder.serve([
      .ledger(.deposited(.tenant(TenantID(1)), micros: 5_000_000, reference: "A 1"))
    ])
    #expect(try await deposit(orders).contains("already: 5.00 EUR"))
    #expect(asked.withLock { $0 } == 1)
  }

  @Test("A payment without a number, or of less than nothing, is refused and nothing asked")
  func senseless() async throws {
    let folder = try ServedFolder()
    let witness = Witness(folder)
    for (amount, reference, word) in [
      ("5", "", "reference"), ("5", " \t", "reference"), ("-5", "A 1", "--take-back"),
      ("5", String(repeating: "7", count: 65), "64 at most"),
      ("0", "A 1", "amount"), ("five", "A 1", "amount"),
    ] {
      for takesBack in [false, true] {
        let error = await #expect(throws: ConfigurationError.self) {
          _ = try await self.deposit(
            witness.orders, amount, reference: reference, takesBack: takesBack)
        }
        #expect(error.map { "\($0)" }?.contains(word) == true)
      }
    }
    #expect(try witness.seen.isEmpty && Self.trail(folder).isEmpty)
  }
}
