package import Elements

/// The transport that a Via names.
package enum ViaTransport: UInt8, Hashable, Sendable {
  case udp, tcp, tls, ws, wss, sctp
  /// A transport that we do not know; legal below the top (RFC 4475 §3.1.1.10).
  case other

  package var text: StaticString {
    switch self {
    case .udp: "UDP"
    case .tcp: "TCP"
    case .tls: "TLS"
    case .ws: "WS"
    case .wss: "WSS"
    case .sctp: "SCTP"
    case .other: "OTHER"
    }
  }
}

/// One value of the Via header field: a hop that the request took (RFC 3261 §20.42, RFC 3581).
package struct Via: Hashable, Sendable, CustomStringConvertible {
  /// The text of this value alone.
  package let bytes: [UInt8]
  let parts: ViaParts

  /// Parses one whole value.
  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    var offset = 0
    let parts = try ViaParts(bytes, at: &offset, end: bytes.count)
    guard offset == bytes.count else {
      throw SyntaxError(expected: "the end of the Via", offset: offset)
    }
    self.init(bytes, parts)
  }

  /// Builds the Via of a request of ours, with an empty `rport` (RFC 3581 §3).
  ///
  /// The branch is a token that begins with ``magicCookie``.
  package init(transport: ViaTransport, host: Host, port: UInt16?, branch: [UInt8]) {
    var text: [UInt8] = []
    text.reserveCapacity(96)
    text.append(text: "SIP/2.0/")
    text.append(text: transport.text)
    text.append(0x20)
    text.append(host)
    if let port {
      text.append(UInt8(ascii: ":"))
      text.append(decimal: UInt64(port))
    }
    text.append(text: ";rport;branch=")
    text.appendCleaned(branch)
    var offset = 0
    let parts = try? ViaParts(text.span, at: &offset, end: text.count)
    invariant(parts != nil && offset == text.count, "a Via of ours must be well-formed")
    (bytes, self.parts) = (text, parts ?? ViaParts())
  }

  /// Takes one Via out of `bytes`, which may be a whole message.
  init(_ bytes: Span<UInt8>, _ parts: ViaParts) {
    self.bytes = bytes.copy(parts.value)
    self.parts = parts.moved(by: -Int(parts.value.lower))
  }

  package static func == (left: Via, right: Via) -> Bool { left.bytes == right.bytes }
  package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

  /// What a branch of RFC 3261 begins with (§8.1.1.7).
  package static let magicCookie = Array("z9hG4bK".utf8)

  package var transport: ViaTransport { parts.transport }
  package var host: Host { Host(bytes.span, parts.host) }
  package var port: UInt16? { parts.port }
  package var branch: [UInt8]? { parts.branch.map { bytes.span.copy($0) } }
  /// The address that the request came from, as an earlier hop saw it; brackets are tolerated (RFC 5118 §4.5).
  package var received: IPAddress? { parts.received.flatMap { bytes.span.address(in: $0) } }
  /// True if the parameter `rport` is there (RFC 3581).
  package var hasRPort: Bool { parts.hasRPort }
  /// The port that the parameter `rport` names.
  package var rport: UInt16? { parts.rport }
  package var maddr: Host? { parts.maddr.map { Host(bytes.span, $0) } }
  package var ttl: UInt8? { parts.ttl }
  /// All parameters, as received.
  package var parameters: Parameters { Parameters(bytes: bytes.span.copy(parts.parameters)) }

  /// True if the branch is unique for its transaction: magic cookie and something behind it.
  package var hasTransactionID: Bool { parts.hasTransactionID }

  package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension Via: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }
}

/// Where the parts of one Via value are; found in one pass, without allocation.
struct ViaParts: Sendable {
  var value = ByteRange(0, 0)
  var transport = ViaTransport.other
  var host = ByteRange(0, 0)
  var port: UInt16?
  /// Host and port together: "sent-by".
  var sentBy = ByteRange(0, 0)
  /// From the first semicolon on.
  var parameters = ByteRange(0, 0)
  var branch: ByteRange?
  var received: ByteRange?
  var maddr: ByteRange?
  var rport: UInt16?
  var ttl: UInt8?
  var hasRPort = false
  var hasTransactionID = false
  /// Name and value of `rport`.
  var rportField: ByteRange?
  /// Says more about its source than one `rport`.
  var isNoted = false

  init() {}

  /// Parses one value and stops at a comma or the end.
  init(_ bytes: Span<UInt8>, at offset: inout Int, end: Int) throws(SyntaxError) {
    bytes.skipWhitespace(at: &offset, end: end)
    let start = offset
    try parseProtocol(bytes, at: &offset, end: end)
    let sentBy = offset
    host = try bytes.parseHost(at: &offset, end: end)
    var colon = offset
    if bytes.take(UInt8(ascii: ":"), at: &colon, end: end) {
      offset = colon
      port = UInt16(try bytes.parseNumber(at: &offset, end: end, below: 65_536))
    }
    self.sentBy = ByteRange(sentBy, offset)
    try parseParameters(bytes, at: &offset, end: end)
    value = ByteRange(start, Int(parameters.upper))
    bytes.skipWhitespace(at: &offset, end: end)
    guard offset == end || bytes[offset] == UInt8(ascii: ",") else {
      throw SyntaxError(expected: "a parameter or the end of the Via", offset: offset)
    }
  }

