import Elements
import RTP

/// One direction of one stream, RTP and RTCP, under one master key (RFC 3711, RFC 6188, RFC 7714).
///
/// The cryptography is libcrypto's; what is here is the framing: session keys, packet numbers, replay
/// windows. A new incoming source is taken up only after its first packet passed authentication, so
/// that nobody without the key can make it remember anything.
package final class SRTPContext {
  package enum Direction: Hashable, Sendable { case inbound, outbound }

  /// The most that protecting a packet adds: tag, MKI and SRTCP index.
  package static let maximumTrailer = 16 + 128 + 4
  /// Sources one key may serve; none is ever forgotten, since a forgotten outgoing one could be
  /// protected twice with the same keystream.
  package static let maximumSources = 64

  let key: MasterKey
  let direction: Direction
  private let packets: Protection
  /// Made with the first report: many streams never see one.
  private var reports: Protection?
  private var sources: [SourceState] = []
  private var lastSource = 0

  package init(_ key: MasterKey, _ direction: Direction) throws(SRTPError) {
    (self.key, self.direction) = (key, direction)
    packets = try Protection(key, .rtp, encrypts: direction == .outbound)
  }

  func reportProtection() throws(SRTPError) -> Protection {
    if let reports { return reports }
    let made = try Protection(key, .rtcp, encrypts: direction == .outbound)
    reports = made
    return made
  }

  // MARK: - Sources

  /// The state of a source, a fresh one if it is unknown and may be taken up.
  func state(of source: UInt32) throws(SRTPError) -> SourceState {
    if lastSource < sources.count, sources[lastSource].source == source {
      return sources[lastSource]
    }
    if let index = sources.firstIndex(where: { $0.source == source }) {
      lastSource = index
      return sources[index]
    }
    guard sources.count < Self.maximumSources else { throw .tooManySources }
    return SourceState(source)
  }

  /// Keeps the state of a source after a packet went well.
  func keep(_ state: SourceState) {
    if lastSource < sources.count, sources[lastSource].source == state.source {
      sources[lastSource] = state
    } else if let index = sources.firstIndex(where: { $0.source == state.source }) {
      (sources[index], lastSource) = (state, index)
    } else {
      lastSource = sources.count
      sources.append(state)
    }
  }

  // MARK: - RTP

  /// Protects an RTP packet of `length` bytes in place; the new length.
  package func protectRTP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    guard length >= 0, length + Self.maximumTrailer <= buffer.byteCount else { throw .noRoom }
    guard let header = RTPHeader(parsing: buffer.bytes, length: length, encrypted: true) else {
      throw .malformed
    }
    var state = try state(of: header.source)
    guard let index = state.index(of: header.sequence), state.packets.isFresh(index) else {
      throw .replayed
    }
    guard index < SourceState.highestPacket else { throw .keyExpired }
    let nonce = packets.nonce(source: header.source, index: index)
    let payload = header.payloadStart..<length
    let rollover = UInt32(truncatingIfNeeded: index >> 16)
    // Noted before it is used: a failure half-way must not let the number be used again.
    state.packets.note(index)
    keep(state)
    try unsafe Self.inPlace(&buffer) { (bytes) throws(SRTPError) in
      if let authenticator = packets.authenticator {
        try unsafe packets.cipher.applyKeystream(bytes, payload, nonce: nonce)
        try unsafe authenticator.write(
          bytes, over: 0..<length, rollover, to: length + key.identifier.count,
          size: packets.tagBytes)
      } else {
        try unsafe packets.cipher.seal(
          bytes, payload, additional: 0..<payload.lowerBound, trailer: nil, nonce: nonce)
      }
    }
    // The MKI stands before the tag of HMAC, and behind the tag that GCM counts as ciphertext.
    writeIdentifier(&buffer, at: packets.isAEAD ? length + packets.tagBytes : length)
    return length + packets.tagBytes + key.identifier.count
  }

  /// Authenticates and decrypts an SRTP packet in place; the new length.
  package func unprotectRTP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    guard length >= 0, length <= buffer.byteCount else { throw .noRoom }
    let plain = length - packets.tagBytes - key.identifier.count
    guard let header = RTPHeader(parsing: buffer.bytes, length: plain, encrypted: true) else {
      throw .malformed
    }
    var state = try state(of: header.source)
    guard let index = state.index(of: header.sequence), state.packets.isFresh(index) else {
      throw .replayed
    }
    try checkIdentifier(buffer.bytes, at: packets.isAEAD ? plain + packets.tagBytes : plain)
    let nonce = packets.nonce(source: header.source, index: index)
    let payload = header.payloadStart..<plain
    let rollover = UInt32(truncatingIfNeeded: index >> 16)
    try unsafe Self.inPlace(&buffer) { (bytes) throws(SRTPError) in
      if let authenticator = packets.authenticator {
        try unsafe authenticator.verify(
          bytes, over: 0..<plain, rollover, at: plain + key.identifier.count,
          size: packets.tagBytes)
        try unsafe packets.cipher.applyKeystream(bytes, payload, nonce: nonce)
      } else {
        try unsafe packets.cipher.open(
          bytes, payload, additional: 0..<payload.lowerBound, trailer: nil, nonce: nonce)
      }
    }
    state.packets.note(index)
    keep(state)
    return plain
  }

  // MARK: - Bytes

  /// Hands the bytes to libcrypto; what went wrong comes out as an error.
  static func inPlace(
    _ buffer: inout MutableRawSpan,
    _ body: (UnsafeMutableRawBufferPointer) throws(SRTPError) -> Void
  ) throws(SRTPError) {
    try unsafe buffer.withUnsafeMutableBytes { (bytes) throws(SRTPError) in
      try unsafe body(bytes)
    }
  }

  func writeIdentifier(_ buffer: inout MutableRawSpan, at place: Int) {
    for (index, byte) in key.identifier.enumerated() {
      buffer.storeBytes(of: byte, toByteOffset: place + index, as: UInt8.self)
    }
  }

  func checkIdentifier(_ bytes: RawSpan, at place: Int) throws(SRTPError) {
    for (index, byte) in key.identifier.enumerated() where bytes.byte(at: place + index) != byte {
      throw .unauthentic
    }
  }
}
