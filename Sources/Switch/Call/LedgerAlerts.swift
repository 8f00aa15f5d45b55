import Directory
import Elements
import Limits
import Numbering
import SIP

// The words of what the ledger has to tell people; in the batch of what caused it (guard rule 14).

extension SwitchCore {
  func alert(of notice: LedgerNotice, call: Call?, at now: Now) -> Alert {
    switch notice {
    case .blocked(let subject, let block, let used, let limit):
      var facts = [Alert.Fact("subject", name(of: subject)), Alert.Fact("reason", block.words)]
      // By it the notice names the command that lifts the block.
      if case .trunk = subject { facts.append(Alert.Fact("trunk", name(of: subject))) }
      if case .reached(let meter, _) = block.reason {
        facts.append(Alert.Fact("used", amount(used, meter, of: subject)))
        if let limit { facts.append(Alert.Fact("limit", amount(limit, meter, of: subject))) }
        facts.append(Alert.Fact("refused", amount(block.needed, meter, of: subject)))
      }
      return Alert(
        .accountBlocked, .critical, tenant: tenant(of: subject), at: now.wall,
        key: "blocked-\(subject)-\(block.since.unixMilliseconds)",
        facts: facts + callFacts(call))
    case .unblocked(let subject, let by, _):
      return Alert(
        .accountUnblocked, .information, tenant: tenant(of: subject), at: now.wall,
        key: "unblocked-\(subject)-\(now.wall.unixMilliseconds)",
        facts: [
          Alert.Fact("subject", name(of: subject)),
          Alert.Fact("by", by ?? "the end of the period"),
        ])
    case .share(let subject, let meter, let percent, let used, let limit):
      return Alert(
        .limitShare, percent >= 100 ? .critical : .warning, tenant: tenant(of: subject),
        at: now.wall, key: "share-\(subject)-\(meter)-\(percent)-\(now.wall.unixMilliseconds)",
        facts: [
          Alert.Fact("subject", name(of: subject)), Alert.Fact("limit of", "\(meter)"),
          Alert.Fact("percent", "\(percent)"),
          Alert.Fact("used", amount(used, meter, of: subject)),
          Alert.Fact("limit", amount(limit, meter, of: subject)),
        ] + callFacts(call))
    case .limitsChanged(let subject, let old, let new):
      return Alert(
        .limitChanged, .warning, tenant: tenant(of: subject), at: now.wall,
        key: "changed-\(subject)-\(now.wall.unixMilliseconds)",
        facts: [Alert.Fact("subject", name(of: subject))] + changes(from: old, to: new)
          + (rules.appliedBy.map { [Alert.Fact("applied by", $0)] } ?? []))
    case .unknownRate, .overrun, .clockBehind: return operatorAlert(of: notice, call, at: now)
    }
  }

  private func operatorAlert(of notice: LedgerNotice, _ call: Call?, at now: Now) -> Alert {
    switch notice {
    case .unknownRate(let account, let count):
      return Alert(
        .unknownRate, .warning, tenant: tenant(of: .account(account)), at: now.wall,
        key: "rate-\(account)-\(count)-\(now.wall.unixSeconds / 3600)",
        facts: [
          Alert.Fact("subject", name(of: .account(account))),
          Alert.Fact("calls in this hour", "\(count)"),
        ] + callFacts(call))
    case .overrun(let account, let hold, let excess):
      return Alert(
        .possiblyStillUp, .critical, tenant: tenant(of: .account(account)), at: now.wall,
        key: "overrun-\(hold)-\(now.wall.unixMilliseconds)",
        facts: [
          Alert.Fact("subject", name(of: .account(account))),
          Alert.Fact("above what was held", "\(excess)"),
        ] + callFacts(call))
    case .clockBehind(let by):
      return Alert(
        .internalFault, .critical, tenant: nil, at: now.wall,
        key: "clock-\(now.wall.unixSeconds / 3600)",
        facts: [Alert.Fact("the clock is behind by", "\(by.wholeMilliseconds / 1000) s")])
    case .blocked, .unblocked, .share, .limitsChanged:
      return alert(of: notice, call: call, at: now)
    }
  }

  /// Tells the first paid call of an account to a country, and from a network; what is known is told once.
  mutating func noteHabits(of route: OutsideRoute, in call: Call, at now: Now) {
    if route.number.isInternational {
      note(.country(route.account, route.number.region), isTold: true, route, call, at: now)
    }
    // Of a forwarded call the caller's address says nothing about whose money it is.
    guard route.forwardedBy == nil, call.caller.party.extension == route.payer,
      let source = call.caller.flow?.remote.address
    else { return }
    note(
      .network(route.account, source.network), isTold: habits.hasNetwork(route.account), route,
      call, at: now)
  }

