import ConfigurationFiles
import API
import Directory
import Elements
import Foundation
import Limits
import Server
import Store
import Switch
import Testing

@Suite struct RateReaderTests {
  private static let timed = """
    prefix,destination,price_per_minute,from_time,to_time
    34,Spain by day,0.10,08:00,20:00
    34,Spain by night,0.02,20:00,08:00
    """

  /// Reads a deck; no rate file is there but `retail.csv` with `table`.
  private func read(
    _ rates: String, table: String? = nil, after previous: DirectoryDocument? = nil
  ) throws -> [RateEntry] {
    var dice = SplitMix(seed: 1)
    let file = ConfigurationFile(name: "a.yaml", bytes: Array("version: 1\n\(rates)".utf8)) {
      name in
      name == "retail.csv" ? table.map { Array($0.utf8) } : nil
    }
    return try ConfigurationReader(previous: previous).read(file, revision: 1, dice: &dice)
      .document.rates
  }

  private func complaint(
    _ rates: String, table: String? = nil, after previous: DirectoryDocument? = nil
  ) -> String {
    do {
      _ = try read(rates, table: table, after: previous)
      return "nothing"
    } catch {
      return "\(error)"
    }
  }

  /// A configuration in force with one deck.
  private func inForce(_ entry: RateEntry) -> DirectoryDocument {
    var document = DirectoryDocument()
    document.rates = [entry]
    return document
  }

  private let zloty = RateEntry(
    name: "retail", currency: "PLN", file: "retail.csv", table: Self.timed,
    timezone: "Europe/Warsaw")

  @Test("A deck whose file is left out stays as it is in force, with currency and time zone")
  func kept() throws {
    let before = inForce(zloty)
    #expect(try read("rates: [{ name: retail }]", after: before) == [zloty])
    // The platform's currency is for decks that come from a file.
    let platform = "platform: { currency: USD }\nrates: [{ name: retail }]"
    #expect(try read(platform, after: before) == [zloty])
    // What is said counts.
    var other = zloty
    (other.currency, other.timezone) = ("EUR", "UTC")
    let said = "rates: [{ name: retail, currency: EUR, timezone: UTC }]"
    #expect(try read(said, after: before) == [other])
    // A file replaces everything.
    let fresh = RateEntry(name: "retail", currency: "EUR", file: "retail.csv", table: Self.timed)
    let named = "rates: [{ name: retail, file: retail.csv }]"
    #expect(try read(named, table: Self.timed, after: before) == [fresh])
  }

  @Test("A deck in force is not asked to follow a rule that is younger than it")
  func milderRules() throws {
    var entry = zloty
    entry.table = "prefix,price_per_minute,rounding\n34,0.10,2\n"
    #expect(try read("rates: [{ name: retail }]", after: inForce(entry)) == [entry])
    let named = complaint(
      "rates: [{ name: retail, file: retail.csv }]", table: entry.table, after: inForce(entry))
    #expect(named.hasPrefix("retail.csv:2: rounding: "), "\(named)")
  }

