package import Elements
import Guard
package import Store

// Our own list: written, signed, read by others.

extension SharingService {
  /// Entries of one answer.
  package static let page = 500

  /// Our public key, which others know us by.
  package var identity: Bits256 { signer.reporter }

  /// Writes what the switch has seen, in one transaction.
  ///
  /// - Returns: What has to be tried again: nothing, or all of it.
  func write(_ seen: [Seen], again: Bool) -> [Seen] {
    guard !seen.isEmpty else { return [] }
    let now = clock()
    var own = board.withLock(\.own)
    let rules = rules
    var written: [(signed: SignedEntry, evidence: String)] = []
    var head = Bits256.zero
    func write(_ entry: ListEntry, _ evidence: String) throws {
      head = ListSigner.digest(entry)
      own.wrote(entry, digest: head)
      written.append((try signer.sign(entry), evidence))
    }
    do {
      for happening in seen {
        switch happening {
        case .found(let finding):
          let evidence = Self.evidence(of: finding)
          let digest = ListSigner.digest(of: Array(evidence.utf8))
          if let entry = own.entry(for: finding, digest: digest, rules, at: now) {
            try write(entry, evidence)
          }
        case .absolved(let network):
          for listed in own.listed(overlapping: network, at: now.wall) {
            try write(own.removal(of: listed, at: now.wall), "")
          }
        }
      }
      try database.append(written, head: head, at: now.wall)
    } catch {
      if !again { report(.failed("\(error)")) }
      return seen
    }
    let last = own.last
    board.withLock { swap(&$0.own, &own) }
    if !written.isEmpty { bell.ring(last) }
    return []
  }

  /// What the digest of an entry is of; with a number that nobody guesses, so that it says nothing by itself.
  private static func evidence(of finding: Finding) -> String {
    let users = finding.users.map { "\($0)" }.joined(separator: " ")
    var dice = SystemRandomNumberGenerator()
    return """
      \(finding.network): \(finding.score) \(finding.offence.words) from \(finding.first.unixMilliseconds) to \
      \(finding.last.unixMilliseconds); users \(users); salt \(UInt64.random(in: 0 ... .max, using: &dice))
      """
  }

  // MARK: - Readers

  /// What a reader gets who has heard our list up to a number.
  package enum Page: Hashable, Sendable {
    case entries([SignedEntry])
    /// What he would have to hear next is gone.
    case gone(oldest: UInt64)
    /// He has heard more than we have said.
    case ahead(last: UInt64)
  }

  package func page(after sequence: UInt64) throws(StoreError) -> Page {
    let last = bell.last
    guard sequence <= last else { return .ahead(last: last) }
    let (oldest, entries) = try database.listEntries(after: sequence, limit: Self.page)
    return sequence + 1 < oldest ? .gone(oldest: oldest) : .entries(entries)
  }

  /// The networks that we list now.
  package func listed() -> [IPNetwork] {
    board.withLock(\.own).standing(at: clock().wall)
  }
}
