import Elements
import RTP
import SRTP

extension MediaStream {
  /// Sends a plain packet of the peer to this leg, protected if need be; nil: the leg does not hear it.
  mutating func send(
    _ buffer: inout MutableRawSpan, _ arrival: Arrival, at now: Instant
  ) -> Forward? {
    switch arrival.kind {
    case .rtp: sendRTP(&buffer, length: arrival.length)
    case .rtcp: sendRTCP(&buffer, length: arrival.length, at: now)
    case .zrtp, .opaque: sendUntouched(length: arrival.length)
    }
  }

  private mutating func sendRTP(_ buffer: inout MutableRawSpan, length: Int) -> Forward? {
    guard legReceives, !isPlaying, let destination = latch.destination,
      let length = protect(&buffer, length: length)
    else { return nil }
    counters.sent &+= 1
    return Forward(socket: rtp, destination: destination, length: length)
  }

  private mutating func sendUntouched(length: Int) -> Forward? {
    guard legReceives, outbound == nil, let destination = latch.destination else { return nil }
    counters.sent &+= 1
    return Forward(socket: rtp, destination: destination, length: length)
  }

  /// Reports go to a leg that hears nothing as well: they keep its call and its NAT binding alive.
  private mutating func sendRTCP(
    _ buffer: inout MutableRawSpan, length: Int, at now: Instant
  ) -> Forward? {
    guard let destination = rtcpMux ? latch.destination : controlLatch.destination else {
      return nil
    }
    if !isEndToEnd { noteReports(buffer.bytes, length: length, at: now) }
    var length = length
    if let outbound {
      if sourceMask != 0 { buffer.xor32(sourceMask, at: 4) }
      do throws(SRTPError) {
        length = try outbound.protectRTCP(&buffer, length: length)
      } catch {
        return nil
      }
    }
    return Forward(socket: rtcpMux ? rtp : rtcp, destination: destination, length: length)
  }

  /// Protects an RTP packet for the leg; nil: it cannot be sent.
  ///
  /// A plain source that starts its sequence numbers anew without a new SSRC would have every packet
  /// refused, since protecting a number twice gives the keystream away. After some such packets in a
  /// row the leg is shown a new source instead.
  mutating func protect(_ buffer: inout MutableRawSpan, length: Int) -> Int? {
    guard let outbound else { return length }
    if sourceMask != 0 { buffer.xor32(sourceMask, at: 8) }
    do throws(SRTPError) {
      let protected = try outbound.protectRTP(&buffer, length: length)
      stuckPackets = 0
      return protected
    } catch {
      if error == .replayed { stuckPackets += 1 }
      if stuckPackets == Self.stuckLimit {
        showNewSource()
      }
      return nil
    }
  }

  /// Shows the leg an SSRC from now on whose numbers nobody has counted yet.
  mutating func showNewSource() {
    (sourceMask, stuckPackets) = (sourceMask &+ 0x9E37_79B9, 0)
  }

  private static let stuckLimit = 16
  /// What a packet may grow by.
  static let trailerRoom = SRTPContext.maximumTrailer
}

extension MutableRawSpan {
  /// Flips the bits of a 32-bit word in network byte order; the caller knows that it is there.
  mutating func xor32(_ mask: UInt32, at offset: Int) {
    let word = bytes.big32(at: offset) ^ mask
    for index in 0..<4 {
      let byte = UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * index))
      storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
    }
  }
}
