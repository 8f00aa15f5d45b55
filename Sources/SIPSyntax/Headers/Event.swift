import Elements

/// The Event header field: the package of a subscription and its number (RFC 6665 §8.2.1).
package struct EventType: Hashable, Sendable {
  /// The package with its templates, in lower case: "dialog", "message-summary", "presence.winfo".
  package let package: String
  package let id: [UInt8]?

  package init(_ package: String, id: [UInt8]? = nil) {
    (self.package, self.id) = (package, id)
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    let value = try ParameterizedToken(parsing: bytes)
    (package, id) = (value.name, value.parameters.bytes("id"))
  }
}

extension EventType: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    bytes.append(contentsOf: package.utf8)
    if let id { bytes.appendParameter("id", id) }
  }
}

/// The Subscription-State header field of a NOTIFY (RFC 6665 §8.2.3).
package struct SubscriptionState: Hashable, Sendable {
  /// Where the subscription stands; a word that we do not know is kept.
  package enum Phase: Hashable, Sendable {
    case active, pending, terminated
    case other(String)
  }

  package let phase: Phase
  /// Seconds that are left; only before the end.
  package let expires: UInt32?
  /// Why it ended: "noresource", "timeout", "deactivated" and so on.
  package let reason: String?
  /// Seconds until a new attempt makes sense.
  package let retryAfter: UInt32?

  package init(
    _ phase: Phase, expires: UInt32? = nil, reason: String? = nil, retryAfter: UInt32? = nil
  ) {
    (self.phase, self.expires) = (phase, expires)
    (self.reason, self.retryAfter) = (reason, retryAfter)
  }

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    let value = try ParameterizedToken(parsing: bytes)
    switch value.name {
    case "active": phase = .active
    case "pending": phase = .pending
    case "terminated": phase = .terminated
    case let name: phase = .other(name)
    }
    expires = value.parameters.number("expires", below: 1 << 32).map { UInt32($0) }
    reason = value.parameters.text("reason")
    retryAfter = value.parameters.number("retry-after", below: 1 << 32).map { UInt32($0) }
  }
}

extension SubscriptionState: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) {
    let name =
      switch phase {
      case .active: "active"
      case .pending: "pending"
      case .terminated: "terminated"
      case .other(let name): name
      }
    bytes.append(contentsOf: name.utf8)
    if let reason { bytes.appendParameter("reason", Array(reason.utf8)) }
    if let expires { bytes.appendParameter("expires", Array("\(expires)".utf8)) }
    if let retryAfter { bytes.appendParameter("retry-after", Array("\(retryAfter)".utf8)) }
  }
}
