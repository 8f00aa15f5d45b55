import Elements
import SIP

// Answers that nobody waits for: a second fork of an INVITE, and a 200 that crosses a CANCEL. A carrier bills each.

extension Carrier {
  /// Copies of an answer, half a second apart.
  private static let copies = 20

  /// With all its copies a fork answers within 64*T1 of the INVITE, as RFC 3261 §13.2.2.4 has it.
  func planForks(_ call: Int, _ wait: Duration) {
    guard world.options.forks > 0 else { return }
    if world.dice.chance(world.options.forks, in: 100) { legs[call]?.answersCancel = true }
    guard world.dice.chance(world.options.forks, in: 100) else { return }
    world.schedule(
      .act(index, .fork(call: call, process: world.process)),
      after: wait + world.dice.milliseconds(0...12_000))
  }

  /// Another fork answers, whatever became of the first.
  ///
  /// Only to the process that has sent the INVITE: of a call that had its record no later one knows.
  func fork(_ call: Int, _ process: Int) {
    guard !world.isHealed, process == world.process, let invite = invites[call],
      let leg = legs[call], let server = calls[call].server, !core.isPending(server)
    else { return }
    let fork = newCall(isCaller: false, number: leg.number)
    calls[fork].state = .over
    legs[fork] = CarrierLeg(fork: leg, of: call, answeredAt: world.now.instant)
    forks[fork] = Wire.answer(to: invite, tag: fork, contact: endpoint)
    world.noteAnswer(self, fork, leg.number)
    sayAgain(fork, Self.copies, process)
  }

  /// Says its 200 again until it is acknowledged; without that it gives the call up.
  func sayAgain(_ fork: Int, _ copies: Int, _ process: Int) {
    guard let answer = forks[fork], !answer.isEmpty, legs[fork]?.stoppedAt == nil else { return }
    guard copies > 0, process == world.process else { return stop(fork) }
    emit([Transmission(bytes: answer, destination: .flow(flow))])
    world.schedule(
      .act(index, .forkAgain(call: fork, copies: copies - 1, process: process)),
      after: .milliseconds(500))
  }

  /// An ACK or BYE to a fork.
  func hear(_ bytes: [UInt8], _ fork: Int) {
    if bytes.starts(with: "ACK ".utf8) { forks[fork] = [] }
    guard bytes.starts(with: "BYE ".utf8) else { return }
    forks[fork] = []
    emit([
      Transmission(
        bytes: Wire.answer(to: bytes, tag: nil, contact: endpoint), destination: .flow(flow))
    ])
    stop(fork)
  }
}
