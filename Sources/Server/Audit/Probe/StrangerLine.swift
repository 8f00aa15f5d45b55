import Elements
package import SIP
import SIPSyntax

/// Asks one listener question by question, and hears the answers to each, whatever else arrives.
///
/// Over UDP a question is repeated as clients do (RFC 3261 §17.1.2.2), so that a loss decides nothing; every wait has an end, as
/// has the whole, whatever comes.
package final class StrangerLine {
  /// What came back to one question.
  package struct Reply {
    /// The final answer; without one in time the last that was more than 100, else 100; nil: silence.
    package fileprivate(set) var answer: StrangerAnswer?
    package fileprivate(set) var finals = 0
    package fileprivate(set) var datagrams = 0
    package fileprivate(set) var bytes = 0
    /// How often the question was sent, and how many bytes that were in all.
    package fileprivate(set) var sendings = 0
    package fileprivate(set) var sentBytes = 0
  }

  /// How long anything may take.
  package struct Patience: Sendable {
    /// For the first answer, from the first sending on.
    package var answer: Duration = .milliseconds(3_500)
    /// Until the question is sent again; twice as long each time (Timer E).
    package var again: Duration = .milliseconds(500)
    /// For what comes behind an answer.
    package var after: Duration = .milliseconds(150)
    /// For all questions together.
    package var whole: Duration = .seconds(75)

    package init() {}
  }

  private let transport: Transport
  private let patience: Patience
  private let reach: () -> (any ProbeLink)?
  private var link: (any ProbeLink)?
  private var framer = StreamFramer()
  private let now: () -> ContinuousClock.Instant
  private let end: ContinuousClock.Instant
  /// Time was up before everything was asked.
  package private(set) var isOver = false

  /// Messages that are heard for one question; whoever sends more is not listened to.
  private static let mostMessages = 200

  /// `reach` connects, again where the other side has hung up; `now` is the time by which all waits end.
  package init(
    over transport: Transport, patience: Patience = Patience(), first: (any ProbeLink)? = nil,
    now: @escaping () -> ContinuousClock.Instant = { .now }, reach: @escaping () -> (any ProbeLink)?
  ) {
    (self.transport, self.patience, self.reach) = (transport, patience, reach)
    (link, self.now, end) = (first, now, now() + patience.whole)
  }

  deinit { link?.close() }

  /// Asks, and ends what that has begun.
  package func ask(_ request: StrangerRequest) -> Reply {
    guard now() < end else {
      isOver = true
      return Reply()
    }
    var reply = Reply()
    // Who hangs up before he answers is asked once more on a new connection.
    for _ in 0..<2 where reply.answer == nil {
      guard listen(to: request, &reply) == .hungUp else { break }
      hangUp()
    }
    if request.method == "INVITE", let answer = reply.answer { finish(request, answer) }
    return reply
  }

  private enum Ending { case quiet, hungUp }

  private func listen(to request: StrangerRequest, _ reply: inout Reply) -> Ending {
    guard let link = opened() else { return .quiet }
    let question = request.bytes(over: transport, from: link.local)
    let start = now()
    var (until, pause) = (min(start + patience.answer, end), patience.again)
    var next: ContinuousClock.Instant? = start
    var heard = 0
    while heard < Self.mostMessages {
      let moment = now()
      guard moment < until else { return .quiet }
      if let time = next, time <= moment {
        link.send(question)
        reply.sendings += 1
        reply.sentBytes += question.count
        next = transport == .udp ? moment + pause : nil
        pause += pause
      }
      switch hear(on: link, until: min(until, next ?? until)) {
      case .nothing: continue
      case .hungUp: return .hungUp
      case .message(let bytes):
        heard += 1
        guard let answer = StrangerAnswer(bytes), answer.belongs(to: request) else { continue }
        reply.note(answer)
        next = nil
        if answer.status > 100 { until = min(until, now() + waiting(behind: answer)) }
      }
    }
    return .quiet
  }

  /// Behind what rings a refusal may still come.
  private func waiting(behind answer: StrangerAnswer) -> Duration {
    answer.status < 200 ? patience.again * 2 : transport == .udp ? patience.after : .zero
  }

  private enum Heard {
    case message([UInt8])
    case nothing, hungUp
  }

  private func hear(on link: any ProbeLink, until: ContinuousClock.Instant) -> Heard {
    while true {
      if link.isStream {
        do throws(StreamError) {
          while let item = try framer.next() {
            if case .message(let bytes) = item { return .message(bytes) }
          }
        } catch {
          return .hungUp  // It has no borders any more.
        }
      }
      let rest = until - now()
      guard rest > .zero, let bytes = link.receive(within: rest) else { return .nothing }
      guard !bytes.isEmpty || !link.isStream && transport == .udp else { return .hungUp }
      guard link.isStream else { return .message(bytes) }
      framer.append(bytes)
    }
  }

  private func opened() -> (any ProbeLink)? {
    if link == nil { (link, framer) = (reach(), StreamFramer()) }
    return link
  }

  private func hangUp() {
    link?.close()
    (link, framer) = (nil, StreamFramer())
  }

  /// Whatever was begun is over: a refusal is acknowledged, a call cancelled or ended.
  private func finish(_ invite: StrangerRequest, _ answer: StrangerAnswer) {
    guard let link else { return }
    func send(_ requests: [StrangerRequest]) {
      for request in requests { link.send(request.bytes(over: transport, from: link.local)) }
    }
    send(invite.ending(after: answer))
    guard answer.status < 200 else { return }
    // What the CANCEL leads to: a refusal, or a call that was faster.
    let until = min(now() + patience.again * 2, end)
    for _ in 0..<Self.mostMessages where now() < until {
      guard case .message(let bytes) = hear(on: link, until: until) else { return }
      guard let last = StrangerAnswer(bytes), last.belongs(to: invite), last.status >= 200 else {
        continue
      }
      return send(invite.ending(after: last))
    }
  }
}

extension StrangerLine.Reply {
  fileprivate mutating func note(_ found: StrangerAnswer) {
    datagrams += 1
    bytes += found.size
    if found.status >= 200 { finals += 1 }
    // Of several final answers the first counts, of others the last.
    guard let answer, answer.status >= 200 else {
      self.answer = found
      return
    }
  }
}
