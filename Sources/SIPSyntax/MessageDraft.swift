import Elements

/// A message while it is being parsed: goes on behind the first mistake, to find what an answer needs.
struct MessageDraft {
  let framing: Framing
  private var fields: [HeaderField] = []
  private var names = HeaderNameSet()
  private var start: StartLine?
  /// The method of the start line, readable even where the rest of the line is not.
  private var method: Method?
  private var via: ViaParts?
  private var from: NameAddressParts?
  private var to: NameAddressParts?
  private var callID: ByteRange?
  private var cseq: CSeq?
  private var maxForwards: UInt8?
  /// The value of Contact where there is one only, and how many there are.
  private var contact: NameAddressParts?
  private var contactCount = 0
  private var contentLength: Int?
  private var body = ByteRange(0, 0)
  private var viaCount = 0
  /// One bit for each field that may occur once and did.
  private var seen: UInt8 = 0
  private var fault: (status: StatusCode, error: SyntaxError)?

  init(framing: Framing) {
    self.framing = framing
  }

  /// Remembers the first mistake only: later ones may follow from it.
  private mutating func note(_ error: SyntaxError, status: StatusCode = 400) {
    if fault == nil { fault = (status, error) }
  }

  private mutating func note(_ expected: String, at offset: Int, status: StatusCode = 400) {
    note(SyntaxError(expected: expected, offset: offset), status: status)
  }

  mutating func parse(_ bytes: Span<UInt8>) {
    let count = min(bytes.count, MessageLimits.messageBytes)
    if count < bytes.count {
      note("at most \(MessageLimits.messageBytes) bytes", at: count, status: 513)
    }
    var offset = 0
    // RFC 3261 §7.5: CRLF in front of the start line is ignored.
    while offset + 1 < count, bytes[offset] == 0x0D, bytes[offset + 1] == 0x0A { offset += 2 }
    let first = line(bytes, from: offset, end: count)
    parseStartLine(bytes, offset, first.end)
    offset = first.next
    parseHeaders(bytes, at: &offset, end: count)
    parseBody(bytes, from: offset, end: count)
    checkWhole(at: offset)
  }

  /// The end of the line and the start of the next one; a CR or LF by itself is a mistake and ends it, too.
  @inline(__always)
  private mutating func line(
    _ bytes: Span<UInt8>, from offset: Int, end: Int
  ) -> (end: Int, next: Int) {
    let hit = bytes.lineEnd(from: offset, end: end)
    if hit + 1 < end, bytes[hit] == 0x0D, bytes[hit + 1] == 0x0A { return (hit, hit + 2) }
    note("CRLF", at: hit)
    return (hit, min(hit + 1, end))
  }
}

// MARK: - Start line

extension MessageDraft {
  private mutating func parseStartLine(_ bytes: Span<UInt8>, _ lower: Int, _ upper: Int) {
    var offset = lower
    let first = bytes.run(of: .token, at: &offset, end: upper)
    guard !first.isEmpty, offset < upper else {
      note("a start line", at: offset)
      return
    }
    do throws(SyntaxError) {
      if bytes[offset] == UInt8(ascii: "/") {
        try parseStatusLine(bytes, first, at: offset, end: upper)
      } else {
        method = Method(bytes, first)
        try parseRequestLine(bytes, at: &offset, end: upper)
      }
    } catch {
      note(error)
    }
  }

  /// Parses `SP Request-URI SP SIP-Version`: single spaces, no brackets, no headers in the URI.
  private mutating func parseRequestLine(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int
  ) throws(SyntaxError) {
    guard bytes[offset] == 0x20 else { throw SyntaxError(expected: "a space", offset: offset) }
    offset += 1
    let uri = offset
    offset = bytes.first(0x20, from: uri, end: end)
    let uriEnd = offset
    guard offset < end else { throw SyntaxError(expected: "a SIP version", offset: end) }
    offset += 1
    checkVersion(bytes, offset, end)
    let parts = try URIParts(bytes, uri, uriEnd)
    guard !parts.headers.isPresent else {
      throw SyntaxError(expected: "a Request-URI without headers", offset: uri)
    }
    start = .request(method ?? .options, uri: ByteRange(uri, uriEnd), parts)
  }

