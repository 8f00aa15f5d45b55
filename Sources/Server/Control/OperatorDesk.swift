import ConfigurationFiles
import API
import Directory
import Elements
import Limits
import Net
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
    } catch let refusal as LockOutRefusal {
      return .wouldLockOut(refusal.rows)
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
      return try await orders.block(target, reason: reason, by: person)
    case .unblock(let target, let isTheft, let reason, let person):
      return try await orders.unblock(target, isTheft: isTheft, reason: reason, by: person)
    case .deposit(let tenant, let number, let amount, let reference, let takesBack, let person):
      return try await orders.deposit(
        amount, tenant: tenant, extension: number, reference: reference, takesBack: takesBack,
        by: person)
    case .acceptClock(let person): return try await orders.acceptClock(by: person)
    case .setLimits(let target, let change, let person):
      let text = try server.administration.setLimits(of: target, change: change, by: person)
      let note = await server.handover.bring().note
      return .done([text, note].compactMap(\.self).joined(separator: " "))
    case .apply(let document, let file, let files, let locksOut, let person):
      let desk = server.desk
      var report = try server.administration.apply(
        document: document, file: file, files: files,
        attendance: await Attendance(asking: { await desk.ask($0) }), locksOut: locksOut,
        by: person)
      report.note = await server.handover.bring().note
      return .applied(report)
    case .export(let withRates):
      return .exported(try server.administration.export(withRates: withRates))
    case .changes(let tenant, let limit):
      return .changes(try server.administration.changes(tenant: tenant, limit: limit))
    case .auditTrail: return .finding(try server.administration.auditFinding())
    case .weaknesses(let words): return try await weaknesses(words)
    case .countries: return .findings(server.administration.countryFindings())
    case .records(let tenant, let number, let limit):
      return .records(
        try server.administration.records(tenant: tenant, extension: number, limit: limit))
    case .bans: return await ask(.bans(.list)) { reports.bans($0) }
    case .explainBan(let text):
      guard let address = IPAddress(text) else {
        throw ConfigurationError(
          field: "address", problem: "\"\(text)\" is not an address",
          wayOut: "Write 192.0.2.7 or 2001:db8::1.")
      }
      return await ask(.bans(.explain(address))) {
        reports.explanation($0, sharing.listings(about: address))
      }
    case .ban(let network, let seconds, let reason, let person):
      return try await orders.ban(network, seconds: seconds, reason: reason, by: person)
    case .liftBan(let network, let person):
      return try sharing.dismiss(network, try await orders.liftBan(network, by: person))
    case .barred: return await ask(.bans(.barred)) { reports.barred($0) }
    case .listings: return .listings(sharing.listings())
    case .peers: return .peers(sharing.peers())
    case .listIdentity: return .listIdentity(sharing.identity)
    case .importList(let text, let file, let name, let seconds, let person):
      return try sharing.importList(text, file: file, name: name, seconds: seconds, by: person)
    case .forgetPeer(let name, let person): return try sharing.forget(name, by: person)
    case .hangUp(let call, let person): return try await orders.hangUp(CallID(call), by: person)
    }
  }

  private func weaknesses(_ words: [String]) async throws -> ControlReply {
    let (administration, http) = (server.administration, "\(server.configuration.http)")
    let listeners = server.lanes.listening.map(\.description)
    let report = try await server.auditTurn.run {
      try administration.weaknesses(words: words, listeners: listeners, http: http)
    }
    guard let report else { return .failed("Another audit runs. Try again when it has ended.") }
    return .weaknesses(report)
  }

  private var orders: Orders {
    let desk = server.desk
    return Orders(server.administration, payments: server.payments) { await desk.ask($0) }
  }

  private var sharing: SharingDesk { SharingDesk(server.sharing) }

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

  private func limits(of subjects: [LimitSubject]) async throws -> ControlReply {
    var rows: [LimitReport] = []
    for subject in subjects {
      if case .limits(let standing) = await server.desk.ask(.limits(subject)) {
        var row = reports.limits(standing)
        if case .account(let account) = subject,
          case .habits(let habits?) = await server.desk.ask(.habits(account))
        {
          row.habits = reports.habits(habits, of: account)
        }
        rows.append(row)
      }
    }
    return .limits(rows)
  }
}
