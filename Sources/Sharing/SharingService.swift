package import Elements
package import Guard
package import Store

/// What the operator's log is told.
package enum SharingReport: Hashable, Sendable {
  /// A peer's list is not heard any more, or is again.
  case complaint(peer: String, String)
  case recovered(peer: String)
  /// Something in a peer's list should not be there.
  case suspicious(peer: String, String)
  /// Our own list cannot be written; it is tried again.
  case failed(String)
}

/// Shares bans: writes and signs our list, hears those of peers, and brings what follows to the switch.
///
///     switch ──found──▶ our list, signed ──▶ readers             (thread "sharing")
///     peers ──entries──▶ signature ──▶ SharedList ──▶ database    (a thread for each peer)
///                                          └──changes──▶ switch   (thread "sharing")
///
/// What is heard is in the database before the switch is told of it, and taken back from there at the next start.
package final class SharingService: Sendable {
  struct State: Sendable {
    var list: SharedList
    var own: OwnList
    /// What the switch has seen and not been written yet.
    var seen: [Seen] = []
    /// What the switch has not been told yet, in order.
    var untold: [ListChange] = []
    var peers: [Bits256: PeerState] = [:]
    var isStopping = false
    /// Our list could not be written; it is tried each second.
    var isFailing = false
  }

  enum Seen: Sendable {
    case found(Finding)
    case absolved(IPNetwork)
  }

  let database: Database
  let signer: ListSigner
  package let settings: SharingSettings
  let state: Monitor<State>
  package let bell: ListBell
  private let never: @Sendable () -> [IPNetwork]
  private let tell: @Sendable ([ListChange]) -> Bool
  let report: @Sendable (SharingReport) -> Void
  let clock: @Sendable () -> Now

  /// What the switch has to be given before its first event.
  package let restored: [ListChange]

  /// Findings that may wait to be written; more are banned here, and nobody is told.
  static let mostSeen = 10_000
  /// Changes that the switch is told at once, and the pause between two such: it has calls to do.
  private static let changesAtOnce = 100
  private static let pause = Duration.milliseconds(10)
  /// Between two looks for what is over in the database.
  private static let sweepPause = Duration.seconds(3_600)

  /// Takes up what was said and heard before; `never` says who is never listed besides those of the settings, and
  /// `tell` brings changes to the switch, or is false where it is too busy.
  package init(
    _ database: Database, _ settings: SharingSettings, clock: @escaping @Sendable () -> Now,
    never: @escaping @Sendable () -> [IPNetwork],
    tell: @escaping @Sendable ([ListChange]) -> Bool,
    report: @escaping @Sendable (SharingReport) -> Void
  ) throws(StoreError) {
    (self.database, self.settings, self.clock) = (database, settings, clock)
    (self.never, self.tell, self.report) = (never, tell, report)
    let now = clock()
    signer = ListSigner(try database.listKey(at: now.wall))
    let end = try database.listEnd(of: signer.reporter)
    var own = OwnList(signer.reporter, after: end?.sequence ?? 0, end?.head ?? .zero)
    for signed in try database.standingListEntries(at: now.wall) {
      own.note(signed.entry.deed, at: now.wall)
    }
    var list = SharedList(settings.rules)
    list.rules.never += never()
    for peer in settings.peers {
      list.listen(to: peer.key, peer.trust)
      if let end = try database.listEnd(of: peer.key) { list.resume(peer.key, after: end) }
    }
    restored = list.restore(try database.reports(at: now.wall), at: now.wall)
    bell = ListBell(last: own.last)
    state = Monitor(State(list: list, own: own))
  }

  package func start() {
    ServiceThread.start("sharing") { [self] in work() }
    for peer in settings.peers {
      ServiceThread.start("list of \(peer.name)") { [self] in PeerReader(peer, self).follow() }
    }
  }

  /// Nothing is written, heard or told any more; a request to a peer that is under way is left to its end.
  package func stop() {
    state.change {
      $0.isStopping = true
      return true
    }
  }

  var isStopping: Bool { state.withLock(\.isStopping) }

  /// Who is never listed is asked each time: carriers come and go.
  func rules(_ list: inout SharedList) {
    list.rules.never = settings.rules.never + never()
  }

  // MARK: - From the switch

  /// Never waits: the signalling lane calls it.
  package func found(_ finding: Finding) { see(.found(finding)) }

  /// A person has lifted what is banned of a network, so that we take back what we said of it.
  package func absolved(_ network: IPNetwork) { see(.absolved(network)) }

  private func see(_ seen: Seen) {
    state.change { state in
      guard state.seen.count < Self.mostSeen else { return false }
      state.seen.append(seen)
      return true
    }
  }

  // MARK: - The thread

  private func work() {
    var sweptAt = clock().instant
    while true {
      let isStopping = state.wait(
        for: state.withLock(\.isFailing) ? .seconds(1) : Self.sweepPause,
        until: { $0.isStopping || !$0.untold.isEmpty || (!$0.seen.isEmpty && !$0.isFailing) },
        then: \.isStopping)
      if isStopping { return }
      writeSeen()
      tellSwitch()
      guard clock().instant >= sweptAt + Self.sweepPause else { continue }
      sweptAt = clock().instant
      do throws(StoreError) { try prune() } catch { report(.failed("\(error)")) }
    }
  }

  private func tellSwitch() {
    while true {
      let next = state.withLock { Array($0.untold.prefix(Self.changesAtOnce)) }
      guard !next.isEmpty, !isStopping else { return }
      guard tell(next) else {
        state.wait(for: .milliseconds(100), until: \.isStopping) { _ in }
        continue
      }
      let isMore = state.withLock { state in
        state.untold.removeFirst(next.count)
        return !state.untold.isEmpty
      }
      if isMore { state.wait(for: Self.pause, until: \.isStopping) { _ in } }
    }
  }
}

extension SharedList {
  mutating func resume(_ key: Bits256, after end: ListEnd) {
    resume(key, after: end.sequence, end.head)
  }
}
