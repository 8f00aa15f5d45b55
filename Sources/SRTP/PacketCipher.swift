internal import CLibcrypto

/// AES under one session key, ready for packet after packet: only the nonce changes.
@safe
final class PacketCipher {
  /// The 16 bytes that are different for each packet: a counter block, or 12 bytes of nonce and zeros.
  struct Nonce {
    var high: UInt64
    var low: UInt64
  }

  private let context: OpaquePointer

  init(_ algorithm: Algorithm, key: [UInt8], encrypts: Bool) throws(SRTPError) {
    guard let context = unsafe EVP_CIPHER_CTX_new() else { throw .refused("no cipher context") }
    unsafe self.context = context
    let status = unsafe key.withUnsafeBufferPointer { bytes in
      unsafe EVP_CipherInit_ex(
        context, algorithm.cipher, nil, bytes.baseAddress, nil, encrypts ? 1 : 0)
    }
    guard status == 1, unsafe Int(EVP_CIPHER_CTX_get_key_length(context)) == key.count else {
      throw .refused("cipher key")
    }
  }

  deinit { unsafe EVP_CIPHER_CTX_free(context) }

  enum Algorithm {
    case ctr128, ctr256, gcm128, gcm256

    fileprivate var cipher: OpaquePointer? {
      switch self {
      case .ctr128: unsafe EVP_aes_128_ctr()
      case .ctr256: unsafe EVP_aes_256_ctr()
      case .gcm128: unsafe EVP_aes_128_gcm()
      case .gcm256: unsafe EVP_aes_256_gcm()
      }
    }
  }

  /// Counter mode, in place; the same both ways.
  func applyKeystream(
    _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>, nonce: Nonce
  ) throws(SRTPError) {
    guard start(nonce), unsafe update(bytes, range, range) else {
      throw .refused("cipher")
    }
  }

  /// Encrypts `range` in place and writes the tag of 16 bytes behind it.
  ///
  /// `additional` is authenticated with it; of RTCP so are the four bytes of `trailer`, which stand
  /// elsewhere.
  func seal(
    _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>, additional: Range<Int>,
    trailer: UInt32?, nonce: Nonce
  ) throws(SRTPError) {
    guard start(nonce), unsafe authenticate(bytes, additional, trailer),
      unsafe update(bytes, range, range), finish(),
      let tag = unsafe bytes.baseAddress?.advanced(by: range.upperBound),
      unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1
    else { throw .refused("cipher") }
  }

  /// Decrypts `range` in place; the tag of 16 bytes stands behind it.
  func open(
    _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>, additional: Range<Int>,
    trailer: UInt32?, nonce: Nonce
  ) throws(SRTPError) {
    guard start(nonce),
      let tag = unsafe bytes.baseAddress?.advanced(by: range.upperBound),
      unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1,
      unsafe authenticate(bytes, additional, trailer), unsafe update(bytes, range, range)
    else { throw .refused("cipher") }
    guard finish() else { throw .unauthentic }
  }

  private func start(_ nonce: Nonce) -> Bool {
    var block = (nonce.high.bigEndian, nonce.low.bigEndian)
    return unsafe withUnsafeBytes(of: &block) { bytes in
      unsafe EVP_CipherInit_ex(
        context, nil, nil, nil, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), -1) == 1
    }
  }

  private func update(
    _ bytes: UnsafeMutableRawBufferPointer, _ input: Range<Int>, _ output: Range<Int>
  ) -> Bool {
    guard !input.isEmpty else { return true }
    guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      return false
    }
    var written: CInt = 0
    return unsafe EVP_CipherUpdate(
      context, base + output.lowerBound, &written, base + input.lowerBound, CInt(input.count)) == 1
  }

  private func authenticate(
    _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>, _ trailer: UInt32?
  ) -> Bool {
    guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      return false
    }
    var written: CInt = 0
    guard
      unsafe EVP_CipherUpdate(
        context, nil, &written, base + range.lowerBound, CInt(range.count)) == 1
    else { return false }
    guard var word = trailer?.bigEndian else { return true }
    return unsafe withUnsafeBytes(of: &word) { word in
      unsafe EVP_CipherUpdate(
        context, nil, &written, word.baseAddress?.assumingMemoryBound(to: UInt8.self), 4) == 1
    }
  }

  private func finish() -> Bool {
    var written: CInt = 0
    // Modes of AES that need no padding write nothing here; the block is for the signature's sake.
    var block: (UInt64, UInt64) = (0, 0)
    return unsafe withUnsafeMutableBytes(of: &block) { bytes in
      unsafe EVP_CipherFinal_ex(
        context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &written) == 1
    }
  }
}
