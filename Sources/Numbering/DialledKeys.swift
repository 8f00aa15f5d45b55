/// The keys that a dialled string comes down to: separators, escapes, look-alike digits and
/// parameters undone (guard F31).
///
/// A scratch buffer of fixed size.
struct DialledKeys: Hashable, Sendable {
  /// Room for codes in front of the longest number.
  static let capacity = 40
  /// Stands for a plus sign among the keys 0…11.
  static let plus: UInt8 = 12

  private var keys: [UInt8]

  var count: Int { keys.count }
  var isEmpty: Bool { keys.isEmpty }
  /// True for a plus sign in front.
  var isGlobal: Bool { keys.first == Self.plus }

  init(_ keys: [UInt8] = []) {
    self.keys = keys
  }

  subscript(index: Int) -> UInt8 { keys[index] }

  mutating func append(_ key: UInt8) throws(DiallingError) {
    guard keys.count < Self.capacity else { throw .tooLong }
    keys.append(key)
  }

  func contains(_ key: UInt8) -> Bool { keys.contains(key) }
  var isDigits: Bool { keys.allSatisfy { $0 < 10 } }

  func dropFirst(_ length: Int) -> DialledKeys { DialledKeys(Array(keys.dropFirst(length))) }
  func starts(with digits: DigitString) -> Bool {
    digits.count <= count && (0..<digits.count).allSatisfy { keys[$0] == digits[$0] }
  }

  static func + (left: DialledKeys, right: DialledKeys) -> DialledKeys {
    DialledKeys(left.keys + right.keys)
  }

  static func + (left: DigitString, right: DialledKeys) -> DialledKeys {
    DialledKeys((0..<left.count).map { left[$0] } + right.keys)
  }

  /// All keys from `offset` (a plus sign in front left out) as a string of keys; nil when they do not fit.
  func digits(from offset: Int) -> DigitString? {
    var digits = DigitString.empty
    for key in keys[(offset + (offset == 0 && isGlobal ? 1 : 0))...] {
      guard let longer = digits.appending(key) else { return nil }
      digits = longer
    }
    return digits
  }
}
