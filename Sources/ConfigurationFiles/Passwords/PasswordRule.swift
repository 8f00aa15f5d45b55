/// Which passwords are taken: long enough, and nothing that a guessing program tries first.
///
/// It refuses all of ``PasswordGuesses`` and more, so that what is taken here is not guessed by an audit.
package enum PasswordRule {
  package static let shortest = 8
  static let longest = 128
  /// Digits alone fall to counting.
  private static let shortestOfDigits = 16
  /// Of what stands beside a name of digits.
  private static let longestDecoration = 6
  private static let advice = "choose another, or leave it out to have one made"

  /// What is wrong with `password`, or nil when it is taken.
  ///
  /// It may not be made of one of `names`: user name, extension, what people call it, tenant, domain.
  package static func objection(to password: String, names: [String]) -> String? {
    let count = password.unicodeScalars.count
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
    if Set(password.unicodeScalars).count < 4 || isRepeated(Array(password.lowercased())) {
      return "repeats a few characters; \(advice)"
    }
    return weakness(of: password, names).map { "is \($0); \(advice)" }
  }

  /// What a secret that no person types is made of, where that is weak: a carrier's password, a webhook's key.
  package static func weakness(of secret: String, _ names: [String]) -> String? {
    let lowered = secret.lowercased()
    let stems = stems(of: lowered)
    if !WeakWords.set.isDisjoint(with: stems) || isRow(lowered) {
      return "one of the first that thieves try"
    }
    for name in names where isMade(lowered, stems, of: name.lowercased()) {
      return "the name itself"
    }
    return nil
  }

  /// The words that a password may be, without the usual decoration: "Password123!", "p@ssw0rd", "officeoffice".
  private static func stems(of lowered: String) -> Set<String> {
    var stems: Set<String> = []
    let core = lowered.drop { !$0.isLetter }
    let bare = String(core.prefix { $0.isLetter })
    if core.dropFirst(bare.count).allSatisfy({ !$0.isLetter }) { stems.insert(bare) }
    let signs: [Character: Character] = [
      "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "@": "a", "$": "s",
    ]
    let trimmed = lowered.reversed().drop { !$0.isLetter }.reversed()
    stems.insert(String(trimmed.map { signs[$0] ?? $0 }.filter(\.isLetter)))
    for stem in stems where stem.count.isMultiple(of: 2) {
      let half = stem.prefix(stem.count / 2)
      if half == stem.suffix(half.count) { stems.insert(String(half)) }
    }
    return stems.filter { $0.count >= 3 }
  }

  private static func isMade(_ lowered: String, _ stems: Set<String>, of name: String) -> Bool {
    guard !name.isEmpty else { return false }
    let words = name.split { !$0.isLetter }.map(String.init) + [name.filter(\.isLetter)]
    if words.contains(where: { stems.contains($0) || stems.contains(String($0.reversed())) }) {
      return true
    }
    let mirrored = String(name.reversed())
    return [name, mirrored].contains { form in
      if lowered == form || lowered == form + form { return true }
      guard form.count >= 3 else { return false }
      let rests = [
        lowered.hasPrefix(form) ? lowered.dropFirst(form.count) : nil,
        lowered.hasSuffix(form) ? lowered.dropLast(form.count) : nil,
      ]
      return rests.compactMap(\.self).contains(where: isDecoration)
    }
  }

  /// A few digits and signs, or a word that stands beside the number of a phone.
  private static func isDecoration(_ rest: Substring) -> Bool {
    WeakWords.companions.contains(String(rest))
      || rest.count <= longestDecoration && rest.allSatisfy { !$0.isLetter }
  }

  /// "abcabcabc", "4711471147114711".
  private static func isRepeated(_ characters: [Character]) -> Bool {
    (1...max(1, characters.count / 2)).contains { period in
      characters.count >= 2 * period && characters.count.isMultiple(of: period)
        && characters.indices.allSatisfy { characters[$0] == characters[$0 % period] }
    }
  }

  /// Counting up or down, or along the keys.
  private static func isRow(_ lowered: String) -> Bool {
    let rows = [
      "01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop",
      "azertyuiop", "asdfghjkl", "1qaz2wsx3edc4rfv5tgb6yhn", "!qaz@wsx#edc$rfv",
    ]
    return rows.contains { $0.contains(lowered) || String($0.reversed()).contains(lowered) }
  }
}
