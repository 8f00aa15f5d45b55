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

  mutating func absorb(_ text: HashText) { absorb(text.letters.span.extracting(0..<text.count)) }

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
  private(set) var letters = InlineArray<64, UInt8>(repeating: 0)
  let count: Int

  init(_ value: HashValue) {
    count = 2 * value.count
    for index in 0..<value.count {
      letters[2 * index] = hexadecimalDigit(value.bytes[index] >> 4)
      letters[2 * index + 1] = hexadecimalDigit(value.bytes[index] & 15)
    }
  }

  var bytes: [UInt8] {
    let span = letters.span
    return (0..<count).map { span[$0] }
  }

  /// Whether it is that text, in a time that depends on the lengths only.
  func isEqualInConstantTime(to other: Span<UInt8>) -> Bool {
    letters.span.extracting(0..<count).isEqualInConstantTime(to: other)
  }
}

/// "0" to "9", "a" to "f".
func hexadecimalDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
