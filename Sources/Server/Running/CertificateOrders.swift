import ACME
import Elements
import Foundation
import Logging
import Net

/// Gets certificates from an authority, and new ones after two thirds of their life (RFC 8555).
///
/// Each name has a certificate of its own, so that one whose address leads elsewhere holds up no other.
struct CertificateOrders: Sendable {
  /// Between two looks at what is due: the next date, within these bounds.
  private static let shortestPause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(60)
  /// From then on the operator is told of renewals that fail: what passes by itself is over.
  private static let failuresToTell = 3

  let authority: AuthoritySettings
  let tls: TLSSettings
  let logger: Logger
  /// New files are there.
  let reload: @Sendable () -> Void
  /// To the operator.
  let announce: @Sendable (Alert) -> Void
  private let board: ChallengeBoard
  private let notes = RenewalNotes()

  init(
    _ authority: AuthoritySettings, tls: TLSSettings, board: ChallengeBoard, logger: Logger,
    reload: @escaping @Sendable () -> Void, announce: @escaping @Sendable (Alert) -> Void
  ) {
    (self.authority, self.tls, self.board, self.logger) = (authority, tls, board, logger)
    (self.reload, self.announce) = (reload, announce)
  }

  /// Orders what is due until its task is cancelled.
  func run() async throws {
    while true {
      for name in authority.names { try await orderIfDue(name) }
      let now = Clocks.wall()
      let next = authority.names.compactMap(nextDate).min().map { $0 - now } ?? Self.longestPause
      try await ContinuousClock().sleep(
        for: min(max(next, Self.shortestPause), Self.longestPause))
    }
  }

  private func nextDate(_ name: String) -> WallTime? {
    let shelf = IssuedCertificate(name, in: tls)
    let note = notes.note(of: shelf, for: authority.directory)
    return note.plan.next(life: shelf.life(at: authority.directory))
  }

  private func orderIfDue(_ name: String) async throws {
    let shelf = IssuedCertificate(name, in: tls)
    var note = notes.note(of: shelf, for: authority.directory)
    guard note.plan.isDue(life: shelf.life(at: authority.directory), at: Clocks.wall()) else {
      return
    }
    do {
      logger.info("a certificate for \(name) is ordered from \(authority.directory)")
      let key = try AccountFile(in: tls.folder).key()
      let issuance = Issuance(
        at: authority.directory, key: key, contacts: authority.contacts,
        authorities: tls.authorities, board: board)
      try shelf.put(try await issuance.issue(for: name))
      note.plan.succeeded()
      try notes.keep(note, of: shelf)
      logger.notice("a new certificate for \(name) is there")
      reload()
    } catch {
      try Task.checkCancellation()
      note.plan.failed("\(error)", at: Clocks.wall())
      tell(name, note.plan, shelf)
      do { try notes.keep(note, of: shelf) } catch {
        logger.error("certificate for \(name): \(error)")
      }
    }
  }

  private func tell(_ name: String, _ plan: RenewalPlan, _ shelf: IssuedCertificate) {
    let (now, life) = (Clocks.wall(), shelf.life(at: authority.directory))
    let next = plan.next(life: life).map { ", the next attempt is at \($0.iso8601)" } ?? ""
    logger.warning("no certificate for \(name): \(plan.complaint ?? "")\(next)")
    // Without one that holds somebody should know at once.
    let isUrgent = life.map { $0.upperBound <= now } ?? true
    guard isUrgent || plan.failures >= Self.failuresToTell else { return }
    announce(
      Alert(
        .certificateTrouble, .warning, tenant: nil, at: now,
        key: "acme-\(name)-\(now.unixSeconds / 86_400)",
        facts: [Alert.Fact("certificate", name), Alert.Fact("reason", plan.complaint ?? "")]))
  }
}
