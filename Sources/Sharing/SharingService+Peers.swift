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
    state.withLock { $0.list.heard(of: peer.key) }
  }

  /// Takes the lines of an answer, up to the first that is wrong.
  ///
  /// - Returns: How many entries there were.
  @discardableResult
  package func hear(_ bytes: [UInt8], of peer: SharingSettings.Peer) throws -> Int {
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
    if let refusal = try keep(entries, of: peer) { throw refusal }
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
    _ entries: [SignedEntry], of peer: SharingSettings.Peer
  ) throws(StoreError) -> EntryRefusal? {
    guard !entries.isEmpty else { return nil }
    let now = clock()
    var suspicions: [EntryDefect] = []
    let refusal = try state.withLock { state throws(StoreError) -> EntryRefusal? in
      var list = state.list
      rules(&list)
      list.sweep(at: now.wall)
      var counting: [SignedEntry] = []
      var changes: [ListChange] = []
      var end: ListEnd?
      var ignored: [EntryDefect] = []
      let refusal = Self.judge(entries, list: &list, at: now) { signed, digest, verdict in
        end = ListEnd(sequence: signed.entry.sequence, head: digest)
        switch verdict {
        case .counts(let more):
          counting.append(signed)
          changes += more
        case .ignored(let defect): ignored.append(defect)
        }
      }
      if let end {
        try database.hear(counting, of: peer.key, through: end, at: now.wall)
      }
      state.list = list
      state.untold += changes
      suspicions = ignored.filter(\.isSuspicious)
      state.peers[peer.key, default: PeerState()].ignored += suspicions.count
      if let last = suspicions.last {
        state.peers[peer.key, default: PeerState()].lastIgnored = "\(last)"
      }
      return refusal
    }
    state.change { !$0.untold.isEmpty }
    if let first = suspicions.first { report(.suspicious(peer: peer.name, "\(first)")) }
    return refusal
  }

  private static func judge(
    _ entries: [SignedEntry], list: inout SharedList, at now: Now,
    _ judged: (SignedEntry, Bits256, EntryVerdict) -> Void
  ) -> EntryRefusal? {
    for signed in entries {
      let digest = ListSigner.digest(signed.entry)
      do throws(EntryRefusal) {
        judged(signed, digest, try list.hear(signed.entry, digest: digest, at: now))
      } catch { return error }
    }
    return nil
  }

  /// Passes over what a peer has no more.
  package func skip(_ peer: SharingSettings.Peer, to sequence: UInt64) throws(StoreError) {
    guard sequence > heard(of: peer) else { return }
    let end = ListEnd(sequence: sequence, head: nil)
    try database.hear([], of: peer.key, through: end, at: clock().wall)
    state.withLock { $0.list.skip(peer.key, to: sequence) }
    report(.suspicious(peer: peer.name, "it has no entries before \(sequence) any more"))
  }

  // MARK: - How it goes

  func answered(_ peer: SharingSettings.Peer) {
    let now = clock().wall
    let wasWrong = state.withLock { state in
      defer {
        state.peers[peer.key, default: PeerState()].answeredAt = now
        state.peers[peer.key, default: PeerState()].complaint = nil
      }
      return state.peers[peer.key]?.complaint != nil
    }
    if wasWrong { report(.recovered(peer: peer.name)) }
  }

  func complain(of peer: SharingSettings.Peer, _ complaint: String) {
    let isNew = state.withLock { state in
      defer { state.peers[peer.key, default: PeerState()].complaint = complaint }
      return state.peers[peer.key]?.complaint != complaint
    }
    if isNew { report(.complaint(peer: peer.name, complaint)) }
  }

  package func peers() -> [PeerStanding] {
    state.withLock { state in
      settings.peers.map { peer in
        PeerStanding(
          peer: peer, state: state.peers[peer.key] ?? PeerState(),
          sequence: state.list.heard(of: peer.key), listings: state.list.count(of: peer.key))
      }
    }
  }
}
