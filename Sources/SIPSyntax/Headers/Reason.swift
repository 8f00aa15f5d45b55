import Elements

/// One value of the Reason header field: why a call ended, in the words of SIP or Q.850 (RFC 3326).
package struct Reason: Hashable, Sendable {
  /// The namespace as received: "SIP", "Q.850", "Preemption".
  package let protocolName: String
  package let cause: UInt16?
  package let text: String?

  package init(protocolName: String, cause: UInt16?, text: String? = nil) {
    (self.protocolName, self.cause, self.text) = (protocolName, cause, text)
  }

  /// A cause of ISDN, 1 to 127.
  package static func q850(_ cause: UInt16, text: String? = nil) -> Reason {
    Reason(protocolName: "Q.850", cause: cause, text: text)
  }

  package static func sip(_ status: StatusCode, text: String? = nil) -> Reason {
    Reason(protocolName: "SIP", cause: status.number, text: text ?? status.reasonPhrase)
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    let value = try ParameterizedToken(parsing: bytes)
    protocolName = String(decoding: value.token, as: UTF8.self)
    cause = value.parameters.number("cause", below: 1 << 16).map { UInt16($0) }
    text = value.parameters.text("text")
  }

  /// True for Q.850, in any case.
  package var isQ850: Bool { protocolName.lowercased() == "q.850" }
  /// True for SIP, in any case.
  package var isSIP: Bool { protocolName.lowercased() == "sip" }
}

extension Reason: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: protocolName.utf8)
    if let cause { bytes.append(contentsOf: ";cause=\(cause)".utf8) }
    guard let text else { return }
    bytes.append(contentsOf: ";text=".utf8)
    bytes.appendQuoted(Array(text.utf8))
  }
}
