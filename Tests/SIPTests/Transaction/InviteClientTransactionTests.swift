import Elements
import Testing

@testable import SIP

@Suite struct InviteClientTransactionTests {
  typealias Machine = InviteClientTransaction

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

  @Test("RFC 3261 §17.1.1.2: timer A doubles without a ceiling, timer B ends after 64*T1")
  func timersAAndB() {
    var machine = machine()
    var sent: [Int64] = []
    var last: [Machine.Effect] = []
    for _ in 0..<20 {
      guard let deadline = machine.deadline else { break }
      var effects: [Machine.Effect] = []
      machine.handle(.deadline, at: deadline, into: &effects)
      if effects == [.sendRequest] { sent.append((deadline - .start).wholeMilliseconds) }
      last = effects
    }
    #expect(sent == [500, 1_500, 3_500, 7_500, 15_500, 31_500])
    #expect(last == [.timeOut])
    #expect(machine.isTerminated)
    #expect(machine.deadline == nil)
  }

  @Test("RFC 3261 §17.1.1.2: nothing is repeated over a stream, timer B still runs")
  func reliableTimerB() {
    var machine = machine(isReliable: true)
    #expect(machine.deadline == ms(32_000))
    #expect(drive(&machine, [(.deadline, 32_000)]) == [.timeOut])
  }

  @Test("RFC 3261 §17.1.1.2: a provisional response stops timers A and B")
  func provisional() {
    var machine = machine()
    #expect(drive(&machine, [(.provisional, 100), (.provisional, 200)]) == [.deliver, .deliver])
    #expect(machine.state == .proceeding(until: nil))
    #expect(machine.deadline == nil)
  }

  @Test("RFC 3261 §17.1.1.2: timer D absorbs copies of the final response, each gets its ACK")
  func timerD() {
    var machine = machine()
    let effects = drive(&machine, [(.failure, 100), (.failure, 600), (.failure, 1_600)])
    #expect(
      effects == [.sendAcknowledgement, .deliver, .sendAcknowledgement, .sendAcknowledgement])
    #expect(machine.deadline == ms(32_100))
    #expect(drive(&machine, [(.deadline, 32_099)]).isEmpty)
    #expect(!machine.isTerminated)
    #expect(drive(&machine, [(.deadline, 32_100)]).isEmpty)
    #expect(machine.isTerminated)
  }

  @Test("RFC 3261 §16.7: over a stream, too, the 2xx of another fork is heard behind a refusal")
  func reliableTimerD() {
    var machine = machine(isReliable: true)
    #expect(drive(&machine, [(.failure, 100)]) == [.sendAcknowledgement, .deliver])
    #expect(drive(&machine, [(.success, 32_000)]) == [.deliver])
    #expect(drive(&machine, [(.deadline, 32_100)]).isEmpty && machine.isTerminated)
  }

  @Test("RFC 6026 §7.2: timer M lets every 2xx of 64*T1 through")
  func timerM() {
    var machine = machine()
    let effects = drive(&machine, [(.success, 100), (.success, 600), (.success, 20_000)])
    #expect(effects == [.deliver, .deliver, .deliver])
    #expect(machine.deadline == ms(32_100))
    #expect(drive(&machine, [(.deadline, 32_100)]).isEmpty)
    #expect(machine.isTerminated)
  }

  @Test("RFC 3261 §9.1: after CANCEL the transaction ends 64*T1 later without a final response")
  func cancelled() {
    var machine = machine()
    _ = drive(&machine, [(.provisional, 100), (.cancelSent, 1_000), (.cancelSent, 9_000)])
    #expect(machine.deadline == ms(33_000))
    #expect(drive(&machine, [(.provisional, 2_000)]) == [.deliver])
    #expect(machine.deadline == ms(33_000))
    #expect(drive(&machine, [(.deadline, 33_000)]) == [.timeOut])
  }

  @Test("RFC 3261 §9.1: a 2xx that crossed the CANCEL is delivered")
  func cancelCrossesSuccess() {
    var machine = machine()
    let effects = drive(&machine, [(.provisional, 0), (.cancelSent, 10), (.success, 20)])
    #expect(effects == [.deliver, .deliver])
  }

  @Test("RFC 3261 §17.1.4: a transport error ends it while a response is awaited")
  func transportError() {
    for first: [(Machine.Input, Int64)] in [[], [(.provisional, 10)]] {
      var machine = machine()
      _ = drive(&machine, first)
      #expect(drive(&machine, [(.transportFailed, 20)]) == [.fail])
      #expect(machine.isTerminated)
    }
    var completed = machine()
    _ = drive(&completed, [(.failure, 10)])
    #expect(drive(&completed, [(.transportFailed, 20)]).isEmpty)
    #expect(completed.isTerminated)
    var accepted = machine()
    _ = drive(&accepted, [(.success, 10)])
    #expect(drive(&accepted, [(.transportFailed, 20)]).isEmpty)
    #expect(!accepted.isTerminated)
  }

  @Test("RFC 3261 §17.1.1: what a state does not expect changes nothing")
  func ignored() {
    let table: [(first: [(Machine.Input, Int64)], then: [Machine.Input])] = [
      ([(.failure, 10)], [.provisional, .cancelSent]),
      ([(.success, 10)], [.provisional, .failure, .cancelSent]),
      ([(.transportFailed, 10)], Machine.Input.allCases),
      ([], [.cancelSent]),
    ]
    for row in table {
      var machine = machine()
      _ = drive(&machine, row.first)
      let before = machine
      for input in row.then {
        #expect(drive(&machine, [(input, 20)]).isEmpty)
        #expect(machine == before)
      }
    }
  }

  @Test("RFC 3261 §16.7: a 2xx behind a refusal is told, and the refusal stays")
  func successBehindFailure() {
    var machine = machine()
    _ = drive(&machine, [(.failure, 10)])
    let before = machine
    #expect(drive(&machine, [(.success, 20), (.success, 30)]) == [.deliver, .deliver])
    #expect(machine == before)
  }

  @Test("A deadline that is looked at too early changes nothing")
  func earlyDeadline() {
    for first: [(Machine.Input, Int64)] in [
      [], [(.provisional, 1)], [(.failure, 1)], [(.success, 1)],
    ] {
      var machine = machine()
      _ = drive(&machine, first)
      let before = machine
      #expect(drive(&machine, [(.deadline, 2)]).isEmpty)
      #expect(machine == before)
    }
  }
}
