package import Elements
import Glibc
package import Store

/// What the service tells the operator's log.
package enum OutboxReport: Sendable {
  case delivered(OutboxItem.Key, attempts: Int)
  case failed(OutboxItem.Key, attempts: Int, error: String)
  /// Critical: somebody should have known this long ago and still does not.
  case overdue(Alert, Recipient, age: Duration, error: String)
  /// Critical: nobody is configured to be told.
  case nobodyToTell(Alert.Kind)
  /// The outbox itself cannot be read or written; it is tried again.
  case storeFailed(String)
}

/// Brings every alert to every recipient: at once, then again and again until it is taken.
///
///     alert row ──addressed──▶ outbox row, due ──taken by the other side──▶ acknowledged
///                                   └──refused or not there──▶ due again after a growing pause
///
/// One thread looks what is due, a few others send. Everything that must not be forgotten is in the
/// database: a crash between a delivery and its acknowledgement sends a second copy of the same
/// identity, never none.
package final class OutboxService: Sendable {
  package struct Options: Sendable {
    /// Copies on their way at a time, each to another recipient; what was not taken before holds all but one of them.
    package var senders = 4
    /// Pauses after the first, second … failure; the last one is kept.
    package var pauses: [Duration] = [1, 2, 5, 15, 30, 60, 120, 300, 600, 900].map { .seconds($0) }
    /// A copy older than this is reported once as overdue.
    package var overdueAfter = Duration.seconds(60)

    package init() {}
  }

  private enum Outcome {
    case taken, withdrawn
    case refused(String)

    var isRefused: Bool { if case .refused = self { true } else { false } }
  }

  private struct Work: Sendable {
    var queue: SendingQueue
    /// Announced, not yet in the database.
    var announced: [Alert] = []
    /// What was announced lately, oldest first: it is told once.
    var known: [Alert] = []
    /// Copies of announced alerts that were sent, or are being sent, and have no row or none that says so.
    var sentUnstored: Set<OutboxItem.Key> = []
    var isStopping = false
    var threads = 0

    mutating func announce(_ alert: Alert) {
      let isKnown = known.contains { $0.key == alert.key && $0.tenant == alert.tenant }
      guard !isKnown, announced.count < OutboxService.mostAnnounced else { return }
      announced.append(alert)
      known = known.suffix(OutboxService.mostAnnounced - 1) + [alert]
    }

    /// Queues copies of what was announced and is not stored, each once unless it fails; whether there are any.
    mutating func queueUnstored(by settings: NoticeSettings) -> Bool {
      var fresh: [OutboxItem] = []
      for alert in announced {
        for recipient in settings.recipients(for: alert.tenant) {
          let item = OutboxItem(alert, to: recipient, isEscalated: true)
          guard sentUnstored.insert(item.key).inserted else { continue }
          fresh.append(item)
        }
      }
      return queue.add(fresh)
    }

    /// Copies that have arrived, and whose alerts have their rows by now.
    var arrived: [OutboxItem.Key] {
      sentUnstored.subtracting(queue.busy).filter { key in
        !announced.contains { $0.key == key.alert && $0.tenant == key.tenant }
      }
    }
  }

  private let database: Database
  private let options: Options
  private let clock: @Sendable () -> WallTime
  private let report: @Sendable (OutboxReport) -> Void
  private let settings: Monitor<NoticeSettings>
  private let work: Monitor<Work>
  private static let batch = 200
  /// Copies for one recipient that are queued at a time: one is sent, the next follows at once.
  private static let share = 4
  private static let mostQueued = 2_000
  private static let mostAnnounced = 100

  /// `settings` are those in force: a copy for somebody they do not name is withdrawn.
  package init(
    _ database: Database, settings: NoticeSettings, options: Options = Options(),
    clock: @escaping @Sendable () -> WallTime = OutboxService.wallTime,
    report: @escaping @Sendable (OutboxReport) -> Void
  ) {
    (self.database, self.options, self.clock, self.report) = (database, options, clock, report)
    self.settings = Monitor(settings)
    work = Monitor(Work(queue: SendingQueue(senders: options.senders)))
  }

  /// Who is told from now on.
  package func adopt(_ settings: NoticeSettings) {
    self.settings.withLock { $0 = settings }
    database.ringAlertBell()
  }

  /// Tells of what may keep the database itself from being written, such as a full disk.
  ///
  /// Copies go out before anything is asked of the database, whose disk may hang; the alert is stored as soon as
  /// it can be. Never waits.
  package func announce(_ alert: Alert) {
    let settings = settings.withLock { $0 }
    work.change { work in
      work.announce(alert)
      return work.queueUnstored(by: settings)
    }
    database.ringAlertBell()
  }

  package func start() {
    work.withLock { work in
      work.isStopping = false
      work.threads = options.senders + 1
    }
    ServiceThread.start("outbox") { [self] in
      dispatch()
      leave()
    }
    for _ in 0..<options.senders {
      ServiceThread.start("outbox send") { [self] in
        sendAll()
        leave()
      }
    }
  }

  /// Stops sending; what is under way is finished, what is not sent stays due.
  package func stop() {
    work.change {
      $0.isStopping = true
      return true
    }
    database.ringAlertBell()
    let isOpen = work.wait(until: { $0.threads == 0 }) { work in
      !work.announced.isEmpty || !work.sentUnstored.isEmpty
    }
    guard isOpen else { return }
    do throws(StoreError) { try storeAnnounced() } catch { report(.storeFailed("\(error)")) }
  }

  private func leave() {
    work.change {
      $0.threads -= 1
      return true
    }
  }

  @Sendable
  package static func wallTime() -> WallTime {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return WallTime(unixMilliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
  }

  // MARK: - Looking what is due

  private func dispatch() {
    while true {
      // Before all that is looked at: whatever changes from here on, a stop too, rings once more.
      let rung = database.alertBell.withLock { $0 }
      if work.withLock(\.isStopping) { return }
      var pause: Duration?
      do throws(StoreError) {
        try storeAnnounced()
        pause = try queueDue()
      } catch {
        report(.storeFailed("\(error)"))
        sendUnstored()
        pause = .seconds(1)
      }
      database.alertBell.wait(for: pause, until: { $0 != rung }) { _ in }
    }
  }

  /// Gives what was announced its rows, and notes which copies have arrived meanwhile.
  private func storeAnnounced() throws(StoreError) {
    for alert in work.withLock(\.announced) {
      try database.raise(alert)
      work.withLock { work in
        work.announced.removeAll { $0.key == alert.key && $0.tenant == alert.tenant }
      }
    }
    try addressNew()
    for key in work.withLock(\.arrived) {
      try database.acknowledge(key, at: clock())
      work.withLock { work in _ = work.sentUnstored.remove(key) }
    }
  }

  private func sendUnstored() {
    let settings = settings.withLock { $0 }
    work.change { $0.queueUnstored(by: settings) }
  }

  /// Gives each new alert a row for each recipient.
  private func addressNew() throws(StoreError) {
    let settings = settings.withLock { $0 }
    while true {
      let alerts = try database.unaddressedAlerts(limit: OutboxService.batch)
      guard !alerts.isEmpty else { return }
      let copies = alerts.map { (alert: $0, recipients: settings.recipients(for: $0.tenant)) }
      try database.address(copies, at: clock())
      for copy in copies where copy.recipients.isEmpty { report(.nobodyToTell(copy.alert.kind)) }
    }
  }

  /// Hands what is due to the senders; gives the time until the next copy is.
  private func queueDue() throws(StoreError) -> Duration? {
    let now = clock()
    let longest = (options.pauses.max() ?? .zero) + .seconds(60)
    let due = try database.dueItems(
      at: now, horizon: longest, share: OutboxService.share, limit: OutboxService.mostQueued)
    work.change { work in
      // What is sent without its row is not sent by it, too.
      let others = due.filter { !work.sentUnstored.contains($0.key) }
      return work.queue.add(others)
    }
    guard let next = try database.nextDue(after: now) else { return nil }
    return max(.milliseconds(10), next - now)
  }

  // MARK: - Sending

  private func sendAll() {
    let transfer = Transfer()
    while true {
      let item = work.wait(
        until: { $0.isStopping || $0.queue.hasNext },
        then: { work in work.isStopping ? nil : work.queue.take() })
      guard let item else { return }
      let isRefused = deliver(item, by: transfer)
      work.change { work in
        work.queue.finish(item, isRefused: isRefused)
        return true
      }
      database.ringAlertBell()
    }
  }

  /// - Returns: Whether the recipient did not take it.
  private func deliver(_ item: OutboxItem, by transfer: Transfer) -> Bool {
    let settings = settings.withLock { $0 }
    var outcome: Outcome
    if settings.names(item.recipient, for: item.alert.tenant) {
      do throws(Transfer.Failure) {
        try send(item, by: transfer, settings)
        outcome = .taken
      } catch { outcome = .refused(error.description) }
    } else {
      outcome = .withdrawn
    }
    let isUnstored = work.withLock { work in
      guard work.sentUnstored.contains(item.key) else { return false }
      if case .refused = outcome { work.sentUnstored.remove(item.key) }
      return true
    }
    if isUnstored {
      reportUnstored(outcome, of: item)
      return outcome.isRefused
    }
    // While the outcome cannot be written the copy stays ours: it must not be sent again and again.
    while true {
      do throws(StoreError) {
        try record(outcome, of: item)
        return outcome.isRefused
      } catch {
        report(.storeFailed("\(error)"))
      }
      let isStopping = work.wait(for: .seconds(1), until: \.isStopping, then: \.isStopping)
      if isStopping { return outcome.isRefused }
    }
  }

  private func reportUnstored(_ outcome: Outcome, of item: OutboxItem) {
    switch outcome {
    case .taken: report(.delivered(item.key, attempts: 1))
    case .refused(let error): report(.failed(item.key, attempts: 1, error: error))
    case .withdrawn: break
    }
  }

  private func send(
    _ item: OutboxItem, by transfer: Transfer, _ settings: NoticeSettings
  ) throws(Transfer.Failure) {
    let tenant = settings.name(of: item.alert.tenant)
    let text = NoticeText(item.alert, audience: tenant)
    switch item.recipient.channel {
    case .mail:
      guard let server = settings.mail else {
        throw Transfer.Failure(description: "no mail server is configured")
      }
      let mail: MailMessage
      do throws(MailMessage.UnusableAddress) {
        mail = try MailMessage(
          text, from: server.from, to: item.recipient.address, at: item.alert.at,
          identity: item.identity, isUrgent: item.alert.severity == .critical)
      } catch { throw Transfer.Failure(description: "\(error)") }
      try transfer.send(mail, to: item.recipient.address, by: server)
    case .webhook:
      guard let secret = settings.secret(of: item.recipient.address, for: item.alert.tenant) else {
        throw Transfer.Failure(description: "this webhook is not in the configuration any more")
      }
      let message: WebhookMessage
      do {
        message = try WebhookMessage(
          item, text: text, tenant: tenant, secret: secret, sentAt: clock())
      } catch { throw Transfer.Failure(description: "\(error)") }
      try transfer.post(message, to: item.recipient.address)
    }
  }

  private func record(_ outcome: Outcome, of item: OutboxItem) throws(StoreError) {
    let now = clock()
    switch outcome {
    case .taken:
      try database.acknowledge(item.key, at: now)
      report(.delivered(item.key, attempts: item.attempts + 1))
    case .withdrawn:
      try database.withdraw(item.key, at: now, reason: "the configuration names it no longer")
    case .refused(let error):
      let age = now - item.alert.at
      let isOverdue = age >= options.overdueAfter && !item.isEscalated
      let pause = options.pauses[min(item.attempts, options.pauses.count - 1)]
      if isOverdue { try database.escalate(item.key, at: now) }
      try database.postpone(item.key, until: now + pause, error: error)
      report(.failed(item.key, attempts: item.attempts + 1, error: error))
      if isOverdue { report(.overdue(item.alert, item.recipient, age: age, error: error)) }
    }
  }
}
