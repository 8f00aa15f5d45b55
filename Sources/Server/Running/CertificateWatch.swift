import API
import Elements
import Logging
import Net

/// Takes renewed certificates into use, and tells people of one that is broken or about to end.
struct CertificateWatch: Sendable {
  /// Between two looks at the files; a change is taken when the next look finds nothing newer.
  private static let pause = Duration.seconds(2)
  private static let looksBetweenReminders = 1_800

  let lanes: LaneGroup
  let logger: Logger
  /// To the operator.
  let announce: @Sendable (Alert) -> Void

  /// Looks until its task is cancelled.
  func run() async throws {
    remind()
    while true {
      for _ in 0..<Self.looksBetweenReminders {
        try await ContinuousClock().sleep(for: Self.pause)
        reload { () throws(NetError) in try lanes.reloadChangedCertificates() }
      }
      // One that was refused because it did not hold yet may do so by now.
      if lanes.certificates.contains(where: { $0.complaint != nil }) {
        reloadAll()
      } else {
        remind()
      }
    }
  }

  /// Reads all of them at once, because somebody asks for it.
  func reloadAll() {
    reload { () throws(NetError) in
      try lanes.reloadCertificates()
      return true
    }
  }

  private func reload(_ read: () throws(NetError) -> Bool) {
    let before = lanes.certificates
    do throws(NetError) {
      guard try read() else { return }
      logger.notice("the certificates were read again")
      for state in lanes.certificates where state.complaint == nil && !before.contains(state) {
        logger.notice("certificate in use: \(state.certificatePath)")
      }
      remind()
    } catch {
      logger.error("the certificates stay as they were: \(error)")
      tell("authorities", .warning, "\(error)")
    }
  }

  /// Says what `doctor` would say of those in use: phones refuse one that has ended, and its owner asks the log.
  private func remind() {
    let now = Clocks.wall()
    for state in lanes.certificates {
      let finding = Doctor.certificate(state, at: now)
      guard finding.verdict != .ok else { continue }
      logger.warning("\(finding.subject): \(finding.finding) \(finding.wayOut ?? "")")
      let isOver = state.end.map { $0 < now } ?? false
      tell(finding.subject, isOver ? .critical : .warning, finding.finding)
    }
  }

  /// Once a day for each subject, as long as it lasts.
  private func tell(_ subject: String, _ severity: Alert.Severity, _ reason: String) {
    let now = Clocks.wall()
    announce(
      Alert(
        .certificateTrouble, severity, tenant: nil, at: now,
        key: "\(subject)-\(severity)-\(now.unixSeconds / 86_400)",
        facts: [Alert.Fact("certificate", subject), Alert.Fact("reason", reason)]))
  }
}
