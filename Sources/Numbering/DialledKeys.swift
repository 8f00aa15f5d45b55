/// The keys that a dialled string comes down to: separators, escapes, look-alike digits and
/// parameters undone (guard F31).
///
/// A scratch buffer of fixed size.
struct DialledKeys: Sendable {
  /// Room for codes in front of the longest number.
  static let capacity = 40
  /// Stands for a plus sign among the keys 0…11.
  static let plus: UInt8 = 12

  private var keys = InlineArray<40, UInt8>(repeating: 0)
  private(set) var count = 0
  /// How many of them a phone-context put in front of a local number.
  private var contextCount = 0

  init() {}

  var isEmpty: Bool { count == 0 }
  /// True for a plus sign in front.
  var isGlobal: Bool { count > 0 && keys[0] == Self.plus }
  var isDigits: Bool { !contains { $0 > 9 } }

  subscript(index: Int) -> UInt8 { keys[index] }

  mutating func append(_ key: UInt8) throws(DiallingError) {
    guard count < Self.capacity else { throw .tooLong }
    keys[count] = key
    count += 1
  }

  /// Appends as much as fits; for digits that have been counted.
  private mutating func take(_ key: UInt8) {
    guard count < Self.capacity else { return }
    keys[count] = key
    count += 1
  }

  func contains(_ predicate: (UInt8) -> Bool) -> Bool {
    for index in 0..<count where predicate(keys[index]) { return true }
    return false
  }

  func dropFirst(_ length: Int) -> DialledKeys {
    var rest = DialledKeys()
    for index in min(length, count)..<count { rest.take(keys[index]) }
    return rest
  }

  func starts(with digits: DigitString) -> Bool {
    guard digits.count <= count else { return false }
    for index in 0..<digits.count where keys[index] != digits[index] { return false }
    return true
  }

  /// The local number that a phone-context completed; nil where there was none.
  var withoutContext: DialledKeys? { contextCount > 0 ? dropFirst(contextCount) : nil }

  /// Puts the keys of a phone-context in front.
  mutating func complete(with context: DialledKeys) throws(DiallingError) {
    guard var whole = context.appending(self) else { throw .tooLong }
    whole.contextCount = context.count
    self = whole
  }

  /// These keys behind `front`; nil when there are too many.
  func behind(_ front: DigitString) -> DialledKeys? {
    var whole = DialledKeys()
    for index in 0..<front.count { whole.take(front[index]) }
    return whole.appending(self)
  }

  /// These keys, then those of `other`; nil when there are too many.
  func appending(_ other: DialledKeys) -> DialledKeys? {
    guard count + other.count <= Self.capacity else { return nil }
    var whole = self
    for index in 0..<other.count { whole.take(other[index]) }
    return whole
  }

  /// All keys (a plus sign in front left out) as a string of keys; nil when they do not fit.
  var digits: DigitString? {
    var digits = DigitString.empty
    for index in (isGlobal ? 1 : 0)..<count {
      guard let longer = digits.appending(keys[index]) else { return nil }
      digits = longer
    }
    return digits
  }
}
