package import Elements

/// Who is banned: the narrowest that explains what happened.
package enum BanSubject: Hashable, Sendable {
  /// One user, from one source: its credentials are not looked at.
  case user(UserKey, from: IPNetwork)
  /// Everything from there but the flows of known phones; where phones are known, only who is new, and not dropped but slowed.
  case network(IPNetwork)
}

/// A timed ban, and what it is for.
package struct Ban: Hashable, Sendable {
  package enum Cause: Hashable, Sendable {
    case offences(Offence.Kind, count: Int)
    /// It went on although it was closed out.
    case persistence(tries: Int)
    /// So many networks within it are banned.
    case neighbours(count: Int)
    /// A person's order, in his words.
    case order(String)
  }

  package let subject: BanSubject
  package let cause: Cause
  package let since: WallTime
  /// Nil: until a person lifts it.
  package let until: WallTime?
  /// How often it was banned before, less what has decayed.
  package let rung: Int

  package init(
    _ subject: BanSubject, _ cause: Cause, since: WallTime, until: WallTime?, rung: Int
  ) {
    (self.subject, self.cause, self.rung) = (subject, cause, rung)
    (self.since, self.until) = (since, until)
  }

  /// Ordered by a person: it holds for everybody from there, known or not.
  package var isOrder: Bool { if case .order = cause { true } else { false } }

  package func isOver(at wall: WallTime) -> Bool { until.map { $0 <= wall } ?? false }
}

/// One change of what the guard remembers, as the journal has it.
package enum GuardChange: Hashable, Sendable {
  case put(Ban)
  /// A person has lifted it, or the phone has proven itself.
  case lift(BanSubject)
  /// A phone has proven itself from there, at that time.
  case known(IPNetwork, WallTime)
}

extension BanSubject: CustomStringConvertible {
  package var description: String {
    switch self {
    case .user(_, let network): "one user from \(network)"
    case .network(let network): "\(network)"
    }
  }

  package var network: IPNetwork {
    switch self {
    case .user(_, let network), .network(let network): network
    }
  }
}

extension Ban.Cause: CustomStringConvertible {
  package var description: String {
    switch self {
    case .offences(let kind, let count): "\(count) \(kind.words)"
    case .persistence(let tries): "\(tries) more tries within a minute after it was closed out"
    case .neighbours(let count): "\(count) networks within it are banned"
    case .order(let words): words.isEmpty ? "by order" : words
    }
  }
}
