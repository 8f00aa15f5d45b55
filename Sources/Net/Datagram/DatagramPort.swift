import Elements
import Glibc
import SIP

/// A SIP listener on UDP: socket, send queue, and the memory that an ICMP error is matched against.
final class DatagramPort {
  /// A request that was sent not long ago.
  private struct Sent {
    var remote: Endpoint
    var transaction: ClientTransactionID
  }

  let socket: DatagramSocket
  let local: Endpoint
  private let outbox: DatagramOutbox
  private var failures: [DatagramOutbox.Failure] = []
  /// The last requests, oldest overwritten first.
  private var sent: [Sent] = []
  private var nextSent = 0

  private static let rememberedRequests = 512
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
    if let transaction = transmission.transaction { remember(transaction, to: remote) }
    return nil
  }

  private func queue(_ transmission: Transmission) -> Bool {
    let destination = transmission.destination
    return outbox.add(
      transmission.bytes, to: destination.remote, from: destination.local.address,
      tag: transmission.transaction?.number ?? 0)
  }

  private func remember(_ transaction: ClientTransactionID, to remote: Endpoint) {
    let entry = Sent(remote: remote, transaction: transaction)
    guard sent.count == Self.rememberedRequests else { return sent.append(entry) }
    sent[nextSent] = entry
    nextSent = (nextSent + 1) % Self.rememberedRequests
  }

  /// Sends what is queued.
  ///
  /// `failed` gets each request that could not be sent. True: some has to wait.
  func flush(_ failed: (ClientTransactionID, String) -> Void) -> Bool {
    guard !outbox.isEmpty || !failures.isEmpty else { return false }
    outbox.flush(socket, failures: &failures)
    for failure in failures where failure.tag != 0 {
      failed(ClientTransactionID(failure.tag), String(cString: strerror(failure.errno)))
    }
    failures.removeAll(keepingCapacity: true)
    return !outbox.isEmpty
  }

  /// Takes the ICMP errors that came, and names the requests they are about (RFC 3261 §18.4).
  func takeErrors(_ failed: (ClientTransactionID, String) -> Void) {
    for _ in 0..<Self.errorsAtOnce {
      guard let (destination, errno) = socket.nextError() else { return }
      let reason = String(cString: strerror(errno))
      for entry in sent where entry.remote == destination { failed(entry.transaction, reason) }
      // Told once; a later request to the same address gets an error of its own.
      sent.removeAll { $0.remote == destination }
      nextSent = 0
    }
  }
}
