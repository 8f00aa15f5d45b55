import Server
import Switch
import Synchronization
import Testing

@Suite struct SwitchDeskTests {
  /// A mailbox that is full for some questions, and notes those that it has taken.
  private final class BusyMailbox: Sendable {
    private let state: Mutex<(refusals: Int, taken: Int)>

    init(refusing refusals: Int) { state = Mutex((refusals, 0)) }

    var taken: Int { state.withLock { $0.taken } }

    func takes() -> Bool {
      state.withLock { state in
        guard state.refusals == 0 else {
          state.refusals -= 1
          return false
        }
        state.taken += 1
        return true
      }
    }
  }

  /// The lane, which answers at the desk that asks it.
  private final class Answer: Sendable {
    let desk = Mutex<SwitchDesk?>(nil)
  }

  private func desk(_ mailbox: BusyMailbox) -> SwitchDesk {
    let answer = Answer()
    let desk = SwitchDesk { token, _ in
      guard mailbox.takes() else { return false }
      answer.desk.withLock { $0 }?.answer(token, with: .done)
      return true
    }
    answer.desk.withLock { $0 = desk }
    return desk
  }

  @Test("An order that must not be lost is given until the switch takes it, and then no more")
  func insists() async {
    let mailbox = BusyMailbox(refusing: 3)
    await desk(mailbox).insist(.drain, pause: .milliseconds(1))
    #expect(mailbox.taken == 1)
  }

  @Test("A cancelled task gives it up")
  func cancelled() async {
    let mailbox = BusyMailbox(refusing: .max)
    let desk = desk(mailbox)
    let task = Task { await desk.insist(.drain, pause: .seconds(600)) }
    task.cancel()
    await task.value
    #expect(mailbox.taken == 0)
  }
}
