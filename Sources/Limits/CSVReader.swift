/// Takes apart comma-separated lines as spreadsheets write them (RFC 4180).
///
/// Quoted fields may hold separators, doubled quotes and line breaks. A byte order mark is passed over,
/// lines end with CRLF or LF, and the separator is what the first line uses: comma, semicolon or tab.
struct CSVReader {
  private let bytes: [UInt8]
  private var offset = 0
  private var lineAhead = 1
  let separator: UInt8
  /// The line that the last record began in.
  private(set) var line = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    let header = bytes[offset...].prefix { $0 != 10 }
    separator =
      [UInt8(ascii: ","), UInt8(ascii: ";"), 9].max { left, right in
        header.count { $0 == left } < header.count { $0 == right }
      } ?? UInt8(ascii: ",")
  }

  /// Reads the next record that is not blank into `fields`; false at the end.
  ///
  /// A field is the range of its bytes, quotes taken off; `isEscaped` where doubled quotes are inside.
  mutating func next(_ fields: inout [CSVField]) throws(RateDeckError) -> Bool {
    repeat {
      fields.removeAll(keepingCapacity: true)
      guard offset < bytes.count else { return false }
      line = lineAhead
      try readRecord(&fields)
    } while fields.count == 1 && fields[0].lower == fields[0].upper
    return true
  }

  private mutating func readRecord(_ fields: inout [CSVField]) throws(RateDeckError) {
    while true {
      fields.append(
        offset < bytes.count && bytes[offset] == UInt8(ascii: "\"")
          ? try readQuoted(number: fields.count + 1) : readPlain())
      guard offset < bytes.count else { return }
      let byte = bytes[offset]
      offset += 1
      if byte == 10 {
        lineAhead += 1
        return
      }
    }
  }

  private mutating func readPlain() -> CSVField {
    let start = offset
    while offset < bytes.count, bytes[offset] != separator, bytes[offset] != 10 { offset += 1 }
    let end = offset > start && bytes[offset - 1] == 13 ? offset - 1 : offset
    return CSVField(lower: start, upper: end, isEscaped: false)
  }

  private mutating func readQuoted(number: Int) throws(RateDeckError) -> CSVField {
    offset += 1
    let start = offset
    var isEscaped = false
    while offset < bytes.count {
      if bytes[offset] == UInt8(ascii: "\"") {
        guard offset + 1 < bytes.count, bytes[offset + 1] == UInt8(ascii: "\"") else { break }
        isEscaped = true
        offset += 1
      } else if bytes[offset] == 10 {
        lineAhead += 1
      }
      offset += 1
    }
    let field = CSVField(lower: start, upper: offset, isEscaped: isEscaped)
    offset += 1
    if offset < bytes.count, bytes[offset] == 13 { offset += 1 }
    let isClosed = offset <= bytes.count
    guard isClosed, offset == bytes.count || bytes[offset] == 10 || bytes[offset] == separator
    else {
      let reason =
        isClosed
        ? "goes on behind its closing quote; double the quotes inside a field"
        : "has an opening quote and no closing one; add it"
      throw RateDeckError(line: line, field: "field \(number)", reason: reason)
    }
    return field
  }

  /// The text of a field, blanks around it taken off.
  func text(_ field: CSVField) -> String {
    let trimmed = trimmed(field)
    let text = String(decoding: bytes[trimmed.lower..<trimmed.upper], as: UTF8.self)
    guard field.isEscaped else { return text }
    return text.split(separator: "\"\"", omittingEmptySubsequences: false).joined(separator: "\"")
  }

  /// The field without blanks around it.
  func trimmed(_ field: CSVField) -> CSVField {
    var (lower, upper) = (field.lower, field.upper)
    while lower < upper, bytes[lower] == 32 || bytes[lower] == 9 { lower += 1 }
    while upper > lower, bytes[upper - 1] == 32 || bytes[upper - 1] == 9 { upper -= 1 }
    return CSVField(lower: lower, upper: upper, isEscaped: field.isEscaped)
  }

  /// The bytes of a field.
  func bytes(_ field: CSVField) -> ArraySlice<UInt8> { bytes[field.lower..<field.upper] }
}

/// Where a field of a record is.
struct CSVField {
  let lower: Int
  let upper: Int
  let isEscaped: Bool
}