  private mutating func checkVersion(_ bytes: Span<UInt8>, _ lower: Int, _ upper: Int) {
    // sip/2.0 as a word; only its three letters are folded.
    let word = bytes.word(lower, upper) | 0x20_2020
    if upper - lower == 7, word == 0x30_2E32_2F70_6973 { return }
    let isVersion =
      upper - lower > 4 && bytes.equals(ByteRange(lower, lower + 4), ignoringCase: "sip/")
    var offset = lower + 4
    if isVersion {
      _ = bytes.run(of: .digit, at: &offset, end: upper)
      if bytes.peek(offset, end: upper) == UInt8(ascii: ".") { offset += 1 }
      _ = bytes.run(of: .digit, at: &offset, end: upper)
    }
    note("SIP/2.0", at: lower, status: isVersion && offset == upper ? 505 : 400)
  }

  /// Parses `SIP-Version SP Status-Code SP Reason-Phrase`; the phrase may be empty, its space may not.
  private mutating func parseStatusLine(
    _ bytes: Span<UInt8>, _ first: ByteRange, at slash: Int, end: Int
  ) throws(SyntaxError) {
    let version = ByteRange(Int(first.lower), min(slash + 4, end))
    guard bytes.equals(version, ignoringCase: "sip/2.0") else {
      throw SyntaxError(expected: "SIP/2.0", offset: Int(first.lower))
    }
    var offset = slash + 4
    guard bytes.peek(offset, end: end) == 0x20 else {
      throw SyntaxError(expected: "a space", offset: offset)
    }
    offset += 1
    let digits = offset
    let code = try bytes.parseNumber(at: &offset, end: end, below: 700)
    guard offset - digits == 3, let status = StatusCode(exactly: Int(code)) else {
      throw SyntaxError(expected: "a status code", offset: digits)
    }
    // Some senders leave out the space with the phrase.
    guard offset == end || bytes[offset] == 0x20 else {
      throw SyntaxError(expected: "a space", offset: offset)
    }
    start = .response(status, reason: ByteRange(min(offset + 1, end), end))
  }
}

// MARK: - Header fields

extension MessageDraft {
  /// Reads header fields up to the empty line; `offset` is then behind it.
  private mutating func parseHeaders(_ bytes: Span<UInt8>, at offset: inout Int, end: Int) {
    fields.reserveCapacity(24)
    let table = HeaderNameTable.shared
    var count = 0
    while offset < end {
      if bytes[offset] == 0x0D, offset + 1 < end, bytes[offset + 1] == 0x0A {
        offset += 2
        return
      }
      let lineStart = offset
      var last = line(bytes, from: offset, end: end)
      offset = last.next
      // RFC 3261 §7.3.1: a line that begins with white space goes on with the field.
      let firstEnd = offset
      while offset < end, bytes[offset] == 0x20 || bytes[offset] == 0x09 {
        last = line(bytes, from: offset, end: end)
        offset = last.next
      }
      count += 1
      guard count <= MessageLimits.headerFields else {
        // Whoever sends so many has told where an answer goes, or wants none.
        return note("at most \(MessageLimits.headerFields) header fields", at: lineStart)
      }
      parseField(
        bytes, table, lineStart, last.end, next: offset,
        isFolded: offset > firstEnd || last.next - last.end != 2)
    }
    note("an empty line", at: end)
  }

