import Elements
import Foundation
import Guard
import Sharing
import Store

/// A data folder with a sharing service on it; its clock, and what the switch and the log were told.
final class SharingBench: Sendable {
  let path: String
  let database: Store.Database
  let time = Monitor(
    Now(instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 1_795_000_000_000)))
  let told = Monitor<[ListChange]>([])
  let reports = Monitor<[SharingReport]>([])

  init() throws {
    path = NSTemporaryDirectory() + "martinet-test-\(UUID().uuidString)"
    let folder = try DataFolder(path)
    database = try Store.Database(in: folder, key: try MasterKey(in: folder, credentials: nil))
  }

  deinit {
    database.close()
    try? FileManager.default.removeItem(atPath: path)
  }

  var now: Now { time.withLock { $0 } }

  func wait(_ duration: Duration) { time.withLock { $0 = $0 + duration } }

  func service(
    _ settings: SharingSettings = SharingSettings(),
    never: @escaping @Sendable () -> [IPNetwork] = { [] }
  ) throws -> SharingService {
    try SharingService(
      database, settings, clock: { [time] in time.withLock { $0 } }, never: never,
      tell: { [told] changes in
        told.change {
          $0 += changes
          return true
        }
        return true
      },
      report: { [reports] report in
        reports.change {
          $0.append(report)
          return true
        }
      })
  }

  /// Waits until the switch has been told so many changes; those that it was told.
  func changes(_ count: Int) -> [ListChange] {
    told.wait(for: .seconds(10), until: { $0.count >= count }) { $0 }
  }

  /// What the switch would have seen.
  func finding(_ network: String, lasting: Duration = .seconds(300)) -> Finding? {
    let street = Source(Endpoint("\(network):5060") ?? Endpoint(.v4Loopback, 1), connection: nil)
    var settings = GuardSettings()
    settings.ladder = [lasting]
    var admission = Admission(settings)
    var ban: Ban?
    for user in 0..<5 {
      let notices = admission.note(
        .wrongCredentials(UserKey(UInt64(1_000 + user)), response: 0), from: street,
        isProven: true, at: now)
      for case .changed(.put(let put)) in notices { ban = put }
    }
    return ban.flatMap { admission.findings($0, at: now).first }
  }
}

extension SharingService {
  /// What a reader gets now, as it travels.
  func lines(after sequence: UInt64 = 0) throws -> [UInt8] {
    guard case .entries(let entries) = try page(after: sequence) else { return [] }
    return try entries.flatMap { Array(try ListLine.text($0).utf8) + [10] }
  }

  /// Waits until the list has come so far.
  func arrives(at sequence: UInt64) async -> Bool {
    while bell.last < sequence {
      let before = bell.last
      guard await bell.wait(behind: before, for: .seconds(10), as: "test"), bell.last > before
      else { return false }
    }
    return true
  }

  var peer: SharingSettings.Peer {
    SharingSettings.Peer(
      name: "first", url: "https://192.0.2.1", key: identity, trust: .node,
      token: Secret("0123456789abcdef"), authorities: nil)
  }
}
