import ConfigurationFiles
import API
import Directory
import Elements
import Foundation
import SIP
import Server
import Store
import Testing

/// Weak passwords: refused where they come in, and found where they are there already.
@Suite struct PasswordAuditTests {
  private static let year = 2026

  private static let names = PasswordGuesses.Names(
    numbers: ["anna.k", "101"], names: ["Front desk", "Anna"], tenant: ["office", "office.example"])

  @Test("E7: what the audit guesses is refused where passwords are written")
  func oneList() {
    let names = Self.names.numbers + Self.names.names + Self.names.tenant
    let guesses =
      PasswordGuesses.own(Self.names, year: Self.year) + PasswordGuesses.common(year: Self.year)
      + PasswordGuesses.counted(Self.names)
    #expect(guesses.count > 50_000)
    let taken = guesses.filter { PasswordRule.objection(to: $0.text, names: names) == nil }
    #expect(taken.isEmpty, "\(taken.prefix(10))")
  }

  @Test(
    "E7: passwords that are made of a number or a name",
    arguments: [
      "101101101101101101", "4711471147114711", "1234567890123456", "abcdefghij", "ext101-2024",
      "Frontdesk2026!", "ecxelle1", "123elpmaxe", "anna.k99", "Madrid2026",
    ])
  func derived(password: String) {
    let names = Self.names.numbers + Self.names.names + Self.names.tenant + ["ellexce"]
    #expect(PasswordRule.objection(to: password, names: names) != nil)
  }

  /// The office with other passwords, as a version before the rule would have kept them.
  private func office(_ passwords: [String]) throws -> (DirectoryDocument, DirectorySnapshot) {
    var document = try read(officeYAML).document
    for (index, password) in passwords.enumerated() {
      let username = document.tenants[0].extensions[index].devices[0].username
      document.tenants[0].extensions[index].devices[0].hashes = Self.hashes(username, password)
    }
    return (document, try DirectoryCompiler.compile(&document, revision: 2))
  }

  private static func hashes(_ username: String, _ password: String) -> CredentialHashes {
    func hash(_ algorithm: DigestAlgorithm) -> Secret {
      Secret(
        DigestSecrets.hash(
          user: Array(username.utf8), realm: Array("office.example".utf8),
          password: Secret(password), algorithm: algorithm))
    }
    return CredentialHashes(
      md5: hash(.md5), sha256: hash(.sha256), sha512256: hash(.sha512Half))
  }

  @Test(
    "E7: a weak password that is there already is found, and told by what it is made of only",
    arguments: [
      ("101", PasswordGuesses.Kind.number), ("101101", .number), ("ext101", .number),
      ("1018352", .number), ("front417", .name), ("ksedtnorf", .name), ("eciffo", .tenant),
      ("Office640", .tenant),
      ("", .nothing),
      ("frontdesk", .name), ("Front2026", .name), ("office101", .tenant), ("Example1!", .tenant),
      ("7351", .digits), ("12345678", .digits), ("Sunshine123", .word), ("DRAGON", .word),
    ])
  func found(password: String, kind: PasswordGuesses.Kind) throws {
    let (_, directory) = try office([password, "k2jh34kj2h3"])
    let outcome = PasswordAudit(directory, words: [], at: ServedFolder.now).run { false }
    #expect(outcome.findings.map(\.rule) == [.phonePassword])
    #expect(
      outcome.findings.first?.text
        == "The password of 101 (Extension 101 of office) \(kind.rawValue).")
    if password.count > 4 { #expect(!"\(outcome.findings)".contains("\(password) ")) }
    #expect(outcome.report.phones == 2 && outcome.report.complete)
    #expect(outcome.report.guesses > 50_000)
  }

  @Test("Words of somebody's own list are tried, too, as they are and with a capital")
  func ownList() throws {
    let (_, directory) = try office(["Xylophonist7", "k2jh34kj2h3"])
    func found(_ words: [String]) -> [AuditRule] {
      PasswordAudit(directory, words: words, at: ServedFolder.now).run { false }
        .findings.map(\.rule)
    }
    #expect(found([]) == [])
    #expect(found(["xylophonist7"]) == [.phonePassword])
  }

  @Test("When time is up all phones have had the likeliest guesses, and it says that some are left")
  func timeIsUp() throws {
    let (_, directory) = try office(["k2jh34kj2h3", "102"])
    var looks = 0
    let outcome = PasswordAudit(directory, words: [], at: ServedFolder.now).run {
      looks += 1
      return looks > 3
    }
    #expect(Set(outcome.findings.map(\.rule)) == [.phonePassword, .passwordsUntried])
    #expect(!outcome.report.complete)
  }

  @Test("Through the store: the hashes that are in force are tried")
  func throughTheStore() throws {
    let path = try {
      let folder = try ServedFolder()
      let database = folder.administration.database
      var document = try #require(try database.configuration()).document
      document.tenants[0].extensions[1].devices[0].hashes = Self.hashes("102", "Letmein1")
      try database.adopt(document, by: "an older version", at: ServedFolder.now)
      database.close()
      let kept = folder.path + "-kept"
      try FileManager.default.copyItem(atPath: folder.path, toPath: kept)
      return kept
    }()
    let folder = try ServedFolder(existing: path)
    let report = try folder.administration.weaknesses(words: [], listeners: [], http: "")
    #expect(report.findings.filter { $0.id == "password.phone" }.map(\.extension) == ["102"])
    #expect(report.target.domain == "office.example")
    #expect(report.target.user == "101" && report.target.absentUser == "000")
  }
}
