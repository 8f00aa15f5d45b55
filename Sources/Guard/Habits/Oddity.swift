/// What about a call is not usual.
package struct Oddity: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The account does not call there, but others of its tenant do.
  package static let newToAccount = Oddity(rawValue: 1)
  /// Nobody of the tenant calls there.
  package static let newToTenant = Oddity(rawValue: 2)
  /// A premium, shared cost or satellite number, and such ones are not usual in that country.
  package static let special = Oddity(rawValue: 4)
  package static let rareHour = Oddity(rawValue: 8)
  /// Nobody calls in such an hour.
  package static let deadHour = Oddity(rawValue: 16)
  package static let newOrigin = Oddity(rawValue: 32)
  /// Many times the price of the tenant's usual minutes.
  package static let dear = Oddity(rawValue: 64)

  /// How odd all of it is together; from elsewhere to elsewhere is what a stolen password does, and people seldom.
  var points: Int {
    let destination = contains(.newToTenant) ? 2 : contains(.newToAccount) ? 1 : 0
    let origin = contains(.newOrigin) ? destination == 2 ? 2 : 1 : 0
    let hour = contains(.deadHour) ? 2 : contains(.rareHour) ? 1 : 0
    return destination + origin + hour + (contains(.special) ? 1 : 0) + (contains(.dear) ? 1 : 0)
  }

  /// Whether such a call counts as odd at all.
  package var isCounted: Bool { weight > 0 }

  /// How many times its price such a call counts, in quarters: one oddity alone is nothing, and each more weighs more.
  var weight: Int64 {
    switch points {
    case ...1: 0
    case 2: 1
    case 3: 3
    case 4: 6
    case 5: 10
    case _: 16
    }
  }
}

extension Oddity {
  /// Each oddity in words, to stand behind "a call".
  package var words: [String] {
    var words: [String] = []
    if contains(.newToTenant) { words.append("to where nobody calls") }
    if contains(.newToAccount) { words.append("to where only others call") }
    if contains(.special) { words.append("to a number that is dear by its kind") }
    if contains(.deadHour) { words.append("in an hour in which nobody calls") }
    if contains(.rareHour) { words.append("in an hour in which hardly anybody calls") }
    if contains(.newOrigin) { words.append("from where it never called") }
    if contains(.dear) { words.append("at many times the usual price") }
    return words
  }
}
