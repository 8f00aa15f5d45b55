package import Elements

/// One part of a body: the whole of it, or a part of a multipart (RFC 2046 §5.1, RFC 5621).
package struct BodyPart: Sendable {
  /// The media type; "text/plain" where a part of a multipart names none.
  package let type: MediaType
  /// Where the content is: offsets of the message.
  package let content: ByteRange
  /// True if the receiver may ignore it: `Content-Disposition: …;handling=optional`.
  package let isOptional: Bool
}

extension Message {
  /// The parts of the body in their order; one level deep, the parts of a nested multipart stay one part.
  ///
  /// A body without Content-Type has none. Bytes are never changed; a multipart without its boundary is an error.
  package func bodyParts() throws(SyntaxError) -> [BodyPart] {
    guard !body.isEmpty, let type = try contentType() else { return [] }
    guard type.isMultipart else {
      let disposition = try contentDisposition()
      let isOptional = disposition?.parameters.text("handling")?.lowercased() == "optional"
      return [BodyPart(type: type, content: body, isOptional: isOptional)]
    }
    guard let boundary = type.parameters.bytes("boundary"), boundary.count <= 70 else {
      throw SyntaxError(expected: "a boundary of at most 70 bytes", offset: 0)
    }
    return try MultipartReader(boundary: boundary).parts(of: bytes, body)
  }
}

/// Cuts a multipart body at the lines of its boundary, in one pass.
private struct MultipartReader {
  private static let maximumParts = 16
  /// CR LF "--" and the boundary.
  let delimiter: [UInt8]

  init(boundary: [UInt8]) {
    delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + boundary
  }

  func parts(of bytes: [UInt8], _ body: ByteRange) throws(SyntaxError) -> [BodyPart] {
    var parts: [BodyPart] = []
    let end = Int(body.upper)
    // The first boundary may stand at the very start, without a CRLF in front.
    guard var start = startOfPart(bytes, from: Int(body.lower) - 2, end) else {
      throw SyntaxError(expected: "the boundary", offset: Int(body.lower))
    }
    while let next = find(bytes, from: start - 2, end) {
      parts.append(try part(bytes, start, max(start, next)))
      guard parts.count <= Self.maximumParts else {
        throw SyntaxError(expected: "at most \(Self.maximumParts) parts", offset: start)
      }
      guard let following = startOfPart(bytes, from: next, end) else { return parts }
      start = following
    }
    throw SyntaxError(expected: "the closing boundary", offset: start)
  }

  /// The offset of the next delimiter; `offset` may lie two bytes before the text, for its CRLF.
  private func find(_ bytes: [UInt8], from offset: Int, _ end: Int) -> Int? {
    let span = bytes.span
    var index = max(offset, 0)
    while index + delimiter.count <= end {
      if span[index] == 0x0D, matches(span, at: index) { return index }
      index += 1
    }
    return nil
  }

  private func matches(_ span: Span<UInt8>, at offset: Int) -> Bool {
    for (index, byte) in delimiter.enumerated() where span[offset + index] != byte { return false }
    return true
  }

  /// The start of the part behind the delimiter at or after `offset`; nil behind the closing one.
  private func startOfPart(_ bytes: [UInt8], from offset: Int, _ end: Int) -> Int? {
    guard let delimiterStart = find(bytes, from: offset, end) else { return nil }
    var index = delimiterStart + delimiter.count
    if index + 1 < end, bytes[index] == 0x2D, bytes[index + 1] == 0x2D { return nil }
    while index < end, bytes[index] != 0x0A { index += 1 }
    return index < end ? index + 1 : nil
  }

  /// Reads the header fields of a part, up to its empty line.
  private func part(_ bytes: [UInt8], _ start: Int, _ end: Int) throws(SyntaxError) -> BodyPart {
    let span = bytes.span
    var type = MediaType("text/plain")
    var isOptional = false
    var offset = start
    while offset < end {
      var lineEnd = span.lineEnd(from: offset, end: end)
      let isEmpty = lineEnd == offset
      var next = min(lineEnd + 2, end)
      while !isEmpty, next < end, span[next] == 0x20 || span[next] == 0x09 {
        lineEnd = span.lineEnd(from: next, end: end)
        next = min(lineEnd + 2, end)
      }
      if isEmpty {
        offset = next
        break
      }
      let colon = span.first(UInt8(ascii: ":"), from: offset, end: lineEnd)
      let name = HeaderNameTable.shared.lookUp(span, span.trimmed(offset, colon))
      let value = span.trimmed(min(colon + 1, lineEnd), lineEnd)
      if name == .contentType { type = try MediaType(parsing: bytes[value.range].span) }
      if name == .contentDisposition {
        let disposition = try ParameterizedToken(parsing: bytes[value.range].span)
        isOptional = disposition.parameters.text("handling")?.lowercased() == "optional"
      }
      offset = next
    }
    return BodyPart(type: type, content: ByteRange(offset, end), isOptional: isOptional)
  }
}
