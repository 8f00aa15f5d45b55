import ConfigurationFiles
import Directory
import Foundation
import Server
import Testing

@Suite struct WrongConfigurationTests {
  /// The office with one text in place of another.
  private func office(_ text: String, _ other: String) -> String {
    officeYAML.replacing(text, with: other)
  }

  @Test("A limit that counts purchase prices needs them: apply refuses it where there are none")
  func basisWithoutPrices() {
    let bare = officeYAML.replacing(", purchase: wholesale", with: "")
    #expect(complaints(bare).isEmpty)
    let words =
      "counts purchase prices, and there are none for trunk \"carrier\": give the tenant or the trunk "
      + "\"rates\" with \"purchase\", or count sell"
    #expect(
      complaints(bare.replacing("basis: sell", with: "basis: purchase")) == [
        "office.yaml:8: tenants → office → limits → basis: " + words
      ])
    let trunk = "channels: 1000, limits: { basis: purchase }"
    #expect(
      complaints(bare.replacing("channels: 1000", with: trunk)) == [
        "office.yaml:22: trunks → carrier → limits → basis: " + words
      ])
    #expect(complaints(officeYAML.replacing("basis: sell", with: "basis: purchase")).isEmpty)
  }

  @Test("A trunk has no habits, and whoever writes them there is told who has")
  func trunkHabits() {
    let trunk = officeYAML.replacing(
      "channels: 1000", with: "channels: 1000, limits: { habits: off }")
    #expect(
      complaints(trunk) == [
        "office.yaml:22: trunks → carrier → limits → habits: "
          + "a trunk has none: write it for an extension, a tenant or the platform"
      ])
  }

  @Test(
    "A codec that SDP knows by another name, or by none, is told with the right one",
    arguments: [
      ("G711", "did you mean PCMA or PCMU?"), ("G.711u", "did you mean PCMU?"),
      ("pcma1", "did you mean PCMA?"),
      ("g792", "did you mean G722?"), ("wax", "write such as PCMA, G722 or opus"), ("pcmA", nil),
      ("OPUS", nil), ("g729a", nil), ("AAL2-G726-32", nil),
    ] as [(String, String?)])
  func codecs(_ name: String, hint: String?) {
    let told = complaints(
      officeYAML.replacing("channels: 1000", with: "channels: 1000, codecs: [\(name)]"))
    guard let hint else { return #expect(told.isEmpty) }
    #expect(told.count == 1)
    #expect(
      told.first?.hasPrefix("office.yaml:22: trunks → carrier → codecs: \"\(name)\" is no codec")
        == true)
    #expect(told.first?.contains(hint) == true, "\(told)")
  }

  @Test("The same wrong codec twice in a list is told once")
  func sameCodec() {
    let told = complaints(
      officeYAML.replacing("channels: 1000", with: "channels: 1000, codecs: [G711, wax, G711]"))
    #expect(told.map { $0.contains("\"G711\"") } == [true, false])
  }

  @Test("Credit is paid in for extensions and tenants: nobody else can be prepaid")
  func paidForNobody() {
    let trunk = officeYAML.replacing(
      "channels: 1000", with: "channels: 1000, limits: { prepaid: true }")
    let words = "nobody pays in for it: write it for an extension or a tenant"
    #expect(
      complaints(trunk) == ["office.yaml:22: trunks → carrier → limits → prepaid: \(words)"])
    let platform = complaints(officeYAML + "\nplatform: { limits: { prepaid: true } }\n")
    #expect(platform.first?.hasSuffix("platform → limits → prepaid: \(words)") == true)
    #expect(complaints(trunk.replacing("prepaid: true", with: "prepaid: false")).isEmpty)
  }

  @Test("A wrong value names file, line, field, what is wrong and the way out")
  func values() {
    let cases: [(String, String, String)] = [
      (
        "hour: 50", "hour: fifty",
        "office.yaml:8: tenants → office → limits → spend → hour: "
          + "expected an amount such as 10 or 0.0475, found \"fifty\""
      ),
      (
        "hour: 50", "hour: -1",
        "office.yaml:8: tenants → office → limits → spend → hour: "
          + "an amount of a limit may not be negative, found \"-1\""
      ),
      (
        "channels: 1000", "chanels: 1000",
        "office.yaml:22: trunks → carrier → chanels: a trunk has no key \"chanels\"; "
          + "did you mean \"channels\"?"
      ),
      (
        "country: ES", "country: Spain",
        "office.yaml:6: tenants → office → country: \"Spain\" is not a country; "
          + "write its two letters of ISO 3166, such as ES"
      ),
      (
        "timezone: Europe/Madrid", "timezone: Europe/Zaragoza",
        "office.yaml:5: tenants → office → timezone: \"Europe/Zaragoza\" is not a time zone of this "
          + "machine; write one such as Europe/Madrid"
      ),
      (
        "international: allow", "international: allowed",
        "office.yaml:9: tenants → office → destinations → international: expected allow, deny, "
          + "found \"allowed\"; did you mean \"allow\"?"
      ),
      (
        "sell: retail", "sell: retial",
        "office.yaml:19: tenants → office → rates → sell: there are no rates \"retial\"; "
          + "did you mean \"retail\"?"
      ),
      (
        "trunks: [carrier]", "trunks: [carier]",
        "office.yaml:18: tenants → office → trunks → no. 1: there is no trunk \"carier\"; "
          + "did you mean \"carrier\"?"
      ),
      (
        "to: [\"101\"]", "to: [\"111\"]",
        "office.yaml:17: tenants → office → numbers → +34976111222 → to: there is no extension "
          + "\"111\"; did you mean \"101\"?"
      ),
      (
        "+34976111222", "976111222",
        "office.yaml:17: tenants → office → numbers → 976111222 → number: \"976111222\" is not in "
          + "E.164 form; write + and the country code, +34976111222"
      ),
      (
        "number: \"102\"", "number: \"112\"",
        "office.yaml:15: tenants → office → extensions → 112 → number: 112 cannot be an extension: "
          + "it is an emergency number of ES"
      ),
      (
        "file: wholesale.csv", "file: nowhere.csv",
        "office.yaml:25: rates → wholesale → file: there is no readable file "
          + "nowhere.csv; its place is relative to this file"
      ),
      (
        "version: 1", "version: 2",
        "office.yaml:1: version: this program reads version 1, found 2"
      ),
      (
        "address: \"sip:127.0.0.1:5090;transport=udp\"", "address: \"127.0.0.1:5090\"",
        "office.yaml:22: trunks → carrier → address: \"127.0.0.1:5090\" is not an address; "
          + "write sip:HOST[:PORT][;transport=udp|tcp|tls]"
      ),
      (
        "admin@office.example", "admin@office.example, b@x",
        "office.yaml:20: tenants → office → notices → mail → no. 1: "
          + "\"admin@office.example, b@x\" is not a mail address"
      ),
      ("currency: EUR", "currency: PLN", "rates \"retail\" are in EUR, the tenant pays in PLN"),
      ("name: office\n", "nam: office\n", "a tenant needs \"name\""),
    ]
    for (text, other, expected) in cases {
      let found = complaints(office(text, other))
      #expect(found.contains { $0.hasSuffix(expected) }, "\(other): \(found)")
    }
  }

  @Test("Everything wrong is told at once, in the order of the file")
  func allAtOnce() {
    let yaml = office("hour: 50", "hour: x").replacing("channels: 1000", with: "channels: many")
      .replacing("premium: deny", with: "premum: deny")
    let lines = complaints(yaml)
    #expect(lines.count == 3, "\(lines)")
  }

  @Test("What is not YAML is told with its line")
  func noYAML() {
    #expect(
      complaints("version: 1\ntenants:\n  - name: [a\n").first?.hasPrefix("office.yaml:") == true)
    #expect(complaints("a: 1\na: 2").first?.contains("stands there twice") == true)
    #expect(complaints("1: a\n\"1\": b").first?.contains("stands there twice") == true)
    #expect(complaints("") == ["office.yaml: the file is empty"])
    #expect(complaints("just text").first?.contains("expected a mapping") == true)
    #expect(complaints("\u{0}").isEmpty == false)
  }

  @Test(
    "Brackets in brackets are refused where they stand too deep, not read on",
    arguments: ["[", "{a: "])
  func deep(_ bracket: String) {
    func told(_ depth: Int) -> [String] {
      complaints("version:\n" + String(repeating: "  \(bracket)\n", count: depth))
    }
    let first = told(100_000).first
    #expect(first?.hasPrefix("office.yaml:") == true, "\(first ?? "")")
    #expect(first?.contains(": lists and mappings stand too deep in one another. Look for") == true)
    #expect(told(80).first == first)
    #expect(told(7).first?.contains("not YAML") == true)
  }

  @Test(
    "A key that is no text is refused where it stands",
    arguments: [
      ("version: 1\n? a: b\n: c", 2, "a mapping"), ("version: 1\n[a]: b", 2, "a list"),
      ("version: 1\n? - a\n: b", 2, "a list"), ("{a: b}: c", 1, "a mapping"),
      ("version: &a 1\n*a : b", 2, "an alias"), ("a:\n  - b: {[c]: d}", 2, "a list"),
      (String(repeating: "? ", count: 9) + "a", 1, "a mapping"),
    ])
  func strangeKey(_ text: String, line: Int, what: String) {
    let told = complaints(text).first
    #expect(told?.hasPrefix("office.yaml:\(line):") == true, "\(told ?? "")")
    #expect(told?.contains("a key is \(what). Keys are texts") == true, "\(told ?? "")")
  }

  @Test("Aliases of aliases, of which a few lines stand for millions of values, are refused")
  func laughs() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      let alias = "*a\(level - 1)"
      text +=
        "a\(level): &a\(level) [\(Array(repeating: alias, count: 8).joined(separator: ", "))]\n"
    }
    #expect(
      complaints(text).first?.contains("office.yaml:5:") == true, "\(complaints(text).first ?? "")")
    #expect(complaints(text).first?.contains("more than 10000 values. Write out") == true)
    #expect(complaints("a: &a [*a]").first?.contains("not YAML") == true)
  }

  @Test("A tab in the server's own file is told with the name of the file")
  func tabInSettings() throws {
    let path = NSTemporaryDirectory() + "settings-\(UUID()).yaml"
    try Data("sip: 127.0.0.1:5060\n\thttp: 127.0.0.1:9090\n".utf8).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var configuration = Configuration()
    #expect {
      try configuration.read(file: path)
    } throws: { error in
      "\(error)".hasPrefix("\(path):2: not YAML: ") && "\(error)".contains("no tabs")
    }
  }

  @Test("A wrong row of a rate file names that file, its line and the field")
  func wrongRates() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rates-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let csv = """
      prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
      34,Spain,0,0.01,0,1
      44,Britain,0,cheap,0,1
      """
    try Data(csv.utf8).write(to: folder.appending(path: "retail.csv"))
    var dice = SystemRandomNumberGenerator()
    let yaml = "version: 1\nrates: [{ name: retail, file: retail.csv }]\n"
    let file = ConfigurationFile(
      name: "customers/a.yaml", bytes: Array(yaml.utf8), rateFile: rateFiles(in: folder))
    do {
      _ = try ConfigurationReader().read(file, revision: 1, dice: &dice)
      Issue.record("a wrong price was taken")
    } catch {
      let text = try #require(error.problems.first).description
      #expect(text.hasPrefix("customers/retail.csv:3: price_per_minute: "), "\(text)")
    }
  }

  @Test(
    "E6: weak passwords are refused with the way out",
    arguments: [
      "101", "short", "12345678", "Password123!", "P@ssw0rd1", "office", "aaaaaaaaaa", "qwertyuiop",
      "officeoffice", "office.example", "1234567890", "changeme", "asterisk1",
    ])
  func weakPasswords(password: String) {
    let found = complaints(office("only in tests", password))
    #expect(found.count == 1 && found[0].contains("leave it out to have one made"), "\(found)")
    #expect(!found.joined().contains("\"\(password)\""))
  }

  @Test(
    "E6: passwords of people and machines are taken",
    arguments: [
      "only in tests", "correct horse battery", "Xk3!vB9q", "k2jh34kj2h3", "8243970184562093",
    ])
  func goodPasswords(password: String) {
    #expect(complaints(office("only in tests", password)) == [])
  }

  @Test(
    "A time zone is one that this machine has the rules of",
    arguments: ["Europe", "zone.tab", "../passwd", "/etc/passwd", "GMT+25", "Europe/Nowhere"])
  func timeZones(name: String) {
    let found = complaints(office("timezone: Europe/Madrid", "timezone: \"\(name)\""))
    #expect(found.contains { $0.contains("is not a time zone") }, "\(found)")
  }

  @Test("A carrier's password that was never given is asked for; one in force is kept")
  func carrierPassword() throws {
    let trunk = "channels: 1000, register: { username: us, password: their-password }"
    let draft = try read(office("channels: 1000", trunk))
    let without = office("channels: 1000", "channels: 1000, register: { username: us }")
    #expect(complaints(without).first?.contains("the carrier's password is needed") == true)
    #expect(try read(without, previous: draft.document).document == draft.document)
  }

  @Test(
    "A key without a value is told: taken for left out, it would take a limit or a list of addresses away",
    arguments: ["day: 200", "hour: 50"])
  func keyWithoutValue(_ limit: String) {
    let key = limit.prefix { $0 != ":" }
    #expect(
      complaints(office(limit, "\(key): ~")) == [
        "office.yaml:8: tenants → office → limits → spend → \(key): has no value; give it one, or leave the key out"
      ])
    #expect(complaints(office(#"password: "only in tests""#, "password:")).isEmpty)
  }

  @Test("Nobody and no password stand in an address: they would be exported and told")
  func userInAddress() {
    let mail = "smtp://anna:secret@127.0.0.1:2525"
    #expect(
      complaints(office("smtp://127.0.0.1:2525", mail)) == [
        "office.yaml:26: mail → server: takes no user and password; write them as username and password"
      ])
    let hook = #"notices: { webhooks: [{ url: "https://anna:secret@hooks.example/a" }] }"#
    #expect(
      complaints(office(#"notices: { mail: ["admin@office.example"] }"#, hook)).map {
        $0.contains("takes no user and password")
      } == [true])
    #expect(complaints(office("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525/?a@b")).isEmpty)
  }

  @Test("A byte order mark, as some editors write it, is no part of the text")
  func byteOrderMark() {
    #expect(complaints("\u{FEFF}" + officeYAML).isEmpty)
  }
}
