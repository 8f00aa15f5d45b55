import CLibcrypto
import Elements

/// A hash function of libcrypto, looked up once in the life of the process.
struct HashFunction: Sendable {
  /// The address of the function, which lives as long as the process and is never written to.
  private let address: UInt

  static let sha256 = HashFunction("SHA2-256")
  static let sha512Half = HashFunction("SHA2-512/256")

  private init(_ name: StaticString) {
    let found = name.withUTF8Buffer { unsafe EVP_MD_fetch(nil, $0.baseAddress, nil) }
    guard let found = unsafe found else {
      invariantFailed("libcrypto has no \(name)", file: #fileID, line: #line)
    }
    address = UInt(bitPattern: found)
  }

  /// Nil for MD5, which is run without one.
  static func of(_ algorithm: DigestAlgorithm) -> HashFunction? {
    switch algorithm {
    case .md5: nil
    case .sha256: sha256
    case .sha512Half: sha512Half
    }
  }

  fileprivate func begin(_ context: OpaquePointer) -> Bool {
    unsafe EVP_DigestInit_ex2(context, OpaquePointer(bitPattern: address), nil) == 1
  }
}

/// One run of a hash function after the other over parts of a text; used on the spot and dropped.
///
/// MD5, which nearly all phones answer with, goes by libcrypto's functions for it alone, on the stack: the
/// general ones allocate several times for each run, which costs more than the hash.
@safe struct HashRun: ~Copyable {
  private var md5 = MD5_CTX()
  private var isMD5 = false
  /// For the other functions; made when the first of them begins.
  private var context: OpaquePointer?

  init() {}

  deinit { unsafe EVP_MD_CTX_free(context) }

  mutating func begin(_ algorithm: DigestAlgorithm) {
    isMD5 = algorithm == .md5
    guard let function = HashFunction.of(algorithm) else {
      let isBegun = unsafe MD5_Init(&md5)
      return invariant(isBegun == 1, "libcrypto refused to begin a hash")
    }
    if unsafe context == nil { unsafe context = EVP_MD_CTX_new() }
    guard let context = unsafe context else {
      invariantFailed("out of memory for a hash", file: #fileID, line: #line)
    }
    let isBegun = unsafe function.begin(context)
    invariant(isBegun, "libcrypto refused to begin a hash")
  }

  mutating func absorb(_ bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { unsafe absorb($0) }
  }

  mutating func absorb(_ bytes: [UInt8]) { absorb(bytes.span) }

  mutating func absorb(_ text: StaticString) { text.withUTF8Buffer { unsafe absorb($0) } }

  mutating func absorb(_ text: HashText) { text.withSpan { absorb($0) } }

  private mutating func absorb(_ bytes: UnsafeBufferPointer<UInt8>) {
    let isTaken =
      unsafe isMD5
      ? MD5_Update(&md5, bytes.baseAddress, bytes.count)
      : EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    invariant(isTaken == 1, "libcrypto refused bytes of a hash")
  }

  /// The hash of all that was absorbed since ``begin(_:)``.
  mutating func finish() -> HashValue {
    var value = HashValue()
    var length: UInt32 = 16
    let isDone = unsafe value.withStorage { storage in
      unsafe isMD5 ? MD5_Final(storage, &md5) : EVP_DigestFinal_ex(context, storage, &length)
    }
    invariant(isDone == 1 && length <= 32, "libcrypto gave no hash")
    value.count = Int(length)
    return value
  }
}

/// A hash of up to 32 bytes, without an allocation.
struct HashValue: Sendable {
  private(set) var bytes = InlineArray<32, UInt8>(repeating: 0)
  fileprivate(set) var count = 0

  init() {}

  /// Bytes that look like a hash of that many: one or two names.
  init(_ first: Fingerprint, _ second: Fingerprint?) {
    append(first)
    if let second { append(second) }
  }

