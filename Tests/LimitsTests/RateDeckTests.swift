import Elements
import Foundation
import Testing

@testable import Limits

@Suite struct RateDeckTests {
  private func deck(_ text: String, zone: TimeZoneRules = .utc) throws(RateDeckErrors) -> RateDeck {
    try RateDeckParser(zone: zone).parse(Array(text.utf8))
  }

  private func errors(_ text: String) -> [String] {
    do throws(RateDeckErrors) {
      _ = try deck(text)
      return []
    } catch {
      return error.errors.map(\.description)
    }
  }

  private static let small = """
    prefix,destination,connection_fee,price_per_minute,minimum_s,increment_s
    34,Spain,0,0.0100,0,1
    346,Spain mobile,0.01,0.0900,60,60
    1,USA,0,0.0050,6,6
    1809,Dominican Republic,0.05,0.2500,60,1
    """

  @Test("The longest prefix counts, with and without a plus")
  func longestPrefix() throws {
    let deck = try deck(Self.small)
    #expect(deck.count == 4)
    #expect(deck.quote(for: "34911234567", at: Bench.noon)?.destination == "Spain")
    #expect(deck.quote(for: "+34600123456", at: Bench.noon)?.destination == "Spain mobile")
    let caribbean = deck.quote(for: "18095551234", at: Bench.noon)
    #expect(caribbean?.prefix == "1809")
    #expect(caribbean?.tariff.connectionFee == 50_000)
    #expect(caribbean?.tariff.pricePerMinute == 250_000)
    #expect(caribbean?.tariff.minimumSeconds == 60)
    #expect(deck.quote(for: "12025551234", at: Bench.noon)?.prefix == "1")
  }

  @Test(
    "F10, F31: what is not in the deck, or not a number, has no price",
    arguments: ["44123", "", "+", "34a", "3", "１２", "34 911", "*67346"])
  func unknown(number: String) throws {
    let deck = try deck(Self.small)
    #expect(deck.quote(for: number, at: Bench.noon) == nil)
    #expect(RateDeck.empty.quote(for: number, at: Bench.noon) == nil)
  }

