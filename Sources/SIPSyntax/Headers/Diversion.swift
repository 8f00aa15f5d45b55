import Elements

/// One value of the Diversion header field: who sent the call on, and why (RFC 5806).
package struct Diversion: Hashable, Sendable {
  package let address: NameAddress

  /// Builds the entry of a party that sent the call on, for example with the reason "unconditional"; whoever is
  /// trusted with a private one is to show it to nobody.
  package init(
    _ uri: URI, displayName: String = "", reason: String, counter: UInt32 = 1,
    isPrivate: Bool = false
  ) {
    let privacy = isPrivate ? [("privacy", "full")] : []
    address = NameAddress(
      displayName: displayName, uri: uri,
      parameters: Parameters([("reason", reason), ("counter", "\(counter)")] + privacy))
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    address = try NameAddress(parsing: bytes)
  }

  package var uri: URI { address.uri }
  /// In lower case: "user-busy", "no-answer", "unconditional", "deflection" and others; "unknown" if missing.
  package var reason: String { address.parameters.text("reason")?.lowercased() ?? "unknown" }
  /// How often this party sent the call on; 1 if missing.
  package var counter: UInt32 {
    address.parameters.number("counter", below: 1 << 32).map { UInt32($0) } ?? 1
  }
  /// True unless the value of `privacy` is missing or "off".
  package var isPrivate: Bool { address.parameters.text("privacy").map { $0 != "off" } ?? false }
}

extension Diversion: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) { address.serialize(into: &bytes) }
}
