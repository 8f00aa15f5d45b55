import ConfigurationFiles
package import API
import Directory
import Elements
import Limits
import Store
import Switch

// Money paid in and taken back: each reference once, whatever happens on the way.
//
// The order is in the database before the switch is asked, and the journal tells the database when the ledger has
// the money. So an order that is there without its money was cut short by a crash, and the same command carries it
// out; it cannot be carried out twice.

extension Orders {
  /// Pays money in, or takes it back; a reference counts once for each account and direction.
  package func deposit(
    _ text: String, tenant: String, extension number: String?, reference: String, takesBack: Bool,
    by person: String
  ) async throws -> ControlReply {
    let subject = try reports.subject(tenant: tenant, extension: number)
    guard let owner = reports.tenant(of: subject) else {
      return .failed("Money is paid in for an extension or a tenant.")
    }
    let money = try Self.amount(text, in: reports.currency(of: subject))
    let reference = try Self.reference(reference)
    var account: AccountID?
    if case .account(let id) = subject { account = id }
    let payment = Payment(
      tenant: owner, account: account, reference: reference, isTakenBack: takesBack,
      amount: "\(money)")
    let deed = Deed(
      payment: payment, money: money, subject: subject,
      order: order("deposit", of: subject, "\(payment.change), \(reference)", by: person))

    guard payments.claim(payment, unless: { try administration.database.isBooked($0) }) else {
      return .failed(
        """
        The payment with the reference "\(reference)" is under way, and the disk has not confirmed it yet. \
        Give the command again in a moment: it counts once.
        """)
    }
    var isOpen = false
    defer { if !isOpen { payments.release(payment) } }
    let reply: ControlReply
    (reply, isOpen) = try await carryOut(deed)
    return reply
  }

  /// One payment, and what is said of it.
  private struct Deed {
    let payment: Payment
    let money: Money
    let subject: LimitSubject
    let order: Order
  }

  /// The reply, and whether the switch has it while the disk does not say so yet.
  private func carryOut(_ deed: Deed) async throws -> (ControlReply, isOpen: Bool) {
    let (payment, order) = (deed.payment, deed.order)
    // Asked before the row is read: what the journal had at the start is then in the row.
    let hasCaughtUp = await payments.hasCaughtUp()
    let former = try before {
      try administration.database.order(payment, order.entry("ordered", order.detail))
    }
    if let former {
      if let complaint = complaint(of: former, deed, hasCaughtUp) { return (complaint, false) }
      try before {
        try administration.database.audit([
          order.entry("ordered", "\(order.detail), again after it was cut short")
        ])
      }
    }
    let change =
      payment.isTakenBack ? Money(micros: -deed.money.micros, deed.money.currency) : deed.money
    let answer = await ask(
      .deposit(change, deed.subject, reference: payment.reference, by: order.person))
    switch answer {
    case .refused(let why):
      let reply = refusal(why) {
        try administration.database.withdraw(payment, order.entry("refused", why))
      }
      return (reply, false)
    case .limits(let standing):
      guard await payments.arrival(of: { try administration.database.isBooked(payment) }) else {
        return (
          .failed(
            """
            \(deed.money) for \(order.subject) is handed over, and the disk has not confirmed it yet; \
            `martinet status` says why. Give the command again later: it counts once.
            """), true
        )
      }
      return (.done(sentence(deed, former, standing)), false)
    case .done, .calls, .registrations, .attendance, .trunks, .habits, .status, .bans,
      .banExplained,
      .barred:
      return (Self.strangeAnswer, true)
    }
  }

  /// Why an order under a reference that was there before is not carried out; nil where a crash cut it short.
  private func complaint(
    of former: FormerPayment, _ deed: Deed, _ hasCaughtUp: Bool
  ) -> ControlReply? {
    let (subject, reference) = (deed.order.subject, deed.payment.reference)
    guard !former.isBooked else {
      return .failed(
        """
        \(subject) has a payment with the reference "\(reference)" already: \(former.amount), \
        \(former.orderedAt.iso8601). Nothing was changed. `martinet limits show` has the balance; \
        another payment needs a reference of its own.
        """)
    }
    guard hasCaughtUp else {
      return .failed(
        """
        The server still reads what was before its start, and nothing was changed. Give the command again in a \
        moment: it counts once.
        """)
    }
    guard former.amount == deed.payment.amount else {
      return .failed(
        """
        \(former.amount) for \(subject) was ordered with the reference "\(reference)" at \
        \(former.orderedAt.iso8601) and cut short. Nothing was changed. Give that amount to carry it out, or \
        another reference for another payment.
        """)
    }
    return nil
  }

  private func sentence(_ deed: Deed, _ former: FormerPayment?, _ standing: Standing) -> String {
    let again =
      former.map { "The order of \($0.orderedAt.iso8601) was cut short and is carried out now. " }
      ?? ""
    let done = deed.payment.isTakenBack ? "taken back from" : "paid in for"
    let rest =
      standing.balance.map { "; \($0) can be spent." }
      ?? ", which does not need it: it is not prepaid (limits: prepaid)."
    return "\(again)\(deed.money) is \(done) \(deed.order.subject)\(rest)"
  }

  private static func amount(_ text: String, in currency: Currency) throws -> Money {
    guard !text.hasPrefix("-") else {
      throw ConfigurationError(
        field: "amount", problem: "\"\(text)\" is negative",
        wayOut: "Write it without the sign, and --take-back to take it back.")
    }
    guard let amount = DecimalAmount(text), amount.micros > 0 else {
      throw ConfigurationError(
        field: "amount", problem: "\"\(text)\" is not an amount of money",
        wayOut: "Write units of the currency with a point: 12.50.")
    }
    return Money(micros: amount.micros, currency)
  }

  private static func reference(_ text: String) throws -> String {
    let reference = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard !reference.isEmpty else {
      throw ConfigurationError(
        field: "reference", problem: "it is empty",
        wayOut: "Give the payment's own number, such as --reference \"invoice 2026-117\".")
    }
    guard reference.count <= Payment.longestReference else {
      throw ConfigurationError(
        field: "reference", problem: "it has \(reference.count) characters",
        wayOut: "Give \(Payment.longestReference) at most.")
    }
    return reference
  }
}

extension Payment {
  /// As the trail has it: "-5.00 EUR" where it is taken back.
  fileprivate var change: String { isTakenBack ? "-\(amount)" : amount }
}
