/// The header of an RTP packet, read in place (RFC 3550 §5.1).
package struct RTPHeader: Hashable, Sendable {
  /// The fixed part; contributing sources and an extension follow it.
  package static let fixedBytes = 12

  package let marker: Bool
  package let payloadType: UInt8
  package let sequence: UInt16
  package let timestamp: UInt32
  package let source: UInt32
  /// Where the payload starts and ends, padding left out.
  package let payloadStart: Int
  package let payloadEnd: Int

  /// Returns nil for anything that is no complete RTP packet of version 2.
  ///
  /// Of an encrypted packet the padding bytes cannot be read: give `encrypted`, and the payload
  /// goes to the end.
  @inlinable
  package init?(parsing bytes: RawSpan, length: Int, encrypted: Bool = false) {
    guard length >= Self.fixedBytes, length <= bytes.byteCount else { return nil }
    let first = bytes.byte(at: 0)
    guard first >> 6 == 2 else { return nil }
    var start = Self.fixedBytes + 4 * Int(first & 15)
    if first & 0x10 != 0 {
      guard length >= start + 4 else { return nil }
      start += 4 + 4 * Int(bytes.big16(at: start + 2))
    }
    guard length >= start else { return nil }
    var end = length
    if first & 0x20 != 0, !encrypted {
      let padding = Int(bytes.byte(at: length - 1))
      guard padding > 0, end - padding >= start else { return nil }
      end -= padding
    }
    let second = bytes.byte(at: 1)
    (marker, payloadType) = (second & 0x80 != 0, second & 0x7F)
    (sequence, timestamp) = (bytes.big16(at: 2), bytes.big32(at: 4))
    (source, payloadStart, payloadEnd) = (bytes.big32(at: 8), start, end)
  }

  @inlinable package var payloadBytes: Int { payloadEnd - payloadStart }

  /// A plain packet of ours: no padding, no extension, no contributing sources.
  package static func packet(
    payloadType: UInt8, marker: Bool = false, sequence: UInt16, timestamp: UInt32, source: UInt32,
    payload: some Collection<UInt8>
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(fixedBytes + payload.count)
    bytes.append(0x80)
    bytes.append(payloadType & 0x7F | (marker ? 0x80 : 0))
    bytes.append(contentsOf: [UInt8(sequence >> 8), UInt8(truncatingIfNeeded: sequence)])
    for word in [timestamp, source] {
      for shift: UInt32 in [24, 16, 8, 0] {
        bytes.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    bytes.append(contentsOf: payload)
    return bytes
  }
}
