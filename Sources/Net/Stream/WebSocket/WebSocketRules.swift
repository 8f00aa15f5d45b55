import NIOHTTP1

/// Whose WebSockets are taken (RFC 7118 §4, RFC 6455 §4.2 and §10.2).
struct WebSocketRules: Sendable {
  /// The pages that may connect, as browsers write them: "https://phone.example".
  ///
  /// A browser always says which page connects, and lends it its owner's address; what says nothing is no browser. Pages of
  /// the host that is connected to are no exception: who has a name can point it here.
  let origins: Set<String>

  init(origins: [String]) {
    self.origins = Set(origins.map { $0.lowercased() })
  }

  /// Why a request is not taken; nil where it is.
  func refusal(of head: HTTPRequestHead) -> WebSocketRefusal? {
    guard head.isUpgradeToWebSocket else { return .noUpgrade }
    let origins = head.headers["Origin"]
    guard origins.count <= 1, origins.allSatisfy({ self.origins.contains($0.lowercased()) }) else {
      return .foreignPage
    }
    guard head.headers["Sec-WebSocket-Version"] == ["13"] else { return .otherVersion }
    guard head.hasWebSocketKey, head.headers["Host"].count == 1 else { return .noHandshake }
    return head.offersSIP ? nil : .noSIP
  }
}

extension HTTPRequestHead {
  /// Without the word in Connection the HTTP parser would take what follows for a further request.
  fileprivate var isUpgradeToWebSocket: Bool {
    method == .GET && version == .http1_1
      && headers[canonicalForm: "Upgrade"].contains { $0.lowercased() == "websocket" }
      && headers[canonicalForm: "Connection"].contains { $0.lowercased() == "upgrade" }
  }

  /// 16 bytes in Base64.
  fileprivate var hasWebSocketKey: Bool {
    let keys = headers["Sec-WebSocket-Key"]
    guard keys.count == 1, keys[0].utf8.count == 24, keys[0].hasSuffix("==") else { return false }
    return keys[0].dropLast(2).allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/")
    }
  }

  fileprivate var offersSIP: Bool {
    headers[canonicalForm: "Sec-WebSocket-Protocol"].contains { $0 == "sip" }
  }
}
