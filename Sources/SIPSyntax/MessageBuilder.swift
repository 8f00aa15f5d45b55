package import Elements

/// Writes one message into one array: start line, header fields in the order of the calls, then the body.
///
/// No value can end its line: CR and LF of a value become spaces, which is what a fold means anyway
/// (RFC 3261 §7.3.1). Content-Length is written by ``finish(body:contentType:)``, which ends the message.
/// There are no copies of a builder: the next byte would move the whole message to another place.
package struct MessageBuilder: ~Copyable, Sendable {
  private var bytes: [UInt8] = []

  // MARK: Start line

  package init(request method: Method, uri: URI, capacity: Int = 1024) {
    bytes.reserveCapacity(capacity)
    bytes.append(method)
    bytes.append(0x20)
    bytes.append(contentsOf: uri.bytes)
    bytes.append(text: " SIP/2.0\r\n")
  }

  /// Begins a response; a reason of nil is the usual phrase.
  package init(response status: StatusCode, reason: String? = nil, capacity: Int = 1024) {
    bytes.reserveCapacity(capacity)
    bytes.append(text: "SIP/2.0 ")
    bytes.append(decimal: UInt64(status.number))
    bytes.append(0x20)
    let start = bytes.count
    if let reason {
      bytes.append(contentsOf: reason.utf8)
      bytes.clean(from: start)
    } else {
      bytes.append(text: status.phrase)
    }
    endLine()
  }

  // MARK: Header fields

  package mutating func add(_ name: HeaderName, _ value: [UInt8]) {
    begin(name)
    append(cleaned: value.span)
    endLine()
  }

  package mutating func add(_ name: HeaderName, _ value: ArraySlice<UInt8>) {
    begin(name)
    append(cleaned: value.span)
    endLine()
  }

  package mutating func add(_ name: HeaderName, _ value: String) {
    begin(name)
    let start = bytes.count
    bytes.append(contentsOf: value.utf8)
    bytes.clean(from: start)
    endLine()
  }

  package mutating func add(_ name: HeaderName, number: UInt64) {
    begin(name)
    bytes.append(decimal: number)
    endLine()
  }

  package mutating func add(_ name: HeaderName, _ value: some HeaderValue) {
    begin(name)
    let start = bytes.count
    value.serialize(into: &bytes)
    bytes.clean(from: start)
    endLine()
  }

  /// Adds several values in one line, with commas.
  package mutating func add(_ name: HeaderName, list values: [some HeaderValue]) {
    guard !values.isEmpty else { return }
    begin(name)
    let start = bytes.count
    for (index, value) in values.enumerated() {
      if index > 0 { bytes.append(text: ", ") }
      value.serialize(into: &bytes)
    }
    bytes.clean(from: start)
    endLine()
  }

  /// Adds methods, option tags or other tokens in one line; nothing for an empty list.
  package mutating func add(_ name: HeaderName, tokens: [String]) {
    guard !tokens.isEmpty else { return }
    add(name, tokens.joined(separator: ", "))
  }

  /// Adds a field whose name is no ``HeaderName``; a name that is no token adds nothing.
  package mutating func add(named name: String, _ value: [UInt8]) {
    let name = Array(name.utf8)
    guard !name.isEmpty, name.allSatisfy({ ByteSet.token.contains($0) }) else { return }
    bytes.append(contentsOf: name)
    bytes.append(text: ": ")
    bytes.appendCleaned(value)
    endLine()
  }

  /// Copies the values of all fields of that name, line by line, in their order.
  package mutating func copy(_ name: HeaderName, from headers: HeaderFields) {
    for field in headers.fields where field.name == name {
      begin(name)
      append(cleaned: headers.bytes.span.extracting(field.value.range))
      endLine()
    }
  }

  package mutating func copy(_ name: HeaderName, from message: Message) {
    copy(name, from: message.headers)
  }

  // MARK: The end

  /// Writes Content-Type (if there is a body), Content-Length, the empty line and the body.
  package consuming func finish(body: [UInt8] = [], contentType: String? = nil) -> [UInt8] {
    if !body.isEmpty, let contentType { add(.contentType, contentType) }
    // The last field: what follows is known, so that the array need not grow in between.
    bytes.reserveCapacity(bytes.count + body.count + 32)
    add(.contentLength, number: UInt64(body.count))
    endLine()
    bytes.append(contentsOf: body)
    return bytes
  }

  private mutating func begin(_ name: HeaderName) {
    bytes.append(contentsOf: HeaderNameTable.shared.prefixes[Int(name.rawValue)])
  }

  private mutating func endLine() {
    bytes.append(0x0D)
    bytes.append(0x0A)
  }

  private mutating func append(cleaned value: Span<UInt8>) {
    let start = bytes.count
    append(0..<value.count, of: value)
    bytes.clean(from: start)
  }

  private mutating func append(_ range: Range<Int>, of text: Span<UInt8>) {
    unsafe text.extracting(range).withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }
}

