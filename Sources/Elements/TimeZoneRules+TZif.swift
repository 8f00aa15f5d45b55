/// Why bytes are not the rules of a time zone.
package struct TimeZoneError: Error, Hashable, CustomStringConvertible {
  package let name: String
  package let reason: String

  package var description: String {
    "The time zone file of \(name) cannot be read: \(reason). Reinstall the package tzdata."
  }
}

extension TimeZoneRules {
  /// Parses a TZif file of version 1 to 4 (RFC 9636), as found by its IANA name under /usr/share/zoneinfo.
  package init(name: String, tzif bytes: [UInt8]) throws(TimeZoneError) {
    do throws(ByteCodingError) {
      self = try Self.parse(name: name, bytes)
    } catch {
      throw TimeZoneError(name: name, reason: error.description)
    }
  }

  /// The counts in the header of a data block (RFC 9636 §3.1).
  private struct Header {
    let version: UInt8
    let isUTCount, isStandardCount, leapCount, timeCount, typeCount, nameBytes: Int

    /// Size of the data block behind the header when times have `timeBytes` each.
    func blockBytes(_ timeBytes: Int) -> Int {
      timeCount * (timeBytes + 1) + typeCount * 6 + nameBytes + leapCount * (timeBytes + 4)
        + isStandardCount + isUTCount
    }
  }

  private static func parse(
    name: String, _ bytes: [UInt8]
  ) throws(ByteCodingError) -> TimeZoneRules {
    var reader = ByteReader(bytes)
    var header = try readHeader(&reader)
    let isWide = header.version >= UInt8(ascii: "2")
    if isWide {
      try reader.skip(header.blockBytes(4))
      header = try readHeader(&reader)
    }
    let (first, transitions) = try readBlock(header, isWide: isWide, &reader)
    let footer = isWide ? try readFooter(bytes, &reader) : nil
    return TimeZoneRules(
      name: name, firstOffset: first, transitions: transitions, footer: footer)
  }

  private static func readHeader(_ reader: inout ByteReader) throws(ByteCodingError) -> Header {
    let magic: UInt32 = try reader.read()
    guard magic == 0x545A_6966 else {
      throw ByteCodingError(expected: "the letters TZif", offset: reader.offset - 4)
    }
    let version: UInt8 = try reader.read()
    try reader.skip(15)
    var counts: [Int] = []
    for _ in 0..<6 {
      let count: UInt32 = try reader.read()
      guard count <= 100_000 else {
        throw ByteCodingError(expected: "a count up to 100000", offset: reader.offset - 4)
      }
      counts.append(Int(count))
    }
    let header = Header(
      version: version, isUTCount: counts[0], isStandardCount: counts[1], leapCount: counts[2],
      timeCount: counts[3], typeCount: counts[4], nameBytes: counts[5])
    guard header.typeCount > 0 else {
      throw ByteCodingError(expected: "at least one kind of local time", offset: reader.offset)
    }
    return header
  }

  private static func readBlock(
    _ header: Header, isWide: Bool, _ reader: inout ByteReader
  ) throws(ByteCodingError) -> (first: Int, [Transition]) {
    var times: [Int64] = []
    for _ in 0..<header.timeCount {
      times.append(isWide ? try reader.read() : Int64(try reader.read(Int32.self)))
      guard times.count < 2 || times[times.count - 2] < times[times.count - 1] else {
        throw ByteCodingError(expected: "ascending transition times", offset: reader.offset)
      }
    }
    var kinds: [Int] = []
    for _ in 0..<header.timeCount {
      let kind: UInt8 = try reader.read()
      guard kind < header.typeCount else {
        throw ByteCodingError(expected: "a known kind of local time", offset: reader.offset - 1)
      }
      kinds.append(Int(kind))
    }
    var offsets: [Int] = []
    for _ in 0..<header.typeCount {
      let offset: Int32 = try reader.read()
      guard (-90_000...93_600).contains(offset) else {
        throw ByteCodingError(expected: "an offset within 26 hours", offset: reader.offset - 4)
      }
      offsets.append(Int(offset))
      try reader.skip(2)  // Summer time or not, and its abbreviation.
    }
    let timeBytes = isWide ? 8 : 4
    try reader.skip(
      header.nameBytes + header.leapCount * (timeBytes + 4) + header.isStandardCount
        + header.isUTCount)
    let transitions = zip(times, kinds).map { Transition(at: $0, offset: offsets[$1]) }
    return (offsets[0], transitions)
  }

  private static func readFooter(
    _ bytes: [UInt8], _ reader: inout ByteReader
  ) throws(ByteCodingError) -> PosixZoneRule? {
    let start = reader.offset
    guard start < bytes.count, bytes[start] == 10,
      let end = bytes[(start + 1)...].firstIndex(of: 10)
    else { throw ByteCodingError(expected: "a footer between two line feeds", offset: start) }
    let text = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
    guard !text.isEmpty else { return nil }
    guard let rule = PosixZoneRule(text) else {
      throw ByteCodingError(expected: "a rule like CET-1CEST,M3.5.0,M10.5.0/3", offset: start + 1)
    }
    return rule
  }
}