  @Test("A deck that is nowhere is named, with the way out")
  func nowhere() {
    #expect(
      complaint("rates: [{ name: retail }]")
        == "a.yaml:2: rates → retail: a rate deck needs \"file\", its CSV file: "
        + "no deck \"retail\" is in force to be kept")
    #expect(
      complaint("rates: [{ name: other }]", after: inForce(zloty)).contains("no deck \"other\""))
    let missing = "rates: [{ name: retail, file: retail.csv }]"
    #expect(complaint(missing).hasSuffix("its place is relative to this file"))
    #expect(
      complaint(missing, after: inForce(zloty)).hasSuffix(
        "and without \"file\" the prices in force are kept"))
  }

  @Test("A time zone that this machine does not know is refused, as a tenant's is")
  func unknownZone() {
    for name in ["Europe/Atlantis", "7", "/etc/passwd", "../zoneinfo/UTC"] {
      let rates = "rates: [{ name: retail, file: retail.csv, timezone: \(name) }]"
      #expect(
        complaint(rates, table: Self.timed)
          == "a.yaml:2: rates → retail → timezone: \"\(name)\" is not a time zone of this machine; "
          + "write one such as Europe/Madrid")
    }
  }

  // MARK: Encodings

  /// A deck as a spreadsheet saves it in the letters of Western Europe.
  private static let latin =
    Array("prefix,destination,price_per_minute\n34,Espa".utf8) + [0xF1]
    + Array("a,0.10\n".utf8)

  @Test("A deck that is not UTF-8 is refused with file, line and the way out, by both readers")
  func encodings() throws {
    let sentence =
      "the file is not UTF-8 (byte 0xF1), and nothing was changed. Save it as UTF-8 in the program it "
      + "comes from, or convert it: iconv -f WINDOWS-1252 -t UTF-8 retail.csv > retail.utf8.csv"
    let yaml = "version: 1\nrates: [{ name: retail, file: retail.csv }]"
    let file = ConfigurationFile(name: "a/a.yaml", bytes: Array(yaml.utf8)) { _ in Self.latin }
    var dice = SplitMix(seed: 1)
    let problems = #expect(throws: ConfigurationProblems.self) {
      try ConfigurationReader(previous: nil).read(file, revision: 1, dice: &dice)
    }
    #expect(problems?.description == "a/retail.csv:2: \(sentence)")

    let path = folder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Data(Self.latin).write(to: URL(filePath: path + "/retail.csv"))
    let named = #expect(throws: ConfigurationProblems.self) {
      try Installation.filesNamed(in: yaml, beside: path + "/a.yaml")
    }
    #expect(named?.description == "\(path)/retail.csv:2: \(sentence)")
    // UTF-16, as a spreadsheet's "Unicode text" is, begins with a mark that says so.
    let wide = Data([0xFF, 0xFE] + Self.timed.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    try wide.write(to: URL(filePath: path + "/retail.csv"))
    let utf16 = #expect(throws: ConfigurationProblems.self) {
      try Installation.filesNamed(in: yaml, beside: path + "/a.yaml")
    }
    #expect(utf16?.description.hasPrefix("\(path)/retail.csv:1: ") == true)
    #expect(utf16?.description.contains("iconv -f UTF-16 -t UTF-8 retail.csv") == true)
    // A byte order mark of UTF-8 is no mistake.
    try Data([0xEF, 0xBB, 0xBF] + Array(Self.timed.utf8)).write(
      to: URL(filePath: path + "/retail.csv"))
    let files = try Installation.filesNamed(in: yaml, beside: path + "/a.yaml")
    let table = try #require(files["retail.csv"])
    let entry = try #require(
      try read("rates: [{ name: retail, file: retail.csv }]", table: table).first)
    #expect(
      try RateDeckParser().parse(Array(entry.table.utf8)).quote(
        for: "34976111222", at: WallTime(unixSeconds: 1_800_000_000)) != nil)
  }

  // MARK: In force

  private static let yaml = """
    version: 1
    rates:
      - { name: retail, file: retail.csv, timezone: Europe/Madrid }
      - { name: "sales/2", file: retail.csv, currency: PLN }
    """

  /// The price of a call to Spain at 18:30 UTC in summer, 20:30 in Madrid.
  private func price(_ deck: String, _ administration: Administration) -> Int64? {
    let evening = CivilTime(year: 2026, month: 7, day: 1, hour: 18, minute: 30)
    return administration.rulebook().decks[deck]?
      .quote(for: "34976111222", at: WallTime(unixSeconds: evening.secondsSinceEpoch))?
      .tariff.pricePerMinute
  }

  private func folder() -> String {
    FileManager.default.temporaryDirectory.appending(path: "rates-\(UUID())").path
  }

  /// Opens a folder, of which one process or test has the lock, and gives it up afterwards.
  private func opened<Result>(
    _ path: String, _ body: (Administration) throws -> Result
  ) throws -> Result {
    let administration = try Administration(dataFolder: path)
    defer { administration.database.close() }
    return try body(administration)
  }

  @Test("Hours are those of the deck's time zone, also after a restart; UTC where it names none")
  func hours() throws {
    let path = folder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let prices = { (administration: Administration) in
      [price("retail", administration), price("sales/2", administration)]
    }
    try opened(path) { first in
      _ = try first.apply(
        document: Self.yaml, file: "a.yaml", files: ["retail.csv": Self.timed],
        attendance: .known([]), by: "anna")
      #expect(prices(first) == [20_000, 100_000])
    }
    try opened(path) { second in #expect(prices(second) == [20_000, 100_000]) }
  }

  @Test("What export writes applies without its rate files, and into a new installation with them")
  func exported() throws {
    let (path, written, other) = (folder(), folder(), folder())
    defer {
      for path in [path, written, other] { try? FileManager.default.removeItem(atPath: path) }
    }
    let export = try opened(path) { administration in
      _ = try administration.apply(
        document: Self.yaml, file: "a.yaml", files: ["retail.csv": Self.timed],
        attendance: .known([]), by: "anna")
      let export = try administration.export(withRates: false)
      #expect(export.files.isEmpty && !export.document.contains("retail.csv"))
      let again = try administration.apply(
        document: export.document, file: "b.yaml", files: [:], attendance: .known([]), by: "anna")
      #expect(again.changes == [])
      return export
    }

    let yaml = try #require(try Installation(path).export(into: written).last)
    #expect(yaml == written + "/configuration.yaml")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: written).sorted()
        == ["configuration.yaml", "retail.csv", "sales_2.csv"])
    let text = try Installation.text(ofFile: yaml)
    let files = try Installation.filesNamed(in: text, beside: yaml)
    #expect(files == ["retail.csv": Self.timed, "sales_2.csv": Self.timed])
    let report = try Installation(other).apply(
      document: text, file: yaml, files: files, by: "anna")
    #expect(report.changes == ["added rates retail", "added rates sales/2"])
    #expect(try Installation(other).export(withRates: false) == export)
    // Somebody's files are not written over.
    #expect(throws: ConfigurationError.self) { try Installation(other).export(into: written) }
  }
}
