package import Elements
package import Guard
package import Store
import Synchronization

/// What the operator's log is told.
package enum SharingReport: Hashable, Sendable {
  /// A peer's list is not heard any more, or is again.
  case complaint(peer: String, String)
  case recovered(peer: String)
  /// Something in a peer's list should not be there, so often since it was told last.
  case suspicious(peer: String, String, count: Int)
  /// Our own list cannot be written; it is tried again.
  case failed(String)
  /// Of so many bans nobody was told: there were too many.
  case untold(UInt64)
}

/// Shares bans: writes and signs our list, hears those of peers, and brings what follows to the switch.
///
///     switch ──found──▶ mail ──▶ our list, signed ──▶ readers                 (thread "sharing")
///     peers ──entries──▶ signature ──▶ turn: SharedList, database ──▶ board    (a thread for each peer)
///                                                              └──changes──▶ switch   (thread "sharing")
///
/// What is heard is in the database before the switch is told of it, and taken back from there at the next start. The signalling
/// lane touches the mail, and nobody holds that for longer than it takes to put something in or to take all of it out. Lists are
/// judged and written in turn, by one at a time; whoever only looks sees the board, where what is written was put up.
package final class SharingService: Sendable {
  /// What waits for the thread.
  struct Mail: Sendable {
    /// What the switch has seen.
    var seen: [Seen] = []
    /// What there was no room for.
    var missed: UInt64 = 0
    /// Whether there is something on the board that the switch has not been told.
    var hasChanges = false
    /// Who is never banned, where that has changed.
    var spared: [IPNetwork]?
    var isStopping = false
  }

  enum Seen: Sendable {
    case found(Finding)
    case absolved(IPNetwork)
  }

  /// What holds, for everybody to look at.
  struct Board: Sendable {
    var list: SharedList
    var own: OwnList
    /// What the switch has not been told yet, in order.
    var untold: [ListChange] = []
    /// Who is never banned, as the switch says: carriers' names lead to their addresses there.
    var spared: [IPNetwork] = []
    var peers: [Bits256: PeerState] = [:]
  }

  let database: Database
  let signer: ListSigner
  package let settings: SharingSettings
  let board: Monitor<Board>
  private let mail = Monitor(Mail())
  /// Whose turn it is to change what others say; he has it for as long as the disk takes.
  private let turn = Mutex(())
  /// Whether it is over, for those who rest.
  private let end = Monitor(false)
  package let bell: ListBell
  private let never: @Sendable () -> [IPNetwork]
  private let tell: @Sendable ([ListChange]) -> Bool
  let report: @Sendable (SharingReport) -> Void
  let clock: @Sendable () -> Now

  /// What the switch has to be given before its first event.
  package let restored: [ListChange]

  /// Findings that may wait to be written; more are banned here, and nobody is told.
  static let mostSeen = 10_000
  /// Networks that were lifted and may wait besides.
  private static let mostAbsolved = 10_000
  /// Changes that the switch is told at once, and the pause between two such: it has calls to do.
  private static let changesAtOnce = 100
  private static let pause = Duration.milliseconds(10)
  /// Before the switch is asked again that had too much to do.
  private static let busyPause = Duration.milliseconds(100)
  /// Between two looks for what is over in the database.
  private static let sweepPause = Duration.seconds(3_600)

  /// Takes up what was said and heard before; `never` says who is never listed besides those of the settings, and
  /// `tell` brings changes to the switch, or is false where it is too busy.
  package init(
    _ database: Database, _ settings: SharingSettings, clock: @escaping @Sendable () -> Now,
    never: @escaping @Sendable () -> [IPNetwork],
    tell: @escaping @Sendable ([ListChange]) -> Bool,
    report: @escaping @Sendable (SharingReport) -> Void
  ) throws {
    (self.database, self.settings, self.clock) = (database, settings, clock)
    (self.never, self.tell, self.report) = (never, tell, report)
    let now = clock()
    signer = ListSigner(try database.listKey(at: now.wall))
    if let own = settings.peers.first(where: { [key = signer.reporter] in $0.key == key }) {
      throw Refusal(
        """
        sharing.peers: \(own.name) has the key of this server itself. Give it what `martinet bans identity` prints \
        at the other one.
        """)
    }
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
    board = Monitor(Board(list: list, own: own))
  }

  package func start() {
    ServiceThread.start("sharing") { [self] in work() }
    for peer in settings.peers {
      ServiceThread.start("list of \(peer.name)") { [self] in PeerReader(peer, self).follow() }
    }
  }

  /// Nothing is written, heard or told any more; a request to a peer that is under way is left to its end.
  package func stop() {
    mail.change {
      $0.isStopping = true
      return true
    }
    end.change {
      $0 = true
      return true
    }
  }

  var isStopping: Bool { end.withLock { $0 } }

  /// Returns when the time has passed, or the service stops.
  func rest(for pause: Duration) { end.wait(for: pause, until: { $0 }, then: { _ in }) }

  /// What is taken of lists; who is never listed is asked each time: carriers come and go.
  var rules: SharingRules {
    var rules = settings.rules
    rules.never += never() + board.withLock(\.spared)
    return rules
  }

  // MARK: - From the switch

  /// Never waits: the signalling lane calls it.
  package func found(_ finding: Finding) { see(.found(finding)) }

  /// A person has lifted what is banned of a network, so that we take back what we said of it.
  package func absolved(_ network: IPNetwork) { see(.absolved(network)) }

  /// Others than before are never banned; what lists say of them is let go.
  package func spared(_ networks: [IPNetwork]) {
    mail.change { mail in
      mail.spared = networks
      return true
    }
  }

  private func see(_ seen: Seen) {
    mail.change { mail in
      let most =
        switch seen {
        case .found: Self.mostSeen
        // A person's word is carried on: what is not taken back holds at others for a week.
        case .absolved: Self.mostSeen + Self.mostAbsolved
        }
      guard mail.seen.count < most else {
        mail.missed += 1
        return false
      }
      mail.seen.append(seen)
      return true
    }
  }

  // MARK: - What others say

  /// Changes what others say; what `body` makes of it holds when it returns, and nothing does where it throws.
  func amend<Result: Sendable, Failure: Error>(
    _ body: (inout SharedList) throws(Failure) -> (Result, [ListChange])
  ) throws(Failure) -> Result {
    try turn.withLock { _ throws(Failure) in
      var list = board.withLock(\.list)
      list.rules = rules
      let (result, changes) = try body(&list)
      board.withLock { board in
        // What was there before is let go when the lock is.
        swap(&board.list, &list)
        board.untold += changes
      }
      if !changes.isEmpty {
        mail.change { mail in
          mail.hasChanges = true
          return true
        }
      }
      return result
    }
  }

  // MARK: - The thread

  private func work() {
    var sweptAt = clock().instant
    var unwritten: [Seen] = []
    var untold: ArraySlice<ListChange> = []
    var pause: Duration?
    var (missed, counted, reticence) = (UInt64(0), UInt64(0), Reticence())
    while true {
      let isFailing = !unwritten.isEmpty
      var spared: [IPNetwork]?
      let (isStopping, seen) = mail.wait(
        for: pause ?? (isFailing ? .seconds(1) : Self.sweepPause),
        until: { mail in
          mail.isStopping
            || (pause == nil
              && (mail.hasChanges || mail.spared != nil || (!mail.seen.isEmpty && !isFailing)))
        },
        then: { mail -> (Bool, [Seen]) in
          mail.hasChanges = false
          missed = mail.missed
          (spared, mail.spared) = (mail.spared, nil)
          // What could not be written goes first; until then nothing more is taken, so that all of it has a bound.
          guard !isFailing else { return (mail.isStopping, []) }
          defer { mail.seen = [] }
          return (mail.isStopping, mail.seen)
        })
      if isStopping { return }
      if let spared { spare(spared) }
      unwritten = write(unwritten + seen, again: isFailing)
      let lost = missed + board.withLock(\.own.untold)
      if lost > counted, let count = reticence.speak(of: Int(lost - counted), at: clock().instant) {
        report(.untold(UInt64(count)))
      }
      counted = lost
      if untold.isEmpty { untold = takeChanges()[...] }
      pause = tellSwitch(&untold)
      guard clock().instant >= sweptAt + Self.sweepPause else { continue }
      sweptAt = clock().instant
      do throws(StoreError) { try prune() } catch { report(.failed("\(error)")) }
    }
  }

  private func spare(_ networks: [IPNetwork]) {
    let known = board.withLock { board in
      defer { board.spared = networks }
      return Set(board.spared)
    }
    let fresh = networks.filter { !known.contains($0) }
    guard !fresh.isEmpty else { return }
    do throws(StoreError) { try dismiss(fresh) } catch { report(.failed("\(error)")) }
  }

  private func takeChanges() -> [ListChange] {
    board.withLock { board in
      defer { board.untold = [] }
      return board.untold
    }
  }

  /// Tells the switch of a piece of what is to be told.
  ///
  /// - Returns: When to go on; nil where there is nothing left.
  private func tellSwitch(_ untold: inout ArraySlice<ListChange>) -> Duration? {
    guard !untold.isEmpty else { return nil }
    guard tell(Array(untold.prefix(Self.changesAtOnce))) else { return Self.busyPause }
    untold = untold.dropFirst(Self.changesAtOnce)
    return Self.pause
  }
}

extension SharedList {
  mutating func resume(_ key: Bits256, after end: ListEnd) {
    resume(key, after: end.sequence, end.head)
  }
}
