import Foundation

/// The words that thieves try: what phones are delivered with, names, animals, rows of keys.
///
/// words.txt is our own work; its countries and cities are those of the time zone database, which is in the public
/// domain.
enum WeakWords {
  /// In lower case, sorted.
  static let all = String(decoding: PackageResources.words_txt, as: UTF8.self)
    .split(separator: "\n").map(String.init)
  static let set = Set(all)

  /// What people put behind a word to have a password; years besides.
  static let endings = [
    "1", "12", "123", "1234", "12345", "123456", "0", "00", "01", "007", "11", "22", "99", "!",
    "1!", "123!", "@123", "#1", ".",
  ]
  /// Words that stand beside the number of a phone.
  static let companions = [
    "ext", "exten", "extension", "sip", "voip", "user", "phone", "tel", "telefon", "line", "pass",
    "password", "passwort", "secret", "pbx", "admin", "test",
  ]

  /// Years that are put behind words, the present one first.
  static func years(around year: Int) -> [String] {
    ([year] + (1...5).map { year - $0 } + [year + 1]).map { String($0) }
  }
}
