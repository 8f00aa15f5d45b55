package import Elements

/// When to send a keep-alive over a flow, and when to take it for dead (RFC 5626 §4.4, §5.2).
///
/// Streams: double CRLF, answered by one CRLF within ten seconds. Datagrams: whatever the user sends
/// (an OPTIONS, or four bytes); any packet of the peer counts as its answer.
package struct KeepAlive: Hashable, Sendable {
  package enum Effect: Hashable, Sendable {
    case send
    case dead
  }

  package enum State: Hashable, Sendable {
    case quiet(until: Instant)
    case asked(until: Instant)
    case dead
  }

  /// What we send over a stream, and what a peer sends us (RFC 5626 §3.5.1).
  package static let ping: [UInt8] = [13, 10, 13, 10]
  package static let pong: [UInt8] = [13, 10]
  /// How long to wait for the pong (§4.4.1).
  package static let patience: Duration = .seconds(10)

  package private(set) var state: State
  private let transport: Transport

  package init(transport: Transport, dice: inout Dice, at now: Instant) {
    self.transport = transport
    state = .quiet(until: now + Self.interval(transport, &dice))
  }

  package var deadline: Instant? {
    switch state {
    case .quiet(let until), .asked(let until): until
    case .dead: nil
    }
  }

  /// Any bytes of the peer.
  package mutating func heard(dice: inout Dice, at now: Instant) {
    state = .quiet(until: now + Self.interval(transport, &dice))
  }

  package mutating func handleDeadline(at now: Instant, into effects: inout [Effect]) {
    state = next(at: now, into: &effects)
  }

  private func next(at now: Instant, into effects: inout [Effect]) -> State {
    switch state {
    case .quiet(let until):
      guard until <= now else { return state }
      effects.append(.send)
      return .asked(until: now + Self.patience)
    case .asked(let until):
      guard until <= now else { return state }
      effects.append(.dead)
      return .dead
    case .dead:
      return .dead
    }
  }

  /// §5.2: between 80 % and 100 % of 120 s over streams and of 29 s over UDP, so that not all ask at once.
  private static func interval(_ transport: Transport, _ dice: inout Dice) -> Duration {
    let ceiling: Int64 = transport.isReliable ? 120_000 : 29_000
    return .milliseconds(Int64.random(in: ceiling * 4 / 5...ceiling, using: &dice))
  }
}
