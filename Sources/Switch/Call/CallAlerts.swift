import Directory
import Elements
import Limits
import Numbering
import SIP

// What people are told of a call itself: whom it is the first of, and that somebody calls for help.

extension SwitchCore {
  /// Tells the first paid call of an account to a country, and from a network; what is known is told once.
  mutating func noteNovelties(of route: OutsideRoute, in call: Call, at now: Now) {
    if route.number.isInternational {
      note(.country(route.account, route.number.region), isTold: true, route, call, at: now)
    }
    // Of a forwarded call the caller's address says nothing about whose money it is.
    guard route.forwardedBy == nil, call.caller.party.extension == route.payer,
      let source = call.caller.flow?.remote.address
    else { return }
    note(
      .network(route.account, source.network), isTold: novelties.hasNetwork(route.account), route,
      call, at: now)
  }

  private mutating func note(
    _ novelty: Novelty, isTold: Bool, _ route: OutsideRoute, _ call: Call, at now: Now
  ) {
    guard !novelties.knows(novelty) else { return }
    novelties.take(novelty)
    journal.write(.novelty(novelty))
    guard isTold else { return }
    let whose = Alert.Fact("subject", name(of: .account(route.account)))
    let time = now.wall.unixMilliseconds
    switch novelty {
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
  func callFacts(_ call: Call?) -> [Alert.Fact] {
    guard let call else { return [] }
    var facts = [Alert.Fact("call", "\(call.id)")]
    if let route = call.forwardOutside {
      // What costs money is where it leads, not what was dialled.
      facts += [
        Alert.Fact("to", "\(route.number.number)"), Alert.Fact("country", "\(route.number.region)"),
        Alert.Fact("forwarded by", name(of: .account(route.account))),
        Alert.Fact("dialled", call.record.normalised),
      ]
    } else {
      facts.append(Alert.Fact("to", call.record.normalised))
      if !call.record.country.isEmpty { facts.append(Alert.Fact("country", call.record.country)) }
    }
    if let flow = call.caller.flow {
      facts.append(Alert.Fact("from", "\(flow.remote)"))
      facts += located(flow.remote.address)
    }
    if !call.caller.userAgent.isEmpty {
      facts.append(Alert.Fact("phone", call.caller.userAgent))
    }
    return facts
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

extension Call {
  /// The forward to a number outside that was tried last, if any.
  fileprivate var forwardOutside: OutsideRoute? {
    for branch in branches.reversed() {
      if case .outside(let route) = branch.target, route.forward != nil { return route }
    }
    return nil
  }
}
