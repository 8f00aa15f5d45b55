package import Elements

/// Writes one message into one array: start line, header fields in the order of the calls, then the body.
///
/// No value can end its line: CR and LF of a value become spaces, which is what a fold means anyway
/// (RFC 3261 §7.3.1). Content-Length is written by ``finish(body:contentType:)``, which ends the message.
package struct MessageBuilder: Sendable {
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
    bytes.append(contentsOf: (reason ?? status.reasonPhrase).utf8)
    clean(from: start)
    endLine()
  }

  // MARK: Header fields

  package mutating func add(_ name: HeaderName, _ value: [UInt8]) {
    begin(name)
    bytes.appendCleaned(value)
    endLine()
  }

  package mutating func add(_ name: HeaderName, _ value: ArraySlice<UInt8>) {
    begin(name)
    append(cleaned: value)
    endLine()
  }

  package mutating func add(_ name: HeaderName, _ value: String) {
    begin(name)
    let start = bytes.count
    bytes.append(contentsOf: value.utf8)
    clean(from: start)
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
    clean(from: start)
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
    clean(from: start)
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
      append(cleaned: headers.bytes[field.value.range])
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

  private mutating func append(cleaned value: ArraySlice<UInt8>) {
    let start = bytes.count
    bytes.append(contentsOf: value)
    clean(from: start)
  }

  /// Turns each CR and LF behind `start` into a space.
  private mutating func clean(from start: Int) {
    var index = bytes.span.lineEnd(from: start, end: bytes.count)
    while index < bytes.count {
      bytes[index] = 0x20
      index = bytes.span.lineEnd(from: index + 1, end: bytes.count)
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
    var isTop = true
    for field in headers.fields {
      switch field.name {
      case .via where isTop:
        isTop = false
        begin(.via)
        if let via, let source {
          append(top: via, of: headers.bytes, field: field, source: source)
        } else {
          append(cleaned: headers.bytes[field.value.range])
        }
        endLine()
      case .to:
        begin(.to)
        append(cleaned: headers.bytes[field.value.range])
        if let toTag {
          bytes.append(text: ";tag=")
          bytes.appendCleaned(toTag)
        }
        endLine()
      case .some(let name) where name == .via || name == .from || name == .callID || name == .cseq:
        begin(name)
        append(cleaned: headers.bytes[field.value.range])
        endLine()
      case _: break
      }
    }
  }

  /// The top Via with `received` and `rport` of the source in place of any that it brought along.
  private mutating func append(
    top via: ViaParts, of message: [UInt8], field: HeaderField, source: Endpoint
  ) {
    append(cleaned: message[Int(via.value.lower)..<Int(via.sentBy.upper)])
    var offset = Int(via.parameters.lower)
    let span = message.span
    let start = bytes.count
    // The parameters were parsed before; nothing can be thrown here.
    try? span.forEachParameter(at: &offset, end: Int(via.parameters.upper)) { name, value in
      let isOurs =
        span.equals(name, ignoringCase: "received") || span.equals(name, ignoringCase: "rport")
      guard !isOurs else { return }
      bytes.append(UInt8(ascii: ";"))
      bytes.append(contentsOf: message[name.range])
      guard !value.isEmpty else { return }
      bytes.append(UInt8(ascii: "="))
      bytes.append(contentsOf: message[value.range])
    }
    clean(from: start)
    let sentBy = span.address(in: via.host)
    if via.hasRPort || sentBy != source.address {
      bytes.append(text: ";received=")
      bytes.append(source.address)
    }
    if via.hasRPort {
      bytes.append(text: ";rport=")
      bytes.append(decimal: UInt64(source.port))
    }
    append(cleaned: message[Int(via.value.upper)..<Int(field.value.upper)])
  }
}