  /// Parses `protocol-name / protocol-version / transport LWS`; white space around the slashes is legal.
  ///
  /// Name and version may be any token: the start line says which protocol this is.
  private mutating func parseProtocol(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int
  ) throws(SyntaxError) {
    if offset + 8 <= end, bytes.wordUnaligned(at: offset) == 0x2F30_2E32_2F50_4953 {
      offset += 8  // SIP/2.0/
      bytes.skipWhitespace(at: &offset, end: end)
    } else {
      for _ in 0..<2 {
        _ = try bytes.parseToken(at: &offset, end: end)
        guard bytes.take(UInt8(ascii: "/"), at: &offset, end: end) else {
          throw SyntaxError(expected: "a slash", offset: offset)
        }
      }
    }
    if offset + 8 <= end, bytes.wordUnaligned(at: offset) & 0xFFFF_FFFF == 0x2050_4455 {
      (transport, offset) = (.udp, offset + 3)
    } else {
      transport = ViaTransport(bytes, try bytes.parseToken(at: &offset, end: end))
    }
    guard offset < end, isWhitespace(bytes[offset]) else {
      throw SyntaxError(expected: "white space", offset: offset)
    }
    bytes.skipWhitespace(at: &offset, end: end)
  }

  private mutating func parseParameters(
    _ bytes: Span<UInt8>, at offset: inout Int, end: Int
  ) throws(SyntaxError) {
    var start = offset
    bytes.skipWhitespace(at: &start, end: end)
    if start < end, bytes[start] != UInt8(ascii: ";") { start = offset }
    try bytes.forEachParameter(at: &offset, end: end) { name, value in note(bytes, name, value) }
    guard !isDamaged else { throw SyntaxError(expected: "a legal rport or ttl", offset: start) }
    var stop = offset
    while stop > start, isWhitespace(bytes[stop - 1]) { stop -= 1 }
    parameters = start < stop ? ByteRange(start, stop) : ByteRange(stop, stop)
  }

  /// Set when a number is none; ``init(_:at:end:)`` turns it into an error.
  private var isDamaged = false

  /// Remembers the parameters that routing needs; the first of each name counts.
  private mutating func note(_ bytes: Span<UInt8>, _ name: ByteRange, _ value: ByteRange) {
    // The names as words, the first letter in the lowest byte.
    switch (name.count, bytes.foldedWord(name)) {
    case (6, 0x6863_6E61_7262) where branch == nil:  // branch
      branch = value.isEmpty ? nil : value
      // z9hG4bK, in any case, and something behind it.
      let cookie = bytes.foldedWord(value) & 0x00FF_FFFF_FFFF_FFFF
      hasTransactionID = value.count > 7 && cookie == 0x6B_6234_6768_397A
    case (5, 0x74_726F_7072):  // rport
      guard !hasRPort else {
        isNoted = true
        return
      }
      hasRPort = true
      rportField = ByteRange(Int(name.lower), Int(max(name.upper, value.upper)))
      rport = number(bytes, value, below: 65_536).map { UInt16($0) }
    case (5, 0x72_6464_616D) where maddr == nil:  // maddr
      maddr = value.isEmpty ? nil : value
    case (8, 0x6465_7669_6563_6572):  // received
      isNoted = true
      if received == nil { received = value.isEmpty ? nil : value }
    case (3, 0x6C_7474) where ttl == nil:  // ttl
      ttl = number(bytes, value, below: 256).map { UInt8($0) }
    case _: break
    }
  }

  private mutating func number(
    _ bytes: Span<UInt8>, _ range: ByteRange, below limit: UInt64
  ) -> UInt64? {
    guard !range.isEmpty else { return nil }
    var offset = Int(range.lower)
    let value = try? bytes.parseNumber(at: &offset, end: Int(range.upper), below: limit)
    if value == nil || offset != Int(range.upper) { isDamaged = true }
    return value
  }

  func moved(by distance: Int) -> ViaParts {
    func move(_ range: ByteRange) -> ByteRange {
      ByteRange(Int(range.lower) + distance, Int(range.upper) + distance)
    }
    var parts = self
    (parts.value, parts.host) = (move(value), move(host))
    (parts.sentBy, parts.parameters) = (move(sentBy), move(parameters))
    (parts.branch, parts.received) = (branch.map(move), received.map(move))
    (parts.maddr, parts.rportField) = (maddr.map(move), rportField.map(move))
    return parts
  }
}

extension ViaTransport {
  init(_ bytes: Span<UInt8>, _ range: ByteRange) {
    switch (range.count, bytes.word(Int(range.lower), Int(range.upper)) & 0xDFDF_DFDF) {
    case (3, 0x50_4455): self = .udp
    case (3, 0x50_4354): self = .tcp
    case (3, 0x53_4C54): self = .tls
    case (2, 0x5357): self = .ws
    case (3, 0x53_5357): self = .wss
    case (4, 0x5054_4353): self = .sctp
    case _: self = .other
    }
  }
}
