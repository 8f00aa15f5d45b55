import Elements
import SIPSyntax

/// One value of a header field, read as every kind that is parsed on demand: what we write of it says the same.
struct HeaderSubject: Subject {
  static let name = "header"
  static let mostBytes = MessageLimits.headBytes

  func work(_ input: [UInt8]) -> [any HeaderValue & Equatable] {
    let value = folded(input)
    return Self.kinds.compactMap { kind in try? kind.parse(value.span) }
  }

  func check(_ outcome: [any HeaderValue & Equatable], of input: [UInt8]) {
    for value in outcome { checkAgain(value) }
    let value = folded(input)
    if let uri = try? URI(parsing: value.span) { checkURI(uri) }
    if let list = try? AuthenticationValue.parseList(value.span) {
      for value in list { checkAuthentication(value) }
    }
  }

  /// As the message parser hands values out: CR and LF in folds only, no white space around.
  private func folded(_ input: [UInt8]) -> [UInt8] {
    var value = input
    var index = 0
    while index < value.count {
      let isFold =
        value[index] == 13 && index + 2 < value.count && value[index + 1] == 10
        && (value[index + 2] == 32 || value[index + 2] == 9)
      if isFold {
        index += 3
      } else {
        if value[index] == 13 || value[index] == 10 { value[index] = 32 }
        index += 1
      }
    }
    let isBlank: (UInt8) -> Bool = { $0 == 32 || $0 == 9 || $0 == 13 || $0 == 10 }
    let start = value.firstIndex { !isBlank($0) } ?? value.endIndex
    let end = (value.lastIndex { !isBlank($0) } ?? value.startIndex - 1) + 1
    return start < end ? Array(value[start..<end]) : []
  }

  // MARK: - Kinds

  private struct Kind: Sendable {
    let name: String
    let parse: @Sendable (Span<UInt8>) throws -> any HeaderValue & Equatable
  }

  private static let kinds: [Kind] = [
    Kind(name: "Via") { try Via(parsing: $0) },
    Kind(name: "address") { try NameAddress(parsing: $0) },
    Kind(name: "URI") { try URI(parsing: $0) },
    Kind(name: "CSeq") { try CSeq(parsing: $0) },
    Kind(name: "RAck") { try RAck(parsing: $0) },
    Kind(name: "Event") { try EventType(parsing: $0) },
    Kind(name: "Subscription-State") { try SubscriptionState(parsing: $0) },
    Kind(name: "Session-Expires") { try SessionExpires(parsing: $0) },
    Kind(name: "Retry-After") { try RetryAfter(parsing: $0) },
    Kind(name: "Reason") { try Reason(parsing: $0) },
    Kind(name: "Privacy") { bytes in
      let privacy = try Privacy(parsing: bytes)
      // Of words that we do not know nothing is left to write.
      return privacy.isEmpty ? Privacy.none : privacy
    },
    Kind(name: "Replaces") { try Replaces(parsing: $0) },
    Kind(name: "Content-Type") { try MediaType(parsing: $0) },
    Kind(name: "token") { try ParameterizedToken(parsing: $0) },
    Kind(name: "Date") { try SIPDate(parsing: $0) },
    Kind(name: "Warning") { try Warning(parsing: $0) },
    Kind(name: "History-Info") { try HistoryEntry(parsing: $0) },
    Kind(name: "Diversion") { try Diversion(parsing: $0) },
  ]

  private func checkAgain(_ value: some HeaderValue & Equatable) {
    let text = value.serialized
    require(!text.contains { $0 == 13 || $0 == 10 } || isFolded(text), "a value is one line")
    // What was at a limit of ours may be written longer than it came.
    guard text.count <= MessageLimits.uriBytes else { return }
    let again = Self.kinds.lazy.compactMap { try? $0.parse(text.span) }
      .first { type(of: $0) == type(of: value) }
    require(again != nil, "\(type(of: value)) can be read again: \(show(text))")
    guard let again else { return }
    require(isEqual(value, again), "\(type(of: value)) says the same again: \(show(text)) \(again)")
  }

  private func isEqual<Value: Equatable>(_ value: Value, _ other: any Equatable) -> Bool {
    (other as? Value) == value
  }

  /// CR and LF in folds only; a builder makes spaces of them.
  private func isFolded(_ text: [UInt8]) -> Bool {
    text.indices.allSatisfy { index in
      switch text[index] {
      case 13: index + 2 < text.count && text[index + 1] == 10
      case 10:
        index > 0 && text[index - 1] == 13 && index + 1 < text.count
          && (text[index + 1] == 32 || text[index + 1] == 9)
      case _: true
      }
    }
  }

  private func show(_ text: [UInt8]) -> String { String(decoding: text.prefix(300), as: UTF8.self) }

  // MARK: - URIs and credentials

  private func checkURI(_ uri: URI) {
    let plain = uri.asRequestURI
    let again = require("a Request-URI of ours can be read") {
      try URI(parsing: plain.bytes.span)
    }
    require(again.host == uri.host && again.user == uri.user, "the same user and host")
    require(again.port == uri.port && again.scheme == uri.scheme, "the same port and scheme")
    require(!again.hasHeaders && !again.hasPassword, "no headers, no password")
    require(again.parameters.count == uri.parameters.count, "the same parameters")
    require(uri.isEquivalent(to: uri), "a URI is the same as itself")
    _ = (uri.telephoneNumber, uri.dialled, uri.isEmergencyService, uri.headers, uri.userText)
    if let record = uri.addressOfRecord, uri.isSIP {
      let same = require("an address of record can be read") { try URI("sip:\(record)") }
      require(same.user == uri.user && same.host == uri.host, "the same address of record")
    }
  }

  private func checkAuthentication(_ value: AuthenticationValue) {
    if value.isDigest {
      if let claim = try? DigestCredentials(value) {
        let again = require("credentials can be read again") {
          try DigestCredentials(
            require("a scheme") {
              try AuthenticationValue.parseList(claim.serialized.span)
            }[0])
        }
        require(again == claim, "the same credentials: \(again) \(claim)")
      }
      if let challenge = try? DigestChallengeValue(value) { _ = challenge.serialized }
    }
  }
}
