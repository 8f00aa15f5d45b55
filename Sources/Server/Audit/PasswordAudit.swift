import ConfigurationFiles
package import API
package import Directory
package import Elements
import Numbering
import SIP

/// Tries what thieves try on the hash of each phone's password, likeliest first, until time is up.
package struct PasswordAudit {
  fileprivate struct Phone {
    let tenant: String
    let numbers: [String]
    let username: String
    let names: PasswordGuesses.Names
    let realm: [UInt8]
    let hash: Secret
  }

  /// What came of it.
  package struct Outcome: Sendable {
    package var findings: [AuditFinding] = []
    package var report: PasswordTrialReport
  }

  /// Most that it may take; whoever waits for the server's answer gives up after a minute.
  package static let longest: Duration = .seconds(45)
  /// Words of somebody's own list.
  package static let mostWords = 1_000_000
  /// Guesses for one phone between two looks at the clock.
  private static let handful = 2_000

  private let phones: [Phone]
  private let words: [String]
  private let year: Int

  package init(_ directory: DirectorySnapshot, words: [String], at now: WallTime) {
    phones = directory.devices.compactMap { Phone($0, in: directory) }
    self.words = words
    year = CivilTime(secondsSinceEpoch: now.unixSeconds).year
  }

  /// Tries them until all are tried or it `isOver`, which is asked often.
  package func run(until isOver: () -> Bool) -> Outcome {
    let clock = ContinuousClock()
    let start = clock.now
    var tally = Tally(open: Set(phones.indices))
    tally.isComplete =
      tryOwn(&tally, isOver) { PasswordGuesses.own($0, year: year) }
      && tryShared(PasswordGuesses.common(year: year), &tally, isOver)
      && tryShared(PasswordGuesses.listed(words), &tally, isOver)
      && tryOwn(&tally, isOver, PasswordGuesses.counted)
    let seconds = max((clock.now - start) / .seconds(1), 0.000_001)
    var outcome = Outcome(
      report: PasswordTrialReport(
        phones: phones.count, guesses: tally.guesses,
        guessesPerSecond: Int(Double(tally.guesses) / seconds), complete: tally.isComplete))
    outcome.findings = tally.found.sorted { $0.key < $1.key }.map { finding(phones[$0], $1) }
    if !tally.isComplete {
      outcome.findings.append(
        AuditFinding(
          .passwordsUntried, at: .platform,
          "Time was up after \(tally.guesses) guesses at \(phones.count) phones; not all were tried."
        ))
    }
    return outcome
  }

  private struct Tally {
    /// Phones whose password is not known yet.
    var open: Set<Int>
    var found: [Int: PasswordGuesses.Kind] = [:]
    var guesses = 0
    var isComplete = false
  }

  private func finding(_ phone: Phone, _ kind: PasswordGuesses.Kind) -> AuditFinding {
    let group = LineGroup(tenant: phone.tenant, numbers: phone.numbers)
    return AuditFinding(
      .phonePassword, at: .lines(group),
      "The password of \(phone.username) (\(group.subject)) \(kind.rawValue).")
  }

  private func tryOwn(
    _ tally: inout Tally, _ isOver: () -> Bool,
    _ guessed: (PasswordGuesses.Names) -> [PasswordGuesses.Guess]
  ) -> Bool {
    for index in tally.open.sorted() {
      guard !isOver() else { return false }
      let guesses = guessed(phones[index].names)
      attempt(guesses.map { (Array($0.text.utf8), $0.kind) }[...], on: index, &tally)
    }
    return true
  }

  /// A handful for each phone, then the next: when time is up all have had the likeliest.
  private func tryShared(
    _ guesses: [PasswordGuesses.Guess], _ tally: inout Tally, _ isOver: () -> Bool
  ) -> Bool {
    let texts = guesses.map { (Array($0.text.utf8), $0.kind) }
    for start in stride(from: 0, to: texts.count, by: Self.handful) {
      let part = texts[start..<min(start + Self.handful, texts.count)]
      for index in tally.open.sorted() {
        guard !isOver() else { return false }
        attempt(part, on: index, &tally)
      }
    }
    return true
  }

  private func attempt(
    _ guesses: ArraySlice<([UInt8], PasswordGuesses.Kind)>, on index: Int, _ tally: inout Tally
  ) {
    let phone = phones[index]
    var trial = PasswordTrial(
      user: Array(phone.username.utf8), realm: phone.realm, md5: phone.hash)
    for (text, kind) in guesses {
      tally.guesses += 1
      guard trial.isPassword(text) else { continue }
      tally.found[index] = kind
      tally.open.remove(index)
      return
    }
  }
}

extension PasswordAudit.Phone {
  fileprivate init?(_ device: Device, in directory: DirectorySnapshot) {
    guard let tenant = directory.tenant(device.tenant) else { return nil }
    let lines = device.extensions.compactMap { directory.line($0) }
    numbers = lines.map(\.digits.description)
    username = String(decoding: device.username, as: UTF8.self)
    self.tenant = tenant.name
    realm = tenant.domainBytes
    hash = device.hashes.md5.value
    let numbers = self.numbers
    let (own, names) = ([username] + numbers, [device.name] + lines.map(\.name))
    self.names = PasswordGuesses.Names(
      numbers: Self.once(own), names: Self.once(names.filter { !own.contains($0) }),
      tenant: [tenant.name, tenant.domain])
  }

  private static func once(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}
