/// What the edge takes for too much, where an operator wants it other than usual; nil: as usual.
package struct EdgeEntry: Codable, Hashable, Sendable {
  /// Different users with wrong credentials from one address within ten minutes, for which it is banned.
  package var wrongUsers: Int?
  /// Different wrong passwords for one user from one address within ten minutes, for which he is closed there.
  package var wrongPasswords: Int?
  /// Different targets that one address looks for within ten minutes, for which it is banned.
  package var probes: Int?
  /// How long the first ban lasts, the second …, in seconds; the last one for all that follow.
  package var banSeconds: [Int]?
  /// Messages of all strangers of an address family that are looked at in a second.
  package var strangersPerSecond: Int?
  /// Calls that one account may begin in a second.
  package var callsPerSecond: Int?
  /// How long an address is known at which a phone has proven itself.
  package var knownHours: Int?

  package init() {}

  /// More different ones of an offence are not told apart.
  package static let offences = 24
  package static let banRange = 60...604_800
  package static let mostBans = 8
}

extension Compilation {
  mutating func check(_ edge: EdgeEntry?, at path: FieldPath) {
    guard let edge else { return }
    checkRange(edge.wrongUsers, 2...EdgeEntry.offences, at: path.key("wrong_users"))
    checkRange(edge.wrongPasswords, 3...EdgeEntry.offences, at: path.key("wrong_passwords"))
    checkRange(edge.probes, 5...EdgeEntry.offences, at: path.key("probes"))
    checkRange(edge.strangersPerSecond, 100...100_000, at: path.key("strangers_per_second"))
    checkRange(edge.callsPerSecond, 1...1_000, at: path.key("calls_per_second"))
    checkRange(edge.knownHours, 1...720, at: path.key("known_hours"))
    if let seconds = edge.banSeconds { check(banSeconds: seconds, at: path.key("ban_seconds")) }
  }

  private mutating func check(banSeconds: [Int], at path: FieldPath) {
    let range = EdgeEntry.banRange
    guard (1...EdgeEntry.mostBans).contains(banSeconds.count) else {
      return report(
        path,
        "expected 1 to \(EdgeEntry.mostBans) times in seconds; leave the key out for the usual ones"
      )
    }
    if let wrong = banSeconds.first(where: { !range.contains($0) }) {
      report(
        path,
        """
        \(wrong) is not from \(range.lowerBound) to \(range.upperBound) seconds (7 days); to ban somebody for \
        longer, use `martinet bans add`
        """)
    } else if zip(banSeconds, banSeconds.dropFirst()).contains(where: >) {
      report(path, "each ban is at least as long as the one before; put them in that order")
    }
  }
}
