import Elements

/// What counts against a source, once it is proven that the source did it.
///
/// A call or a subscription without credentials is none: each begins so (RFC 3261 §22.2).
package enum Offence: Hashable, Sendable {
  /// Credentials that are wrong, and what was tried; whether the user exists plays no part, so that a ban tells nobody.
  case wrongCredentials(UserKey, response: UInt64)
  /// Somebody asks without saying who he is: for a domain that is not ours, or whether a user is there. Each target is another.
  case probe(UInt64)
  /// Bytes that are no message; each is another.
  case malformed(UInt64)

  package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
    case wrongCredentials = 1
    case probe, malformed
    /// Many tries on one user.
    case guesses
  }

  var kind: Kind {
    switch self {
    case .wrongCredentials: .wrongCredentials
    case .probe: .probe
    case .malformed: .malformed
    }
  }

  /// What tells it from another of its kind, of one source: of wrong credentials the user, so that one user's are judged
  /// alone.
  var mark: UInt64 {
    switch self {
    case .wrongCredentials(let user, _): user.number
    case .probe(let mark), .malformed(let mark): mark
    }
  }
}

extension Offence.Kind {
  /// So many different ones within the window are too many.
  func limit(_ settings: GuardSettings) -> Int {
    switch self {
    case .wrongCredentials: settings.wrongUsers
    case .guesses: settings.wrongPasswords
    case .probe: settings.probes
    case .malformed: settings.malformed
    }
  }

  package var words: String {
    switch self {
    case .wrongCredentials: "users with wrong credentials"
    case .guesses: "wrong passwords for one user"
    case .probe: "targets that were probed"
    case .malformed: "malformed messages"
    }
  }
}

/// Different marks of a window, each with its time: a sliding log of bounded length.
struct SlidingLog: Sendable {
  private struct Mark: Sendable {
    let kind: Offence.Kind
    let mark: UInt64
    let at: Instant
  }

  /// Marks of one kind; no limit that decides can be higher.
  ///
  /// The oldest of the kind makes room, so that one kind does not drive out another.
  static let bound = 24

  private var marks: [Mark] = []

  /// The different marks of a kind within the window, and when the first of them was written.
  func marks(
    of kind: Offence.Kind, at now: Instant, window: Duration
  ) -> (marks: [UInt64], first: Instant?) {
    let live = marks.filter { $0.kind == kind && $0.at + window > now }
    return (live.map(\.mark), live.map(\.at).min())
  }

  /// Writes a mark down, unless the same is there already.
  ///
  /// - Returns: How many different ones of its kind the window has; nil where it is the same again.
  mutating func add(_ mark: UInt64, _ kind: Offence.Kind, at now: Instant, window: Duration) -> Int?
  {
    marks.removeAll { $0.at + window <= now }
    guard !marks.contains(where: { $0.kind == kind && $0.mark == mark }) else { return nil }
    let count = marks.count { $0.kind == kind }
    if count >= Self.bound, let oldest = marks.firstIndex(where: { $0.kind == kind }) {
      marks.remove(at: oldest)
    }
    marks.append(Mark(kind: kind, mark: mark, at: now))
    return min(count + 1, Self.bound)
  }
}
