import Elements

/// One value of the History-Info header field: a target that the request had (RFC 7044 §5).
package struct HistoryEntry: Hashable, Sendable {
  /// How the target came about (RFC 7044 §5, parameters rc, mp and np).
  package enum Origin: Hashable, Sendable { case recursed, mapped, notChanged }

  package let address: NameAddress
  /// The place in the tree of retargetings: [1, 2] for "1.2".
  package let index: [UInt32]

  package init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
    address = try NameAddress(parsing: bytes)
    guard let text = address.parameters.bytes("index"), let index = Self.parse(index: text) else {
      throw SyntaxError(expected: "an index such as 1.2", offset: 0)
    }
    self.index = index
  }

  /// Builds an entry; the origin names the entry that this one came from.
  package init(
    _ uri: URI, index: [UInt32], origin: (kind: Origin, index: [UInt32])? = nil,
    reason: Reason? = nil
  ) {
    var target = uri
    if let reason {
      let header = URI.Component("Reason", bytes: reason.serialized)
      target = uri.adding(header: header)
    }
    var items: [(name: String, value: String?)] = [("index", Self.text(index))]
    if let origin { items.append((Self.name(origin.kind), Self.text(origin.index))) }
    address = NameAddress(uri: target, parameters: Parameters(items))
    self.index = index
  }

  /// How the target came about, and the index of the entry that it came from.
  package var origin: (kind: Origin, index: [UInt32])? {
    for kind in [Origin.recursed, .mapped, .notChanged] {
      let value: [UInt8]? =
        switch kind {
        case .recursed: address.parameters.bytes("rc")
        case .mapped: address.parameters.bytes("mp")
        case .notChanged: address.parameters.bytes("np")
        }
      if let value, let index = Self.parse(index: value) { return (kind, index) }
    }
    return nil
  }

  /// Why the target was left: the header Reason of the URI.
  package var reason: Reason? {
    address.uri.header("Reason").flatMap { try? Reason(parsing: $0.span) }
  }

  /// True if the target asked for its privacy in the URI.
  package var isPrivate: Bool {
    guard let text = address.uri.header("Privacy") else { return false }
    return (try? Privacy(parsing: text.span))?.isEmpty == false
  }

  private static func name(_ origin: Origin) -> String {
    switch origin {
    case .recursed: "rc"
    case .mapped: "mp"
    case .notChanged: "np"
    }
  }

  private static func text(_ index: [UInt32]) -> String {
    index.map(String.init).joined(separator: ".")
  }

  private static func parse(index text: [UInt8]) -> [UInt32]? {
    var index: [UInt32] = []
    for part in text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      guard let number = UInt32(String(decoding: part, as: UTF8.self)), index.count < 32 else {
        return nil
      }
      index.append(number)
    }
    return index
  }
}

extension HistoryEntry: HeaderValue {
  package func serialize(into bytes: inout [UInt8]) { address.serialize(into: &bytes) }
}
