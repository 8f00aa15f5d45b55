import Elements
import Guard
import HummingbirdCore
import Logging
package import NIOCore
package import Net
import Synchronization

/// Who may hold a connection to our pages, and for how long: a stranger neither keeps others out nor holds up the end.
///
///     accepted ─┬─ too many of its address, of its network ── ended before a byte
///               └─ admitted, maybe in a stranger's place ─┬─ its life is over, or it was sent away ── answered, then ended
///                                                         └─ it takes nothing and brings nothing ── ended
package final class HTTPDoor: Sendable {
  package struct Limits: Sendable {
    /// How many; who has proven himself on his connection is no stranger.
    package var quota = StreamLimits()
    /// After so long a connection gets the answer that it waits for, and no other.
    package var life = TimeAmount.seconds(60)
    /// The longest that one answer may take, and its way to who asked.
    package var answer = TimeAmount.seconds(40)
    /// Without a byte in either direction; longer than anybody waits for an answer.
    package var quiet = TimeAmount.seconds(40)
    /// Until when who was sent away has to have read why.
    package var farewell = TimeAmount.seconds(5)
    /// Between two looks at a connection.
    package var look = TimeAmount.seconds(2)
    /// What is being answered when the server stops has so long.
    package var stop = Duration.seconds(2)

    package init() {}
  }

  private struct State {
    var quota: ConnectionQuota
    var channels: [FlowID: any Channel] = [:]
    var numbers: [ObjectIdentifier: FlowID] = [:]
    var next: UInt64 = 0
    var isClosed = false
  }

  let limits: Limits
  private let state: Mutex<State>

  init(_ limits: Limits) {
    self.limits = limits
    state = Mutex(State(quota: ConnectionQuota(limits.quota)))
  }

  /// Somebody connects.
  ///
  /// - Returns: Whether he may stay.
  func admit(_ channel: any Channel) -> Bool {
    guard let address = channel.remoteAddress?.ipAddress.flatMap({ IPAddress($0) }) else {
      return false
    }
    let (isAdmitted, displaced) = state.withLock { state -> (Bool, (any Channel)?) in
      state.next += 1
      let number = FlowID(state.next)
      guard !state.isClosed,
        case .admitted(let other) = state.quota.admit(
          number, from: address, in: .unknown, at: Clocks.instant())
      else { return (false, nil) }
      state.channels[number] = channel
      state.numbers[ObjectIdentifier(channel)] = number
      return (true, other.flatMap { state.channels[$0] })
    }
    displaced.map { Self.end($0) }
    guard isAdmitted else { return false }
    channel.closeFuture.whenComplete { [self] _ in gone(channel) }
    return true
  }

  private func gone(_ channel: any Channel) {
    state.withLock { state in
      guard let number = state.numbers.removeValue(forKey: ObjectIdentifier(channel)) else {
        return
      }
      state.channels[number] = nil
      state.quota.end(number)
    }
  }

  /// Somebody has proven on his connection who he is.
  func trust(_ channel: any Channel) {
    state.withLock { state in
      guard let number = state.numbers[ObjectIdentifier(channel)] else { return }
      state.quota.trust(number)
    }
  }

  /// Whose request is answered now is answered no other one.
  func sendAway(_ channel: any Channel) {
    channel.pipeline.fireUserInboundEventTriggered(ConnectionBounds.Order.sendAway)
  }

  /// Ends what is left of all connections; no other is admitted.
  func close() {
    let channels = state.withLock { state in
      state.isClosed = true
      return Array(state.channels.values)
    }
    for channel in channels { Self.end(channel) }
  }

  private static func end(_ channel: any Channel) {
    channel.pipeline.fireUserInboundEventTriggered(ConnectionBounds.Order.end)
  }
}

/// A connection through the door: what is behind it has never more of them, nor any for longer, than the door allows.
struct DoorChannel<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let door: HTTPDoor

  init(_ base: Base, _ door: HTTPDoor) {
    (self.base, self.door) = (base, door)
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      let bounds = ConnectionBounds(door.limits, isAdmitted: door.admit(channel))
      // First of all, so that it ends the socket itself and waits for no goodbye of TLS.
      try channel.pipeline.syncOperations.addHandler(bounds)
    }.flatMap { base.setup(channel: channel, logger: logger) }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}
