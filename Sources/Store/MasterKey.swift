package import Crypto
package import Elements
import Glibc

/// The keys everything secret in the database is sealed under; they are not in the database.
///
/// A text of lines "number hexadecimal", the last one in use, the others kept to open what was sealed
/// before a rotation. It comes from systemd (`LoadCredential=master.key:…`) or lies in the data folder.
package struct MasterKey: Sendable {
  package let path: String
  private let keys: [UInt32: SymmetricKey]
  /// The key that new values are sealed under.
  package let current: UInt32

  /// Reads the key, or makes one on the first start.
  ///
  /// `credentials` is `$CREDENTIALS_DIRECTORY`, which systemd sets for a service.
  package init(in folder: DataFolder, credentials: String?) throws(StoreError) {
    if let credentials, access(credentials + "/master.key", F_OK) == 0 {
      try self.init(
        readingFrom: credentials + "/master.key", refusing: MasterKey.refusedOfCredentials)
    } else if access(folder.keyPath, F_OK) == 0 {
      try self.init(readingFrom: folder.keyPath)
    } else if access(folder.databasePath, F_OK) == 0 {
      throw .keyMissing(path: folder.keyPath)
    } else {
      try MasterKey.make(at: folder.keyPath)
      try self.init(readingFrom: folder.keyPath)
    }
  }

  /// What nobody but the owner may do with the key.
  package static let refused: UInt32 = 0o077
  /// The same of a credential: systemd lets the service's user read it by an ACL, whose mask stands where
  /// the group's rights do.
  package static let refusedOfCredentials: UInt32 = 0o037

  private init(
    readingFrom path: String, refusing rights: UInt32 = MasterKey.refused
  ) throws(StoreError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw .keyUnreadable(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0, facts.st_mode & rights == 0 else {
      throw .keyExposed(path: path, mode: UInt16(facts.st_mode & 0o777))
    }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(file, &bytes, bytes.count)
    try self.init(path: path, text: String(decoding: bytes[..<max(0, count)], as: UTF8.self))
  }

  init(path: String, text: String) throws(StoreError) {
    self.path = path
    var (keys, last): ([UInt32: SymmetricKey], UInt32?) = ([:], nil)
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      // A bare line of digits, as `openssl rand -hex 32` prints it, is the first key.
      guard let digits = words.last, words.count <= 2, let bytes = MasterKey.bytes(digits),
        let number = words.count == 2 ? UInt32(words[0]) : 1, keys[number] == nil
      else { throw .keyUnreadable(path: path, reason: "line \(keys.count + 1) is no key") }
      keys[number] = SymmetricKey(data: bytes)
      last = number
    }
    guard let last else { throw .keyUnreadable(path: path, reason: "it is empty") }
    (self.keys, current) = (keys, last)
  }

  /// The numbers of all keys, lowest first.
  var numbers: [UInt32] { keys.keys.sorted() }

  /// A key for one purpose, so that no two uses share one (HKDF, RFC 5869); nil for an unknown number.
  package func derived(for purpose: String, from number: UInt32) -> SymmetricKey? {
    keys[number].map { key in
      HKDF<SHA256>.deriveKey(
        inputKeyMaterial: key, info: Array("martinet \(purpose)".utf8), outputByteCount: 32)
    }
  }

  /// Bytes for a purpose outside of the store, such as the nonces of digest authentication.
  package func secret(for purpose: String) -> Secret {
    let key = derived(for: purpose, from: current)
    invariant(key != nil, "the key in use is not in the ring")
    return Secret(key.map { $0.withUnsafeBytes { Array($0) } } ?? [])
  }

  private static func make(at path: String) throws(StoreError) {
    let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    let text = Array("1 \(bytes.hexadecimal)\n".utf8)
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0, write(file, text, text.count) == text.count, fsync(file) == 0,
      rename(temporary, path) == 0
    else {
      let reason = String(cString: strerror(errno))
      if file >= 0 { close(file) }
      throw .folder(path: path, reason: "the master key cannot be written there: \(reason)")
    }
    close(file)
  }

  private static func bytes(_ digits: Substring) -> [UInt8]? {
    let values = digits.utf8.map { UInt8(String(UnicodeScalar($0)), radix: 16) }
    guard values.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      guard let high = values[index], let low = values[index + 1] else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }
}

extension Sequence<UInt8> {
  /// Two lower-case digits for each byte.
  package var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in self { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
}
