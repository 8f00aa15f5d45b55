import ConfigurationFiles
import API
import Directory
import Elements
import Guard
import Limits
import Numbering
import Switch

/// Puts names in the place of the switch's numbers.
struct SwitchReports {
  private let directory: DirectorySnapshot

  init(_ directory: DirectorySnapshot) {
    self.directory = directory
  }

  // MARK: - From names to numbers

  func subject(of target: LimitTarget) throws -> LimitSubject {
    switch target {
    case .account(let tenant, let number): return try subject(tenant: tenant, extension: number)
    case .tenant(let tenant): return try subject(tenant: tenant, extension: nil)
    case .trunk(let name):
      guard let trunk = directory.trunks.first(where: { $0.name == name }) else {
        throw ConfigurationError.unknownTrunk(name, known: directory.trunks.map(\.name))
      }
      return .trunk(trunk.id)
    case .platform: return .platform
    }
  }

  func tenant(named name: String) throws -> Tenant {
    guard let tenant = directory.tenants.first(where: { $0.name == name }) else {
      let known = directory.tenants.map(\.name).joined(separator: ", ")
      throw ConfigurationError(
        field: "tenant", problem: "there is no tenant \"\(name)\"", wayOut: "Known are \(known).")
    }
    return tenant
  }

  /// The account of an extension, or a tenant as a whole.
  func subject(tenant name: String, extension number: String?) throws -> LimitSubject {
    let tenant = try tenant(named: name)
    guard let number else { return .tenant(tenant.id) }
    let line = directory.extensions.first {
      $0.tenant.id == tenant.id && $0.digits.description == number
    }
    guard let line else {
      throw ConfigurationError(
        field: "extension", problem: "\(name) has no extension \"\(number)\"",
        wayOut: "`martinet export` lists them.")
    }
    return .account(line.account)
  }

  /// The target and, of a tenant, its accounts; without a target all there are.
  func subjects(of target: LimitTarget?) throws -> [LimitSubject] {
    guard let target else {
      return [.platform]
        + directory.tenants.flatMap { tenant in
          [.tenant(tenant.id)] + accounts(of: tenant)
        } + directory.trunks.map { .trunk($0.id) }
    }
    let subject = try subject(of: target)
    guard case .tenant(let id) = subject, let tenant = directory.tenant(id) else {
      return [subject]
    }
    return [subject] + accounts(of: tenant)
  }

  private func accounts(of tenant: Tenant) -> [LimitSubject] {
    directory.extensions.filter { $0.tenant.id == tenant.id }.map { .account($0.account) }
  }

  // MARK: - From numbers to names

  func name(of subject: LimitSubject) -> String {
    switch subject {
    case .account(let account):
      directory.line(paying: account).map { "Extension \($0.digits) of \($0.tenant.name)" }
        ?? "Account \(account)"
    case .tenant(let id): directory.tenant(id).map { "Tenant \($0.name)" } ?? "Tenant \(id)"
    case .trunk(let id): directory.trunk(id).map { "Trunk \($0.name)" } ?? "Trunk \(id)"
    case .platform: "The platform"
    }
  }

  func currency(of subject: LimitSubject) -> Currency {
    tenant(of: subject).flatMap { directory.tenant($0)?.currency }
      ?? Currency(directory.platform.currency) ?? .eur
  }

  func tenant(of subject: LimitSubject) -> TenantID? {
    switch subject {
    case .account(let account): directory.line(paying: account)?.tenant.id
    case .tenant(let id): id
    case .trunk, .platform: nil
    }
  }

  // MARK: - Rows

  func calls(_ reply: CommandReply) -> ControlReply? {
    guard case .calls(let calls) = reply else { return nil }
    return .calls(calls.map(row))
  }

  private func row(_ call: CallSummary) -> CallReport {
    CallReport(
      call: call.call.number,
      tenant: call.tenant.flatMap { directory.tenant($0)?.name } ?? "",
      state: call.state, from: call.caller, to: call.dialled, kind: call.direction.rawValue,
      trunk: call.trunk.flatMap { directory.trunk($0)?.name },
      startedAt: call.startedAt.iso8601, answeredAt: call.answeredAt?.iso8601,
      payer: call.payer.flatMap { directory.line(paying: $0)?.digits.description },
      committed: call.committed?.description)
  }

