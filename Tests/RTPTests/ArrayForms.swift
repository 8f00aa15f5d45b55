import RTP

// Spans cannot go through the macros of Swift Testing: the same calls with arrays.

extension RTPHeader {
  init?(_ bytes: [UInt8]) { self.init(parsing: bytes.span.bytes, length: bytes.count) }
}

extension TelephoneEvent {
  init?(_ bytes: [UInt8], _ header: RTPHeader) {
    self.init(parsing: bytes.span.bytes, header: header)
  }
}

extension DatagramKind {
  init(_ bytes: [UInt8], length: Int? = nil) {
    self.init(of: bytes.span.bytes, length: length ?? bytes.count)
  }
}

extension RTCPPacket {
  static func first(of bytes: [UInt8]) -> RTCPPacket? {
    RTCPPacket(parsing: bytes.span.bytes, at: 0, length: bytes.count)
  }

  static func isCompound(_ bytes: [UInt8], length: Int? = nil) -> Bool {
    isCompound(bytes.span.bytes, length: length ?? bytes.count)
  }

  func block(_ index: Int, of bytes: [UInt8]) -> ReportBlock? { block(index, in: bytes.span.bytes) }
  func sender(of bytes: [UInt8]) -> UInt32? { sender(in: bytes.span.bytes) }
  func middleNTP(of bytes: [UInt8]) -> UInt32? { middleNTP(in: bytes.span.bytes) }
}
