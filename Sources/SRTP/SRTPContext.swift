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

  package let key: MasterKey
  let direction: Direction
  private let packets: Protection
  /// Made with the first report: many streams never see one.
  private var reports: Protection?
  private var sources: [SourceState]
  private var lastSource = 0
  /// The highest packet of each source under the keys before this one; at most ``maximumSources``.
  private let reached: [UInt32: UInt64]

  /// Makes a context for a key that was not used before.
  ///
  /// But `former` is that of the same master key under another suite or MKI, which is not used any more; `predecessor` is what
  /// protected the stream in this direction last.
  package init(
    _ key: MasterKey, _ direction: Direction, resuming former: SRTPContext? = nil,
    after predecessor: SRTPContext? = nil
  ) throws(SRTPError) {
    (self.key, self.direction) = (key, direction)
    sources = former?.sources ?? []
    reached = predecessor?.progress ?? [:]
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

  /// The highest packet of each source, under this key or those before.
  private var progress: [UInt32: UInt64] {
    let own = sources.compactMap { state in state.packets.highest.map { (state.source, $0) } }
    let all = reached.merging(own) { $1 }
    return all.count <= Self.maximumSources ? all : Dictionary(own) { $1 }
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
    let opened = try open(&buffer, header, plain: plain, of: state, index)
    state.packets.note(opened)
    keep(state)
    return plain
  }

  /// Opens a packet; its index.
  ///
  /// With a new key the rollover counter of a source goes on (RFC 3711 §3.3.1), or begins at zero where the address
  /// is another (RFC 4568 §7.1.4). Devices do the one or the other whatever the address, and no signalling
  /// says which: the first packet of the source is tried both ways, and the tag tells.
  private func open(
    _ buffer: inout MutableRawSpan, _ header: RTPHeader, plain: Int, of state: SourceState,
    _ index: UInt64
  ) throws(SRTPError) -> UInt64 {
    guard state.packets.highest == nil, let highest = reached[header.source],
      let further = SourceState.index(of: header.sequence, near: highest), further != index
    else {
      try open(&buffer, header, plain: plain, index: index)
      return index
    }
    // GCM decrypts before it knows the tag.
    var sealed: [UInt8] = []
    sealed.reserveCapacity(plain)
    for offset in 0..<plain { sealed.append(buffer.bytes.byte(at: offset)) }
    do throws(SRTPError) {
      try open(&buffer, header, plain: plain, index: further)
      return further
    } catch {
      for (offset, byte) in sealed.enumerated() {
        buffer.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      }
      try open(&buffer, header, plain: plain, index: index)
      return index
    }
  }

  private func open(
    _ buffer: inout MutableRawSpan, _ header: RTPHeader, plain: Int, index: UInt64
  ) throws(SRTPError) {
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
