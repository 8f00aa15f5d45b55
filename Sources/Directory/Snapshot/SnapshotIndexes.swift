import Elements
import Numbering

struct LineKey: Hashable, Sendable {
  let tenant: TenantID
  let digits: DigitString
}

/// From what stands in messages to the ids of a snapshot.
struct SnapshotIndexes: Sendable {
  /// Tenants by domain.
  var domains = ByteTable(foldingCase: true)
  var lines: [LineKey: ExtensionID] = [:]
  var inbound = InboundTable()
}

/// Numbers by byte strings, looked up without making a `String`: open addressing over FNV-1a.
///
/// The keys are the configuration's, so nobody outside can choose colliding ones.
struct ByteTable: Sendable {
  private struct Slot: Sendable {
    let hash: UInt64
    let key: [UInt8]
    let value: UInt64
  }

  private let foldsCase: Bool
  private var slots: [Slot?] = Array(repeating: nil, count: 8)
  private(set) var count = 0

  init(foldingCase: Bool) {
    foldsCase = foldingCase
  }

  subscript(key: Span<UInt8>) -> UInt64? {
    let hash = hash(key)
    var index = position(hash)
    while let slot = slots[index] {
      if slot.hash == hash, equals(slot.key, key) { return slot.value }
      index = (index + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Returns false, and changes nothing, when the key is there already.
  mutating func insert(_ key: [UInt8], _ value: UInt64) -> Bool {
    guard self[key.span] == nil else { return false }
    if count * 2 >= slots.count { grow() }
    place(Slot(hash: hash(key.span), key: key.map(folded), value: value))
    count += 1
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    for case .some(let slot) in old { place(slot) }
  }

  private mutating func place(_ slot: Slot) {
    var index = position(slot.hash)
    while slots[index] != nil { index = (index + 1) & (slots.count - 1) }
    slots[index] = slot
  }

  private func position(_ hash: UInt64) -> Int {
    Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1)
  }

  private func hash(_ key: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in key.indices {
      hash = (hash ^ UInt64(folded(key[index]))) &* 0x100_0000_01B3
    }
    return hash
  }

  private func equals(_ stored: [UInt8], _ key: Span<UInt8>) -> Bool {
    guard stored.count == key.count else { return false }
    for index in key.indices where stored[index] != folded(key[index]) { return false }
    return true
  }

  private func folded(_ byte: UInt8) -> UInt8 {
    foldsCase && (65...90).contains(byte) ? byte | 0x20 : byte
  }
}
