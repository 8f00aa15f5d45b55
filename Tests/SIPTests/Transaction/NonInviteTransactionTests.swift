import Elements
import Testing

@testable import SIP

@Suite struct NonInviteClientTransactionTests {
  typealias Machine = NonInviteClientTransaction

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

  private func sendings(of machine: inout Machine) -> (sent: [Int64], last: [Machine.Effect]) {
    var sent: [Int64] = []
    var last: [Machine.Effect] = []
    for _ in 0..<40 {
      guard let deadline = machine.deadline else { break }
      last = []
      machine.handle(.deadline, at: deadline, into: &last)
      if last == [.sendRequest] { sent.append((deadline - .start).wholeMilliseconds) }
    }
    return (sent, last)
  }

  @Test("RFC 3261 §17.1.2.2: timer E doubles up to T2, timer F ends after 64*T1")
  func timersEAndF() {
    var machine = machine()
    let (sent, last) = sendings(of: &machine)
    #expect(sent == [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
    #expect(last == [.timeOut])
    #expect(machine.isTerminated)
  }

  @Test("RFC 3261 §17.1.2.2: in proceeding timer E is T2 and timer F goes on")
  func proceeding() {
    var machine = machine()
    #expect(drive(&machine, [(.provisional, 100), (.provisional, 200)]) == [.deliver, .deliver])
    let (sent, last) = sendings(of: &machine)
    #expect(sent == [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500])
    #expect(last == [.timeOut])
  }

  @Test("RFC 3261 §17.1.2.2: timer K absorbs copies of the final response")
  func timerK() {
    for first: [(Machine.Input, Int64)] in [[], [(.provisional, 1)]] {
      var machine = machine()
      _ = drive(&machine, first)
      #expect(drive(&machine, [(.final, 100), (.final, 600), (.provisional, 700)]) == [.deliver])
      #expect(machine.deadline == ms(5_100))
      _ = drive(&machine, [(.deadline, 5_099)])
      #expect(!machine.isTerminated)
      _ = drive(&machine, [(.deadline, 5_100)])
      #expect(machine.isTerminated)
    }
  }

  @Test("RFC 3261 §17.1.2.2: over a stream nothing is repeated and timer K is zero")
  func reliable() {
    var machine = machine(isReliable: true)
    #expect(machine.deadline == ms(32_000))
    #expect(drive(&machine, [(.final, 10)]) == [.deliver])
    #expect(machine.isTerminated)
    var silent = self.machine(isReliable: true)
    #expect(drive(&silent, [(.provisional, 5), (.deadline, 32_000)]) == [.deliver, .timeOut])
  }

  @Test("RFC 3261 §17.1.4: a transport error ends it while a response is awaited")
  func transportError() {
    for first: [(Machine.Input, Int64)] in [[], [(.provisional, 1)]] {
      var machine = machine()
      _ = drive(&machine, first)
      #expect(drive(&machine, [(.transportFailed, 2)]) == [.fail])
      #expect(machine.isTerminated)
    }
    var completed = machine()
    _ = drive(&completed, [(.final, 1)])
    #expect(drive(&completed, [(.transportFailed, 2)]).isEmpty)
    #expect(!completed.isTerminated)
  }

  @Test("A terminated transaction takes nothing any more", arguments: Machine.Input.allCases)
  func terminated(input: Machine.Input) {
    var machine = machine(isReliable: true)
    _ = drive(&machine, [(.final, 1)])
    #expect(drive(&machine, [(input, 2)]).isEmpty)
    #expect(machine.isTerminated && machine.deadline == nil && !machine.isPending)
  }
}

@Suite struct NonInviteServerTransactionTests {
  typealias Machine = NonInviteServerTransaction

  private func machine(isReliable: Bool = false) -> Machine {
    Machine(timers: TransactionTimers(), isReliable: isReliable)
  }

  private func drive(
    _ machine: inout Machine, _ steps: [(Machine.Input, Int64)]
  ) -> [Machine.Effect] {
    var effects: [Machine.Effect] = []
    for (input, at) in steps { machine.handle(input, at: ms(at), into: &effects) }
    return effects
  }

  @Test("RFC 3261 §17.2.2: copies in trying are discarded, later ones get the latest response")
  func copies() {
    var machine = machine()
    #expect(drive(&machine, [(.requestAgain, 10)]).isEmpty)
    #expect(drive(&machine, [(.respondProvisional, 20), (.requestAgain, 30)]).count == 2)
    #expect(drive(&machine, [(.respondFinal, 40), (.requestAgain, 50)]).count == 2)
  }

  @Test("RFC 3261 §17.2.2: timer J is 64*T1 over datagrams and zero over streams")
  func timerJ() {
    var machine = machine()
    _ = drive(&machine, [(.respondFinal, 100)])
    #expect(machine.deadline == ms(32_100))
    _ = drive(&machine, [(.deadline, 32_099)])
    #expect(!machine.isTerminated)
    _ = drive(&machine, [(.deadline, 32_100)])
    #expect(machine.isTerminated)
    var stream = self.machine(isReliable: true)
    #expect(drive(&stream, [(.respondFinal, 100)]) == [.sendResponse])
    #expect(stream.isTerminated)
  }

  /// Property: each copy that arrives gets one answer, and copies never prolong timer J.
  @Test("RFC 3261 §17.2.2: copies are answered once each", arguments: UInt64(1)...50)
  func answersEachCopyOnce(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var machine = machine()
    var effects = drive(&machine, [(.respondFinal, 0)])
    let end = machine.deadline
    var (now, copies) = (Int64(0), 1)
    for attempt in 0..<10 where now < 32_000 {
      now += min(500 << attempt, 4_000)
      guard Int.random(in: 0..<100, using: &random) >= 30 else { continue }
      copies += 1
      effects += drive(&machine, [(.requestAgain, now)])
    }
    #expect(effects == Array(repeating: .sendResponse, count: copies))
    #expect(machine.deadline == end)
  }

  @Test("RFC 3261 §17.2.2: a final response is final, and what is not expected changes nothing")
  func ignored() {
    var machine = machine()
    #expect(drive(&machine, [(.transportFailed, 1), (.deadline, 2)]).isEmpty)
    #expect(machine.isPending)
    _ = drive(&machine, [(.respondProvisional, 3), (.transportFailed, 4), (.deadline, 5)])
    #expect(machine.state == .proceeding)
    _ = drive(&machine, [(.respondFinal, 6)])
    #expect(drive(&machine, [(.respondFinal, 7), (.respondProvisional, 8)]).isEmpty)
    #expect(machine.deadline == ms(32_006))
    _ = drive(&machine, [(.transportFailed, 9)])
    #expect(machine.isTerminated)
    for input in Machine.Input.allCases { #expect(drive(&machine, [(input, 10)]).isEmpty) }
  }
}
