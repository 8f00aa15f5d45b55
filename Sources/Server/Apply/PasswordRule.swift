import Elements
import Foundation
import Notices

/// Which passwords are taken: long enough, and nothing that a guessing program tries first.
enum PasswordRule {
  static let shortest = 8
  static let longest = 128
  /// Digits alone fall to counting.
  private static let shortestOfDigits = 16
  /// What phones and systems are delivered with, and what lists of stolen passwords begin with.
  private static let common: Set<String> = [
    "password", "passwort", "contrasena", "contraseña", "wachtwoord", "motdepasse", "haslo",
    "admin", "administrator", "asterisk", "freepbx", "elastix", "issabel", "martinet", "changeme",
    "default", "secret", "letmein", "welcome", "qwerty", "qwertyui", "qwertyuiop", "asdfghjkl",
    "iloveyou", "abc", "test", "testtest", "guest", "root", "user", "phone", "telephone",
    "polycom", "yealink", "grandstream", "cisco", "snom", "voip", "sip", "siptest", "pass",
    "master", "monkey", "dragon", "football", "baseball", "superman", "trustno", "aaaaaaaa",
  ]

  /// What is wrong with `password`, or nil when it is taken.
  ///
  /// It may not be or repeat one of `names`: user name, extension, tenant, domain.
  static func objection(to password: String, names: [String]) -> String? {
    let count = password.unicodeScalars.count
    let advice = "choose another, or leave it out to have one made"
    if count < shortest {
      return "has \(count) characters, at least \(shortest) are needed; \(advice)"
    }
    if password.utf8.count > longest { return "is longer than \(longest) bytes; \(advice)" }
    if password.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) {
      return "holds a character that cannot be typed; \(advice)"
    }
    if password.utf8.allSatisfy({ (48...57).contains($0) }), count < shortestOfDigits {
      return "is digits only, of which \(shortestOfDigits) would be needed; \(advice)"
    }
    if Set(password.unicodeScalars).count < 4 { return "repeats a few characters; \(advice)" }
    return guessable(password, names).map { "is \($0); \(advice)" }
  }

  private static func guessable(_ password: String, _ names: [String]) -> String? {
    let lowered = password.lowercased()
    // "Password123!" is the word with the usual decoration.
    let core = lowered.drop { !$0.isLetter }
    let bare = String(core.prefix { $0.isLetter })
    let signs: [Character: Character] = [
      "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "@": "a", "$": "s",
    ]
    let trimmed = lowered.reversed().drop { !$0.isLetter }.reversed()
    let undone = String(trimmed.map { signs[$0] ?? $0 }.filter(\.isLetter))
    let isWord = common.contains(bare) && core.dropFirst(bare.count).allSatisfy { !$0.isLetter }
    if isWord || common.contains(undone) { return "one of the first that thieves try" }
    for name in names where !name.isEmpty {
      let name = name.lowercased()
      if lowered == name || lowered == name + name || lowered == String(name.reversed()) {
        return "the name itself"
      }
    }
    return nil
  }
}

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
    return WebhookKey.prefix + Data(bytes).base64EncodedString()
  }
}
