import Elements
import Logging
import Server
import Store
import Synchronization
import Testing

/// What monitoring sees, and what the operator is told, of a disk that does not take what it should.
@Suite struct StorageHealthTests {
  private final class Announced: Sendable {
    private let alerts = Mutex<[Alert]>([])

    var all: [Alert] { alerts.withLock { $0 } }
    func callAsFunction(_ alert: Alert) { alerts.withLock { $0.append(alert) } }
  }

  private let announced = Announced()
  private let health: StorageHealth

  init() {
    let announced = announced
    health = StorageHealth(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
      announced($0)
    }
  }

  private func hear(_ notice: JournalNotice) {
    health.hear(notice, durableThrough: 7, at: ServedFolder.now)
  }

  @Test("A database that takes nothing is told, and is a complaint until it does again")
  func database() {
    #expect(health.complaint == nil)
    health.hear(.failed("the disk is full"), at: ServedFolder.now)
    #expect(health.databaseComplaint?.hasSuffix("wait in the journal: the disk is full") == true)
    #expect(health.complaint == health.databaseComplaint && health.journalComplaint == nil)
    #expect(announced.all.map(\.kind) == [.databaseFailed])
    #expect(announced.all.first?.severity == .critical)
    health.hear(.recovered, at: ServedFolder.now)
    #expect(health.complaint == nil)
  }

  @Test("A journal's disk that hangs is told like one that fails, under the switch's own key")
  func stall() {
    hear(.stalled("5 s"))
    #expect(health.complaint == "the journal's disk hangs: 5 s")
    #expect(announced.all.map(\.kind) == [.journalFailed])
    #expect(
      announced.all.first?.key == "journal-7-\(ServedFolder.now.unixSeconds / 3600)")
    hear(.durable(through: 8))
    #expect(health.complaint != nil, "more may wait")
    hear(.resumed)
    #expect(health.complaint == nil)
  }

  @Test("Each trouble ends by itself, and the journal's is named first")
  func several() {
    health.hear(.failed("damaged"), at: ServedFolder.now)
    hear(.stalled("5 s"))
    hear(.failed("no space"))
    #expect(health.complaint == "the journal cannot be written: no space")
    hear(.recovered)
    #expect(health.complaint == "the journal's disk hangs: 5 s")
    hear(.resumed)
    #expect(health.complaint == health.databaseComplaint && health.complaint != nil)
  }
}
