package import Elements

// What a response takes from its request.
extension MessageBuilder {
  /// Begins the response to a request: status line, all Via, From, To, Call-ID, CSeq (RFC 3261 §8.2.6).
  ///
  /// The source, where the request came from, goes into the top Via as `received` and `rport`
  /// (RFC 3261 §18.2.1, RFC 3581 §4). Our tag, a token, is added if To has none.
  package init(
    responseTo request: Message, _ status: StatusCode, reason: String? = nil, source: Endpoint?,
    toTag: [UInt8]?
  ) {
    let tag = toTag ?? []
    self.init(responseTo: request, status, reason: reason, source: source, toTag: tag.span)
  }

  /// The same with a tag that lies anywhere; empty for none.
  package init(
    responseTo request: Message, _ status: StatusCode, reason: String? = nil, source: Endpoint?,
    toTag: Span<UInt8>
  ) {
    self.init(response: status, reason: reason, capacity: Self.answerBytes)
    copyAnswerFields(
      request.headers, via: request.storage.via, source: source,
      toTag: toTag.extracting(0..<(request.toTag == nil ? toTag.count : 0)))
  }

  /// Begins the response to a malformed request, with what could be read of it.
  package init(responseTo request: RejectedRequest, source: Endpoint?, toTag: [UInt8]?) {
    self.init(
      response: request.status,
      reason: request.status == 400 ? "Bad Request: expected \(request.error.expected)" : nil)
    let tag = request.toTag == nil ? toTag ?? [] : []
    copyAnswerFields(request.headers, via: request.via, source: source, toTag: tag.span)
  }

  /// Most answers are not longer, and the allocator has memory of up to 1,032 bytes at hand.
  private static var answerBytes: Int { 960 }

  private mutating func copyAnswerFields(
    _ headers: HeaderFields, via: ViaParts?, source: Endpoint?, toTag: Span<UInt8>
  ) {
    // Of each line a name that is written out and, as a broken request may have many To, a tag; of one Via
    // where it came from.
    let added = 24 + toTag.count
    var room = 96
    for field in headers.fields where field.isOfAnswer { room += field.length + added }
    bytes.append(addingCapacity: room) { lines in
      lines.appendAnswer(of: headers, via: via, source: source, toTag: toTag)
    }
  }
}

extension OutputSpan<UInt8> {
  fileprivate mutating func appendAnswer(
    of headers: HeaderFields, via: ViaParts?, source: Endpoint?, toTag: Span<UInt8>
  ) {
    let message = headers.bytes.span
    var isTop = true
    // Lines that follow each other and are copied as they are, up to where something has to be added.
    var run = 0..<0
    for field in headers.fields {
      guard let name = field.name, field.isOfAnswer else { continue }
      let isTopVia = name.rawValue == HeaderName.via.rawValue && isTop
      if isTopVia { isTop = false }
      let isTagged = name.rawValue == HeaderName.to.rawValue && !toTag.isEmpty
      guard !field.isPlain || isTopVia && source != nil || isTagged else {
        if run.upperBound != Int(field.nameLower) {
          append(copying: message.extracting(run))
          run = Int(field.nameLower)..<Int(field.nameLower)
        }
        run = run.lowerBound..<Int(field.lineUpper)
        continue
      }
      append(copying: message.extracting(run))
      run = 0..<0
      append(copying: HeaderNameTable.shared.prefix(of: name).span)
      if isTopVia, let via, let source {
        append(top: via, of: message, field: field, source: source)
      } else {
        append(cleaned: message.extracting(field.value.range))
      }
      if isTagged {
        append(text: ";tag=")
        append(cleaned: toTag)
      }
      endLine()
    }
    append(copying: message.extracting(run))
  }

  /// The top Via with `received` and `rport` of the source in place of any that it brought along.
  private mutating func append(
    top via: ViaParts, of message: Span<UInt8>, field: HeaderField, source: Endpoint
  ) {
    if via.isNoted {
      appendUnnoted(via, of: message)
    } else if let rport = via.rportField {
      var end = Int(rport.lower) - 1
      while message[end] != UInt8(ascii: ";") { end -= 1 }
      append(cleaned: message.extracting(Int(via.value.lower)..<end))
      append(cleaned: message.extracting(Int(rport.upper)..<Int(via.value.upper)))
    } else {
      append(cleaned: message.extracting(via.value.range))
    }
    if via.hasRPort || message.address(in: via.host) != source.address {
      append(text: ";received=")
      append(source.address)
    }
    if via.hasRPort {
      append(text: ";rport=")
      append(decimal: UInt64(source.port))
    }
    append(cleaned: message.extracting(Int(via.value.upper)..<Int(field.value.upper)))
  }

  /// A Via without what it says about its source, parameter by parameter.
  private mutating func appendUnnoted(_ via: ViaParts, of message: Span<UInt8>) {
    append(cleaned: message.extracting(Int(via.value.lower)..<Int(via.sentBy.upper)))
    var offset = Int(via.parameters.lower)
    // The parameters were parsed before; nothing can be thrown here.
    try? message.forEachParameter(at: &offset, end: Int(via.parameters.upper)) { name, value in
      let isNote =
        message.equals(name, ignoringCase: "received")
        || message.equals(name, ignoringCase: "rport")
      guard !isNote else { return }
      append(UInt8(ascii: ";"))
      append(cleaned: message.extracting(name.range))
      guard !value.isEmpty else { return }
      append(UInt8(ascii: "="))
      append(cleaned: message.extracting(value.range))
    }
  }
}