  @inline(__always)
  private mutating func parseField(
    _ bytes: Span<UInt8>, _ table: HeaderNameTable, _ lower: Int, _ upper: Int, next: Int,
    isFolded: Bool
  ) {
    let name: HeaderName?
    let (nameEnd, colon): (Int, Int)
    if let plain = table.lookUp(bytes, from: lower, end: upper) {
      (name, nameEnd, colon) = (plain.name, plain.colon, plain.colon)
    } else {
      colon = bytes.first(UInt8(ascii: ":"), from: lower, end: upper)
      nameEnd = self.nameEnd(bytes, lower, colon)
      name = table.lookUp(bytes, ByteRange(lower, nameEnd))
      guard colon < upper, name != nil || isToken(bytes, lower, nameEnd) else {
        note("a header field", at: lower)
        return
      }
    }
    let value = bytes.trimmed(colon + 1, upper)
    fields.append(
      HeaderField(
        name: name, isFolded: isFolded, nameLower: UInt16(truncatingIfNeeded: lower),
        nameUpper: UInt16(truncatingIfNeeded: nameEnd),
        valueLower: UInt16(truncatingIfNeeded: value.lower),
        valueUpper: UInt16(truncatingIfNeeded: value.upper),
        lineUpper: UInt16(truncatingIfNeeded: next)))
    guard let name else { return }
    names.insert(name)
    guard name.rawValue <= HeaderName.contentLength.rawValue else { return }
    do throws(SyntaxError) {
      try check(name, bytes, Int(value.lower), Int(value.upper))
    } catch {
      note(error)
    }
  }

  /// Where a name ends that may have white space between itself and the colon.
  private func nameEnd(_ bytes: Span<UInt8>, _ lower: Int, _ colon: Int) -> Int {
    var end = colon
    while end > lower, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    return end
  }

  private func isToken(_ bytes: Span<UInt8>, _ lower: Int, _ upper: Int) -> Bool {
    var offset = lower
    _ = bytes.run(of: .token, at: &offset, end: upper)
    return offset == upper && upper > lower
  }

  /// Parses the fields that every transaction needs, which come first in ``HeaderName``.
  @inline(__always)
  private mutating func check(
    _ name: HeaderName, _ bytes: Span<UInt8>, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    var offset = lower
    switch name {
    case .via: try checkVia(bytes, lower, upper)
    case .contact: try checkContacts(bytes, lower, upper)
    case .from:
      try once(name, lower)
      from = try wholeAddress(bytes, lower, upper, like: to)
    case .to:
      try once(name, lower)
      to = try wholeAddress(bytes, lower, upper, like: from)
    case .callID:
      try once(name, lower)
      callID = try parseCallID(bytes, lower, upper)
    case .cseq:
      try once(name, lower)
      cseq = try CSeq(bytes, lower, upper)
    case .maxForwards:
      try once(name, lower)
      maxForwards = UInt8(min(try wholeNumber(bytes, at: &offset, upper), 255))
    case .contentLength:
      try once(name, lower)
      contentLength = Int(try wholeNumber(bytes, at: &offset, upper))
    case _: break
    }
  }

  /// RFC 4475 §3.3.8: of two values nobody can know which one others will take.
  @inline(__always)
  private mutating func once(_ name: HeaderName, _ offset: Int) throws(SyntaxError) {
    let bit = UInt8(1) &<< name.rawValue
    guard seen & bit == 0 else { throw repeated(name, offset) }
    seen |= bit
  }

  private func repeated(_ name: HeaderName, _ offset: Int) -> SyntaxError {
    SyntaxError(expected: "\(name.text) only once", offset: offset)
  }

  private mutating func checkVia(
    _ bytes: Span<UInt8>, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    var offset = lower
    if seen & 1 == 0 {
      seen |= 1
      via = try ViaParts(bytes, at: &offset, end: upper)
    }
    viaCount += 1
    // Behind the first value, each comma may begin another one.
    if offset < upper {
      for index in offset..<upper where bytes[index] == UInt8(ascii: ",") { viaCount += 1 }
    }
    if viaCount > MessageLimits.vias {
      note("at most \(MessageLimits.vias) Via values", at: lower, status: 483)
    }
  }

