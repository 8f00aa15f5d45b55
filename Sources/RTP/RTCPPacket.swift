/// One packet of an RTCP compound: its kind and where it stands (RFC 3550 §6.1).
package struct RTCPPacket: Hashable, Sendable {
  package enum Kind: UInt8, Hashable, Sendable {
    case senderReport = 200
    case receiverReport = 201
    case sourceDescription = 202
    case goodbye = 203
    case application = 204
    case transportFeedback = 205
    case payloadFeedback = 206
    case extendedReport = 207
  }

  /// Nil for a type we do not know, which passes unread.
  package let kind: Kind?
  /// Report blocks, chunks or sources, from the header; checked against the length.
  package let count: Int
  package let start: Int
  package let end: Int

  /// A report block is 24 bytes; a sender report has 28 before them, a receiver report 8.
  private static let blockBytes = 24
  private static let senderBytes = 28
  private static let receiverBytes = 8

  /// Reads the packet at `start`; nil where it is broken or leaves the first `length` bytes.
  package init?(parsing bytes: RawSpan, at start: Int, length: Int) {
    guard length <= bytes.byteCount, start >= 0, start + 4 <= length else { return nil }
    let first = bytes.byte(at: start)
    let end = start + 4 + 4 * Int(bytes.big16(at: start + 2))
    guard first >> 6 == 2, end <= length else { return nil }
    (kind, count) = (Kind(rawValue: bytes.byte(at: start + 1)), Int(first & 31))
    (self.start, self.end) = (start, end)
    if first & 0x20 != 0 {
      // Padding: on the last packet only, and within it.
      let padding = Int(bytes.byte(at: end - 1))
      guard end == length, padding >= 4, padding % 4 == 0, padding <= end - start - 4 else {
        return nil
      }
    }
    guard hasRoom(in: bytes) else { return nil }
  }

  /// Whether what the header counts fits in (the short packets of AST-2017-008 do not).
  private func hasRoom(in bytes: RawSpan) -> Bool {
    let size = end - start
    return switch kind {
    case .senderReport: size >= Self.senderBytes + count * Self.blockBytes
    case .receiverReport: size >= Self.receiverBytes + count * Self.blockBytes
    case .sourceDescription: hasChunks(in: bytes)
    case .goodbye: size >= 4 + 4 * count
    case .application, .transportFeedback, .payloadFeedback: size >= 12
    case .extendedReport: size >= 8
    case nil: true
    }
  }

  /// Walks the chunks of a source description: items end inside the packet (RFC 3550 §6.5).
  private func hasChunks(in bytes: RawSpan) -> Bool {
    var offset = start + 4
    for _ in 0..<count {
      guard offset + 8 <= end else { return false }
      offset += 4
      while bytes.byte(at: offset) != 0 {
        guard offset + 2 <= end else { return false }
        offset += 2 + Int(bytes.byte(at: offset + 1))
        guard offset < end else { return false }
      }
      // The list ends with one to four zero bytes, at the next multiple of four.
      offset = start + (offset - start) / 4 * 4 + 4
    }
    return offset <= end
  }

  /// Whether the first `length` bytes are a compound that may be read and passed on.
  ///
  /// Reduced-size packets (RFC 5506) begin with feedback and pass as well.
  package static func isCompound(_ bytes: RawSpan, length: Int) -> Bool {
    guard length >= 8, length % 4 == 0 else { return false }
    var offset = 0
    while offset < length {
      guard let packet = RTCPPacket(parsing: bytes, at: offset, length: length) else {
        return false
      }
      if offset == 0 {
        switch packet.kind {
        case .senderReport, .receiverReport, .transportFeedback, .payloadFeedback, .extendedReport,
          .application:
          break
        case .sourceDescription, .goodbye, nil: return false
        }
      }
      offset = packet.end
    }
    return true
  }

  /// The source that sent this packet.
  package func sender(in bytes: RawSpan) -> UInt32? {
    end - start >= 8 ? bytes.big32(at: start + 4) : nil
  }

  /// The middle 32 bits of the NTP time of a sender report, which receivers give back.
  package func middleNTP(in bytes: RawSpan) -> UInt32? {
    guard kind == .senderReport else { return nil }
    return bytes.big32(at: start + 8) << 16 | bytes.big32(at: start + 12) >> 16
  }

  /// A report block of a sender or receiver report; nil beyond the last.
  package func block(_ index: Int, in bytes: RawSpan) -> ReportBlock? {
    let base: Int
    switch kind {
    case .senderReport: base = Self.senderBytes
    case .receiverReport: base = Self.receiverBytes
    case .sourceDescription, .goodbye, .application, .transportFeedback, .payloadFeedback,
      .extendedReport, nil:
      return nil
    }
    guard index >= 0, index < count else { return nil }
    let offset = start + base + index * Self.blockBytes
    return ReportBlock(
      source: bytes.big32(at: offset), lossOf256: bytes.byte(at: offset + 4),
      highestSequence: bytes.big32(at: offset + 8), jitter: bytes.big32(at: offset + 12),
      lastReport: bytes.big32(at: offset + 16), delay: bytes.big32(at: offset + 20))
  }
}

/// How a receiver hears one source (RFC 3550 §6.4.1).
package struct ReportBlock: Hashable, Sendable {
  package let source: UInt32
  /// Lost since its last report, of 256.
  package let lossOf256: UInt8
  package let highestSequence: UInt32
  /// In timestamp units of the source.
  package let jitter: UInt32
  /// Middle of the NTP time of the last sender report it got; 0: none yet.
  package let lastReport: UInt32
  /// Since it got that report, in 1/65,536 s.
  package let delay: UInt32
}