  private mutating func append(_ name: Fingerprint) {
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      bytes[count] = UInt8(truncatingIfNeeded: name.high >> shift)
      bytes[count + 8] = UInt8(truncatingIfNeeded: name.low >> shift)
      count += 1
    }
    count += 8
  }

  fileprivate mutating func withStorage(_ body: (UnsafeMutablePointer<UInt8>) -> Int32) -> Int32 {
    var span = bytes.mutableSpan
    return unsafe span.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe body(base)
    }
  }

  /// The hash as lower-case hexadecimal text.
  var text: HashText { HashText(self) }

  /// The same in an array.
  var hexadecimal: [UInt8] { text.bytes }

  /// Eight bytes as a number, the first in the lowest bits.
  func word(at offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) }
  }
}

/// A hash as it stands in a digest: lower-case hexadecimal letters, two a byte, without an allocation.
struct HashText: Sendable {
  /// Eight letters a word, the first in the lowest bits.
  private var words = InlineArray<8, UInt64>(repeating: 0)
  let count: Int

  init(_ value: HashValue) {
    count = 2 * value.count
    for index in 0..<value.count / 4 {
      let bytes = unsafe value.bytes.span.bytes
      let four = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
      words[index] = hexadecimalLetters(of: UInt32(bigEndian: four)).littleEndian
    }
  }

  /// The letters, to be read without a copy.
  func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    let all = words.span
    return unsafe all.withUnsafeBytes { bytes in
      unsafe bytes.withMemoryRebound(to: UInt8.self) { letters in
        unsafe body(letters.span.extracting(0..<count))
      }
    }
  }

  var bytes: [UInt8] { withSpan { [UInt8](copying: $0) } }

  /// Whether it is that text, in a time that depends on the lengths only.
  func isEqualInConstantTime(to other: Span<UInt8>) -> Bool {
    withSpan { $0.isEqualInConstantTime(to: other) }
  }
}

extension [UInt8] {
  init(copying bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
  }
}

/// Eight lower-case letters, the first, of the highest four bits, in the lowest byte.
func hexadecimalLetters(of number: UInt32) -> UInt64 {
  var nibbles = UInt64(number.byteSwapped)
  nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
  nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
  nibbles = (nibbles >> 4 | nibbles << 8) & 0x0F0F_0F0F_0F0F_0F0F
  // Ten and above are letters, which stand 39 places behind the digits.
  let isLetter = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
  return nibbles &+ 0x3030_3030_3030_3030 &+ isLetter &* 39
}

/// The number that eight hexadecimal letters write, the first, of its highest bits, in the lowest byte; nil if
/// there is any other among them.
func number(ofHexadecimalLetters letters: UInt64) -> UInt32? {
  guard letters & 0x8080_8080_8080_8080 == 0 else { return nil }
  let folded = letters | 0x2020_2020_2020_2020
  let digit = letters.bytes(from: 48, below: 58)
  let letter = folded.bytes(from: 97, below: 103)
  guard digit | letter == 0x0101_0101_0101_0101 else { return nil }
  let values = letters & 0x0F0F_0F0F_0F0F_0F0F &+ letter &* 9
  let pairs = (values & 0x000F_000F_000F_000F) << 4 | values >> 8 & 0x000F_000F_000F_000F
  let fours = (pairs & 0x0000_00FF_0000_00FF) << 8 | pairs >> 16 & 0x0000_00FF_0000_00FF
  return UInt32(fours & 0xFFFF) << 16 | UInt32(fours >> 32)
}

extension UInt64 {
  /// A one in each byte that is at least the limit; all bytes are below 128.
  @inline(__always)
  func bytes(from limit: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    return (self &+ ones &* (128 - limit)) >> 7 & ones
  }

  /// A one in each byte of a range of values; all bytes are below 128.
  @inline(__always)
  func bytes(from lower: UInt64, below upper: UInt64) -> UInt64 {
    bytes(from: lower) &- bytes(from: upper)
  }
}
