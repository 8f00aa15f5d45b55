import Crypto
import Directory
import Elements
import Foundation
import Store

/// What is posted to a webhook, signed as the Standard Webhooks specification has it.
///
/// The signature is HMAC-SHA-256 over `id.timestamp.body`, so that neither can be changed or replayed
/// later; the id stays the same over all attempts.
struct WebhookMessage: Hashable, Sendable {
  let body: [UInt8]
  /// Lines "name: value".
  let headers: [String]

  private struct Body: Encodable {
    struct Fact: Encodable {
      let name: String
      let value: String
    }

    let id: String
    let type: String
    let severity: String
    let tenant: String
    let key: String
    let at: String
    let atMs: Int64
    let subject: String
    let text: String
    let facts: [Fact]

    enum CodingKeys: String, CodingKey {
      case id, type, severity, tenant, key, at, subject, text, facts
      case atMs = "at_ms"
    }
  }

  /// Makes what one attempt posts; `text` says the same as the mail.
  init(
    _ item: OutboxItem, text: NoticeText, tenant: String, secret: Secret, sentAt: WallTime
  ) throws {
    let alert = item.alert
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    body = Array(
      try encoder.encode(
        Body(
          id: item.identity, type: alert.kind.rawValue, severity: alert.severity.rawValue,
          tenant: tenant, key: alert.key, at: NoticeText.moment(alert.at),
          atMs: alert.at.unixMilliseconds, subject: text.subject, text: text.body,
          facts: alert.facts.map { .init(name: $0.name, value: $0.value) })))
    let stamp = String(sentAt.unixSeconds)
    let signature = WebhookMessage.signature(
      id: item.identity, timestamp: stamp, body: body, secret: secret)
    headers = [
      "Content-Type: application/json", "webhook-id: \(item.identity)",
      "webhook-timestamp: \(stamp)", "webhook-signature: \(signature)",
      "Idempotency-Key: \(item.identity)", "User-Agent: martinet",
      // libcurl would wait a second for a 100 that small servers never send.
      "Expect:",
    ]
  }

  static func signature(
    id: String, timestamp: String, body: [UInt8], secret: Secret
  ) -> String {
    let signed = Array("\(id).\(timestamp).".utf8) + body
    let code = HMAC<SHA256>.authenticationCode(
      for: signed, using: SymmetricKey(data: WebhookKey(secret).material.exposed))
    return "v1,\(Data(code).base64EncodedString())"
  }
}
