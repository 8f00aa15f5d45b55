import Elements
import Testing

@testable import SIP

@Suite struct InviteServerTransactionTests {
  typealias Machine = InviteServerTransaction

  private func machine(isReliable: Bool = false) -> Machine {
    Machine(timers: TransactionTimers(), isReliable: isReliable, at: .start)
  }

  private func drive(
    _ machine: inout Machine, _ steps: [(Machine.Input, Int64)]
  ) -> [Machine.Effect] {
    var effects: [Machine.Effect] = []
    for (input, at) in steps { machine.handle(input, at: ms(at), into: &effects) }
    return effects
  }

  @Test("RFC 3261 §17.2.1: 100 after 200 ms without an answer of the user, once")
  func trying() {
    var machine = machine()
    #expect(machine.deadline == ms(200))
    #expect(drive(&machine, [(.deadline, 199)]).isEmpty)
    #expect(drive(&machine, [(.deadline, 200)]) == [.sendTrying])
    #expect(machine.deadline == nil)
    #expect(drive(&machine, [(.deadline, 300)]).isEmpty)
  }

  @Test("RFC 3261 §17.2.1: a copy before any response brings the 100 forward")
  func copyBeforeTrying() {
    var machine = machine()
    #expect(drive(&machine, [(.requestAgain, 50)]) == [.sendTrying])
    #expect(drive(&machine, [(.requestAgain, 60)]) == [.sendResponse])
    #expect(machine.deadline == nil)
  }

  @Test("RFC 3261 §17.2.1: a copy gets the latest provisional response")
  func copyInProceeding() {
    var machine = machine()
    let effects = drive(
      &machine, [(.respondProvisional, 10), (.requestAgain, 20), (.respondProvisional, 30)])
    #expect(effects == [.sendResponse, .sendResponse, .sendResponse])
    #expect(machine.deadline == nil)
  }

  @Test("RFC 3261 §17.2.1: timer G doubles up to T2, timer H ends after 64*T1")
  func timersGAndH() {
    var machine = machine()
    #expect(drive(&machine, [(.respondFailure, 0)]) == [.sendResponse])
    var sent: [Int64] = []
    var last: [Machine.Effect] = []
    for _ in 0..<20 {
      guard let deadline = machine.deadline else { break }
      last = []
      machine.handle(.deadline, at: deadline, into: &last)
      if last == [.sendResponse] { sent.append((deadline - .start).wholeMilliseconds) }
    }
    #expect(sent == [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    #expect(last == [.timeOut])
    #expect(machine.isTerminated)
  }

  @Test("RFC 3261 §17.2.1: over a stream timer G does not run, timer H does")
  func reliableTimers() {
    var machine = machine(isReliable: true)
    _ = drive(&machine, [(.respondFailure, 0)])
    #expect(machine.deadline == ms(32_000))
    #expect(drive(&machine, [(.deadline, 32_000)]) == [.timeOut])
    var acknowledged = self.machine(isReliable: true)
    #expect(drive(&acknowledged, [(.respondFailure, 0), (.acknowledged, 9)]) == [.sendResponse])
    #expect(acknowledged.isTerminated)
  }

  @Test("RFC 3261 §17.2.1: ACK stops timer G, timer I absorbs further ones")
  func timerI() {
    var machine = machine()
    _ = drive(&machine, [(.respondFailure, 0), (.acknowledged, 100)])
    #expect(machine.deadline == ms(5_100))
    #expect(drive(&machine, [(.acknowledged, 200), (.requestAgain, 300)]).isEmpty)
    #expect(drive(&machine, [(.deadline, 5_099)]).isEmpty)
    #expect(!machine.isTerminated)
    _ = drive(&machine, [(.deadline, 5_100)])
    #expect(machine.isTerminated)
  }

  @Test("RFC 6026 §7.1: timer L absorbs copies of the INVITE after a 2xx")
  func timerL() {
    var machine = machine()
    #expect(drive(&machine, [(.respondSuccess, 0)]) == [.sendResponse])
    let rest: [(Machine.Input, Int64)] = [
      (.requestAgain, 500), (.acknowledged, 600), (.respondFailure, 700), (.transportFailed, 800),
    ]
    #expect(drive(&machine, rest).isEmpty)
    #expect(machine.deadline == ms(32_000))
    _ = drive(&machine, [(.deadline, 32_000)])
    #expect(machine.isTerminated)
  }

  @Test("RFC 3261 §17.2.1: a final response is final")
  func finalIsFinal() {
    var machine = machine()
    _ = drive(&machine, [(.respondFailure, 0)])
    let before = machine
    for input in [Machine.Input.respondProvisional, .respondSuccess, .respondFailure] {
      #expect(drive(&machine, [(input, 10)]).isEmpty)
      #expect(machine == before)
    }
    #expect(drive(&machine, [(.requestAgain, 20)]) == [.sendResponse])
  }

  @Test("RFC 3261 §17.2.1: before the final response, ACK and transport errors change nothing")
  func ignored() {
    for first: [(Machine.Input, Int64)] in [[], [(.respondProvisional, 1)]] {
      var machine = machine()
      _ = drive(&machine, first)
      let before = machine
      #expect(drive(&machine, [(.acknowledged, 2), (.transportFailed, 3)]).isEmpty)
      #expect(machine == before)
      #expect(machine.isPending)
    }
  }

  @Test("RFC 3261 §17.2.4: a transport error ends it after the final response")
  func transportError() {
    var completed = machine()
    _ = drive(&completed, [(.respondFailure, 0), (.transportFailed, 1)])
    #expect(completed.isTerminated)
  }

  @Test("A terminated transaction takes nothing any more", arguments: Machine.Input.allCases)
  func terminated(input: Machine.Input) {
    var machine = machine(isReliable: true)
    _ = drive(&machine, [(.respondFailure, 0), (.acknowledged, 1)])
    #expect(drive(&machine, [(input, 2)]).isEmpty)
    #expect(machine.isTerminated)
    #expect(machine.deadline == nil)
  }
}