  func registrations(_ reply: CommandReply) -> ControlReply? {
    guard case .registrations(let rows) = reply else { return nil }
    return .registrations(
      rows.map { row in
        RegistrationReport(
          tenant: directory.tenant(row.tenant)?.name ?? "",
          extension: directory.line(row.extension)?.digits.description ?? "",
          contact: row.contact, flow: "\(row.transport) \(row.remote)", userAgent: row.userAgent,
          expiresAt: row.expiresAt.iso8601)
      })
  }

  func bans(_ reply: CommandReply) -> ControlReply? {
    guard case .bans(let bans) = reply else { return nil }
    return .bans(bans.map(report))
  }

  func explanation(_ reply: CommandReply, _ reports: [ListingReport]) -> ControlReply? {
    guard case .banExplained(let why) = reply else { return nil }
    return .banExplained(
      BanExplanationReport(
        address: "\(why.address)", spared: why.isSpared, phones: why.hasPhones,
        bans: why.bans.map(report), listed: why.isListed, reports: reports))
  }

  func barred(_ reply: CommandReply) -> ControlReply? {
    guard case .barred(let networks) = reply else { return nil }
    return .barred(
      networks.map { BarredReport(network: "\($0.network)", until: $0.until?.iso8601) })
  }

  private func report(_ ban: Ban) -> BanReport {
    BanReport(
      network: "\(ban.subject.network)", user: ban.subject.user.map(name), why: "\(ban.cause)",
      since: ban.since.iso8601, until: ban.until?.iso8601, rung: ban.rung)
  }

  /// "office 101"; the guard knows users who exist by the number of their device.
  private func name(of user: UserKey) -> String {
    guard let device = directory.device(DeviceID(user.number)) else { return "a user" }
    let username = String(decoding: device.username, as: UTF8.self)
    return "\(directory.tenant(device.tenant)?.name ?? "") \(username)"
  }

  func trunks(_ reply: CommandReply) -> ControlReply? {
    guard case .trunks(let rows) = reply else { return nil }
    return .trunks(
      rows.map { row in
        TrunkReport(
          trunk: row.name, address: row.addresses.map(\.description).joined(separator: ", "),
          state: row.reason.isEmpty ? row.state : "\(row.state): \(row.reason)",
          channels: row.channels, channelsInUse: row.channelsInUse)
      })
  }

  func limits(_ standing: Standing) -> LimitReport {
    let currency = standing.limits.currency
    var report = LimitReport(
      level: "platform",
      tenant: tenant(of: standing.subject).flatMap { directory.tenant($0)?.name },
      extension: nil, limits: standing.windows.map { row($0, currency) },
      ceilings: ceilings(standing),
      blocked: standing.block.map {
        LimitReport.Block(since: $0.since.iso8601, reason: $0.words)
      }, balance: standing.balance?.description)
    switch standing.subject {
    case .account(let account):
      report.level = "account"
      report.extension = directory.line(paying: account)?.digits.description
    case .tenant: report.level = "tenant"
    case .trunk(let id):
      report.level = "trunk"
      report.trunk = directory.trunk(id)?.name
    case .platform: break
    }
    return report
  }

  func habits(_ standing: HabitStanding, of account: AccountID) -> LimitReport.Habits {
    let line = directory.line(paying: account)
    let currency = line?.tenant.currency ?? .eur
    func money(_ micros: Int64) -> String {
      Money(micros: micros / 10_000 * 10_000, currency).description
    }
    return LimitReport.Habits(
      rule: (line?.limits.habits ?? .stop).rawValue, isLearning: !standing.isGuarded,
      days: standing.activeDays, callsPerHour: Int(standing.usual.callsPerHour),
      spentPerDay: money(standing.usual.spentPerDay),
      destinations: standing.usual.destinations, odd: money(standing.counted),
      tolerated: money(standing.tolerated))
  }

