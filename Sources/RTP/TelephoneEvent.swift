/// One telephone event payload: a key pressed (RFC 4733 §2.3).
package struct TelephoneEvent: Hashable, Sendable {
  /// 0 to 15 are the keys 0-9 * # A-D; 16 is a hook flash.
  package let code: UInt8
  package let isEnd: Bool
  /// Level below 0 dBm0, 0 to 63.
  package let volume: UInt8
  /// So far, in timestamp units.
  package let duration: UInt16

  /// Reads the first event of a payload; nil where it is too short.
  package init?(parsing bytes: RawSpan, header: RTPHeader) {
    guard header.payloadBytes >= 4, header.payloadEnd <= bytes.byteCount else { return nil }
    let start = header.payloadStart
    code = bytes.byte(at: start)
    let flags = bytes.byte(at: start + 1)
    (isEnd, volume) = (flags & 0x80 != 0, flags & 0x3F)
    duration = bytes.big16(at: start + 2)
  }

  /// The key, nil for events that are none.
  package var key: Character? {
    let keys: [Character] = [
      "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D",
    ]
    return Int(code) < keys.count ? keys[Int(code)] : nil
  }
}

/// Tells pressed keys from the many packets that speak of each (RFC 4733 §2.5.1.2).
package struct KeyRecognizer: Hashable, Sendable {
  private var lastTimestamp: UInt32?
  private var lastCode: UInt8 = 0

  package init() {}

  /// A packet of the telephone event payload type; gives the key the first time it is heard of.
  package mutating func recognize(_ event: TelephoneEvent, timestamp: UInt32) -> Character? {
    if let lastTimestamp {
      // The same event, or a late packet of an earlier one.
      let delta = Int32(bitPattern: timestamp &- lastTimestamp)
      if delta < 0 && delta > -80_000 { return nil }
      if delta == 0, lastCode == event.code { return nil }
    }
    (lastTimestamp, lastCode) = (timestamp, event.code)
    return event.key
  }
}