extension [UInt8] {
  /// Turns each CR and LF behind `start` into a space.
  mutating func clean(from start: Int) {
    var index = span.lineEnd(from: start, end: count)
    while index < count {
      self[index] = 0x20
      index = span.lineEnd(from: index + 1, end: count)
    }
  }
}

// MARK: - Responses

extension MessageBuilder {
  /// Begins the response to a request: status line, all Via, From, To, Call-ID, CSeq (RFC 3261 §8.2.6).
  ///
  /// The source, where the request came from, goes into the top Via as `received` and `rport`
  /// (RFC 3261 §18.2.1, RFC 3581 §4). Our tag, a token, is added if To has none.
  package init(
    responseTo request: Message, _ status: StatusCode, reason: String? = nil, source: Endpoint?,
    toTag: [UInt8]?
  ) {
    self.init(response: status, reason: reason, capacity: request.bytes.count + 256)
    copyAnswerFields(
      request.headers, via: request.storage.via, source: source,
      toTag: request.toTag == nil ? toTag : nil)
  }

  /// Begins the response to a malformed request, with what could be read of it.
  package init(responseTo request: RejectedRequest, source: Endpoint?, toTag: [UInt8]?) {
    self.init(
      response: request.status,
      reason: request.status == 400 ? "Bad Request: expected \(request.error.expected)" : nil)
    copyAnswerFields(
      request.headers, via: request.via, source: source,
      toTag: request.toTag == nil ? toTag : nil)
  }

  private mutating func copyAnswerFields(
    _ headers: HeaderFields, via: ViaParts?, source: Endpoint?, toTag: [UInt8]?
  ) {
    let message = headers.bytes.span
    var isTop = true
    // Lines that follow each other and are copied as they are, up to where something has to be added.
    var run = 0..<0
    for field in headers.fields {
      guard let name = field.name, name.rawValue <= HeaderName.cseq.rawValue else { continue }
      let isTopVia = name == .via && isTop
      if isTopVia { isTop = false }
      let isChanged = isTopVia && source != nil || name == .to && toTag != nil
      guard !field.isPlain || isChanged else {
        if run.upperBound != Int(field.nameLower) {
          append(run, of: message)
          run = Int(field.nameLower)..<Int(field.nameLower)
        }
        run = run.lowerBound..<Int(field.lineUpper)
        continue
      }
      append(run, of: message)
      run = 0..<0
      begin(name)
      if isTopVia, let via, let source {
        append(top: via, of: message, field: field, source: source)
      } else {
        append(cleaned: message.extracting(field.value.range))
      }
      if name == .to, let toTag {
        bytes.append(text: ";tag=")
        bytes.appendCleaned(toTag)
      }
      endLine()
    }
    append(run, of: message)
  }

  /// The top Via with `received` and `rport` of the source in place of any that it brought along.
  private mutating func append(
    top via: ViaParts, of message: Span<UInt8>, field: HeaderField, source: Endpoint
  ) {
    let start = bytes.count
    if via.isNoted {
      appendUnnoted(via, of: message)
    } else if let rport = via.rportField {
      var end = Int(rport.lower) - 1
      while message[end] != UInt8(ascii: ";") { end -= 1 }
      append(Int(via.value.lower)..<end, of: message)
      append(Int(rport.upper)..<Int(via.value.upper), of: message)
    } else {
      append(via.value.range, of: message)
    }
    if via.hasRPort || message.address(in: via.host) != source.address {
      bytes.append(text: ";received=")
      bytes.append(source.address)
    }
    if via.hasRPort {
      bytes.append(text: ";rport=")
      bytes.append(decimal: UInt64(source.port))
    }
    append(Int(via.value.upper)..<Int(field.value.upper), of: message)
    if field.isFolded { bytes.clean(from: start) }
  }

  /// A Via without what it says about its source, parameter by parameter.
  private mutating func appendUnnoted(_ via: ViaParts, of message: Span<UInt8>) {
    append(Int(via.value.lower)..<Int(via.sentBy.upper), of: message)
    var offset = Int(via.parameters.lower)
    // The parameters were parsed before; nothing can be thrown here.
    try? message.forEachParameter(at: &offset, end: Int(via.parameters.upper)) { name, value in
      let isNote =
        message.equals(name, ignoringCase: "received")
        || message.equals(name, ignoringCase: "rport")
      guard !isNote else { return }
      bytes.append(UInt8(ascii: ";"))
      append(name.range, of: message)
      guard !value.isEmpty else { return }
      bytes.append(UInt8(ascii: "="))
      append(value.range, of: message)
    }
  }
}
