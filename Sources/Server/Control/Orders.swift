import ConfigurationFiles
package import API
import Directory
package import Elements
import Limits
import Net
import Store
package import Switch

/// What a person orders of the switch, each order in the audit trail before the switch hears of it.
///
/// A row "block.ordered" is durable first; without it nothing is asked. Where the switch refuses, a row
/// "block.refused" follows. So the trail never lacks a deed, and an order without a refusal was carried out
/// or cut short by a crash.
package struct Orders: Sendable {
  let administration: Administration
  let payments: PaymentDesk
  let ask: @Sendable (SwitchCommand) async -> CommandReply

  package init(
    _ administration: Administration, payments: PaymentDesk,
    ask: @escaping @Sendable (SwitchCommand) async -> CommandReply
  ) {
    (self.administration, self.payments, self.ask) = (administration, payments, ask)
  }

  /// One order as the trail has it.
  struct Order {
    /// "block": with ".ordered" and ".refused" behind it.
    let name: String
    let subject: String
    let detail: String
    let tenant: TenantID?
    let person: String

    func entry(_ step: String, _ detail: String) -> AuditEntry {
      AuditEntry(
        tenant: tenant, at: Clocks.wall(), actor: person, action: "\(name).\(step)",
        subject: subject, detail: detail)
    }
  }

  var reports: SwitchReports { SwitchReports(administration.rulebook().directory) }

  package func block(
    _ target: LimitTarget, reason: String, by person: String
  ) async throws -> ControlReply {
    let subject = try reports.subject(of: target)
    let order = order("block", of: subject, reason, by: person)
    return try await give(
      order, .block(subject, by: person, reason: reason),
      done: "\(order.subject) makes no paid calls until somebody unblocks it.")
  }

  package func unblock(
    _ target: LimitTarget, isTheft: Bool = false, reason: String, by person: String
  ) async throws -> ControlReply {
    let subject = try reports.subject(of: target)
    let order = order(
      "unblock", of: subject, isTheft ? "after a theft: \(reason)" : reason, by: person)
    return try await give(
      order, .unblock(subject, by: person, reason: reason, isTheft: isTheft),
      done: "\(order.subject) may make paid calls again.")
  }

  package func acceptClock(by person: String) async throws -> ControlReply {
    let order = Order(
      name: "clock", subject: "the ledger", detail: "The wall clock counts as it is.", tenant: nil,
      person: person)
    return try await give(
      order, .acceptClock(by: person),
      done: "The ledger's hours, days and months follow this machine's clock again.")
  }

  package func hangUp(_ call: CallID, by person: String) async throws -> ControlReply {
    let order = Order(
      name: "hangup", subject: "call \(call)", detail: "", tenant: nil, person: person)
    return try await give(order, .hangUp(call), done: "Call \(call) is ended.")
  }

  package func ban(
    _ text: String, seconds: Int64?, reason: String, by person: String
  ) async throws -> ControlReply {
    let network = try Self.network(text)
    if let seconds, !(1...315_360_000).contains(seconds) {
      throw ConfigurationError(
        field: "for", problem: "\(seconds) s is no time for a ban",
        wayOut: "Give one second to ten years, or none.")
    }
    let time = seconds.map { "for \($0) s" } ?? "until it is lifted"
    let order = Order(
      name: "ban", subject: "\(network)", detail: "\(time): \(reason)", tenant: nil, person: person)
    return try await give(
      order,
      .bans(.add(network, lasting: seconds.map { .seconds($0) }, reason: reason, by: person)),
      done: "\(network) is banned \(time).")
  }

  package func liftBan(_ text: String, by person: String) async throws -> ControlReply {
    let network = try Self.network(text)
    let order = Order(
      name: "unban", subject: "\(network)", detail: "", tenant: nil, person: person)
    return try await give(
      order, .bans(.lift(network, by: person)), done: "\(network) is not banned any more.")
  }

  static func network(_ text: String) throws(ConfigurationError) -> IPNetwork {
    guard let network = IPNetwork(text) else {
      throw ConfigurationError(
        field: "network", problem: "\"\(text)\" is neither an address nor a network",
        wayOut: "Write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64.")
    }
    return network
  }

  // MARK: - First the trail, then the deed

  func order(
    _ name: String, of subject: LimitSubject, _ detail: String, by person: String
  ) -> Order {
    Order(
      name: name, subject: reports.name(of: subject), detail: detail,
      tenant: reports.tenant(of: subject), person: person)
  }

  private func give(
    _ order: Order, _ command: SwitchCommand, done sentence: String
  ) async throws -> ControlReply {
    try before { try administration.database.audit([order.entry("ordered", order.detail)]) }
    switch await ask(command) {
    case .refused(let why):
      return refusal(why) {
        try administration.database.audit([order.entry("refused", why)])
      }
    case .done: return .done(sentence)
    case .calls, .registrations, .attendance, .trunks, .limits, .habits, .status, .bans,
      .banExplained,
      .barred:
      return Self.strangeAnswer
    }
  }

  static let strangeAnswer = ControlReply.failed(
    "The switch gave another answer than was asked for.")

  /// Runs what must be durable before the switch is asked; its failure says that nothing was done.
  func before<Result>(_ write: () throws -> Result) throws -> Result {
    do { return try write() } catch {
      throw Undone(reason: "\(error)")
    }
  }

  private struct Undone: Error, CustomStringConvertible {
    let reason: String
    var description: String {
      "Nothing was changed, because it cannot be written into the audit trail. \(reason)"
    }
  }

  /// The switch's refusal, which the trail has too where it can be written.
  func refusal(_ why: String, _ write: () throws -> Void) -> ControlReply {
    do {
      try write()
      return .failed(why)
    } catch {
      return .failed("\(why) The audit trail has only the order, not the refusal: \(error)")
    }
  }
}