  private mutating func checkContacts(
    _ bytes: Span<UInt8>, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) {
    if upper - lower == 1, bytes[lower] == UInt8(ascii: "*") {
      (contactCount, contact) = (contactCount + 1, nil)
      return
    }
    var offset = lower
    repeat {
      let value = try NameAddressParts(bytes, at: &offset, end: upper)
      contactCount += 1
      contact = contactCount == 1 ? value : nil
    } while bytes.take(UInt8(ascii: ","), at: &offset, end: upper)
  }

  private func wholeAddress(
    _ bytes: Span<UInt8>, _ lower: Int, _ upper: Int, like known: NameAddressParts?
  ) throws(SyntaxError) -> NameAddressParts {
    var offset = lower
    let parts = try NameAddressParts(bytes, at: &offset, end: upper, like: known)
    guard offset == upper else {
      throw SyntaxError(expected: "the end of the address", offset: offset)
    }
    return parts
  }

  /// `callid = word [ "@" word ]`.
  private func parseCallID(
    _ bytes: Span<UInt8>, _ lower: Int, _ upper: Int
  ) throws(SyntaxError) -> ByteRange {
    var offset = lower
    var word = bytes.run(of: .word, at: &offset, end: upper)
    if !word.isEmpty, bytes.peek(offset, end: upper) == UInt8(ascii: "@") {
      offset += 1
      word = bytes.run(of: .word, at: &offset, end: upper)
    }
    guard !word.isEmpty, offset == upper else {
      throw SyntaxError(expected: "a Call-ID", offset: offset)
    }
    return ByteRange(lower, upper)
  }

  private func wholeNumber(
    _ bytes: Span<UInt8>, at offset: inout Int, _ end: Int
  ) throws(SyntaxError) -> UInt64 {
    let number = try bytes.parseNumber(at: &offset, end: end, below: 1 << 32)
    guard offset == end else {
      throw SyntaxError(expected: "the end of the number", offset: offset)
    }
    return number
  }
}

// MARK: - The whole

extension MessageDraft {
  private mutating func parseBody(_ bytes: Span<UInt8>, from offset: Int, end: Int) {
    guard let contentLength else {
      if framing == .stream, seen & (1 << HeaderName.contentLength.rawValue) == 0 {
        note("Content-Length", at: offset)
      }
      body = ByteRange(offset, end)
      return
    }
    guard contentLength <= end - offset else {
      note("a body of \(contentLength) bytes", at: end)
      body = ByteRange(offset, end)
      return
    }
    body = ByteRange(offset, offset + contentLength)
  }

  /// What no single line can show: fields that are missing, methods that differ.
  private mutating func checkWhole(at offset: Int) {
    if let method, let cseq, cseq.method != method {
      // RFC 4475 §3.1.2.18: an unknown method is the first thing to tell.
      note("the method of the start line in CSeq", at: offset, status: method.isKnown ? 400 : 501)
    }
    if via == nil { note("Via", at: offset) }
    if from == nil { note("From", at: offset) }
    if to == nil { note("To", at: offset) }
    if callID == nil { note("Call-ID", at: offset) }
    if cseq == nil { note("CSeq", at: offset) }
  }

  func finish(_ bytes: [UInt8]) throws(MessageError) -> Message {
    let headers = HeaderFields(bytes: bytes, fields: fields, names: names)
    if fault == nil, let start, let via, let from, let to, let callID, let cseq {
      return Message(
        storage: Message.Storage(
          headers: headers, start: start, via: via, from: from, to: to, callID: callID,
          cseq: cseq, maxForwards: maxForwards, contact: contact, body: body))
    }
    let error = fault?.error ?? SyntaxError(expected: "a message", offset: 0)
    guard let method else { throw .unanswerable(error) }
    throw .rejected(
      RejectedRequest(
        status: fault?.status ?? 400, error: error, method: method, headers: headers, via: via,
        callID: callID, cseq: cseq, fromTag: from?.tag, toTag: to?.tag))
  }
}
