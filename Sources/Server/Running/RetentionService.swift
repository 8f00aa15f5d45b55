import Directory
package import Elements
package import Logging
import Net
import Store
import Switch

/// Removes call records and delivered alerts when their tenant's time for them is over.
///
/// In small batches with a pause between them, so that records of running calls never wait for it.
package struct RetentionService: Sendable {
  /// The start has the disk to itself, and a server that is started every hour still removes what is old.
  private static let firstPause = Duration.seconds(60)
  private static let sweepPause = Duration.seconds(3600)
  private static let batchPause = Duration.milliseconds(50)
  private static let batchRows = 500

  let administration: Administration
  let logger: Logger
  /// What the pauses go by.
  private let clock: any Clock<Duration>
  /// What the age of a row goes by.
  private let wallTime: @Sendable () -> WallTime

  package init(
    administration: Administration, logger: Logger,
    clock: any Clock<Duration> = ContinuousClock(),
    wallTime: @escaping @Sendable () -> WallTime = Clocks.wall
  ) {
    (self.administration, self.logger) = (administration, logger)
    (self.clock, self.wallTime) = (clock, wallTime)
  }

  /// Sweeps a minute after the start and then every hour, until its task is cancelled.
  package func run() async throws {
    try await clock.sleep(for: Self.firstPause)
    while true {
      do {
        try await sweep(at: wallTime())
      } catch let error as StoreError {
        logger.error("what is old could not be removed, it is tried again: \(error)")
      }
      try await clock.sleep(for: Self.sweepPause)
    }
  }

  /// Removes everything that is too old at `now`.
  private func sweep(at now: WallTime) async throws {
    for kind in DataClass.allCases {
      for owner in try administration.database.owners(of: kind) {
        let removed = try await sweep(kind, of: owner, at: now)
        guard removed > 0 else { continue }
        logger.notice(
          "old rows removed",
          metadata: [
            "kind": "\(kind.rawValue)", "rows": "\(removed)",
            "tenant": "\(owner.map(String.init(describing:)) ?? "platform")",
          ])
      }
    }
  }

  private func sweep(
    _ kind: DataClass, of owner: TenantID?, at now: WallTime
  ) async throws -> Int {
    guard let days = administration.daysKept(kind, of: owner) else { return 0 }
    let cutoff = now + .seconds(-86_400 * Int64(days))
    var removed = 0
    while true {
      let count = try administration.database.prune(
        kind, of: owner, before: cutoff, limit: Self.batchRows)
      removed += count
      guard count == Self.batchRows else { return removed }
      try await clock.sleep(for: Self.batchPause)
    }
  }
}

extension Administration {
  /// How long rows of a kind are kept; nil: as long as the installation is there.
  func daysKept(_ kind: DataClass, of owner: TenantID?) -> Int? {
    let name = owner.flatMap { rulebook().directory.tenant($0)?.name }
    let days = document().retention(of: name)
    switch kind.ageing {
    case .stays: return nil
    case .callRecordDays: return days.callRecordDays
    case .alertDays: return days.alertDays
    }
  }
}
