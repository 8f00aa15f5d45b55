import API
import Directory
import Elements
import Limits
import Logging
import Switch

/// Answers what comes through the control socket.
struct OperatorDesk: Sendable {
  private let server: RunningServer

  init(_ server: RunningServer) {
    self.server = server
  }

  func answer(_ request: ControlRequest) async -> ControlReply {
    do {
      return try await carryOut(request)
    } catch {
      return .failed("\(error)")
    }
  }

  private func carryOut(_ request: ControlRequest) async throws -> ControlReply {
    switch request {
    case .status: return await server.status()
    case .calls: return await ask(.calls(nil)) { reports.calls($0) }
    case .registrations: return await ask(.registrations(nil)) { reports.registrations($0) }
    case .trunks: return await ask(.trunks) { reports.trunks($0) }
    case .limits(let target):
      return try await limits(of: reports.subjects(of: target))
    case .block(let target, let reason, let person):
      return try await block(reports.subject(of: target), reason: reason, by: person)
    case .unblock(let target, let reason, let person):
      return try await unblock(reports.subject(of: target), reason: reason, by: person)
    case .deposit(let tenant, let number, let amount, let reference, let person):
      return try await deposit(
        amount, to: reports.subject(tenant: tenant, extension: number), reference: reference,
        by: person)
    case .acceptClock(let person): return try await acceptClock(by: person)
    case .setLimits(let target, let change, let person):
      let text = try server.administration.setLimits(of: target, change: change, by: person)
      try await server.adopt(server.administration.rulebook())
      return .done(text)
    case .apply(let document, let file, let files, let person):
      let report = try server.administration.apply(
        document: document, file: file, files: files, by: person)
      try await server.adopt(server.administration.rulebook())
      return .applied(report)
    case .export(let withRates):
      return .exported(try server.administration.export(withRates: withRates))
    case .records(let tenant, let number, let limit):
      return .records(
        try server.administration.records(tenant: tenant, extension: number, limit: limit))
    case .hangUp(let call, let person):
      return await done("Call \(call) is ended.", .hangUp(CallID(call)), by: person)
    case .drain(let person):
      return await done("Draining: no new calls are taken.", .drain, by: person)
    }
  }

  /// Names of today's directory for the switch's numbers.
  private var reports: SwitchReports {
    SwitchReports(server.administration.rulebook().directory)
  }

  private func ask(
    _ command: SwitchCommand, _ report: (CommandReply) -> ControlReply?
  ) async -> ControlReply {
    let reply = await server.desk.ask(command)
    if case .refused(let reason) = reply { return .failed(reason) }
    return report(reply) ?? .failed("The switch gave another answer than was asked for.")
  }

  private func done(
    _ text: String, _ command: SwitchCommand, by person: String
  ) async
    -> ControlReply
  {
    server.log.services.notice("\(text)", metadata: ["by": "\(person)"])
    return await ask(command) { if case .done = $0 { .done(text) } else { nil } }
  }

  private func limits(of subjects: [LimitSubject]) async throws -> ControlReply {
    var rows: [LimitReport] = []
    for subject in subjects {
      if case .limits(let standing) = await server.desk.ask(.limits(subject)) {
        rows.append(reports.limits(standing))
      }
    }
    return .limits(rows)
  }

  private func block(
    _ subject: LimitSubject, reason: String, by person: String
  ) async throws -> ControlReply {
    let reply = await server.desk.ask(.block(subject, by: person, reason: reason))
    if case .refused(let why) = reply { return .failed(why) }
    let name = reports.name(of: subject)
    try server.administration.audit(
      "account.blocked", name, detail: reason, by: person, tenant: reports.tenant(of: subject))
    return .done("\(name) makes no paid calls until somebody unblocks it.")
  }

  private func unblock(
    _ subject: LimitSubject, reason: String, by person: String
  ) async throws -> ControlReply {
    let reply = await server.desk.ask(.unblock(subject, by: person, reason: reason))
    if case .refused(let why) = reply { return .failed(why) }
    let name = reports.name(of: subject)
    try server.administration.audit(
      "account.unblocked", name, detail: reason, by: person, tenant: reports.tenant(of: subject))
    return .done("\(name) may make paid calls again.")
  }

  private func deposit(
    _ text: String, to subject: LimitSubject, reference: String, by person: String
  ) async throws -> ControlReply {
    let isNegative = text.hasPrefix("-")
    guard let amount = DecimalAmount(isNegative ? text.dropFirst() : text[...]), amount.micros > 0
    else {
      throw ConfigurationError(
        field: "amount", problem: "\"\(text)\" is not an amount of money",
        wayOut: "Write units of the currency with a point: 12.50.")
    }
    let currency = reports.currency(of: subject)
    let money = Money(micros: isNegative ? -amount.micros : amount.micros, currency)
    let reply = await server.desk.ask(
      .deposit(money, subject, reference: reference, by: person))
    if case .refused(let why) = reply { return .failed(why) }
    guard case .limits(let standing) = reply else {
      return .failed("The switch gave another answer than was asked for.")
    }
    let name = reports.name(of: subject)
    try server.administration.audit(
      "account.deposited", name, detail: "\(money), \(reference)", by: person,
      tenant: reports.tenant(of: subject))
    guard let balance = standing.balance else {
      return .done(
        "\(money) is paid in for \(name), which does not need it: it is not prepaid (limits: prepaid)."
      )
    }
    return .done("\(money) is paid in for \(name); \(balance) can be spent.")
  }

  private func acceptClock(by person: String) async throws -> ControlReply {
    let reply = await server.desk.ask(.acceptClock(by: person))
    if case .refused(let why) = reply { return .failed(why) }
    try server.administration.audit(
      "clock.accepted", "the ledger", detail: "The wall clock counts as it is.", by: person,
      tenant: nil)
    return .done("The ledger's hours, days and months follow this machine's clock again.")
  }
}
