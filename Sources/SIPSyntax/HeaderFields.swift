package import Elements

/// One header field of a message as offsets, in 12 bytes.
package struct HeaderField: Sendable {
  /// The field, or nil for a name that we do not know.
  package let name: HeaderName?
  /// Goes on over more than one line, so that there is CR and LF in its value (RFC 3261 §7.3.1), or ends with only one of them.
  let isFolded: Bool
  let nameLower: UInt16
  let nameUpper: UInt16
  let valueLower: UInt16
  let valueUpper: UInt16
  let lineUpper: UInt16

  /// Whether it is the field of that name, long or compact.
  package func isNamed(_ name: HeaderName) -> Bool { self.name?.rawValue == name.rawValue }

  package var nameRange: ByteRange { ByteRange(Int(nameLower), Int(nameUpper)) }
  /// The value without white space at its ends; folds are still in it.
  package var value: ByteRange { ByteRange(Int(valueLower), Int(valueUpper)) }
  /// The field from its name to the end of its last line, CR and LF included.
  package var line: ByteRange { ByteRange(Int(nameLower), Int(lineUpper)) }

  /// Via, From, To, Call-ID and CSeq, which an answer takes from its request (RFC 3261 §8.2.6.2).
  var isOfAnswer: Bool { name.map { $0.rawValue <= HeaderName.cseq.rawValue } ?? false }
  /// Bytes of the whole field, the end of its line included.
  var length: Int { Int(lineUpper) - Int(nameLower) }

  /// Written as we write fields: a long name, ": ", the value and the end of the line, and nothing else.
  var isPlain: Bool {
    // A short name has one letter, and a long one more.
    name != nil && !isFolded && nameUpper - nameLower > 1
      && valueLower - nameUpper == 2 && lineUpper - valueUpper == 2
  }
}

/// Which of the names that we know occur: most that are asked for do not.
struct HeaderNameSet: Sendable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  mutating func insert(_ name: HeaderName) {
    let bit = UInt64(1) &<< UInt64(name.rawValue)
    if name.rawValue < 64 { low |= bit } else { high |= bit }
  }

  func contains(_ name: HeaderName) -> Bool {
    let bit = UInt64(1) &<< UInt64(name.rawValue)
    return (name.rawValue < 64 ? low : high) & bit != 0
  }
}

/// The header fields of a message, in their order, over the bytes that they came in.
package struct HeaderFields: Sendable {
  package let bytes: [UInt8]
  package let fields: [HeaderField]
  private let names: HeaderNameSet

  package init() {
    (bytes, fields, names) = ([], [], HeaderNameSet())
  }

  init(bytes: [UInt8], fields: [HeaderField], names: HeaderNameSet) {
    (self.bytes, self.fields, self.names) = (bytes, fields, names)
  }

  /// The value of the first field of that name.
  package func first(_ name: HeaderName) -> ByteRange? {
    guard names.contains(name) else { return nil }
    for field in fields where field.isNamed(name) { return field.value }
    return nil
  }

  /// The value of the first field whose name we do not know as ``HeaderName``, in any case.
  package func first(named name: String) -> ByteRange? {
    if let known = HeaderName(name) { return first(known) }
    let lower = Array(name.utf8.map { lowercased($0) })
    for field in fields where field.name == nil {
      if bytes[field.nameRange.range].lazy.map({ lowercased($0) }).elementsEqual(lower) {
        return field.value
      }
    }
    return nil
  }

  package func has(_ name: HeaderName) -> Bool { names.contains(name) }

  /// Whether exactly one line has that name.
  package func isOnlyOnce(_ name: HeaderName) -> Bool {
    var count = 0
    for field in fields where field.isNamed(name) { count += 1 }
    return count == 1
  }

  /// The value of each field of that name, one for each line.
  package func lines(_ name: HeaderName) -> [ByteRange] {
    has(name) ? fields.compactMap { $0.isNamed(name) ? $0.value : nil } : []
  }

  /// The values of all fields of that name, split at commas outside quotes and brackets.
  ///
  /// Empty values between commas are skipped; ``MessageLimits/values`` bounds the number.
  package func values(_ name: HeaderName) -> [ByteRange] {
    var found: [ByteRange] = []
    guard has(name) else { return found }
    for field in fields where field.isNamed(name) {
      var offset = Int(field.valueLower)
      let end = Int(field.valueUpper)
      while offset < end, found.count < MessageLimits.values {
        let value = bytes.span.nextListValue(at: &offset, end: end)
        if !value.isEmpty { found.append(value) }
      }
    }
    return found
  }

  /// The bytes of a range, without a copy.
  package subscript(_ range: ByteRange) -> ArraySlice<UInt8> { bytes[range.range] }

  /// The bytes of a range as text; malformed UTF-8 is replaced.
  package func text(_ range: ByteRange) -> String {
    String(decoding: bytes[range.range], as: UTF8.self)
  }

  /// The value of the first field of that name as text.
  package func text(_ name: HeaderName) -> String? { first(name).map { text($0) } }
}

extension Span where Element == UInt8 {
  /// The bytes up to the next comma outside quotes and angle brackets, trimmed; skips the comma.
  func nextListValue(at offset: inout Int, end: Int) -> ByteRange {
    let start = offset
    var isInBrackets = false
    while offset < end {
      switch self[offset] {
      case UInt8(ascii: ",") where !isInBrackets:
        defer { offset += 1 }
        return trimmed(start, offset)
      case UInt8(ascii: "<"): isInBrackets = true
      case UInt8(ascii: ">"): isInBrackets = false
      case UInt8(ascii: "\"") where !isInBrackets:
        // Behind a quote that is never closed there is no further value.
        _ = try? parseQuotedString(at: &offset, end: end)
        continue
      case _: break
      }
      offset += 1
    }
    return trimmed(start, end)
  }
}
