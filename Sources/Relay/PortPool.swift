import Elements

/// The pairs of ports of each local address that no session has: even for RTP, the odd one above it
/// for RTCP.
///
///     fresh ──take──▶ in use ──rest──▶ resting, open ──2 s quiet: take──▶ in use
///       ▲                └──too many open──▶ resting, closed ──30 s──▶ fresh
///       └──not needed for five minutes, when the next comes to rest── resting, open
///
/// Fresh ones are drawn at random; of those that rest, the one that rested longest goes first.
struct PortPool: Sendable {
  enum Pair {
    /// Its sockets are open.
    case rested(RestingPair)
    /// The even port of a pair that has no sockets.
    case fresh(UInt16)
  }

  private struct Ports: Sendable {
    var fresh: [UInt16]
    /// In order of `until`, when they are fresh again.
    var closed = Line<(port: UInt16, until: Instant)>()
    /// Rows of the table, in order of `until`, when they may be rested.
    var resting = Line<(row: Int, until: Instant)>()
  }

  private let configuration: RelayConfiguration
  private var addresses: [IPAddress: Ports] = [:]
  private var rows: [RestingPair?] = []
  private var freeRows: [Int] = []

  init(_ configuration: RelayConfiguration) {
    self.configuration = configuration
  }

  /// Pairs that rest with their sockets open.
  var openCount: Int { rows.count - freeRows.count }

  private static func fresh(_ range: ClosedRange<UInt16>) -> Ports {
    Ports(fresh: range.filter { $0 % 2 == 0 && $0 < range.upperBound })
  }

  /// A pair for a session; nil: none is free.
  mutating func take(on address: IPAddress, at now: Instant, using dice: inout Dice) -> Pair? {
    var ports = addresses.removeValue(forKey: address) ?? Self.fresh(configuration.ports)
    defer { addresses[address] = ports }
    while let first = ports.closed.first, first.until <= now {
      ports.fresh.append(first.port)
      _ = ports.closed.removeFirst()
    }
    if ports.resting.count > configuration.variety, let pair = takeRested(from: &ports, at: now) {
      return .rested(pair)
    }
    if let index = ports.fresh.indices.randomElement(using: &dice) {
      ports.fresh.swapAt(index, ports.fresh.count - 1)
      return .fresh(ports.fresh.removeLast())
    }
    return takeRested(from: &ports, at: now).map { .rested($0) }
  }

  /// The pair that has rested longest; those that somebody still sends to go to the end of the line.
  private mutating func takeRested(from ports: inout Ports, at now: Instant) -> RestingPair? {
    for _ in 0..<ports.resting.count {
      guard let first = ports.resting.first, first.until <= now, let pair = rows[first.row] else {
        return nil
      }
      _ = ports.resting.removeFirst()
      if pair.isRested(at: now, configuration) {
        free(first.row)
        return pair
      }
      ports.resting.append((first.row, now + configuration.rest))
    }
    return nil
  }

  /// The pair rests with its sockets open; under the returned row it wants to ``hear``.
  ///
  /// Nil: too many do, so its sockets have to be closed (``restClosed(_:on:at:)``).
  mutating func rest(_ pair: RestingPair, on address: IPAddress, at now: Instant) -> Int? {
    guard openCount < configuration.openPairs else { return nil }
    let row = freeRows.popLast() ?? rows.count
    if row == rows.count { rows.append(pair) } else { rows[row] = pair }
    addresses[address]?.resting.append((row, now + configuration.rest))
    return row
  }

  /// The pair rests without sockets, by the clock alone.
  mutating func restClosed(_ port: UInt16, on address: IPAddress, at now: Instant) {
    addresses[address]?.closed.append((port, now + configuration.memory))
  }

  /// A packet came for a pair that rests.
  mutating func hear(
    _ row: Int, _ bytes: RawSpan, length: Int, isControl: Bool, from remote: Endpoint,
    at now: Instant
  ) {
    rows[row]?.hear(bytes, length: length, isControl: isControl, from: remote, at: now)
  }

  /// A pair that was not needed for long: fresh again, and its sockets have to be closed.
  mutating func takeSurplus(on address: IPAddress, at now: Instant) -> RestingPair? {
    guard let ports = addresses[address], ports.resting.count > configuration.variety,
      let first = ports.resting.first, let pair = rows[first.row],
      pair.isSurplus(at: now, configuration)
    else { return nil }
    _ = addresses[address]?.resting.removeFirst()
    free(first.row)
    restClosed(pair.port, on: address, at: now)
    return pair
  }

  private mutating func free(_ row: Int) {
    rows[row] = nil
    freeRows.append(row)
  }
}
