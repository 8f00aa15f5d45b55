import Elements

/// The first packet of a stranger to a port, and which conditions of a filter it fulfils.
struct FilterPacket {
  let kind: OpenPort.Kind
  let port: UInt16
  let isV4: Bool
  /// Where it is sent to; nil: any address of this machine.
  let address: IPAddress?

  /// Whether a condition holds.
  enum Answer: Hashable {
    case yes, no, maybe

    static prefix func ! (answer: Answer) -> Answer {
      switch answer {
      case .yes: .no
      case .no: .yes
      case .maybe: .maybe
      }
    }

    init(_ holds: Bool) { self = holds ? .yes : .no }
  }

  /// Of a `match` statement.
  func fits(_ match: FilterValue, _ rules: FilterRules, in place: FilterRules.Place) -> Answer {
    guard let left = match["left"], let right = match["right"] else { return .maybe }
    return fits(match["op"]?.text ?? "==", left, right, rules, in: place)
  }

  func fits(
    _ operation: String, _ left: FilterValue, _ right: FilterValue, _ rules: FilterRules,
    in place: FilterRules.Place
  ) -> Answer {
    guard hasField(left) else { return .no }
    if let answer = fitsFlags(operation, left, right) { return answer }
    switch operation {
    case "==", "in", "!=":
      guard let values = rules.elements(of: right, in: place) else { return .maybe }
      let answers = values.map { isEqual(left, $0) }
      let answer: Answer =
        answers.contains(.yes) ? .yes : answers.contains(.maybe) ? .maybe : .no
      return operation == "!=" ? !answer : answer
    case "<", ">", "<=", ">=":
      guard let limit = right.number, Self.isDestinationPort(left) else { return .maybe }
      let port = Int(port)
      switch operation {
      case "<": return Answer(port < limit)
      case ">": return Answer(port > limit)
      case "<=": return Answer(port <= limit)
      case _: return Answer(port >= limit)
      }
    case _: return .maybe
    }
  }

  /// A condition on a field that the packet has not fails, whatever it asks for (nft(8), implicit dependencies).
  private func hasField(_ left: FilterValue) -> Bool {
    let field = left["payload"] ?? left["&"]?.list?.first?["payload"]
    guard let name = field?["protocol"]?.text else { return true }
    switch name {
    case "tcp", "udp": return name == kind.rawValue
    case "ip": return isV4
    case "ip6": return !isV4
    case "icmp", "icmpv6", "igmp", "sctp", "dccp", "udplite", "esp", "ah", "comp", "arp", "vlan":
      return false
    case _: return true
    }
  }

  /// Of the flags of TCP, alone or under a mask: the first packet has SYN and no other; nil for another field.
  ///
  /// Several at the right are one value here, all of them, but for `in`, which asks for any.
  private func fitsFlags(
    _ operation: String, _ left: FilterValue, _ right: FilterValue
  ) -> Answer? {
    let masked = left["&"]?.list
    guard (left["payload"] ?? masked?.first?["payload"])?["field"]?.text == "flags" else {
      return nil
    }
    guard let wanted = Self.flags(right) else { return .maybe }
    var sent: Set<String> = ["syn"]
    if let masked {
      guard masked.count == 2, let mask = Self.flags(masked[1]) else { return .maybe }
      sent.formIntersection(mask)
    }
    switch operation {
    case "==": return Answer(sent == wanted)
    case "!=": return Answer(sent != wanted)
    case "in": return Answer(!sent.isDisjoint(with: wanted))
    case _: return .maybe
    }
  }

  /// One flag, several, or none; nil for what is neither.
  private static func flags(_ value: FilterValue) -> Set<String>? {
    if let text = value.text { return [text] }
    if value.number == 0 { return [] }
    guard let parts = value.list ?? value["|"]?.list else { return nil }
    var all: Set<String> = []
    for part in parts {
      guard let some = flags(part) else { return nil }
      all.formUnion(some)
    }
    return all
  }

  private static func isDestinationPort(_ left: FilterValue) -> Bool {
    left["payload"]?["field"]?.text == "dport"
  }

  private func isEqual(_ left: FilterValue, _ value: FilterValue) -> Answer {
    guard let (form, field) = left.single else { return .maybe }
    switch form {
    case "meta": return isMeta(field["key"]?.text ?? "", value)
    case "ct":
      return field["key"]?.text == "state" ? Answer(value == .text("new")) : .maybe
    case "payload": return isPayload(field["field"]?.text ?? "", value)
    case _: return .maybe
    }
  }

  private func isMeta(_ key: String, _ value: FilterValue) -> Answer {
    switch key {
    case "l4proto": return isProtocol(value)
    case "nfproto": return Answer(value == .text(isV4 ? "ipv4" : "ipv6"))
    case "protocol": return Answer(value == .text(isV4 ? "ip" : "ip6"))
    // Any but the machine's own may be where the internet is.
    case "iif", "iifname": return value == .text("lo") ? .no : .maybe
    case _: return .maybe
    }
  }

  private func isProtocol(_ value: FilterValue) -> Answer {
    Answer(value == .text(kind.rawValue) || value == .number(kind == .tcp ? 6 : 17))
  }

  private func isPayload(_ field: String, _ value: FilterValue) -> Answer {
    switch field {
    case "dport":
      if let ends = value["range"]?.list?.compactMap(\.number), ends.count == 2 {
        return Answer(ends[0] <= Int(port) && Int(port) <= ends[1])
      }
      return value.number.map { Answer($0 == Int(port)) } ?? .maybe
    case "protocol", "nexthdr": return isProtocol(value)
    case "saddr": return isStrangers(value)
    case "daddr":
      guard let address, let network = Self.network(value) else { return .maybe }
      return Answer(network.contains(address))
    case _: return .maybe
    }
  }

  /// Whether a stranger comes from there: from single networks he does not, from very wide ones he may.
  private func isStrangers(_ value: FilterValue) -> Answer {
    guard let network = Self.network(value) else { return .maybe }
    return network.isWide ? .maybe : .no
  }

  private static func network(_ value: FilterValue) -> IPNetwork? {
    if let text = value.text { return IPNetwork(text) }
    guard let prefix = value["prefix"], let address = prefix["addr"]?.text,
      let length = prefix["len"]?.number
    else { return nil }
    return IPNetwork("\(address)/\(length)")
  }
}

extension FilterRules {
  /// The values that a condition names: one, several, or those of a set; nil where the set is not known.
  func elements(of value: FilterValue, in place: Place) -> [FilterValue]? {
    if let name = value.text, name.hasPrefix("@") {
      return sets[Place(family: place.family, table: place.table, name: String(name.dropFirst()))]?
        .map { $0["elem"]?["val"] ?? $0 }
    }
    return value["set"]?.list ?? value.list ?? [value]
  }
}
