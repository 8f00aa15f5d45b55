import NIOHTTP1

/// Why somebody gets no WebSocket; by these words metrics call it.
enum WebSocketRefusal: String, Hashable, CaseIterable {
  case noUpgrade = "no_upgrade"
  case foreignPage = "foreign_page"
  case otherVersion = "other_version"
  case noHandshake = "no_handshake"
  case noSIP = "no_sip"
  /// What came was no HTTP.
  case noHTTP = "no_http"
  case tooLong = "too_long"
  /// It did not end in time, or the peer went away.
  case unfinished

  /// The answer; nil: the connection is closed without one.
  var answer: Answer? {
    switch self {
    case .noUpgrade:
      Answer(
        .upgradeRequired, "SIP by WebSocket only (RFC 7118).\n", ["Upgrade": "websocket"])
    case .otherVersion:
      Answer(
        .upgradeRequired, "Speak version 13 of WebSocket (RFC 6455).\n",
        ["Upgrade": "websocket", "Sec-WebSocket-Version": "13"])
    case .foreignPage: Answer(.forbidden, "Pages from there may not connect.\n")
    case .noHandshake: Answer(.badRequest, "Send Host and Sec-WebSocket-Key (RFC 6455).\n")
    case .noSIP: Answer(.badRequest, "Offer the subprotocol \"sip\" (RFC 7118).\n")
    case .noHTTP, .tooLong, .unfinished: nil
    }
  }

  struct Answer {
    let status: HTTPResponseStatus
    let words: String
    /// What it must say besides.
    let headers: HTTPHeaders

    init(_ status: HTTPResponseStatus, _ words: String, _ headers: HTTPHeaders = [:]) {
      (self.status, self.words, self.headers) = (status, words, headers)
    }
  }
}
