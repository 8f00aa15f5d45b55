package import Elements

/// The key that signs what is posted to a webhook, from its secret as a person wrote it.
///
/// `whsec_` and base64, as the libraries of the Standard Webhooks specification write a key, stand for the
/// bytes; any other text is the key itself.
package struct WebhookKey: Sendable {
  /// Of the secrets in the form of the specification.
  package static let prefix = "whsec_"
  /// A shorter key could be guessed.
  package static let fewestBytes = 16

  /// The key's own bytes.
  package let material: Secret

  package init(_ secret: Secret) {
    let text = String(decoding: secret.exposed, as: UTF8.self)
    material = WebhookKey.bytes(of: text).map(Secret.init) ?? secret
  }

  /// Whether a text begins as a key of the specification and is none.
  package static func isBroken(_ text: String) -> Bool {
    text.hasPrefix(prefix) && bytes(of: text) == nil
  }

  private static func bytes(of text: String) -> [UInt8]? {
    guard text.hasPrefix(prefix),
      let bytes = Base64.decode(text.utf8.dropFirst(prefix.utf8.count)),
      bytes.count >= fewestBytes
    else { return nil }
    return bytes
  }
}
