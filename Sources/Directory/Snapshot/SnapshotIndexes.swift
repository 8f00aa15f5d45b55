import Elements
import Numbering

struct LineKey: Hashable, Sendable {
  let tenant: TenantID
  let digits: DigitString

  /// One word: no two numbers of a tenant have the same.
  func hash(into hasher: inout Hasher) {
    hasher.combine(tenant.number &* 0x9E37_79B9_7F4A_7C15 ^ digits.word)
  }
}

/// From what stands in messages to the ids of a snapshot.
struct SnapshotIndexes: Sendable {
  /// Tenants by domain.
  var domains = ByteTable(foldingCase: true)
  var lines: [LineKey: ExtensionID] = [:]
  var inbound = InboundTable()
}

/// Numbers by byte strings, looked up without making a `String`: open addressing over a hash of their words.
///
/// The keys are the configuration's, so nobody outside can choose colliding ones.
struct ByteTable: Sendable {
  private let foldsCase: Bool
  /// The hash of whoever is in a slot; zero when it is free.
  private var hashes: [UInt64] = Array(repeating: 0, count: 8)
  private var keys: [[UInt8]] = Array(repeating: [], count: 8)
  private var values: [UInt64] = Array(repeating: 0, count: 8)
  private(set) var count = 0

  init(foldingCase: Bool) {
    foldsCase = foldingCase
  }

  subscript(key: Span<UInt8>) -> UInt64? {
    let slot = search(key, hash(key))
    return hashes[slot] == 0 ? nil : values[slot]
  }

  /// Returns false, and changes nothing, when the key is there already.
  mutating func insert(_ key: [UInt8], _ value: UInt64) -> Bool {
    guard self[key.span] == nil else { return false }
    if count * 2 >= hashes.count { grow() }
    place(key, hash(key.span), value)
    count += 1
    return true
  }

  private mutating func grow() {
    let old = self
    hashes = Array(repeating: 0, count: old.hashes.count * 2)
    keys = Array(repeating: [], count: old.hashes.count * 2)
    values = Array(repeating: 0, count: old.hashes.count * 2)
    for slot in old.hashes.indices where old.hashes[slot] != 0 {
      place(old.keys[slot], old.hashes[slot], old.values[slot])
    }
  }

  private mutating func place(_ key: [UInt8], _ hash: UInt64, _ value: UInt64) {
    let slot = search(key.span, hash)
    (hashes[slot], keys[slot], values[slot]) = (hash, key, value)
  }

  /// The slot of a key, or the free one where it belongs.
  private func search(_ key: Span<UInt8>, _ hash: UInt64) -> Int {
    let mask = hashes.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    while hashes[slot] != 0, hashes[slot] != hash || !isEqual(keys[slot], key) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  /// Never zero.
  private func hash(_ key: Span<UInt8>) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: key.count) &* 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index < key.count {
      hash = (hash ^ characters(of: key, at: index)) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 29
      index += 8
    }
    return hash | 1
  }

  private func isEqual(_ stored: [UInt8], _ key: Span<UInt8>) -> Bool {
    foldsCase ? stored.span.equalsInAnyCase(key) : stored.span.equals(key)
  }

  @inline(__always)
  private func characters(of key: Span<UInt8>, at index: Int) -> UInt64 {
    let characters = key.characters(at: index)
    return foldsCase ? characters.lowercasedCharacters : characters
  }
}
