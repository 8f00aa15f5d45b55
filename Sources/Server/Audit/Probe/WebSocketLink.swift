import Elements
import Foundation

/// SIP by WebSocket (RFC 7118), as a program that is no browser opens it: each message is one of SIP.
final class WebSocketLink: ProbeLink {
  let local: Endpoint
  let isStream = false
  private let pipe: any ProbeLink
  private var reading = WebSocketReading()

  private static let handshakeTime: Duration = .seconds(3)
  private static let longestHead = 16_384

  /// Takes the pipe over, and closes it where the other side does not agree to a WebSocket at "/".
  init(over pipe: any ProbeLink, host: String) throws(Unreached) {
    (self.pipe, local) = (pipe, pipe.local)
    let key = Data((0..<16).map { _ in UInt8.random(in: 0...255) }).base64EncodedString()
    pipe.send(
      Array(
        """
        GET / HTTP/1.1\r
        Host: \(host)\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: \(key)\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Protocol: sip\r
        \r

        """.utf8))
    guard let rest = Self.behindHandshake(pipe) else {
      pipe.close()
      throw .speaksOther("SIP by WebSocket at /")
    }
    reading.append(rest)
  }

  /// What came behind the answer that agrees; nil where it does not (RFC 6455 §4.1).
  private static func behindHandshake(_ pipe: any ProbeLink) -> [UInt8]? {
    let end = ContinuousClock.now + handshakeTime
    var bytes: [UInt8] = []
    while bytes.count < longestHead {
      let rest = end - .now
      guard rest > .zero, let more = pipe.receive(within: rest), !more.isEmpty else { return nil }
      bytes += more
      guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
      let words = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).split(separator: " ")
      return words.count > 1 && words[0] == "HTTP/1.1" && words[1] == "101"
        ? Array(bytes[head.upperBound...]) : nil
    }
    return nil
  }

  func send(_ bytes: [UInt8]) { pipe.send(WebSocketReading.frame(.text, bytes)) }

  func receive(within time: Duration) -> [UInt8]? {
    let end = ContinuousClock.now + time
    while true {
      switch reading.next() {
      case .message(let bytes): return bytes
      case .ping(let bytes):
        pipe.send(WebSocketReading.frame(.pong, bytes))
        continue
      case .ended: return []
      case nil: break
      }
      let rest = end - .now
      guard rest > .zero, let more = pipe.receive(within: rest) else { return nil }
      guard !more.isEmpty else { return [] }
      reading.append(more)
    }
  }

  func close() { pipe.close() }
}

/// The frames of a server, put together to messages (RFC 6455 §5.2).
package struct WebSocketReading {
  package enum Item: Hashable {
    case message([UInt8])
    case ping([UInt8])
    /// The other side closes, or does not keep the rules.
    case ended
  }

  package enum Kind: UInt8 {
    case part = 0
    case text, binary
    case close = 8
    case ping, pong
  }

  private static let longest = 131_072

  private var bytes: [UInt8] = []
  private var message: [UInt8]?
  private var hasEnded = false

  package init() {}

  package mutating func append(_ more: [UInt8]) { bytes += more }

  /// Nil where more bytes are needed.
  package mutating func next() -> Item? {
    while !hasEnded {
      switch cut() {
      case .unfinished: return nil
      case .broken: hasEnded = true
      case .frame(let kind, let isLast, let payload):
        if let item = take(kind, isLast, payload) { return item }
      }
    }
    return .ended
  }

  private mutating func take(_ kind: Kind, _ isLast: Bool, _ payload: [UInt8]) -> Item? {
    switch kind {
    case .ping: return .ping(payload)
    case .pong: return nil
    case .close:
      hasEnded = true
      return .ended
    case .text, .binary, .part:
      guard (kind == .part) == (message != nil), (message?.count ?? 0) <= Self.longest else {
        hasEnded = true
        return .ended
      }
      let whole = (message ?? []) + payload
      message = isLast ? nil : whole
      return isLast ? .message(whole) : nil
    }
  }

  private enum Cut {
    case frame(Kind, isLast: Bool, payload: [UInt8])
    case unfinished
    /// None that a server may send.
    case broken
  }

  private mutating func cut() -> Cut {
    guard bytes.count >= 2 else { return .unfinished }
    let (short, isLast) = (Int(bytes[1] & 0x7F), bytes[0] & 0x80 != 0)
    // A server masks nothing, and no extension was agreed on.
    guard bytes[0] & 0x70 == 0, bytes[1] & 0x80 == 0, let kind = Kind(rawValue: bytes[0] & 15)
    else { return .broken }
    let start = short < 126 ? 2 : short == 126 ? 4 : 10
    guard bytes.count >= start else { return .unfinished }
    let length = start == 2 ? UInt64(short) : bytes[2..<start].reduce(0) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(Self.longest) else { return .broken }
    let end = start + Int(length)
    guard bytes.count >= end else { return .unfinished }
    defer { bytes.removeFirst(end) }
    return .frame(kind, isLast: isLast, payload: Array(bytes[start..<end]))
  }

  /// A whole frame of a client, masked (RFC 6455 §5.3).
  package static func frame(_ kind: Kind, _ payload: [UInt8]) -> [UInt8] {
    let mask = (0..<4).map { _ in UInt8.random(in: 0...255) }
    var frame = [0x80 | kind.rawValue]
    if payload.count < 126 {
      frame.append(0x80 | UInt8(payload.count))
    } else {
      frame += [0x80 | 126, UInt8(truncatingIfNeeded: payload.count >> 8)]
      frame.append(UInt8(truncatingIfNeeded: payload.count))
    }
    return frame + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
  }
}
