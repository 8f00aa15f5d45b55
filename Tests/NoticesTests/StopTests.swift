import Glibc
import Notices
import Store
import Testing

@Suite struct StopTests {
  @Test("A stop is heard at every moment, also between two looks at what is due")
  func heard() throws {
    let (bench, cycles) = (try OutboxBench(), 600)
    var options = OutboxService.Options()
    options.senders = 0
    let service = OutboxService(
      bench.database, settings: OutboxBench.settings(), options: options, report: { _ in })
    let ended = Monitor((count: 0, isOver: false))
    // Who has to wait for the bell is slow at it, so that a stop can come in between.
    let bell = bench.database.alertBell
    ServiceThread.start("bell held") {
      while !ended.withLock(\.isOver) {
        bell.withLock { _ in StopTests.spin(for: .microseconds(50)) }
        usleep(30)  // Else nobody else would ever get it.
      }
    }
    ServiceThread.start("stops") {
      for cycle in 0..<cycles {
        service.start()
        StopTests.spin(for: .microseconds(cycle % 200))
        service.stop()
        ended.change {
          $0.count += 1
          return true
        }
      }
    }
    let count = ended.wait(for: .seconds(120), until: { $0.count == cycles }) {
      $0.isOver = true
      return $0.count
    }
    #expect(count == cycles)
  }

  private static func spin(for duration: Duration) {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end {}
  }
}
