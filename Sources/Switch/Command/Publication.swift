package import Elements
package import Guard

/// What the switch tells the services above it; nothing here is needed for its own work.
package enum Publication: Sendable {
  /// In a place of its own: it is large, and every effect would be as large as the largest.
  indirect case reply(CommandToken, CommandReply)
  case log(LogLine)
  /// Draining is complete: no call is left.
  case drained
  /// Nothing from that network need be read until then, or ever: no phone of ours is there.
  case bar(IPNetwork, until: WallTime?)
  case unbar(IPNetwork)
  /// Something was seen that others could be told, in a place of its own.
  indirect case found(Finding)
  /// A person has lifted what is banned of that network.
  case absolved(IPNetwork)
  /// Who is never banned: what the operator names, and where carriers are reached now.
  case spared([IPNetwork])
}

/// One decision, one line.
package struct LogLine: Hashable, Sendable {
  package enum Level: String, Hashable, Comparable, Sendable {
    case debug, info, warning, error

    package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

    private var rank: Int {
      switch self {
      case .debug: 0
      case .info: 1
      case .warning: 2
      case .error: 3
      }
    }
  }

  package let level: Level
  /// What was decided: "call routed", "call refused", "binding added".
  package let event: String
  package let call: CallID?
  package let tenant: TenantID?
  /// Facts by name, in order; never a secret, at `info` and above never a full number.
  package let facts: [Alert.Fact]

  package init(
    _ level: Level, _ event: String, call: CallID? = nil, tenant: TenantID? = nil,
    facts: [Alert.Fact] = []
  ) {
    (self.level, self.event, self.call) = (level, event, call)
    (self.tenant, self.facts) = (tenant, facts)
  }
}

/// A number as it may stand in a log: country and last two digits, "+34…22".
package func masked(_ number: String) -> String {
  guard number.count > 5 else { return number }
  return "\(number.prefix(3))…\(number.suffix(2))"
}
