import RTP

extension SRTPContext {
  /// The header of the first packet stays readable: it names the source.
  private static let headerBytes = 8
  /// Set in the index: the packet is encrypted.
  private static let encryptedFlag: UInt32 = 1 << 31

  /// Protects an RTCP compound in place; the new length.
  package func protectRTCP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    guard length >= 0, length + Self.maximumTrailer <= buffer.byteCount else { throw .noRoom }
    guard length >= Self.headerBytes else { throw .malformed }
    let protection = try reportProtection()
    let source = buffer.bytes.big32(at: 4)
    var state = try state(of: source)
    let index = (state.reports.highest ?? 0) + 1
    guard index < SourceState.highestReport else { throw .keyExpired }
    state.reports.note(index)
    keep(state)
    let word = UInt32(truncatingIfNeeded: index) | Self.encryptedFlag
    let nonce = protection.nonce(source: source, index: index)
    let payload = Self.headerBytes..<length
    // GCM: ciphertext, tag, index, MKI (RFC 7714 §9); HMAC: ciphertext, index, MKI, tag (RFC 3711 §3.4).
    let wordAt = protection.isAEAD ? length + protection.tagBytes : length
    buffer.store32(word, at: wordAt)
    writeIdentifier(&buffer, at: wordAt + 4)
    try unsafe Self.inPlace(&buffer) { (bytes) throws(SRTPError) in
      if let authenticator = protection.authenticator {
        try unsafe protection.cipher.applyKeystream(bytes, payload, nonce: nonce)
        try unsafe authenticator.write(
          bytes, over: 0..<(length + 4), nil, to: length + 4 + key.identifier.count,
          size: protection.tagBytes)
      } else {
        try unsafe protection.cipher.seal(
          bytes, payload, additional: 0..<Self.headerBytes, trailer: word, nonce: nonce)
      }
    }
    return length + 4 + key.identifier.count + protection.tagBytes
  }

  /// Authenticates and decrypts an SRTCP compound in place; the new length.
  package func unprotectRTCP(
    _ buffer: inout MutableRawSpan, length: Int
  ) throws(SRTPError) -> Int {
    guard length >= 0, length <= buffer.byteCount else { throw .noRoom }
    let protection = try reportProtection()
    let plain = length - 4 - key.identifier.count - protection.tagBytes
    guard plain >= Self.headerBytes else { throw .malformed }
    let source = buffer.bytes.big32(at: 4)
    let wordAt = protection.isAEAD ? plain + protection.tagBytes : plain
    let word = buffer.bytes.big32(at: wordAt)
    // Reports in the clear were not agreed, whatever their tag says.
    guard word & Self.encryptedFlag != 0 else { throw .unauthentic }
    var state = try state(of: source)
    let index = UInt64(word & ~Self.encryptedFlag)
    guard state.reports.isFresh(index) else { throw .replayed }
    try checkIdentifier(buffer.bytes, at: wordAt + 4)
    let nonce = protection.nonce(source: source, index: index)
    let payload = Self.headerBytes..<plain
    try unsafe Self.inPlace(&buffer) { (bytes) throws(SRTPError) in
      if let authenticator = protection.authenticator {
        try unsafe authenticator.verify(
          bytes, over: 0..<(plain + 4), nil, at: plain + 4 + key.identifier.count,
          size: protection.tagBytes)
        try unsafe protection.cipher.applyKeystream(bytes, payload, nonce: nonce)
      } else {
        try unsafe protection.cipher.open(
          bytes, payload, additional: 0..<Self.headerBytes, trailer: word, nonce: nonce)
      }
    }
    state.reports.note(index)
    keep(state)
    return plain
  }
}

extension MutableRawSpan {
  /// A 32-bit word in network byte order.
  mutating func store32(_ word: UInt32, at offset: Int) {
    for index in 0..<4 {
      let byte = UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * index))
      storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
    }
  }
}
