import Elements

/// The pairs of ports of each local address that no session has: even for RTP, the odd one above it
/// for RTCP.
///
///     fresh ──take──▶ in use ──rest──▶ resting, open ──2 s quiet: take──▶ in use
///       ▲                └──too many open──▶ resting, closed ──60 s──▶ fresh
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
    let address: IPAddress
    var fresh: [UInt16]
    /// In order of `until`, when they are fresh again.
    var closed = Queue<(port: UInt16, until: Instant)>()
    /// Rows of the table, in order of `until`, when they may be rested.
    var resting = Queue<(row: Int, until: Instant)>()
  }

  private let configuration: RelayConfiguration
  /// One for each address, of which there are few: to look through them is less than to hash one.
  private var pools: [Ports] = []
  private var rows: [RestingPair?] = []
  private var freeRows: [Int] = []

  init(_ configuration: RelayConfiguration) {
    self.configuration = configuration
  }

  /// Pairs that rest with their sockets open.
  var openCount: Int { rows.count - freeRows.count }

  /// Where the ports of an address are in ``pools``.
  private mutating func place(of address: IPAddress) -> Int {
    for place in pools.indices where pools[place].address == address { return place }
    let range = configuration.ports
    pools.append(
      Ports(address: address, fresh: range.filter { $0 % 2 == 0 && $0 < range.upperBound }))
    return pools.count - 1
  }

  /// A pair for a session; nil: none is free.
  mutating func take(on address: IPAddress, at now: Instant, using dice: inout Dice) -> Pair? {
    let place = place(of: address)
    while let first = pools[place].closed.first, first.until <= now {
      pools[place].fresh.append(first.port)
      _ = pools[place].closed.removeFirst()
    }
    if pools[place].resting.count > configuration.variety,
      let pair = takeRested(from: place, at: now)
    {
      return .rested(pair)
    }
    if let index = pools[place].fresh.indices.randomElement(using: &dice) {
      pools[place].fresh.swapAt(index, pools[place].fresh.count - 1)
      return .fresh(pools[place].fresh.removeLast())
    }
    return takeRested(from: place, at: now).map { .rested($0) }
  }

  /// The pair that has rested longest; those that somebody still sends to go to the end of the line.
  private mutating func takeRested(from place: Int, at now: Instant) -> RestingPair? {
    for _ in 0..<pools[place].resting.count {
      guard let first = pools[place].resting.first, first.until <= now, let pair = rows[first.row]
      else {
        return nil
      }
      _ = pools[place].resting.removeFirst()
      if pair.isRested(at: now, configuration) {
        free(first.row)
        return pair
      }
      pools[place].resting.append((first.row, now + configuration.rest))
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
    pools[place(of: address)].resting.append((row, now + configuration.rest))
    return row
  }

  /// The pair rests without sockets, by the clock alone.
  mutating func restClosed(_ port: UInt16, on address: IPAddress, at now: Instant) {
    pools[place(of: address)].closed.append((port, now + configuration.memory))
  }

  /// The party of a pair that rests may begin to send yet; a pair that has gone on to somebody else stays there.
  ///
  /// Looks through all that rest: rare, since each is a call of a carrier that fell silent.
  mutating func spare(_ port: UInt16, on address: IPAddress) {
    for (row, _) in pools[place(of: address)].resting.all where rows[row]?.port == port {
      rows[row]?.isSpared = true
    }
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
    let place = place(of: address)
    guard pools[place].resting.count > configuration.variety,
      let first = pools[place].resting.first, let pair = rows[first.row],
      pair.isSurplus(at: now, configuration)
    else { return nil }
    _ = pools[place].resting.removeFirst()
    free(first.row)
    restClosed(pair.port, on: address, at: now)
    return pair
  }

  private mutating func free(_ row: Int) {
    rows[row] = nil
    freeRows.append(row)
  }
}
