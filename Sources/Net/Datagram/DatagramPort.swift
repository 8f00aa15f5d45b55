import Elements
import Glibc
import SIP

/// A SIP listener on UDP: socket and send queue.
final class DatagramPort {
  let socket: DatagramSocket
  let local: Endpoint
  private let outbox: DatagramOutbox
  private var failures: [DatagramOutbox.Failure] = []

  private var droppedBefore: UInt32 = 0

  private static let errorsAtOnce = 64
  static let largestDatagram = 65_507

  init(_ address: ListenAddress, sendQueue: Int) throws(NetError) {
    do throws(SystemError) {
      socket = try DatagramSocket(bindingTo: address.endpoint, .signalling)
    } catch { throw .bind(address, errno: error.errno) }
    local = socket.local
    outbox = try DatagramOutbox(slots: sendQueue, arenaBytes: sendQueue * 1_024)
  }

  /// Whether this socket can send from `address` and `port`.
  func serves(_ wanted: Endpoint) -> Bool {
    local.port == wanted.port && local.address.isV4 == wanted.address.isV4
      && (local.address == wanted.address || local.address.isUnspecified)
  }

  /// How many datagrams the kernel has dropped since the last time.
  func takeDropped() -> UInt64 {
    let dropped = socket.dropped
    defer { droppedBefore = dropped }
    return UInt64(dropped &- droppedBefore)
  }

  /// Queues a message.
  ///
  /// Returns why not, or nil.
  func send(_ transmission: Transmission) -> String? {
    let remote = transmission.destination.remote
    // Never to many at once, whatever a Via or Contact says (A14).
    guard remote.address.isUnicast, remote.port != 0 else { return "no unicast address: \(remote)" }
    guard transmission.bytes.count <= Self.largestDatagram else {
      return "\(transmission.bytes.count) bytes do not fit a datagram"
    }
    if !queue(transmission) {
      // A turn with more to send than the queue holds sends in between.
      outbox.flush(socket, failures: &failures)
      guard queue(transmission) else { return "the send queue is full" }
    }
    return nil
  }

  private func queue(_ transmission: Transmission) -> Bool {
    let destination = transmission.destination
    return outbox.add(
      transmission.bytes, to: destination.remote, from: destination.local.address,
      tag: transmission.transaction?.number ?? 0)
  }

  /// Sends what is queued.
  ///
  /// `failed` gets each request that could not be sent. True: some has to wait.
  func flush(_ failed: (SendingAttempt, String) -> Void) -> Bool {
    guard !outbox.isEmpty || !failures.isEmpty else { return false }
    outbox.flush(socket, failures: &failures)
    for failure in failures where failure.tag != 0 {
      let attempt = SendingAttempt(
        transaction: ClientTransactionID(failure.tag), transport: .udp, remote: failure.remote)
      failed(attempt, String(cString: strerror(failure.errno)))
    }
    failures.removeAll(keepingCapacity: true)
    return !outbox.isEmpty
  }

  /// Takes the ICMP errors that came, and tells what they repeat of a datagram that did not arrive
  /// (RFC 3261 §18.4).
  func takeErrors(_ unreachable: (_ quote: [UInt8], _ reason: String) -> Void) {
    for _ in 0..<Self.errorsAtOnce {
      guard let error = socket.nextError() else { return }
      switch error.errno {
      case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT:
        unreachable(error.quote, String(cString: strerror(error.errno)))
      case _: break  // One that was too long for the way is cut up when it is sent again.
      }
    }
  }
}
