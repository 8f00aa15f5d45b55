import Elements
import Foundation
import Notices
import Store

/// A database with an outbox service on it, and everything it reported.
final class OutboxBench: Sendable {
  let path: String
  let database: Store.Database
  private let reports = Monitor<[OutboxReport]>([])

  init() throws {
    path = NSTemporaryDirectory() + "martinet-test-\(UUID().uuidString)"
    let folder = try DataFolder(path)
    database = try Store.Database(in: folder, key: try MasterKey(in: folder, credentials: nil))
  }

  deinit {
    database.close()
    try? FileManager.default.removeItem(atPath: path)
  }

  static let office = TenantID(1)
  static let mail = "admin@office.example"

  static func alert(_ key: String = "block-7-1", facts: [Alert.Fact]? = nil) -> Alert {
    Alert(
      .accountBlocked, .critical, tenant: office, at: OutboxService.wallTime(), key: key,
      facts: facts ?? [
        .init("subject", "office 101"), .init("reason", "limit of money per day reached today"),
        .init("used", "9.50 EUR"), .init("limit", "10.00 EUR"), .init("refused", "2.50 EUR"),
        .init("call", "12"), .init("to", "+88213000"), .init("country", "AQ"),
        .init("from", "203.0.113.7:5060"), .init("phone", "Desk phone 3.1"),
      ])
  }

  static func settings(
    mail server: MailServer? = nil, webhooks: [String: Secret] = [:]
  ) -> NoticeSettings {
    NoticeSettings(
      mail: server,
      tenants: [
        office: .init(
          name: "office", mail: server == nil ? [] : [OutboxBench.mail], webhooks: webhooks)
      ])
  }

  /// Runs a service with short pauses while `body` looks.
  func serve(
    _ settings: NoticeSettings, overdueAfter: Duration = .seconds(60),
    _ body: (OutboxService) throws -> Void
  ) throws {
    var options = OutboxService.Options()
    (options.pauses, options.overdueAfter) = ([.milliseconds(20)], overdueAfter)
    let reports = reports
    let service = OutboxService(database, settings: settings, options: options) { report in
      reports.change {
        $0.append(report)
        return true
      }
    }
    service.start()
    defer { service.stop() }
    try body(service)
  }

  /// Waits for a report; false after twenty seconds, which is a failure.
  func wait(for fits: @escaping @Sendable (OutboxReport) -> Bool) -> Bool {
    reports.wait(for: .seconds(20), until: { $0.contains(where: fits) }) {
      $0.contains(where: fits)
    }
  }

  var allReports: [OutboxReport] { reports.withLock { $0 } }

  static func isDelivered(_ report: OutboxReport) -> Bool {
    if case .delivered = report { true } else { false }
  }

  static func isFailed(_ report: OutboxReport) -> Bool {
    if case .failed = report { true } else { false }
  }
}
