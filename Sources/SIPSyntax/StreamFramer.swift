/// Cuts a byte stream into messages and keep-alives (RFC 3261 §18.3, RFC 5626 §3.5.1).
///
/// Feed bytes with ``append(_:)`` and pull with ``next()`` until it gives nil. After an error the
/// stream has no message borders any more and must be closed. Holds one message at most, plus what
/// the last read brought along; each byte is looked at a bounded number of times.
package struct StreamFramer: Sendable {
  package enum Item: Hashable, Sendable {
    /// One whole message, with its body.
    case message([UInt8])
    /// CRLF CRLF: to be answered with ``StreamFramer/pong``.
    case ping
    /// CRLF: the answer to a ping of ours, or noise.
    case pong
  }

  /// What answers a ping.
  package static let pong: [UInt8] = [0x0D, 0x0A]
  /// What keeps a flow of ours open.
  package static let ping: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A]

  private var buffer: [UInt8] = []
  /// Where the next item begins.
  private var start = 0
  /// Up to where there is no end of the head; not looked at again.
  private var scanned = 0
  /// Where the message ends, once its head is complete.
  private var messageEnd: Int?
  /// True behind a lone CRLF, which a second one makes a ping.
  private var isBehindCRLF = false

  package init() {}

  /// Bytes that wait for the rest of their message.
  package var pendingBytes: Int { buffer.count - start }
  /// True in the middle of a message: a peer that stays here for long is closed by the owner.
  package var isWithinMessage: Bool { pendingBytes > 0 }

  package mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0 {
      buffer.removeFirst(start)
      scanned -= start
      messageEnd = messageEnd.map { $0 - start }
      start = 0
    }
    buffer.append(contentsOf: bytes)
  }

  /// The next whole item, or nil if more bytes are needed.
  package mutating func next() throws(StreamError) -> Item? {
    if messageEnd == nil {
      if let keepAlive = nextKeepAlive() { return keepAlive }
      guard start < buffer.count else { return nil }
      try findEnd()
    }
    guard let end = messageEnd, end <= buffer.count else { return nil }
    let message = Array(buffer[start..<end])
    (start, scanned, messageEnd) = (end, end, nil)
    return .message(message)
  }

  private mutating func nextKeepAlive() -> Item? {
    guard start + 1 < buffer.count, buffer[start] == 0x0D, buffer[start + 1] == 0x0A else {
      if start < buffer.count, buffer[start] != 0x0D { isBehindCRLF = false }
      return nil
    }
    start += 2
    let isPing =
      start + 1 < buffer.count && !isBehindCRLF && buffer[start] == 0x0D
      && buffer[start + 1] == 0x0A
    if isPing { start += 2 }
    scanned = start
    let item = isPing || isBehindCRLF ? Item.ping : .pong
    isBehindCRLF = !isPing && !isBehindCRLF
    return item
  }

  /// Looks for the empty line, then for Content-Length in front of it.
  private mutating func findEnd() throws(StreamError) {
    let buffer = self.buffer
    let span = buffer.span
    // The same limit however much has arrived: a message is taken or not, whichever way it was cut.
    let end = min(buffer.count, start + MessageLimits.headBytes)
    var offset = scanned
    while true {
      offset = span.lineEnd(from: offset, end: end)
      guard offset + 3 < end else { break }
      if span[offset] == 0x0D, span[offset + 1] == 0x0A, span[offset + 2] == 0x0D,
        span[offset + 3] == 0x0A
      {
        let head = offset + 4
        let length = try contentLength(upTo: head)
        guard length <= MessageLimits.messageBytes - (head - start) else {
          throw .tooLarge(head: Array(buffer[start..<head]))
        }
        messageEnd = head + length
        return
      }
      offset += 1
    }
    scanned = max(start, min(offset, end))
    guard buffer.count - start <= MessageLimits.headBytes else { throw .headTooLong }
  }

  /// The value of Content-Length, which a stream must have once (RFC 3261 §18.3).
  private func contentLength(upTo headEnd: Int) throws(StreamError) -> Int {
    let span = buffer.span
    var found: Int?
    var line = start
    while line < headEnd {
      let lineEnd = span.lineEnd(from: line, end: headEnd)
      var offset = line
      let name = span.run(of: .token, at: &offset, end: lineEnd)
      let isLength =
        span.equals(name, ignoringCase: "l") || span.equals(name, ignoringCase: "content-length")
      line = lineEnd + (lineEnd + 1 < headEnd && span[lineEnd] == 0x0D ? 2 : 1)
      guard isLength, span.take(UInt8(ascii: ":"), at: &offset, end: headEnd) else { continue }
      let limit = UInt64(1) << 32
      let length = try? span.parseNumber(at: &offset, end: headEnd, below: limit)
      guard let length, isWhitespace(span[offset]), found == nil else {
        throw .badContentLength(head: Array(buffer[start..<headEnd]))
      }
      found = Int(length)
    }
    guard let found else { throw .missingContentLength(head: Array(buffer[start..<headEnd])) }
    return found
  }
}

/// Why a stream lost its message borders; it must be closed, after an answer if there can be one.
package enum StreamError: Error, Hashable, Sendable, CustomStringConvertible {
  case missingContentLength(head: [UInt8])
  /// No number, or more than one.
  case badContentLength(head: [UInt8])
  /// More than ``MessageLimits/messageBytes``.
  case tooLarge(head: [UInt8])
  /// No empty line within ``MessageLimits/headBytes``.
  case headTooLong

  /// The request that broke the stream, as far as it can be answered: 400, or 513 for its size.
  package var rejected: RejectedRequest? {
    switch self {
    case .headTooLong: nil
    case .missingContentLength(let head), .badContentLength(let head):
      Self.reject(head, status: 400)
    case .tooLarge(let head): Self.reject(head, status: 513)
    }
  }

  private static func reject(_ head: [UInt8], status: StatusCode) -> RejectedRequest? {
    do throws(MessageError) {
      _ = try MessageParser.parse(head, framing: .stream)
      return nil
    } catch .rejected(let request) {
      return request.with(status: status)
    } catch {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .missingContentLength: "a message without Content-Length on a stream"
    case .badContentLength: "a Content-Length that is no single number"
    case .tooLarge: "a message of more than \(MessageLimits.messageBytes) bytes"
    case .headTooLong: "no empty line in the first \(MessageLimits.headBytes) bytes"
    }
  }
}

extension RejectedRequest {
  fileprivate func with(status: StatusCode) -> RejectedRequest {
    RejectedRequest(
      status: status, error: error, method: method, headers: headers, via: via, callID: callID,
      cseq: cseq, fromTag: fromTag, toTag: toTag)
  }
}
