import Elements

/// What the kernel's filter does with the first packet of a stranger, as far as its rules can be read.
///
/// A stranger comes from the internet by no interface of ours in particular: rules for single networks are not for him. What
/// cannot be decided here, such as rates or rules of other tools, may turn out both ways.
package struct FilterJudge {
  package enum Verdict: Hashable, Sendable { case open, closed, unsure }

  /// How a walk through a chain may end.
  private struct Ends {
    var accepts = false
    var drops = false
    /// Comes out at its end, or by `return`.
    var goesOn = false
  }

  /// What one rule may do.
  private struct Step {
    var accepts = false
    var drops = false
    var returns = false
    /// The next rule is asked.
    var isPassed = false
  }

  private let rules: FilterRules
  private static let deepest = 16

  package init(_ rules: FilterRules) { self.rules = rules }

  /// Whether a stranger's packet gets to who listens there; who listens on every address of IPv6 may be there for IPv4 as
  /// well.
  package func verdict(on port: OpenPort) -> Verdict {
    let address = port.endpoint.address
    let families = address == .v6Any ? [false, true] : [address.isV4]
    let verdicts = families.map { isV4 in
      verdict(
        on: FilterPacket(
          kind: port.kind, port: port.endpoint.port, isV4: isV4,
          address: address.isUnspecified ? nil : address))
    }
    return verdicts.contains(.open) ? .open : verdicts.contains(.unsure) ? .unsure : .closed
  }

  func verdict(on packet: FilterPacket) -> Verdict {
    // What is sent on goes past what is there for this machine itself.
    if leadsOn(packet) != .no { return .unsure }
    var mayDrop = false
    for chain in rules.entries("filter", ["prerouting", "input"], isV4: packet.isV4) {
      var ends = walk(chain.place, packet, 0)
      if ends.goesOn {
        if chain.policyDrops { ends.drops = true } else { ends.accepts = true }
      }
      if !ends.accepts { return .closed }
      mayDrop = mayDrop || ends.drops
    }
    return mayDrop ? .unsure : .open
  }

  /// Whether it is sent on to another port or machine before the filter for this one sees it, as containers have it.
  func leadsOn(_ packet: FilterPacket) -> FilterPacket.Answer {
    var answer = FilterPacket.Answer.no
    for chain in rules.entries("nat", ["prerouting"], isV4: packet.isV4) {
      var (waiting, seen) = ([chain.place], Set([chain.place]))
      while let place = waiting.popLast() {
        for rule in rules.chains[place]?.rules ?? [] {
          let holds = condition(of: rule, packet, in: place)
          guard holds != .no else { continue }
          // Where a map leads is not followed.
          if rule.contains(where: { $0["vmap"] != nil }) { answer = .maybe }
          if rule.contains(where: { $0["dnat"] != nil || $0["redirect"] != nil || $0["xt"] != nil })
          {
            if holds == .yes { return .yes }
            answer = .maybe
          }
          for target in rule.compactMap({ ($0["jump"] ?? $0["goto"])?["target"]?.text }) {
            let next = FilterRules.Place(family: place.family, table: place.table, name: target)
            if seen.insert(next).inserted { waiting.append(next) }
          }
        }
      }
    }
    return answer
  }

  private func condition(
    of rule: [FilterValue], _ packet: FilterPacket, in place: FilterRules.Place
  ) -> FilterPacket.Answer {
    var answer = FilterPacket.Answer.yes
    for statement in rule {
      if statement["xt"] != nil { answer = .maybe }
      guard let match = statement["match"] else { continue }
      switch packet.fits(match, rules, in: place) {
      case .no: return .no
      case .maybe: answer = .maybe
      case .yes: break
      }
    }
    return answer
  }

  private func walk(_ place: FilterRules.Place, _ packet: FilterPacket, _ depth: Int) -> Ends {
    guard depth < Self.deepest, let chain = rules.chains[place] else {
      return Ends(accepts: true, drops: true, goesOn: true)
    }
    var ends = Ends()
    for rule in chain.rules {
      let step = step(of: rule, packet, in: place, depth)
      ends.accepts = ends.accepts || step.accepts
      ends.drops = ends.drops || step.drops
      ends.goesOn = ends.goesOn || step.returns
      if !step.isPassed { return ends }
    }
    ends.goesOn = true
    return ends
  }

  private func step(
    of rule: [FilterValue], _ packet: FilterPacket, in place: FilterRules.Place, _ depth: Int
  ) -> Step {
    var isCertain = true
    for statement in rule {
      guard let (key, value) = statement.single else {
        isCertain = false
        continue
      }
      switch key {
      case "match":
        switch packet.fits(value, rules, in: place) {
        case .no: return Step(isPassed: true)
        case .maybe: isCertain = false
        case .yes: break
        }
      case "vmap":
        var step = chosen(by: value, packet, in: place, depth)
        step.isPassed = step.isPassed || !isCertain
        return step
      case "counter", "log", "comment", "mangle", "notrack", "ct helper": break
      // What is noted in a set is noted for everybody, unless a rate of its own says for whom the rule goes on.
      case "set": if value["stmt"] != nil || value["elem"]?["elem"] != nil { isCertain = false }
      case _:
        if var step = verdict(key, value, packet, in: place, depth) {
          step.isPassed = step.isPassed || !isCertain
          return step
        }
        isCertain = false
      }
    }
    // A verdict of another tool may be in what cannot be read.
    return rule.contains { $0["xt"] != nil }
      ? Step(accepts: true, drops: true, isPassed: true) : Step(isPassed: true)
  }

  /// Of a statement that ends the rule; nil for another.
  private func verdict(
    _ key: String, _ value: FilterValue, _ packet: FilterPacket, in place: FilterRules.Place,
    _ depth: Int
  ) -> Step? {
    func ends() -> Ends {
      let name = value["target"]?.text ?? ""
      return walk(
        FilterRules.Place(family: place.family, table: place.table, name: name), packet, depth + 1)
    }
    switch key {
    case "accept": return Step(accepts: true)
    case "drop", "reject": return Step(drops: true)
    case "return": return Step(returns: true)
    case "continue": return Step(isPassed: true)
    case "queue": return Step(accepts: true, drops: true)
    case "jump":
      let ends = ends()
      return Step(accepts: ends.accepts, drops: ends.drops, isPassed: ends.goesOn)
    case "goto":
      let ends = ends()
      return Step(accepts: ends.accepts, drops: ends.drops, returns: ends.goesOn)
    case _: return nil
    }
  }

  /// The verdict that a map has for the packet.
  private func chosen(
    by map: FilterValue, _ packet: FilterPacket, in place: FilterRules.Place, _ depth: Int
  ) -> Step {
    guard let key = map["key"], let data = map["data"],
      let pairs = rules.elements(of: data, in: place)
    else { return Step(accepts: true, drops: true, isPassed: true) }
    var all = Step()
    for pair in pairs {
      guard let pair = pair.list, pair.count == 2, let (name, value) = pair[1].single else {
        return Step(accepts: true, drops: true, isPassed: true)
      }
      let fits = packet.fits("==", key, pair[0], rules, in: place)
      guard fits != .no, let step = verdict(name, value, packet, in: place, depth) else { continue }
      all.accepts = all.accepts || step.accepts
      all.drops = all.drops || step.drops
      all.returns = all.returns || step.returns
      all.isPassed = all.isPassed || step.isPassed
      if fits == .yes { return all }
    }
    all.isPassed = true
    return all
  }
}
