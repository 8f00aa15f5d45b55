internal import CLibcrypto

/// HMAC-SHA1 under one session key, ready for packet after packet (RFC 3711 §4.2).
@safe
final class PacketAuthenticator {
  private let context: OpaquePointer

  /// The algorithm, looked up once: a look-up costs more than a packet.
  private static let algorithm = unsafe SharedAlgorithm(EVP_MAC_fetch(nil, "HMAC", nil))

  /// Never changed and never freed, so any thread may use it.
  @safe
  private struct SharedAlgorithm: @unchecked Sendable {
    let pointer: OpaquePointer?

    init(_ pointer: OpaquePointer?) {
      unsafe self.pointer = pointer
    }
  }

  init(key: [UInt8]) throws(SRTPError) {
    guard let algorithm = unsafe Self.algorithm.pointer,
      let context = unsafe EVP_MAC_CTX_new(algorithm)
    else { throw .refused("no authentication context") }
    unsafe self.context = context
    var digest = Array("SHA1".utf8CString)
    let status = unsafe digest.withUnsafeMutableBufferPointer { name in
      let parameters = unsafe [
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0),
        OSSL_PARAM_construct_end(),
      ]
      return unsafe EVP_MAC_init(context, key, key.count, parameters)
    }
    guard status == 1 else { throw .refused("authentication key") }
  }

  deinit { unsafe EVP_MAC_CTX_free(context) }

  /// The first `size` bytes of the tag over `range` and `word` are written to `place`.
  func write(
    _ bytes: UnsafeMutableRawBufferPointer, over range: Range<Int>, _ word: UInt32?, to place: Int,
    size: Int
  ) throws(SRTPError) {
    let tag = try unsafe self.tag(bytes, range, word)
    for index in 0..<size { unsafe bytes[place + index] = tag.byte(index) }
  }

  /// Compares the tag over `range` and `word` with the `size` bytes at `place`, in constant time.
  func verify(
    _ bytes: UnsafeMutableRawBufferPointer, over range: Range<Int>, _ word: UInt32?, at place: Int,
    size: Int
  ) throws(SRTPError) {
    let tag = try unsafe self.tag(bytes, range, word)
    var difference: UInt8 = 0
    for index in 0..<size { unsafe difference |= bytes[place + index] ^ tag.byte(index) }
    guard difference == 0 else { throw .unauthentic }
  }

  /// Twenty bytes and some room.
  private struct Tag {
    var words: (UInt64, UInt64, UInt64) = (0, 0, 0)

    func byte(_ index: Int) -> UInt8 {
      let word = index < 8 ? words.0 : index < 16 ? words.1 : words.2
      return UInt8(truncatingIfNeeded: UInt64(bigEndian: word) >> UInt64(56 - index % 8 * 8))
    }
  }

  private func tag(
    _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>, _ word: UInt32?
  ) throws(SRTPError) -> Tag {
    guard let base = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
      // No key: the same one again.
      unsafe EVP_MAC_init(context, nil, 0, nil) == 1,
      unsafe EVP_MAC_update(context, base + range.lowerBound, range.count) == 1
    else { throw .refused("authentication") }
    if var word = word?.bigEndian {
      let status = unsafe withUnsafeBytes(of: &word) { word in
        unsafe EVP_MAC_update(
          context, word.baseAddress?.assumingMemoryBound(to: UInt8.self), 4)
      }
      guard status == 1 else { throw .refused("authentication") }
    }
    var tag = Tag()
    var size = 0
    let status = unsafe withUnsafeMutableBytes(of: &tag.words) { place in
      unsafe EVP_MAC_final(
        context, place.baseAddress?.assumingMemoryBound(to: UInt8.self), &size, place.count)
    }
    guard status == 1, size == 20 else { throw .refused("authentication") }
    return tag
  }
}
