import Elements

/// Writes one message into one array: start line, header fields in the order of the calls, then the body.
///
/// No value can end its line: CR and LF of a value become spaces, which is what a fold means anyway
/// (RFC 3261 §7.3.1). Content-Length is written by ``finish(body:contentType:)``, which ends the message.
/// There are no copies of a builder: the next byte would move the whole message to another place.
package struct MessageBuilder: ~Copyable, Sendable {
  /// Everything so far.
  var bytes: [UInt8]

  // MARK: Start line

  package init(request method: Method, uri: URI, capacity: Int = 1024) {
    let name = if case .other(let name) = method { name } else { [UInt8]() }
    bytes = [UInt8](room: max(capacity, name.count + uri.bytes.count + 32)) { line in
      line.append(text: method.text)
      line.append(cleaned: name.span)
      line.append(0x20)
      line.append(copying: uri.bytes.span)
      line.append(text: " SIP/2.0\r\n")
    }
  }

  /// Begins a response; a reason of nil is the usual phrase.
  package init(response status: StatusCode, reason: String? = nil, capacity: Int = 1024) {
    bytes = [UInt8](room: max(capacity, Self.statusLineBytes)) { line in
      line.append(text: "SIP/2.0 ")
      line.append(decimal: UInt64(status.number))
      line.append(0x20)
      guard reason == nil else { return }
      line.append(text: status.phrase)
      line.endLine()
    }
    guard let reason else { return }
    let start = bytes.count
    bytes.append(contentsOf: reason.utf8)
    bytes.clean(from: start)
    endLine()
  }

  /// Room for a status line with a phrase of ours.
  private static var statusLineBytes: Int { 80 }

  // MARK: Header fields

  package mutating func add(_ name: HeaderName, _ value: [UInt8]) { add(name, value.span) }

  package mutating func add(_ name: HeaderName, _ value: ArraySlice<UInt8>) {
    add(name, value.span)
  }

  private mutating func add(_ name: HeaderName, _ value: Span<UInt8>) {
    let prefix = HeaderNameTable.shared.prefix(of: name)
    bytes.append(addingCapacity: prefix.count + value.count + 2) { line in
      line.append(copying: prefix.span)
      line.append(cleaned: value)
      line.endLine()
    }
  }

  package mutating func add(_ name: HeaderName, _ value: String) {
    begin(name)
    let start = bytes.count
    bytes.append(contentsOf: value.utf8)
    bytes.clean(from: start)
    endLine()
  }

  package mutating func add(_ name: HeaderName, number: UInt64) {
    let prefix = HeaderNameTable.shared.prefix(of: name)
    bytes.append(addingCapacity: prefix.count + 22) { line in
      line.append(copying: prefix.span)
      line.append(decimal: number)
      line.endLine()
    }
  }

  /// Adds a field whose value is written piece by piece; there is room for that many bytes.
  package mutating func add(
    _ name: HeaderName, room: Int, _ write: (inout OutputSpan<UInt8>) -> Void
  ) {
    let prefix = HeaderNameTable.shared.prefix(of: name)
    let start = bytes.count + prefix.count
    bytes.append(addingCapacity: prefix.count + room + 2) { line in
      line.append(copying: prefix.span)
      write(&line)
    }
    bytes.clean(from: start)
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
    guard headers.has(name) else { return }
    for field in headers.fields where field.isNamed(name) {
      add(name, headers.bytes.span.extracting(field.value.range))
    }
  }

  package mutating func copy(_ name: HeaderName, from message: Message) {
    copy(name, from: message.headers)
  }

  // MARK: The end

  /// Writes Content-Type (if there is a body), Content-Length, the empty line and the body.
  package consuming func finish(body: [UInt8] = [], contentType: String? = nil) -> [UInt8] {
    if !body.isEmpty, let contentType { add(.contentType, contentType) }
    bytes.append(addingCapacity: body.count + 40) { rest in
      rest.append(text: "Content-Length: ")
      rest.append(decimal: UInt64(body.count))
      rest.endLine()
      rest.endLine()
      rest.append(copying: body.span)
    }
    return bytes
  }

  private mutating func begin(_ name: HeaderName) {
    bytes.append(contentsOf: HeaderNameTable.shared.prefix(of: name))
  }

  private mutating func endLine() {
    bytes.append(0x0D)
    bytes.append(0x0A)
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

extension OutputSpan<UInt8> {
  @inline(__always)
  mutating func endLine() {
    append(0x0D)
    append(0x0A)
  }

  /// Appends a value, each CR and LF of it as a space; there is room for it.
  @inline(__always)
  mutating func append(cleaned value: Span<UInt8>) {
    guard value.lineEnd(from: 0, end: value.count) < value.count else {
      return append(copying: value)
    }
    for index in value.indices {
      let byte = value[index]
      append(byte == 0x0D || byte == 0x0A ? 0x20 : byte)
    }
  }
}