  private mutating func note(
    _ habit: Habit, isTold: Bool, _ route: OutsideRoute, _ call: Call, at now: Now
  ) {
    guard !habits.knows(habit) else { return }
    habits.take(habit)
    journal.write(.habit(habit))
    guard isTold else { return }
    let whose = Alert.Fact("subject", name(of: .account(route.account)))
    let time = now.wall.unixMilliseconds
    switch habit {
    case .country(let account, let region):
      alert(
        .newCountry, .warning, tenant: tenant(of: .account(account)),
        key: "country-\(account)-\(region)-\(time)", at: now, [whose] + callFacts(call))
    case .network(let account, let network):
      alert(
        .newNetwork, .warning, tenant: tenant(of: .account(account)),
        key: "network-\(account)-\(network)-\(time)", at: now,
        [whose, Alert.Fact("network", network.networkText)] + callFacts(call))
    }
  }

  /// From where, with what, and to where the call was that brought it about.
  private func callFacts(_ call: Call?) -> [Alert.Fact] {
    guard let call else { return [] }
    var facts = [Alert.Fact("call", "\(call.id)"), Alert.Fact("to", call.record.normalised)]
    if !call.record.country.isEmpty { facts.append(Alert.Fact("country", call.record.country)) }
    if let flow = call.caller.flow {
      facts.append(Alert.Fact("from", "\(flow.remote)"))
      facts += located(flow.remote.address)
    }
    if !call.caller.userAgent.isEmpty {
      facts.append(Alert.Fact("phone", call.caller.userAgent))
    }
    return facts
  }

  /// As people know it: "office 101".
  func name(of subject: LimitSubject) -> String {
    switch subject {
    case .account(let account):
      rules.directory.line(paying: account).map { "\($0.tenant.name) \($0.digits)" }
        ?? "\(subject)"
    case .tenant(let tenant): rules.directory.tenant(tenant)?.name ?? "\(subject)"
    case .trunk(let trunk): rules.directory.trunk(trunk)?.name ?? "\(subject)"
    case .platform: "\(subject)"
    }
  }

  private func tenant(of subject: LimitSubject) -> TenantID? {
    switch subject {
    case .account(let account): rules.directory.line(paying: account)?.tenant.id
    case .tenant(let tenant): tenant
    case .trunk, .platform: nil
    }
  }

  /// ("money per day", "10.00 EUR -> none"), one for each term that is another one.
  private func changes(from old: LimitSet, to new: LimitSet) -> [Alert.Fact] {
    zip(old.terms, new.terms).compactMap { old, new in
      old.value == new.value ? nil : Alert.Fact(old.name, "\(old.value) -> \(new.value)")
    }
  }

  // MARK: - Amounts

  private func amount(_ value: Int64, _ meter: Meter, of subject: LimitSubject) -> String {
    switch meter.quantity {
    case .money: Money(micros: value, currency(of: subject)).description
    case .international, .attempts: "\(value)"
    }
  }

  private func currency(of subject: LimitSubject) -> Currency {
    let platform = Currency(rules.directory.platform.currency) ?? .eur
    switch subject {
    case .account(let account):
      return rules.directory.line(paying: account)?.tenant.currency ?? platform
    case .tenant(let tenant): return rules.directory.tenant(tenant)?.currency ?? platform
    case .trunk, .platform: return platform
    }
  }

  /// Somebody calls for help: the operator is told at once.
  mutating func emergencyAlert(_ record: CallDetailRecord, _ flow: Flow, at now: Now) {
    alert(
      .emergencyCall, .critical, tenant: record.tenant,
      key: "emergency-\(record.call)-\(now.wall.unixMilliseconds)", at: now,
      [
        Alert.Fact("call", "\(record.call)"), Alert.Fact("caller", record.caller),
        Alert.Fact("number", record.normalised), Alert.Fact("from", "\(flow.remote)"),
      ])
  }
}

extension LimitSet {
  /// What a person may set of it, each with its value in words; of every set the same ones in the same order.
  fileprivate var terms: [(name: String, value: String)] {
    LimitName.all.map { name in
      let value = self[name].map { name.isMoney ? "\(Money(micros: $0, currency))" : "\($0)" }
      return ("\(name)", value ?? "none")
    } + [
      ("price that counts", basis.words), ("prepaid", isPrepaid ? "yes" : "no"),
      ("blocks that end by themselves", releasesAtRoll.words),
    ]
  }
}

extension Basis {
  fileprivate var words: String {
    switch self {
    case .sell: "sell"
    case .purchase: "purchase"
    case .max: "the dearer of both"
    }
  }
}

extension PeriodSet {
  fileprivate var words: String {
    let periods = Period.allCases.filter { contains(PeriodSet($0)) }
    return periods.isEmpty ? "none" : periods.map(\.description).joined(separator: ", ")
  }
}
