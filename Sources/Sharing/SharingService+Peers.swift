import Elements
import Guard
package import Store

// What peers say: verified, heard in its order, kept, and told to the switch.

extension SharingService {
  /// Why the rest of an answer is not believed; what came before it counts.
  struct Disbelief: Error, CustomStringConvertible {
    let description: String
  }

  func heard(of peer: SharingSettings.Peer) -> UInt64 {
    board.withLock { $0.list.heard(of: peer.key) }
  }

  /// Takes the lines of an answer, up to the first that is wrong; `asNews` where all was heard that there was before.
  ///
  /// - Returns: How many entries there were.
  @discardableResult
  package func hear(
    _ bytes: [UInt8], of peer: SharingSettings.Peer, asNews: Bool = false
  ) throws -> Int {
    var entries: [SignedEntry] = []
    var disbelief: Disbelief?
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      do {
        entries.append(try Self.proven(line, by: peer))
      } catch {
        disbelief = Disbelief(description: "\(error)")
        break
      }
    }
    if let refusal = try keep(entries, of: peer, asNews: asNews) { throw refusal }
    if let disbelief { throw disbelief }
    return entries.count
  }

  /// Outside of every lock: a signature takes its time.
  private static func proven(
    _ line: ArraySlice<UInt8>, by peer: SharingSettings.Peer
  ) throws -> SignedEntry {
    let signed = try ListLine.entry(line)
    guard signed.entry.reporter == peer.key else {
      throw Disbelief(
        description: "entry \(signed.entry.sequence) is of somebody else than this peer")
    }
    guard ListSigner.isRight(signed) else {
      throw Disbelief(description: "the signature of entry \(signed.entry.sequence) is wrong")
    }
    return signed
  }

  /// Judges entries and writes what counts; what the list is afterwards holds only when that is on disk.
  ///
  /// - Returns: Why the next entry was refused; nil where all continue the list.
  private func keep(
    _ entries: [SignedEntry], of peer: SharingSettings.Peer, asNews: Bool
  ) throws(StoreError) -> EntryRefusal? {
    guard !entries.isEmpty else { return nil }
    let now = clock()
    let page = entries.map { (entry: $0.entry, digest: ListSigner.digest($0.entry)) }
    let hearing = try amend { list throws(StoreError) in
      let hearing = list.hear(page, at: now)
      if let last = page.prefix(hearing.verdicts.count).last {
        let counting = zip(entries, hearing.verdicts).filter { $0.1 == .counts }.map(\.0)
        let end = ListEnd(sequence: last.entry.sequence, head: last.digest)
        try database.hear(counting, of: peer.key, through: end, at: now.wall)
      }
      return (hearing, hearing.changes)
    }
    var suspicions = hearing.suspicions.map { "\($0)" }
    if asNews, hearing.verdicts.last == .ignored(.expired) {
      // Nobody lists for as short a time as that took.
      suspicions.append("what it lists is over when it comes: compare the clocks of both servers")
    }
    suspect(peer, suspicions)
    return hearing.refusal
  }

  /// Something of a peer should not be there; that is shown, and told now and then.
  private func suspect(_ peer: SharingSettings.Peer, _ suspicions: [String]) {
    guard let first = suspicions.first, let last = suspicions.last else { return }
    let now = clock().instant
    let count = board.withLock { board in
      board.peers[peer.key, default: PeerState()].ignored += suspicions.count
      board.peers[peer.key, default: PeerState()].lastIgnored = last
      return board.peers[peer.key, default: PeerState()].suspect(suspicions.count, at: now)
    }
    if let count { report(.suspicious(peer: peer.name, first, count: count)) }
  }

  /// Passes over what a peer has no more.
  package func skip(_ peer: SharingSettings.Peer, to sequence: UInt64) throws(StoreError) {
    let isNews = try amend { list throws(StoreError) in
      guard sequence > list.heard(of: peer.key) else { return (false, []) }
      let end = ListEnd(sequence: sequence, head: nil)
      try database.hear([], of: peer.key, through: end, at: clock().wall)
      list.skip(peer.key, to: sequence)
      return (true, [])
    }
    guard isNews else { return }
    suspect(peer, ["it has no entries before \(sequence) any more"])
  }

  // MARK: - How it goes

  func answered(_ peer: SharingSettings.Peer) {
    let now = clock().wall
    let isNews = board.withLock { $0.peers[peer.key, default: PeerState()].answer(at: now) }
    if isNews { report(.recovered(peer: peer.name)) }
  }

  func complain(of peer: SharingSettings.Peer, _ complaint: String) {
    let now = clock().instant
    let isNews = board.withLock {
      $0.peers[peer.key, default: PeerState()].complain(complaint, at: now)
    }
    if isNews { report(.complaint(peer: peer.name, complaint)) }
  }

  package func peers() -> [PeerStanding] {
    board.withLock { board in
      settings.peers.map { peer in
        PeerStanding(
          peer: peer, state: board.peers[peer.key] ?? PeerState(),
          sequence: board.list.heard(of: peer.key), listings: board.list.count(of: peer.key))
      }
    }
  }
}

extension Hearing {
  /// What of it should not have been there.
  fileprivate var suspicions: [EntryDefect] {
    verdicts.compactMap { verdict in
      switch verdict {
      case .counts: nil
      case .ignored(let defect): defect.isSuspicious ? defect : nil
      }
    }
  }
}