  @Test("A prefix has a bounded number of rows, since each call to it looks at all of them")
  func rowsOfOnePrefix() throws {
    func rows(_ count: Int) -> String {
      (0..<count).reduce("prefix,price_per_minute,valid_from,valid_until\n") { text, row in
        text + "34,0.01,\(2000 + row)-01-01,\(2000 + row)-12-31\n"
      }
    }
    #expect(try deck(rows(RateDeckParser.mostRowsOfPrefix)).count == 100)
    #expect(
      errors(rows(RateDeckParser.mostRowsOfPrefix + 50)) == [
        "line 102, prefix: 34 has more than 100 rows; take some out"
      ])
    // What is in force stays so.
    let inForce = RateDeckParser(isInForce: true)
    #expect(throws: Never.self) { try inForce.parse(Array(rows(150).utf8)) }
  }

  @Test(
    "Spreadsheets: byte order mark, CRLF, quotes, any order of columns, semicolons, decimal commas")
  func spreadsheet() throws {
    let text =
      "\u{FEFF}Price per minute;PREFIX;destination\r\n"
      + "0,0475;+351;\"Portugal; \"\"mainland\"\"\"\r\n\r\n1,5; 882 ;\"Satellite\r\nnetworks\"\r\n"
    let deck = try deck(text)
    #expect(deck.quote(for: "351210000000", at: Bench.noon)?.tariff.pricePerMinute == 47_500)
    #expect(
      deck.quote(for: "351210000000", at: Bench.noon)?.destination == "Portugal; \"mainland\"")
    #expect(deck.quote(for: "88216", at: Bench.noon)?.tariff.pricePerMinute == 1_500_000)
  }

  @Test("F36: negative, overflowing, too precise and missing amounts are named with line and field")
  func wrongAmounts() {
    let errors = errors(
      """
      prefix,price_per_minute,connection_fee,increment_s
      34,-0.01,0,1
      35,99999999999999999999,0,1
      36,0.0000001,0,1
      37,,0,1
      38,0.01,1000001,1
      39,0.01,0,0
      40,0.01,0,-5
      41,abc,0,1
      """)
    #expect(
      errors == [
        "line 2, price_per_minute: \"-0.01\" may not be negative",
        "line 3, price_per_minute: \"99999999999999999999\" must be a number like 0.0475",
        "line 4, price_per_minute: \"0.0000001\" has more than six decimals; round it up to six",
        "line 5, price_per_minute: is empty; write 0 for a destination that costs nothing",
        "line 6, connection_fee: is above 1000000, which no call costs",
        "line 7, increment_s: must be from 1 to 86400",
        "line 8, increment_s: \"-5\" must be whole seconds, like 60",
        "line 9, price_per_minute: \"abc\" must be a number like 0.0475",
      ])
  }

  @Test("F36: a row with more fields than columns is refused: a decimal comma would make it free")
  func movedFields() throws {
    let found = errors("prefix,price_per_minute\n34,0,05\n44,0.1,\n49,0.1,,x\n")
    #expect(found.count == 2)
    #expect(found[0].hasPrefix("line 2, row") && found[0].contains("\"05\" is too much"))
    #expect(found[1].hasPrefix("line 4, row"))
    #expect(try deck("prefix,price_per_minute\n34,0.05,,\n").count == 1, "empty ones are noise")
  }

  @Test("A number of decimals in rounding is refused: it would round each call up to whole units")
  func rounding() throws {
    let header = "prefix,price_per_minute,currency,rounding\n"
    let taken = ["EUR,0.01", "EUR,0.5", "CHF,0.05", "JPY,1", "CLP,10", "JPY,0.01", "EUR,"]
    for row in taken { #expect(errors(header + "34,0.10,\(row)\n") == []) }
    for row in ["EUR,2", "EUR,1", "EUR,4.0", "JPY,2", "JPY,1.5", "EUR,100"] {
      let found = errors(header + "34,0.10,\(row)\n")
      #expect(found.count == 1 && found[0].hasPrefix("line 2, rounding: "), "\(row): \(found)")
    }
    #expect(errors(header + "34,0.10,EUR,2\n")[0].hasSuffix("write 0.01 for two decimals"))
    #expect(errors(header + "34,0.10,JPY,2\n")[0].hasSuffix("write 1 for whole JPY"))
    // What is in force already stays: the server must start.
    let parser = RateDeckParser(isInForce: true)
    #expect(try parser.parse(Array("\(header)34,0.10,EUR,2\n".utf8)).count == 1)
  }

  @Test("The manual's deck is taken, its example costs what it says, and it has every column")
  func manual() throws {
    let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let manual = try String(
      contentsOf: top.appending(path: "docs/administrator/rates.md"), encoding: .utf8)
    for name in RateColumn.names { #expect(manual.contains("| `\(name)` |"), "\(name)") }
    let blocks = manual.components(separatedBy: "```\n")
    try #require(blocks.count == 3)
    let deck = try deck(blocks[1])
    #expect(deck.count == 6)
    // A week without a gap, quarter by quarter.
    for quarter in 0..<7 * 96 {
      let moment = Bench.noon + .seconds(quarter * 900)
      #expect(deck.quote(for: "442071234567", at: moment) != nil, "\(moment)")
    }
    let header = "prefix,price_per_minute,connection_fee,minimum_s,increment_s,rounding\n"
    for (row, micros) in [("60,60,", 130_000), ("0,1,", 90_667), ("0,1,0.01", 100_000)] {
      let tariff = try self.deck(header + "44,0.04,0.05,\(row)\n")
        .quote(for: "44", at: Bench.noon)?.tariff
      let cost = tariff?.cost(of: .seconds(61), answeredAt: Bench.noon)
      #expect(cost == Money(micros: Int64(micros), .eur), "\(row)")
    }
  }

  @Test("A wrong header names what is known; a missing column says which")
  func wrongHeader() {
    let errors = errors("prefix,rate\n34,0.01\n")
    #expect(errors.count == 2)
    #expect(errors.first?.hasPrefix("line 1, header: names the column \"rate\"") == true)
    #expect(
      errors.last == "line 1, header: has no column price_per_minute; add it to the first line")
    #expect(self.errors("").first?.hasPrefix("line 1, header: is missing") == true)
  }

  @Test("A header of more columns than any deck has is one mistake, not thousands")
  func wideHeader() {
    let wide = "prefix,price_per_minute" + String(repeating: ",x", count: 99)
    #expect(
      errors(wide + "\n34,0.01\n") == [
        "line 1, header: names 101 columns, a deck has 100 at most; take out those that are not used"
      ])
    let narrower = errors("prefix,price_per_minute" + String(repeating: ",x", count: 98) + "\n")
    #expect(narrower.first?.hasPrefix("line 1, header: names the column \"x\"") == true)
  }

  @Test("Prefixes that are no numbers, twins and open quotes are refused")
  func wrongRows() {
    let errors = errors(
      "prefix,price_per_minute\n0034,1\n^34.*,1\n49,1\n1234567890123456,1\n49,2\n50,\"1\n")
    #expect(errors.count == 5)
    #expect(errors[0].contains("begins with 0"))
    #expect(errors[1].hasPrefix("line 3, prefix: \"^34.*\" must be 1 to 15 digits"))
    #expect(errors[2].hasPrefix("line 5, prefix"))
    #expect(errors[3] == "line 7, field 2: has an opening quote and no closing one; add it")
    #expect(errors[4] == "line 6, prefix: 49 has a price in line 4 already; keep one")
  }

  @Test("At most fifty mistakes are listed, and all are counted")
  func manyErrors() {
    let text = "prefix,price_per_minute\n" + (0..<80).map { _ in "x,1\n" }.joined()
    do throws(RateDeckErrors) {
      _ = try deck(text)
      Issue.record("a wrong deck was taken")
    } catch {
      #expect(error.errors.count == 50)
      #expect(error.total == 80)
      #expect(error.description.hasSuffix("… and 30 more"))
    }
  }

  private static let timed = """
    prefix,destination,price_per_minute,days,from_time,to_time
    44,UK peak,0.10,mon-fri,08:00,20:00
    44,UK night,0.04,mon-fri,20:00,08:00
    44,UK weekend,0.03,sat sun,00:00,24:00
    44,UK Monday before dawn,0.03,mon,00:00,08:00
    """

  @Test("F08: a quote before the boundary has the step to the other price")
  func timeBands() throws {
    let deck = try deck(Self.timed)
    let quote = try #require(deck.quote(for: "442071234567", at: Bench.noon))
    #expect(quote.tariff.pricePerMinute == 100_000)
    let eight = Bench.noon + .seconds(8 * 3600)
    #expect(
      quote.tariff.steps.first == Tariff.Step(from: eight, pricePerMinute: 40_000))
    #expect(
      quote.tariff.steps.dropFirst().first
        == Tariff.Step(from: eight + .seconds(12 * 3600), pricePerMinute: 100_000))
    let sunday = Bench.noon + .seconds(-86_400)
    #expect(deck.quote(for: "44207", at: sunday)?.destination == "UK weekend")
    let saturdayDawn = WallTime(
      unixSeconds: CivilTime(year: 2026, month: 3, day: 7, hour: 3).secondsSinceEpoch)
    #expect(deck.quote(for: "44207", at: saturdayDawn)?.tariff.pricePerMinute == 40_000)
  }

  @Test("Hours are those of the deck's zone")
  func timeBandsInZone() throws {
    let madrid = try TestZones.load("Europe/Madrid")
    let deck = try deck(Self.timed, zone: madrid)
    let seven = Bench.noon + .seconds(-5 * 3600)  // 07:00 UTC is 08:00 in Madrid.
    #expect(deck.quote(for: "44", at: seven)?.tariff.pricePerMinute == 100_000)
    #expect(deck.quote(for: "44", at: seven + .seconds(-1))?.tariff.pricePerMinute == 30_000)
  }

  @Test("F10: a deck whose rows leave out hours of the week is refused, with the first of them")
  func hoursWithoutPrice() throws {
    let header = "prefix,price_per_minute,days,from_time,to_time,valid_from,valid_until\n"
    #expect(
      errors(header + "44,0.10,mon-fri,08:00,20:00\n44,0.05,mon-fri,20:00,08:00\n34,0.1\n") == [
        "line 3, from_time: 44 has no price on Sunday from 00:00 on; add a row for those hours"
      ])
    #expect(
      errors(header + "44,0.10,,08:00,20:00\n44,0.05,,20:30,08:00\n") == [
        "line 3, from_time: 44 has no price on Sunday from 20:00 on; add a row for those hours"
      ])
    // A night of Saturday reaches into Sunday, and a row for all hours fills what others leave out.
    #expect(errors(header + "44,0.10,,08:00,20:00\n44,0.05,,20:00,08:00\n") == [])
    #expect(errors(header + "44,0.10,sat,08:00,20:00\n44,0.05\n") == [])
    // From March on only the days are priced.
    #expect(
      errors(header + "44,0.10,,08:00,20:00\n44,0.05,,20:00,08:00,,2026-03-01\n").count == 1)
  }

  @Test(
    "Hours that no row speaks of have no price; dates that are over fall back to the shorter prefix"
  )
  func gaps() throws {
    // As it is in force from before such decks were refused.
    let parser = RateDeckParser(isInForce: true)
    let deck = try parser.parse(
      Array(
        """
        prefix,price_per_minute,valid_from,valid_until,from_time,to_time
        44,0.10,,,,
        447,0.20,2026-01-01,2026-02-28,,
        447,0.25,2026-03-03,,,
        448,0.50,,,08:00,10:00
        """.utf8))
    let february = Bench.noon + .seconds(-5 * 86_400)
    #expect(deck.quote(for: "4471", at: february)?.tariff.pricePerMinute == 200_000)
    #expect(deck.quote(for: "4471", at: Bench.noon)?.prefix == "44")
    let march = Bench.noon + .seconds(86_400)
    #expect(deck.quote(for: "4471", at: march)?.tariff.pricePerMinute == 250_000)
    #expect(deck.quote(for: "4481", at: Bench.noon) == nil)
  }

  @Test("Validity that changes in the middle of a call is a step")
  func validityStep() throws {
    let deck = try deck(
      """
      prefix,price_per_minute,valid_from,valid_until
      33,0.10,,2026-03-02 12:30
      33,0.30,2026-03-02 12:30,
      """)
    let quote = try #require(deck.quote(for: "331", at: Bench.noon))
    #expect(quote.tariff.pricePerMinute == 100_000)
    #expect(
      quote.tariff.steps.first
        == Tariff.Step(from: Bench.noon + .seconds(1800), pricePerMinute: 300_000))
  }

  @Test(
    "F08: a longer prefix that begins to count in the middle of a call is a step, its fee counted at once while it may ring"
  )
  func longerPrefixBegins() throws {
    let deck = try deck(
      """
      prefix,price_per_minute,connection_fee,valid_from
      5,0.01,,
      53,0.50,,
      535,5.00,0.20,2026-03-02 12:05
      5355,9.00,,2026-03-02 13:00
      """)
    let quote = try #require(deck.quote(for: "+5351234567", at: Bench.noon))
    #expect(quote.prefix == "53" && quote.tariff.pricePerMinute == 500_000)
    #expect(
      quote.tariff.steps == [
        Tariff.Step(from: Bench.noon + .seconds(300), pricePerMinute: 5_000_000)
      ])
    #expect(quote.tariff.connectionFee == 200_000)
    let later = try #require(deck.quote(for: "+5351234567", at: Bench.noon + .seconds(300)))
    #expect(later.prefix == "535" && later.tariff.steps.isEmpty)
    let other = try #require(deck.quote(for: "5355", at: Bench.noon))
    #expect(other.tariff.steps.map(\.pricePerMinute) == [5_000_000, 9_000_000])
  }

  @Test(
    "F08: where the rows of a prefix end in the middle of a call, the price of the shorter one is a step"
  )
  func longerPrefixEnds() throws {
    let deck = try deck(
      """
      prefix,price_per_minute,valid_until,from_time,to_time
      44,0.20,,08:00,20:00
      44,0.10,,20:00,08:00
      447,0.02,2026-03-02 19:00,,
      """)
    let quote = try #require(deck.quote(for: "4471", at: Bench.noon))
    #expect(quote.prefix == "447" && quote.tariff.pricePerMinute == 20_000)
    let seven = Bench.noon + .seconds(7 * 3600)
    #expect(
      quote.tariff.steps.prefix(2) == [
        Tariff.Step(from: seven, pricePerMinute: 200_000),
        Tariff.Step(from: seven + .seconds(3600), pricePerMinute: 100_000),
      ])
  }

  @Test("Bytes of any kind never trap the parser", arguments: UInt64(1)...200)
  func garbage(seed: UInt64) {
    var dice = SplitMix(seed: seed)
    let pieces = [
      "prefix", "price_per_minute", ",", ";", "\n", "\r\n", "\"", "34", "0.1", "-", "99999999999",
      "mon-fri", "valid_from", "from_time", "2026-02-30", "25:00", "\u{FEFF}", "é", "\t",
    ]
    let text = (0..<60).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &dice)] }
    let header = seed % 2 == 0 ? "prefix,price_per_minute,days,valid_from,from_time\n" : ""
    _ = errors(header + text.joined())
  }
}
