import API
import Elements
import Foundation
import Logging
import Server
import Store
import Switch
import Synchronization
import Testing

/// A clock whose sleeps are over at once; after so many it is cancelled.
private final class HastyClock: Clock {
  struct Instant: InstantProtocol {
    var offset = Swift.Duration.zero
    func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private let passed = Mutex<(now: Swift.Duration, pauses: [Swift.Duration])>((.zero, []))
  private let most: Int

  init(pauses most: Int) { self.most = most }

  let minimumResolution = Swift.Duration.zero
  var now: Instant { Instant(offset: passed.withLock(\.now)) }
  var pauses: [Swift.Duration] { passed.withLock(\.pauses) }

  func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    try passed.withLock { state in
      guard state.pauses.count < most else { throw CancellationError() }
      state.pauses.append(deadline.offset - state.now)
      state.now = deadline.offset
    }
  }
}

@Suite struct RetentionTests {
  private func sweep(_ folder: ServedFolder, pauses: Int) async throws -> HastyClock {
    let clock = HastyClock(pauses: pauses)
    let service = RetentionService(
      administration: folder.administration, logger: Logger(label: "test"), clock: clock,
      wallTime: { ServedFolder.now + clock.now.offset })
    await #expect(throws: CancellationError.self) { try await service.run() }
    return clock
  }

  private func records(_ folder: ServedFolder) throws -> Int {
    var query = CallRecordQuery()
    query.limit = CallRecordQuery.largestLimit
    return try TenantScope(TenantID(1), as: .operator, in: folder.administration.database)
      .callRecords(query).count
  }

  @Test("A7: a minute after the start, then every hour; large heaps in batches with pauses between")
  func timing() async throws {
    let folder = try ServedFolder()
    let old = ServedFolder.daysAgo(400)
    try folder.serve((1...1200).map { ServedFolder.record($0, at: old + .seconds(Int64($0))) })
    let clock = try await sweep(folder, pauses: 5)
    let batch = Duration.milliseconds(50)
    #expect(clock.pauses == [.seconds(60), batch, batch, .seconds(3600), .seconds(3600)])
    #expect(try records(folder) == 0)
  }

  @Test("A7: a record stays until its last day is over, and goes in the hour after it")
  func lastDay() async throws {
    let folder = try ServedFolder()
    let edge = ServedFolder.daysAgo(365)
    // Ten minutes before its time, and an hour and ten minutes.
    try folder.serve([
      ServedFolder.record(1, at: edge + .seconds(600)),
      ServedFolder.record(2, at: edge + .seconds(4200)),
    ])
    _ = try await sweep(folder, pauses: 1)
    #expect(try records(folder) == 2)
    _ = try await sweep(folder, pauses: 2)
    #expect(try records(folder) == 1)
    _ = try await sweep(folder, pauses: 3)
    #expect(try records(folder) == 0)
  }

  @Test("A block that nobody has lifted is remembered, however old; one that was lifted is not")
  func blocks() async throws {
    let folder = try ServedFolder()
    let day = ServedFolder.daysAgo(200)
    try folder.serve([
      ServedFolder.alert(.accountBlocked, "office 101", at: day),
      ServedFolder.alert(.accountBlocked, "office 102", at: day),
      ServedFolder.alert(.accountUnblocked, "office 102", at: day + .seconds(60)),
    ])
    _ = try await sweep(folder, pauses: 2)  // First the block, then what lifted it.
    let left = try TenantScope(TenantID(1), as: .operator, in: folder.administration.database)
      .alerts().map(\.alert.facts)
    #expect(left == [[.init("subject", "office 101")]])
    try FileManager.default.removeItem(atPath: folder.journalPath)
    let report = try folder.administration.recover(accepts: false, by: "anna")
    #expect(report.lost.contains { $0.hasSuffix(": office 101.") })
  }
}
