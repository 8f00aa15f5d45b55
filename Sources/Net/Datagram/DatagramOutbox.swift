import CLinuxSockets
package import Elements
import Glibc

/// Datagrams of one socket that wait to be sent together.
///
/// Overflow: ``add(_:to:from:tag:)`` returns false, as a full queue on the way would.
package final class DatagramOutbox {
  /// A datagram that the kernel refused, with the tag it was added under.
  package struct Failure: Hashable, Sendable {
    package let tag: UInt64
    package let remote: Endpoint
    package let errno: Int32
  }

  private static let refusalsAtMost = 8

  private let outbox: OpaquePointer

  package init(slots: Int, arenaBytes: Int) throws(NetError) {
    guard let outbox = cls_outbox_make(Int32(slots), arenaBytes) else {
      throw .system(call: "malloc", errno: ENOMEM)
    }
    self.outbox = outbox
  }

  deinit { cls_outbox_free(outbox) }

  package var count: Int { Int(cls_outbox_count(outbox)) }
  package var isEmpty: Bool { count == 0 }

  /// Copies a datagram into the queue.
  ///
  /// - Parameters:
  ///   - bytes: At most 65,507.
  ///   - remote: Whom to send it to.
  ///   - local: The address it shall leave from; the wildcard lets the kernel choose.
  ///   - tag: Comes back in a ``Failure``; 0 where nobody asks.
  /// - Returns: False when the queue is full.
  package func add(
    _ bytes: [UInt8], to remote: Endpoint, from local: IPAddress, tag: UInt64
  ) -> Bool {
    var (to, from) = (remote.kernel, Endpoint(local, 0).kernel)
    return cls_outbox_add(outbox, bytes, bytes.count, &to, &from, tag)
  }

  /// Sends all that waits; what the kernel has no room for stays for the next time.
  package func flush(_ socket: DatagramSocket, failures: inout [Failure]) {
    // An error of the past (ICMP) can be reported in place of sending, and who floods us with such errors can have
    // several: a datagram is refused when it was refused that often.
    var refusals = 0
    while true {
      let result = cls_outbox_flush(outbox, socket.descriptor)
      guard result != 0, -result != EAGAIN, -result != ENOBUFS else { return }
      refusals += 1
      guard refusals == Self.refusalsAtMost else { continue }
      refusals = 0
      var remote = cls_endpoint.none
      let tag = cls_outbox_drop_first(outbox, &remote)
      failures.append(Failure(tag: tag, remote: Endpoint(remote), errno: -result))
    }
  }
}
