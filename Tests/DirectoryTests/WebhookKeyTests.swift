import Directory
import Elements
import Testing

/// The secrets of webhooks, as Standard Webhooks writes them and as people do.
@Suite struct WebhookKeyTests {
  @Test("A secret of whsec_ and base64 stands for its bytes, any other text for itself")
  func material() {
    let key = WebhookKey(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    #expect(key.material.exposed.count == 24)
    #expect(key.material.exposed.prefix(3) == [0x31, 0xF2, 0x90])
    let text = Secret("any text of some length")
    #expect(WebhookKey(text).material == text)
  }

  @Test("What begins as a key of the specification and is none, or a short one, is broken")
  func broken() {
    #expect(!WebhookKey.isBroken("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    #expect(!WebhookKey.isBroken("any text of some length"))
    #expect(WebhookKey.isBroken("whsec_no base64 at all, and long"))
    #expect(WebhookKey.isBroken("whsec_c2hvcnQ="))
  }
}
