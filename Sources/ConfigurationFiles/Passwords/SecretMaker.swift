import Directory
import Elements

/// Makes passwords and keys that nobody guesses and everybody can type.
enum SecretMaker {
  /// Without 0, O, 1, l and I, which look alike.
  private static let alphabet = Array("23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")

  /// 20 characters of 57: 116 bits.
  static func password(using dice: inout some RandomNumberGenerator) -> String {
    String((0..<20).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &dice)] })
  }

  /// 192 bits, in the form that the libraries of Standard Webhooks take.
  static func webhookSecret(using dice: inout some RandomNumberGenerator) -> String {
    let bytes = (0..<24).map { _ in UInt8.random(in: 0...255, using: &dice) }
    return WebhookKey.prefix + String(decoding: Base64.encode(bytes), as: UTF8.self)
  }
}
