package import Elements
import RTP

/// The media relay as a pure core: packets and commands in, packets and effects out.
///
/// It owns sessions, never sockets. One lane drives one core, from one thread; a session never moves.
/// Everything is found by row numbers: a socket knows its stream, a stream its peer, so that a packet
/// costs two table look-ups and no allocation (README.md).
package struct RelayCore: ~Copyable {
  /// What a socket number leads to.
  struct SocketRow {
    var generation: UInt32
    var use: SocketUse
    var isControl: Bool
  }

  enum SocketUse {
    /// The number is free.
    case none
    /// Row of the stream.
    case stream(Int)
    /// Row of a pair of ports between two sessions.
    case resting(Int)
  }

  let configuration: RelayConfiguration
  var dice: Dice
  var ports: PortPool

  var sockets: [SocketRow] = []
  var freeSockets: [UInt32] = []
  var streams: [MediaStream] = []
  var freeStreams: [Int] = []
  /// A free row holds an empty session.
  var sessions: [MediaSession] = []
  var freeSessions: [Int] = []
  var rows: [MediaSessionID: Int] = [:]
  var deadlines = DeadlineQueue<MediaSessionID>()
  /// Streams whose sockets can be narrowed, since their last packet.
  var lockedStreams: [Int] = []

  package init(configuration: RelayConfiguration, dice: Dice) {
    (self.configuration, self.dice) = (configuration, dice)
    ports = PortPool(configuration)
  }

  /// When to call ``handleDeadline(at:into:)``; nil: nothing is waiting.
  package var deadline: Instant? { lockedStreams.isEmpty ? deadlines.next : .start }

  /// Sessions that are open or opening.
  package var sessionCount: Int { rows.count }

  /// Pairs of ports that wait for a session with their sockets open.
  package var restingPairs: Int { ports.openCount }

  /// One datagram: changes it in place and says where it goes; nil: nowhere.
  ///
  /// `buffer` is the whole receive buffer: the `length` bytes of the datagram stand
  /// at its start, the rest is room for an SRTP trailer (``SRTPContext/maximumTrailer``). The lane
  /// drops truncated datagrams itself.
  package mutating func receive(
    _ buffer: inout MutableRawSpan, length: Int, on socket: SocketID, from source: Endpoint,
    at now: Instant
  ) -> Forward? {
    let index = Int(socket.index)
    guard index < sockets.count, sockets[index].generation == socket.generation,
      length <= buffer.byteCount
    else { return nil }
    guard case .stream(let row) = sockets[index].use else {
      hear(buffer.bytes, length: length, on: sockets[index], from: source, at: now)
      return nil
    }
    guard
      let arrival = streams[row].receive(
        &buffer, length: length, isControl: sockets[index].isControl, from: source, at: now)
    else { return nil }
    if streams[row].wantsNarrowing { lockedStreams.append(row) }
    if arrival.kind == .rtcp, !streams[row].isEndToEnd {
      readReports(buffer.bytes, arrival.length, of: row, at: now)
    }
    guard streams[row].legSends || arrival.kind == .rtcp, now < streams[row].until,
      let peer = streams[row].peer, let forward = streams[peer].send(&buffer, arrival, at: now)
    else {
      streams[row].counters.unheard &+= 1
      return nil
    }
    if arrival.kind == .zrtp { (streams[row].isEndToEnd, streams[peer].isEndToEnd) = (true, true) }
    return forward
  }

  /// A packet came for ports that no session has: who sends it shall not be heard in the next one.
  private mutating func hear(
    _ bytes: RawSpan, length: Int, on socket: SocketRow, from source: Endpoint, at now: Instant
  ) {
    guard case .resting(let pair) = socket.use else { return }
    ports.hear(pair, bytes, length: length, isControl: socket.isControl, from: source, at: now)
  }

  private mutating func readReports(
    _ bytes: RawSpan, _ length: Int, of row: Int, at now: Instant
  ) {
    guard let peer = streams[row].peer else { return }
    let heard = streams[peer].statistics.source
    let mask = streams[row].sourceMask
    let format = streams[peer].format(streams[peer].statistics.payloadType)
    streams[row].readReports(
      bytes, length: length, heard: heard.map { $0 ^ mask }, clockRate: format?.clockRate ?? 0,
      at: now)
  }
}
