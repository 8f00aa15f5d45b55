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

  @Test("Errors and redirects are no acknowledgement; each attempt has the same id")
  func retried() throws {
    let (bench, peer) = (try OutboxBench(), try Peer.webServer(statuses: [500, 302, 404]))
    try bench.serve(OutboxBench.settings(webhooks: [url(peer): secret])) { _ in
      try bench.database.raise(OutboxBench.alert())
      #expect(bench.wait { if case .delivered(_, attempts: 4) = $0 { true } else { false } })
    }
    #expect(peer.messageCount == 4)
    let ids = (0..<4).compactMap { peer.message($0)?["webhook-id"] }
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
