import Store
import Synchronization

/// The payments that this process has handed to the switch and the disk has not confirmed yet.
///
/// Of these nobody can know from the database whether the ledger has them, so that they are not handed over again.
package final class PaymentDesk: Sendable {
  private let underWay = Mutex<Set<Payment>>([])
  private let caughtUp: @Sendable () -> Bool
  /// How long a person waits for the disk.
  private let patience: Duration

  /// `caughtUp` says whether the database has everything that the journal held at the start.
  package init(
    patience: Duration = .seconds(5), caughtUp: @escaping @Sendable () -> Bool
  ) {
    (self.patience, self.caughtUp) = (patience, caughtUp)
  }

  /// Takes a payment for one command; false while another one has it, or had it and the disk is silent.
  func claim(_ payment: Payment, unless isBooked: (Payment) throws -> Bool) -> Bool {
    if underWay.withLock({ $0.insert(payment).inserted }) { return true }
    // Confirmed meanwhile: the database can be asked, and says that it is there already.
    return (try? isBooked(payment)) == true
  }

  func release(_ payment: Payment) {
    underWay.withLock { _ = $0.remove(payment) }
  }

  /// Waits until the database has what the journal held at the start; a moment after it.
  func hasCaughtUp() async -> Bool { await wait(until: caughtUp) }

  /// Waits until the database has what the switch has just written, some tens of milliseconds.
  func arrival(of isBooked: () throws -> Bool) async -> Bool {
    await wait { (try? isBooked()) == true }
  }

  private func wait(until isSo: () -> Bool) async -> Bool {
    var pause = Duration.milliseconds(10)
    let end = ContinuousClock.now + patience
    while !isSo() {
      guard ContinuousClock.now < end else { return false }
      try? await Task.sleep(for: pause)
      pause = min(pause * 2, .milliseconds(200))
    }
    return true
  }
}
