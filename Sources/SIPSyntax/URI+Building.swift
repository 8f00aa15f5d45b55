import Elements

extension URI {
  /// One `;name` or `;name=value`, or one header, without escapes.
  package struct Component: Hashable, Sendable {
    package let name: String
    package let value: [UInt8]?

    package init(_ name: String, _ value: String? = nil) {
      (self.name, self.value) = (name, value.map { Array($0.utf8) })
    }

    package init(_ name: String, bytes value: [UInt8]) {
      (self.name, self.value) = (name, value)
    }

    /// The value as text; malformed UTF-8 is replaced.
    package var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
  }

  /// Builds a sip or sips URI; what needs an escape gets one.
  package init(
    secure: Bool = false, user: String? = nil, host: Host, port: UInt16? = nil,
    parameters: [Component] = [], headers: [Component] = []
  ) {
    var bytes = [UInt8](room: 64) { $0.append(text: secure ? "sips:" : "sip:") }
    var parts = URIParts(scheme: secure ? .sips : .sip)
    parts.schemeEnd = UInt16(bytes.count - 1)
    if let user, !user.isEmpty {
      let start = bytes.count
      bytes.appendEscaped(user.utf8Span.span, keeping: .plainUser)
      parts.user = Piece(start, bytes.count)
      bytes.append(UInt8(ascii: "@"))
    }
    let start = bytes.count
    bytes.append(host)
    parts.host = Piece(start, bytes.count)
    if let port {
      parts.port = port
      bytes.append(UInt8(ascii: ":"))
      bytes.append(decimal: UInt64(port))
    }
    bytes.append(parameters, to: &parts.parameters, marks: (";", ";"), keeping: .plainParameter)
    bytes.append(headers, to: &parts.headers, marks: ("?", "&"), keeping: .plainHeader)
    self.init(bytes: bytes, parts: parts)
  }

  /// Builds a tel URI of a global number, with its "+" (RFC 3966 §5.1.4).
  package init(telephone number: String) {
    var bytes = Array("tel:".utf8)
    var parts = URIParts(scheme: .tel)
    parts.schemeEnd = 3
    bytes.appendEscaped(number.utf8Span.span, keeping: .plainTelephone)
    parts.user = Piece(4, bytes.count)
    self.init(bytes: bytes, parts: parts)
  }

  /// The same sip or sips URI with one header more behind "?"; other URIs have no headers and stay.
  package func adding(header: Component) -> URI {
    guard isSIP else { return self }
    var (bytes, parts) = (bytes, parts)
    bytes.append(UInt8(ascii: parts.headers.isPresent ? "&" : "?"))
    if !parts.headers.isPresent { parts.headers = Piece(bytes.count, bytes.count) }
    bytes.appendEscaped(header.name.utf8Span.span, keeping: .plainHeader)
    bytes.append(UInt8(ascii: "="))
    if let value = header.value { bytes.appendEscaped(value.span, keeping: .plainHeader) }
    parts.headers = Piece(Int(parts.headers.lower), bytes.count)
    return URI(bytes: bytes, parts: parts)
  }

  /// The same URI without headers and password, as a Request-URI needs it (RFC 3261 §19.1.1).
  package var asRequestURI: URI {
    guard isSIP, !parts.isPlainRequestURI else { return self }
    var (bytes, parts) = (bytes, parts)
    if parts.headers.isPresent {
      bytes.removeLast(bytes.count - Int(parts.headers.lower) + 1)
      parts.headers = .absent
    }
    if parts.password.isPresent {
      let (start, end) = (Int(parts.password.lower) - 1, Int(parts.password.upper))
      bytes.removeSubrange(start..<end)
      parts.password = .absent
      parts.host.move(by: start - end)
      if parts.parameters.isPresent { parts.parameters.move(by: start - end) }
    }
    return URI(bytes: bytes, parts: parts)
  }
}

extension URIParts {
  /// A sip or sips URI without headers and password.
  var isPlainRequestURI: Bool {
    (scheme == .sip || scheme == .sips) && !headers.isPresent && !password.isPresent
  }

  init(scheme: URI.Scheme) {
    self.scheme = scheme
  }
}

extension Piece {
  fileprivate mutating func move(by distance: Int) {
    self = Piece(Int(lower) + distance, Int(upper) + distance)
  }
}

extension [UInt8] {
  fileprivate mutating func append(
    _ components: [URI.Component], to piece: inout Piece,
    marks: (first: Unicode.Scalar, between: Unicode.Scalar), keeping plain: ByteSet
  ) {
    guard !components.isEmpty else { return }
    append(UInt8(ascii: marks.first))
    let start = count
    for (index, component) in components.enumerated() {
      if index > 0 { append(UInt8(ascii: marks.between)) }
      appendEscaped(component.name.utf8Span.span, keeping: plain)
      guard let value = component.value else { continue }
      append(UInt8(ascii: "="))
      appendEscaped(value.span, keeping: plain)
    }
    piece = Piece(start, count)
  }
}
