import CLibcrypto
import Elements

/// A hash function of libcrypto, looked up once in the life of the process.
struct HashFunction: Sendable {
  /// The address of the function, which lives as long as the process and is never written to.
  private let address: UInt

  static let md5 = HashFunction("MD5")
  static let sha256 = HashFunction("SHA2-256")
  static let sha512Half = HashFunction("SHA2-512/256")

  private init(_ name: StaticString) {
    let found = name.withUTF8Buffer { unsafe EVP_MD_fetch(nil, $0.baseAddress, nil) }
    guard let found = unsafe found else {
      invariantFailed("libcrypto has no \(name)", file: #fileID, line: #line)
    }
    address = UInt(bitPattern: found)
  }

  static func of(_ algorithm: DigestAlgorithm) -> HashFunction {
    switch algorithm {
    case .md5: md5
    case .sha256: sha256
    case .sha512Half: sha512Half
    }
  }

  fileprivate func begin(_ context: OpaquePointer) -> Bool {
    unsafe EVP_DigestInit_ex2(context, OpaquePointer(bitPattern: address), nil) == 1
  }
}

/// One run of a hash function after the other over parts of a text; used on the spot and dropped.
@safe struct HashRun: ~Copyable {
  private let context: OpaquePointer

  init() {
    guard let made = unsafe EVP_MD_CTX_new() else {
      invariantFailed("out of memory for a hash", file: #fileID, line: #line)
    }
    unsafe context = made
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  mutating func begin(_ function: HashFunction) {
    let isBegun = unsafe function.begin(context)
    invariant(isBegun, "libcrypto refused to begin a hash")
  }

  mutating func absorb(_ bytes: Span<UInt8>) {
    let isTaken = unsafe bytes.withUnsafeBufferPointer {
      unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    invariant(isTaken == 1, "libcrypto refused bytes of a hash")
  }

  mutating func absorb(_ bytes: [UInt8]) { absorb(bytes.span) }

  mutating func absorb(_ text: StaticString) {
    let isTaken = text.withUTF8Buffer {
      unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    invariant(isTaken == 1, "libcrypto refused bytes of a hash")
  }

  /// The hash of all that was absorbed since ``begin(_:)``.
  mutating func finish() -> HashValue {
    var value = HashValue()
    var length: UInt32 = 0
    let isDone = unsafe value.withStorage { unsafe EVP_DigestFinal_ex(context, $0, &length) }
    invariant(isDone == 1 && length <= 32, "libcrypto gave no hash")
    value.count = Int(length)
    return value
  }
}

/// A hash of up to 32 bytes, without an allocation.
struct HashValue: Sendable {
  private(set) var bytes = InlineArray<32, UInt8>(repeating: 0)
  fileprivate(set) var count = 0

  fileprivate mutating func withStorage(_ body: (UnsafeMutablePointer<UInt8>) -> Int32) -> Int32 {
    var span = bytes.mutableSpan
    return unsafe span.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return unsafe body(base)
    }
  }

  /// The hash as lower-case hexadecimal text, two letters a byte.
  var hexadecimal: [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: count * 2) { buffer, initialized in
      for index in 0..<count {
        unsafe buffer[2 * index] = hexadecimalDigit(bytes[index] >> 4)
        unsafe buffer[2 * index + 1] = hexadecimalDigit(bytes[index] & 15)
      }
      initialized = count * 2
    }
  }

  /// Eight bytes as a number, the first in the lowest bits.
  func word(at offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) }
  }
}

/// "0" to "9", "a" to "f".
func hexadecimalDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
