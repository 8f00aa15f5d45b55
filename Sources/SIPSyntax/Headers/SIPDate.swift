package import Elements

/// The Date header field: a date of RFC 1123 in GMT, the only zone that is legal (RFC 3261 §20.17).
package struct SIPDate: Hashable, Sendable {
  package let time: CivilTime

  package init(_ time: CivilTime) {
    self.time = time
  }

  package init(_ time: WallTime) {
    self.init(CivilTime(secondsSinceEpoch: time.unixSeconds))
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Parses "Sat, 13 Nov 2010 23:29:00 GMT"; the day of the week is not held against the date.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    let malformed = SyntaxError(expected: "a date such as Sat, 13 Nov 2010 23:29:00 GMT", offset: 0)
    let text = String(decoding: bytes.copy(ByteRange(0, bytes.count)), as: UTF8.self)
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", words[0].last == ",",
      Self.days.contains(String(words[0].dropLast())),
      let month = Self.months.firstIndex(of: String(words[2]))
    else { throw malformed }
    let clock = words[4].split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, let day = Self.number(words[1], 1...31, digits: 2),
      let year = Self.number(words[3], 1900...9999, digits: 4),
      let hour = Self.number(clock[0], 0...23, digits: 2),
      let minute = Self.number(clock[1], 0...59, digits: 2),
      let second = Self.number(clock[2], 0...60, digits: 2)
    else { throw malformed }
    self.init(
      CivilTime(
        year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second))
  }

  private static func number(
    _ text: Substring, _ range: ClosedRange<Int>, digits: Int
  ) -> Int? {
    guard text.utf8.count == digits, text.allSatisfy({ $0.isASCII && $0.isNumber }),
      let number = Int(text), range.contains(number)
    else { return nil }
    return number
  }
}

extension SIPDate: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + 29)
    bytes.append(contentsOf: Self.days[time.weekday].utf8)
    bytes.append(text: ", ")
    bytes.append(twoDigits: time.day)
    bytes.append(0x20)
    bytes.append(contentsOf: Self.months[time.month - 1].utf8)
    bytes.append(0x20)
    bytes.append(decimal: UInt64(clamping: time.year))
    bytes.append(0x20)
    bytes.append(twoDigits: time.hour)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(twoDigits: time.minute)
    bytes.append(UInt8(ascii: ":"))
    bytes.append(twoDigits: time.second)
    bytes.append(text: " GMT")
  }
}

extension [UInt8] {
  fileprivate mutating func append(twoDigits number: Int) {
    append(UInt8(truncatingIfNeeded: number / 10 % 10) + 0x30)
    append(UInt8(truncatingIfNeeded: number % 10) + 0x30)
  }
}
