import Crypto
import Elements
import Foundation
import Notices
import Store
import Testing

@Suite struct WebhookTests {
  private let secret = Secret("a shared secret of some length")

  private func url(_ peer: Peer) -> String { "http://127.0.0.1:\(peer.port)/hook?a=b" }

  @Test("The body is JSON with every fact, signed over id, time and body")
  func signed() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.webServer())
    try bench.serve(OutboxBench.settings(webhooks: [url(peer): secret])) { _ in
      let alert = OutboxBench.alert()
      try bench.database.raise(alert)
      let post = try #require(peer.message(0))
      let body = try #require(post["body"])
      #expect(post["path"] == "/hook?a=b" && post["content-type"] == "application/json")
      let (id, stamp) = (try #require(post["webhook-id"]), try #require(post["webhook-timestamp"]))
      let code = HMAC<SHA256>.authenticationCode(
        for: Data("\(id).\(stamp).\(body)".utf8), using: SymmetricKey(data: secret.exposed))
      #expect(post["webhook-signature"] == "v1,\(Data(code).base64EncodedString())")
      #expect(post["idempotency-key"] == id)
      let json = try #require(
        try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any])
      #expect(json["type"] as? String == "accountBlocked")
      #expect(json["tenant"] as? String == "office")
      #expect((json["at_ms"] as? NSNumber)?.int64Value == alert.at.unixMilliseconds)
      let facts = json["facts"] as? [[String: String]] ?? []
      #expect(facts.map { $0["name"] } == alert.facts.map(\.name))
      #expect(facts.map { $0["value"] } == alert.facts.map(\.value))
    }
  }

  /// The secret of the examples of Standard Webhooks.
  @Test("A secret of whsec_ and base64 signs with the bytes that it stands for")
  func standardSecret() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.webServer())
    let secret = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    try bench.serve(OutboxBench.settings(webhooks: [url(peer): secret])) { _ in
      try bench.database.raise(OutboxBench.alert())
      let post = try #require(peer.message(0))
      let (id, stamp) = (try #require(post["webhook-id"]), try #require(post["webhook-timestamp"]))
      let key = try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
      let code = HMAC<SHA256>.authenticationCode(
        for: Data("\(id).\(stamp).\(post["body"] ?? "")".utf8), using: SymmetricKey(data: key))
      #expect(post["webhook-signature"] == "v1,\(Data(code).base64EncodedString())")
    }
  }

  @Test("The manual's program takes what is sent, and nothing that was changed or is old")
  func manual() throws {
    let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let manual = try String(
      contentsOf: top.appending(path: "docs/administrator/webhooks.md"), encoding: .utf8)
    let program = try #require(
      manual.components(separatedBy: "```python\n").last?.components(separatedBy: "```").first)
    let (bench, peer) = (try OutboxBench(), try Peer.webServer())
    for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "any text of some length"] {
      let settings = OutboxBench.settings(webhooks: [url(peer): Secret(secret)])
      try bench.serve(settings) { _ in
        let number = peer.messageCount
        try bench.database.raise(OutboxBench.alert("alert-\(number)"))
        let post = try #require(peer.message(number))
        let reader = try Peer(
          program + """
            import json, sys
            given = json.loads(sys.argv[1])
            secret, headers, body = given["secret"], given["post"], given["post"]["body"].encode()
            old = headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}
            print(1)
            print(json.dumps({
              "sent": str(is_genuine(secret, headers, body)),
              "changed": str(is_genuine(secret, headers, body + b" ")),
              "redated": str(is_genuine(secret, old, body)),
              "other": str(is_genuine("another text of some length", headers, body))}))
            # The example of the page: right, and years old.
            example = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
                       "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
            secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
            def example_is_genuine(): return str(is_genuine(secret, example, b'{"test": 2432232314}'))
            late = example_is_genuine()
            time.time = lambda: 1614265330
            print(json.dumps({"late": late, "example": example_is_genuine()}))
            """, options: ["secret": secret, "post": post])
        #expect(
          reader.message(0)
            == ["sent": "True", "changed": "False", "redated": "False", "other": "False"])
        #expect(reader.message(1) == ["late": "False", "example": "True"])
      }
    }
    for text in [
      "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ] {
      #expect(manual.contains("`\(text)`"))
    }
  }

  @Test("Errors and redirects are no acknowledgement; each attempt has the same id")
  func retried() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.webServer(statuses: [500, 302, 404]))
    try bench.serve(OutboxBench.settings(webhooks: [url(peer): secret])) { _ in
      try bench.database.raise(OutboxBench.alert())
      #expect(bench.wait { if case .delivered(_, attempts: 4) = $0 { true } else { false } })
    }
    let ids = (0..<4).compactMap { peer.message($0)?["webhook-id"] }
    #expect(peer.messageCount == 4)
    #expect(Set(ids).count == 1 && ids.count == 4)
    #expect((0..<4).allSatisfy { peer.message($0)?["path"] == "/hook?a=b" }, "not redirected")
  }

  @Test("A webhook that hangs or refuses does not hold up the mail beside it")
  func independent() throws {
    let (bench, mailPeer) = (try OutboxBench(), try Peer.mailServer())
    let server = MailServer(
      url: "smtp://127.0.0.1:\(mailPeer.port)", from: "martinet@office.example")
    let dead = "http://127.0.0.1:\(try Peer.freePort())/"
    try bench.serve(OutboxBench.settings(mail: server, webhooks: [dead: secret])) { _ in
      try bench.database.raise(OutboxBench.alert())
      #expect(mailPeer.message(0) != nil)
      #expect(bench.wait(for: OutboxBench.isFailed))
    }
  }

  @Test("After a restart what was not taken is sent, and what was taken is not sent again")
  func restart() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.webServer())
    try bench.database.raise(OutboxBench.alert("before"))
    try bench.serve(OutboxBench.settings(webhooks: [url(peer): secret])) { _ in
      #expect(bench.wait(for: OutboxBench.isDelivered))
    }
    try bench.serve(OutboxBench.settings(webhooks: [url(peer): secret])) { _ in
      try bench.database.raise(OutboxBench.alert("after"))
      #expect(peer.message(1)?["body"]?.contains("\"key\":\"after\"") == true)
    }
    #expect(peer.messageCount == 2)
  }
}
