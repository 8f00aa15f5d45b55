import CLinuxSockets
package import Elements

/// Reused buffers for datagrams received in one go; shared by all sockets of a lane.
package final class DatagramInbox {
  private let inbox: OpaquePointer
  private let datagrams: UnsafeMutablePointer<cls_datagram>
  package let slots: Int

  private static let refusalsAtMost = 8

  /// - Parameters:
  ///   - slots: Datagrams that one system call can bring.
  ///   - slotBytes: A longer datagram is reported as truncated. Memory is touched as used.
  /// - Throws: Where there is no memory.
  package init(slots: Int, slotBytes: Int) throws(NetError) {
    guard let inbox = cls_inbox_make(Int32(slots), Int32(slotBytes)) else {
      throw .system(call: "malloc", errno: 12)
    }
    self.slots = slots
    self.inbox = inbox
    datagrams = cls_inbox_datagrams(inbox)
  }

  deinit { cls_inbox_free(inbox) }

  /// Receives what waits, at most ``slots``.
  ///
  /// Returns how many; negative: an errno.
  package func receive(from socket: Int32) -> Int {
    // An error of the past (ICMP) is told once in place of what waits, and who floods us with forged ones has the
    // kernel set the next as soon as one was taken: they must not keep everybody's datagrams waiting.
    var (count, refusals) = (0, 0)
    repeat {
      count = Int(cls_receive(inbox, socket))
      refusals += 1
    } while count < 0 && refusals < Self.refusalsAtMost
    return count
  }

  /// Receives one datagram into slot `index`, where more than one rarely waits; what the other slots hold stays.
  ///
  /// Returns whether there was one; its ``localAddress(_:)`` is not told.
  package func receive(_ index: Int, from socket: Int32) -> Bool {
    cls_receive_one(inbox, Int32(index), socket) == 1
  }

  /// Whether datagram `index` of the last batch did not fit and is cut.
  package func isTruncated(_ index: Int) -> Bool { datagrams[index].truncated }

  /// Who sent it.
  package func remote(_ index: Int) -> Endpoint { Endpoint(datagrams[index].remote) }

  /// The local address that it was sent to; the unspecified one where the socket does not tell.
  package func localAddress(_ index: Int) -> IPAddress {
    IPAddress(high: datagrams[index].local.high, low: datagrams[index].local.low)
  }

  package func count(_ index: Int) -> Int { Int(datagrams[index].length) }

  /// The bytes in place, to the end of the slot: a packet may grow there by what encryption adds.
  ///
  /// Valid until the next ``receive(from:)``, or ``receive(_:from:)`` into this slot.
  package func slot(_ index: Int, bytes slotBytes: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: datagrams[index].bytes, count: slotBytes)
  }

  /// A copy of the bytes, to keep.
  package func bytes(_ index: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: datagrams[index].bytes, count: count(index)))
  }
}