  private func ceilings(_ standing: Standing) -> LimitReport.Ceilings {
    let limits = standing.limits
    func money(_ micros: Int64?) -> String {
      micros.map { Money(micros: $0, limits.currency).description } ?? "none"
    }
    return LimitReport.Ceilings(
      call: money(limits.costPerCall),
      concurrent: limits.concurrentCalls.map(String.init) ?? "none",
      paidCalls: standing.openCalls, pricePerMinute: money(limits.pricePerMinute),
      connectionFee: money(limits.connectionFee), prepaid: limits.isPrepaid,
      basis: "\(limits.basis)",
      release: Period.allCases.filter { limits.releasesAtRoll.contains(PeriodSet($0)) }
        .map { "\($0)" })
  }

  private func row(_ window: Standing.Window, _ currency: Currency) -> LimitReport.Row {
    func amount(_ value: Int64) -> String {
      window.meter.quantity == .money ? Money(micros: value, currency).description : "\(value)"
    }
    return LimitReport.Row(
      metric: "\(window.meter.quantity)", window: "\(window.meter.period)", kind: "\(window.kind)",
      limit: window.limit.map(amount) ?? "none", spent: amount(window.posted),
      reserved: amount(window.reserved), granted: amount(window.granted),
      left: window.remaining.map(amount) ?? "unlimited")
  }
}

extension RecordReport {
  /// The record with names in the place of numbers.
  init(_ record: CallDetailRecord, names directory: DirectorySnapshot) {
    self.init(
      call: record.call.number, kind: record.direction.rawValue, cause: record.cause.rawValue,
      endedBy: record.endedBy.rawValue, status: Int(record.status), from: record.caller,
      shown: record.shown, dialled: record.dialled, to: record.normalised,
      startedAt: record.startedAt.iso8601, endedAt: record.endedAt.iso8601,
      talkSeconds: Double(record.talkTime.wholeMilliseconds) / 1000, slices: record.slices,
      attempts: record.attempts, legs: record.legs.map { Leg($0, names: directory) })
    tenant = record.tenant.flatMap { directory.tenant($0)?.name }
    (ringingAt, answeredAt) = (record.ringingAt?.iso8601, record.answeredAt?.iso8601)
    lastMediaAt = record.lastMediaAt?.iso8601
    destinationClass = record.destinationClass.isEmpty ? nil : record.destinationClass
    country = record.country.isEmpty ? nil : record.country
    trunk = record.trunk.flatMap { directory.trunk($0)?.name }
    answeredBy = legs.first { $0.answered == true }.flatMap { $0.extension ?? $0.trunk }
    payer = record.payer.flatMap { directory.line(paying: $0)?.digits.description }
    (sell, purchase) = (record.sell?.description, record.purchase?.description)
  }
}

extension RecordReport.Leg {
  init(_ leg: CallDetailRecord.Leg, names directory: DirectorySnapshot) {
    self.init(side: leg.side.rawValue)
    self.extension = leg.extension.flatMap { directory.line($0)?.digits.description }
    trunk = leg.trunk.flatMap { directory.trunk($0)?.name }
    (address, codecs) = (leg.address?.description, leg.codecs)
    userAgent = leg.userAgent.isEmpty ? nil : leg.userAgent
    (answered, unheard) = (leg.answered ? true : nil, leg.unheard ? true : nil)
    guard let quality = leg.quality else { return }
    (packetsReceived, packetsLost) = (quality.packetsReceived, quality.packetsLost)
    jitterMilliseconds = Double(quality.jitterMicroseconds) / 1000
    if quality.roundTripMicroseconds > 0 {
      roundTripMilliseconds = Double(quality.roundTripMicroseconds) / 1000
    }
    if quality.meanOpinionMilli > 0 { mos = Double(quality.meanOpinionMilli) / 1000 }
  }
}

extension WallTime {
  /// "2026-03-29T01:59:59.250Z".
  var iso8601: String {
    let civil = CivilTime(secondsSinceEpoch: unixSeconds)
    func pad(_ number: Int, _ width: Int = 2) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    let milliseconds = Int(unixMilliseconds - unixSeconds * 1000)
    return "\(pad(civil.year, 4))-\(pad(civil.month))-\(pad(civil.day))"
      + "T\(pad(civil.hour)):\(pad(civil.minute)):\(pad(civil.second)).\(pad(milliseconds, 3))Z"
  }
}
