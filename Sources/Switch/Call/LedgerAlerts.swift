import Elements
import Limits

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
    case .unblocked(let subject, let by, let grants):
      return Alert(
        .accountUnblocked, .information, tenant: tenant(of: subject), at: now.wall,
        key: "unblocked-\(subject)-\(now.wall.unixMilliseconds)",
        facts: [
          Alert.Fact("subject", name(of: subject)),
          Alert.Fact("by", by ?? "the end of the period"),
        ]
          + grants.map {
            Alert.Fact("granted", "\(amount($0.amount, $0.meter, of: subject)) more of \($0.meter)")
          })
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
        .chargedAboveHold, .critical, tenant: tenant(of: .account(account)), at: now.wall,
        key: "overrun-\(hold)-\(now.wall.unixMilliseconds)",
        facts: [
          Alert.Fact("subject", name(of: .account(account))),
          Alert.Fact("above what was held", "\(excess)"),
        ] + callFacts(call))
    case .clockBehind(let by):
      return Alert(
        .clockBehind, .critical, tenant: nil, at: now.wall,
        key: "clock-\(now.wall.unixSeconds / 3600)",
        facts: [Alert.Fact("the clock is behind by", "\(by.wholeMilliseconds / 1000) s")])
    case .blocked, .unblocked, .share, .limitsChanged:
      return alert(of: notice, call: call, at: now)
    }
  }

  /// ("money per day", "10.00 EUR -> none"), one for each term that is another one.
  private func changes(from old: LimitSet, to new: LimitSet) -> [Alert.Fact] {
    zip(old.terms, new.terms).compactMap { old, new in
      old.value == new.value ? nil : Alert.Fact(old.name, "\(old.value) -> \(new.value)")
    }
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
