import Elements

extension SessionDescription {
  /// Parses a body; unknown lines and attributes are kept in their place.
  ///
  /// Tolerant where phones are sloppy (bare LF, missing s= and t=, lines out of order), strict where
  /// reading on would be guessing: `v=0` first, every line `<letter>=`, m= lines complete.
  package init(parsing body: [UInt8]) throws(SDPError) {
    guard body.count <= SDPLimits.bytes else { throw .tooMuch(of: "bytes", limit: SDPLimits.bytes) }
    var lines: [Line] = []
    var media: [MediaDescription] = []
    lines.reserveCapacity(8)
    var (start, number) = (0, 0)
    while start < body.count {
      let end = Self.endOfText(in: body.span, from: start)
      let text = body[start..<end]
      start = end + 1
      if end + 1 < body.count, body[end] == 13, body[end + 1] == 10 { start += 1 }
      number += 1
      guard number <= SDPLimits.lines else { throw .tooMuch(of: "lines", limit: SDPLimits.lines) }
      guard end == body.count || body[end] != 0 else {
        throw .malformed(expected: "<letter>=<value>", line: number)
      }
      if text.isEmpty { continue }
      let line = try Self.parseLine(text, number: number)
      if line.type == .m {
        guard media.count < SDPLimits.media else {
          throw .tooMuch(of: "m= lines", limit: SDPLimits.media)
        }
        media.append(try MediaDescription(parsing: line.value, number: number))
      } else if media.isEmpty {
        lines.append(line)
      } else {
        media[media.count - 1].lines.append(line)
      }
      if line.type == .c, ConnectionAddress.host(in: line.value.span) == nil {
        throw .malformed(expected: "c=IN IP4|IP6 address", line: number)
      }
    }
    guard let first = lines.first, first.type == .v, first.value.elementsEqual([48]) else {
      throw .malformed(expected: "v=0", line: 1)
    }
    guard lines.count(where: { $0.type == .o }) <= 1, lines.count(where: { $0.type == .v }) == 1
    else { throw .malformed(expected: "one v= and one o= line", line: number) }
    self.init(lines: lines, media: media)
  }

  /// Where a line ends, or where the NUL is that no line may have.
  private static func endOfText(in body: Span<UInt8>, from start: Int) -> Int {
    for end in start..<body.count where body[end] < 14 {
      if body[end] == 10 || body[end] == 13 || body[end] == 0 { return end }
    }
    return body.count
  }

  private static func parseLine(
    _ text: ArraySlice<UInt8>, number: Int
  ) throws(SDPError) -> Line {
    guard text.count <= SDPLimits.lineBytes else {
      throw .tooMuch(of: "bytes in a line", limit: SDPLimits.lineBytes)
    }
    let start = text.startIndex
    guard text.count >= 2, text[start + 1] == .equals,
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[start])
    else { throw .malformed(expected: "<letter>=<value>", line: number) }
    return Line(text[start], text[(start + 2)...])
  }
}

extension MediaDescription {
  /// Parses `audio 49170/2 RTP/AVP 0 8 101` (RFC 8866 §5.14).
  fileprivate init(parsing value: ArraySlice<UInt8>, number: Int) throws(SDPError) {
    var index = value.startIndex
    let (media, place, profile) = (
      value.word(at: &index), value.word(at: &index), value.word(at: &index)
    )
    let formats = Self.formats(in: value[index...])
    guard formats.count > 0 else {
      throw .malformed(expected: "m=<media> <port> <proto> <fmt>", line: number)
    }
    guard formats.count <= SDPLimits.formats else {
      throw .tooMuch(of: "formats in an m= line", limit: SDPLimits.formats)
    }
    let digits = place.prefix { $0 != .slash }
    guard let port = digits.number(digits: 5), port <= 65_535 else {
      throw .malformed(expected: "a port from 0 to 65535", line: number)
    }
    let kind = Kind.known.first { media.isWord($0.name) }?.kind ?? .other(Array(media))
    self.init(
      kind: kind, port: UInt16(port), portCount: Array(place[digits.endIndex...]),
      profile: MediaProfile(profile), formats: formats.text, lines: [])
    lines.reserveCapacity(8)
  }

  /// The words of a text with one space between them, and how many they are.
  private static func formats(
    in text: ArraySlice<UInt8>
  ) -> (text: ArraySlice<UInt8>, count: Int) {
    var (index, count, isPlain) = (text.startIndex, 0, true)
    while true {
      let start = index
      let word = text.word(at: &index)
      guard !word.isEmpty else { break }
      isPlain = isPlain && word.startIndex == start + 1 && text[start] == .space
      count += 1
    }
    isPlain = isPlain && text.last != .space && text.last != 9
    guard count > 0 else { return ([], 0) }
    return isPlain
      ? (text.dropFirst(), count) : (Array(text.words.joined(separator: [.space]))[...], count)
  }
}

extension MediaDescription.Kind {
  /// Bytes of the longest name of ours.
  static var longestName: Int { 11 }

  fileprivate func append(to bytes: inout OutputSpan<UInt8>) {
    switch self {
    case .audio: bytes.append(text: "audio")
    case .video: bytes.append(text: "video")
    case .image: bytes.append(text: "image")
    case .text: bytes.append(text: "text")
    case .application: bytes.append(text: "application")
    case .message: bytes.append(text: "message")
    case .other(let word): bytes.append(copying: word.span)
    }
  }

  fileprivate static let known: [(name: StaticString, kind: Self)] = [
    ("audio", .audio), ("video", .video), ("image", .image), ("text", .text),
    ("application", .application), ("message", .message),
  ]
}

extension SessionDescription {
  /// The body to send: every line ends in CRLF.
  package func serialized() -> [UInt8] {
    var room = 0
    for line in lines { room += line.value.count + 4 }
    for section in media {
      room += section.room + 4
      for line in section.lines { room += line.value.count + 4 }
    }
    return [UInt8](room: room) { text in
      for line in lines { text.append(line) }
      for section in media {
        text.append(.m)
        text.append(.equals)
        section.append(to: &text)
        text.append(13)
        text.append(10)
        for line in section.lines { text.append(line) }
      }
    }
  }
}

extension MediaDescription {
  /// Bytes of the value of the m= line, at most.
  fileprivate var room: Int {
    let word = if case .other(let word) = kind { word.count } else { Kind.longestName }
    return word + portCount.count + profile.room + formats.count + 8
  }

  /// Appends the value of the m= line.
  fileprivate func append(to value: inout OutputSpan<UInt8>) {
    kind.append(to: &value)
    value.append(.space)
    value.append(decimal: UInt64(port))
    if port != 0 { value.append(copying: portCount.span) }
    value.append(.space)
    profile.append(to: &value)
    value.append(.space)
    value.append(copying: formats.span)
  }
}

extension OutputSpan<UInt8> {
  fileprivate mutating func append(_ line: Line) {
    append(line.type)
    append(.equals)
    append(copying: line.value.span)
    append(13)
    append(10)
  }
}
