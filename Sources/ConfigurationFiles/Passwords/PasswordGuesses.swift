/// What a thief tries on a phone before anything else, likeliest first.
package enum PasswordGuesses {
  /// What a guess is made of: all that is ever said of a password that was found.
  package enum Kind: String, Hashable, Sendable {
    case nothing = "is empty"
    case number = "is made of its own number or user name"
    case name = "is made of its own name"
    case tenant = "is made of the name or domain of its tenant"
    case digits = "is a few digits, or digits in a row"
    case word = "is a word of the dictionary with the usual decoration"
    case listed = "stands in the given list of words"
  }

  package struct Guess: Hashable, Sendable {
    package let text: String
    package let kind: Kind

    init(_ text: String, _ kind: Kind) {
      (self.text, self.kind) = (text, kind)
    }
  }

  /// What a thief knows of a phone, or learns by asking.
  package struct Names: Hashable, Sendable {
    package var numbers: [String]
    package var names: [String]
    package var tenant: [String]

    package init(numbers: [String], names: [String], tenant: [String]) {
      (self.numbers, self.names, self.tenant) = (numbers, names, tenant)
    }
  }

  /// Made of the names of one phone.
  package static func own(_ names: Names, year: Int) -> [Guess] {
    var guesses = [Guess("", .nothing)]
    for number in names.numbers {
      guesses += made(ofNumber: number, year).map { Guess($0, .number) }
    }
    for (list, kind) in [(names.names, Kind.name), (names.tenant, .tenant)] {
      for name in list {
        let words = words(of: name)
        guesses += words.map { Guess(String($0.reversed()), kind) }
        guesses += words.flatMap { made(ofWord: $0, year) }.map { Guess($0, kind) }
        for number in names.numbers where number.allSatisfy(\.isNumber) {
          guesses += words.flatMap { [$0 + number, capital($0) + number, number + $0] }
            .map { Guess($0, kind) }
        }
      }
    }
    var seen: Set<String> = []
    return guesses.filter { seen.insert($0.text).inserted }
  }

  /// Every number of a few digits behind what is its own: many, and less likely than what everybody has.
  package static func counted(_ names: Names) -> [Guess] {
    var guesses: [Guess] = []
    for number in names.numbers {
      guesses += counted(behind: number, digits: 4).map { Guess($0, .number) }
    }
    for (list, kind) in [(names.names, Kind.name), (names.tenant, .tenant)] {
      for word in Set(list.flatMap(words)).sorted() {
        guesses += counted(behind: word, digits: 3).map { Guess($0, kind) }
        guesses += counted(behind: capital(word), digits: 3).map { Guess($0, kind) }
      }
    }
    return guesses
  }

  /// "1010000" to "1019999" and all that are shorter, of "101".
  private static func counted(behind stem: String, digits: Int) -> [String] {
    var texts: [String] = []
    var ceiling = 1
    for length in 1...digits {
      ceiling *= 10
      texts += (0..<ceiling).map { number in
        let text = String(number)
        return stem + String(repeating: "0", count: length - text.count) + text
      }
    }
    return texts
  }

  /// The same for every phone: digits, then each word as it is, then each with the likeliest decoration, and so on.
  package static func common(year: Int) -> [Guess] {
    let made = WeakWords.all.map { self.made(ofWord: $0, year) }
    let words = (0..<(made.first?.count ?? 0)).flatMap { form in made.map { $0[form] } }
    return digits().map { Guess($0, .digits) } + words.map { Guess($0, .word) }
  }

  /// Out of somebody's own list, as they are and with a capital.
  package static func listed(_ words: [String]) -> [Guess] {
    words.flatMap { word in
      let capital = capital(word)
      return capital == word ? [word] : [word, capital]
    }.map { Guess($0, .listed) }
  }

  private static func made(ofNumber number: String, _ year: Int) -> [String] {
    let mirrored = String(number.reversed())
    var texts = [number, number + number, number + number + number, mirrored, mirrored + mirrored]
    texts += ["1234", "123", "00", "0", "1"].map { $0 + number }
    texts += (WeakWords.endings + WeakWords.years(around: year)).map { number + $0 }
    for word in WeakWords.companions {
      texts += [word + number, capital(word) + number, number + word]
    }
    return texts
  }

  private static func made(ofWord word: String, _ year: Int) -> [String] {
    let capital = capital(word)
    var texts = [word, capital, word.uppercased(), word + word]
    for ending in WeakWords.endings { texts += [word + ending, capital + ending] }
    for year in WeakWords.years(around: year).prefix(3) { texts += [word + year, capital + year] }
    return texts
  }

  /// All of up to four digits, the same digit again, and counting.
  private static func digits() -> [String] {
    var texts = counted(behind: "", digits: 4)
    let rows = ["0123456789", "1234567890", "9876543210", "0987654321"]
    for length in 5...10 {
      texts += (0...9).map { String(repeating: String($0), count: length) }
      texts += rows.map { String($0.prefix(length)) }
      texts += rows.map { String($0.suffix(length)) }
    }
    return texts + [
      "123123", "321321", "112233", "121212", "123321", "12341234", "147258369", "159753",
    ]
  }

  /// "Front desk" is "frontdesk", "front" and "desk"; names of a letter or two are none.
  private static func words(of name: String) -> [String] {
    let lowered = name.lowercased()
    let words = lowered.split { !$0.isLetter }.map(String.init)
    return ([words.joined()] + (words.count > 1 ? words : [])).filter { $0.count >= 3 }
  }

  private static func capital(_ word: String) -> String {
    word.prefix(1).uppercased() + word.dropFirst()
  }
}
