import Elements
import Numbering
import Testing

@testable import Directory

/// Which country an address is in, by files as they are free to have.
@Suite struct CountryTableTests {
  private func table(_ texts: String...) throws -> CountryTable {
    try CountryTable(
      parsing: texts.enumerated().map { CountryFile(name: "file-\($0)", bytes: Array($1.utf8)) })
  }

  private func country(_ text: String, _ table: CountryTable) throws -> String? {
    try table.country(of: #require(IPAddress(text), "\(text)"))?.description
  }

  /// The same four stretches in the way of each database.
  static let formats: [(name: String, text: String)] = [
    (
      "first,last,country",
      """
      192.0.2.0,192.0.2.255,ES
      198.51.100.0,198.51.100.127,FR
      2001:db8::,2001:db8:0:ffff:ffff:ffff:ffff:ffff,DE
      2001:db8:8000::,2001:db8:8000:ffff:ffff:ffff:ffff:ffff,ES
      """
    ),
    (
      "network,country with headings",
      """
      network,country
      192.0.2.0/24,ES
      198.51.100.0/25,FR
      2001:db8::/48,DE
      2001:db8:8000::/48,es
      """
    ),
    (
      "numbers in quotes",
      """
      "0","281470681743359","-","-"
      "281473902969344","281473902969599","ES","Spain"
      "281474007000064","281474007000191","FR","France, Metropolitan"
      "42540766411282592856903984951653826560","42540766411283801782723599580828532735","DE","Germany"
      """
    ),
    (
      "tabs, with what was not routed",
      "0.0.0.0\t9.255.255.255\tNone\r\n192.0.2.0\t192.0.2.255\tES\r\n198.51.100.0\t198.51.100.127\tFR\r\n"
        + "2001:db8::\t2001:db8:0:ffff:ffff:ffff:ffff:ffff\tDE\r\n"
        + "2001:db8:8000::\t2001:db8:8000:ffff:ffff:ffff:ffff:ffff\tES\r\n"
    ),
    (
      "with numbers of networks",
      "\u{FEFF}# made on a Monday\n\n192.0.2.0\t192.0.2.255\t64500\tES\tEXAMPLE\n"
        + "198.51.100.0\t198.51.100.127\t64501\tFR\tEXAMPLE\n"
        + "2001:db8::\t2001:db8:0:ffff:ffff:ffff:ffff:ffff\t64500\tDE\tE\n"
        + "2001:db8:8000::\t2001:db8:8000:ffff:ffff:ffff:ffff:ffff\t64500\tES\tE\n"
    ),
    (
      "many headings",
      """
      network;country;country_code;continent
      192.0.2.0/24;Spain;ES;Europe
      198.51.100.0/25;France;FR;Europe
      ::ffff:203.0.113.0/120;Spain;ES;Europe
      2001:db8::/48;Germany;DE;Europe
      2001:db8:8000::/48;Spain;ES;Europe
      """
    ),
  ]

  @Test("Each way of writing is read", arguments: formats)
  func reads(_ format: (name: String, text: String)) throws {
    let table = try table(format.text)
    for (address, expected) in [
      ("192.0.2.0", "ES"), ("192.0.2.255", "ES"), ("198.51.100.127", "FR"),
      ("::ffff:198.51.100.1", "FR"), ("2001:db8::1", "DE"), ("2001:db8:0:ffff:ffff::", "DE"),
    ] {
      #expect(try country(address, table) == expected, "\(format.name): \(address)")
    }
    for address in [
      "192.0.1.255", "192.0.3.0", "198.51.100.128", "0.0.0.0", "255.255.255.255", "::", "::1",
      "2001:db8:1::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "10.0.0.1", "fe80::1",
    ] {
      #expect(try country(address, table) == nil, "\(format.name): \(address)")
    }
  }

  @Test("Where a continent may be the country, a line of headings says which field is which")
  func continent() throws {
    let rows = "192.0.2.0,192.0.2.255,EU,ES,Madrid\n10.0.0.0,10.0.0.255,AF,ZA,Gauteng"
    let error = #expect(throws: CountryFileProblems.self) { _ = try table(rows) }
    #expect(error?.problems.first?.line == 1)
    #expect(error?.problems.first?.reason.contains("first,last,continent,country") == true)
    let headed = try table("first,last,continent,country,region\n" + rows)
    #expect(try country("10.0.0.1", headed) == "ZA")
    #expect(try country("192.0.2.1", headed) == "ES")
  }

  @Test("A file whose lines end in CR alone is not taken for one line")
  func carriageReturns() {
    let error = #expect(throws: CountryFileProblems.self) {
      _ = try table("10.0.0.0/8,ES\r11.0.0.0/8,FR\r")
    }
    #expect(error?.problems.first?.reason.contains("CR alone") == true)
  }

  @Test("Of rows within each other the narrower one counts, in whatever order they stand")
  func nested() throws {
    let rows = [
      "10.0.0.0/8,ES", "10.1.0.0/16,FR", "10.1.2.0/24,ZZ", "10.1.2.128/25,ES", "10.0.0.0/24,GB",
      "10.255.255.255/32,FR", "255.255.255.255/32,DE", "::/0,US",
      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128,FR",
    ]
    for order in [rows, rows.reversed(), rows.sorted()] {
      let table = try table(order.joined(separator: "\n"))
      for (address, expected) in [
        ("10.0.0.1", "GB"), ("10.0.1.0", "ES"), ("10.1.0.0", "FR"), ("10.1.2.1", nil),
        ("10.1.2.200", "ES"), ("10.1.3.0", "FR"), ("10.2.0.0", "ES"), ("10.255.255.255", "FR"),
        ("11.0.0.0", nil), ("255.255.255.255", "DE"), ("::1", "US"), ("9.9.9.9", nil),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "FR"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "US"),
      ] as [(String, String?)] {
        #expect(try country(address, table) == expected, "\(address)")
      }
    }
  }

  /// Property: as the longest of all networks that hold an address, looked for one by one.
  @Test(arguments: UInt64(1)...40)
  func longestPrefix(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    var networks: [IPNetwork: String] = [:]
    for _ in 0..<Int.random(in: 1...60, using: &random) {
      // Few bits that differ, so that many lie within each other.
      let bits = UInt64(Int.random(in: 0..<256, using: &random))
      let address =
        Bool.random(using: &random)
        ? IPAddress(v4: 0xC000_0200 | UInt32(bits)) : IPAddress(high: 0x2001_0DB8 << 32, low: bits)
      let length = address.isV4 ? 24...32 : 120...128
      let network = IPNetwork(address, length: Int.random(in: length, using: &random))
      networks[network] = ["ES", "FR", "DE", "ZZ"].randomElement(using: &random)
    }
    networks[IPNetwork(IPAddress(v4: 0), length: 32)] = "GB"
    var rows = networks.map { "\($0.key.address)/\($0.key.length),\($0.value)" }.sorted()
    rows.shuffle(using: &random)
    let table = try table(rows.joined(separator: "\n"))
    let again = try CountryTable(parsing: [CountryFile(name: "again", bytes: table.csv)])
    #expect(again == table)
    for low in UInt64(0)..<300 {
      for address in [
        IPAddress(v4: 0xC000_01F0 + UInt32(low)), IPAddress(high: 0x2001_0DB8 << 32, low: low),
      ] {
        let best = networks.filter { $0.key.contains(address) }.max { $0.key.bits < $1.key.bits }
        let expected = best.flatMap { $0.value == "ZZ" ? nil : $0.value }
        #expect(table.country(of: address)?.description == expected, "\(address)")
      }
    }
  }

  @Test("Files of both families are one table, and what stands side by side takes little memory")
  func several() throws {
    var v4 = ""
    for number in 0..<20_000 {
      v4 +=
        "\(1 + number >> 16).\(number >> 8 & 255).\(number & 255).0/24,\(number / 2 % 2 == 0 ? "ES" : "FR")\n"
    }
    let table = try table(v4, "2001:db8::/32,DE\n")
    #expect(table.count == 10_001 && table.countryCount == 3)
    #expect(table.hasV4 && table.hasV6)
    #expect(table.size < 10_100 * 6 + 100, "\(table.size)")
    #expect(try country("1.0.3.9", table) == "FR")
    #expect(try country("2001:db8::9", table) == "DE")
  }

  static let mistakes: [(text: String, expected: String)] = [
    ("", "file-0: it is empty"),
    ("<html>\n<p>404</p>\n", "file-0:1: neither network,country"),
    (
      "network,country\n192.0.2.0/24,ES\n192.0.2.0/33,ES\n",
      "file-0:3: network: \"192.0.2.0/33\" is not a network"
    ),
    ("192.0.2.0/24,ES\n192.0.3.0/24,Spain\n", "file-0:2: country: \"Spain\" is not a country"),
    (
      "192.0.2.0,192.0.2.9,ES\n192.0.3.0,192.0.3,ES\n",
      "file-0:2: last: \"192.0.3\" is not an address"
    ),
    ("192.0.2.0,192.0.2.9,ES\nx,192.0.3.1,ES\n", "file-0:2: first: \"x\" is not an address"),
    ("192.0.2.9,192.0.2.0,ES\n", "file-0:1: last: 192.0.2.0 is before 192.0.2.9"),
    ("192.0.2.9,2001:db8::,ES\n", "file-0:1: last: 2001:db8:: is of another family than 192.0.2.9"),
    ("192.0.2.0/24,ES\n192.0.3.0/24\n", "file-0:2: it has 1 fields, 2 are needed"),
    (
      "192.0.2.0,192.0.2.9,ES\n192.0.2.5,192.0.2.20,FR\n",
      "file-0:2: its addresses are partly those of line 1"
    ),
    (
      "192.0.2.0/24,ES\n192.0.2.0,192.0.2.255,FR\n",
      "file-0:2: country: \"192.0.2.255\" is not a country"
    ),
    (
      "192.0.2.0/24,ES\n192.0.2.0/24,FR\n",
      "file-0:2: its addresses are in another country than those of line 1"
    ),
    ("192.0.2.0/24,ZZ\n", "file-0: no row of it names a country"),
    ("0,340282366920938463463374607431768211456,ES\n", "file-0:1: neither network,country"),
  ]

  @Test(
    "What cannot be read is told with its line and field, and no table is made", arguments: mistakes
  )
  func badRows(_ mistake: (text: String, expected: String)) throws {
    let error = #expect(throws: CountryFileProblems.self) { try table(mistake.text) }
    let words = error?.description ?? ""
    #expect(words.hasPrefix(mistake.expected), "\(words)")
  }

  @Test("What is packed says how to unpack it")
  func packed() throws {
    for (bytes, expected) in [
      ([0x1F, 0x8B, 8, 0], "file: it is compressed; unpack it with gunzip"),
      ([0x50, 0x4B, 3, 4], "file: it is an archive; unpack it with unzip"),
      (
        [0, 1, 2],
        "file: it is no text; of a database that comes as MMDB and as CSV the CSV is read"
      ),
    ] as [([UInt8], String)] {
      let error = #expect(throws: CountryFileProblems.self) {
        try CountryTable(parsing: [CountryFile(name: "file", bytes: bytes)])
      }
      #expect(error?.description == expected)
    }
  }

  @Test("Of many mistakes the first are told, and how many there are")
  func manyMistakes() throws {
    let rows = "192.0.2.0/24,ES\n" + String(repeating: "192.0.2.0/24,Spain\n", count: 50)
    let error = #expect(throws: CountryFileProblems.self) { try table(rows) }
    #expect(error?.problems.count == 20 && error?.total == 50)
    #expect(error?.description.hasSuffix("… and 30 more") == true)
  }

  /// Property: whatever bytes come, there is a table or a sentence.
  @Test(arguments: UInt64(1)...60)
  func anyBytes(seed: UInt64) {
    var random = SplitMix(seed: seed)
    let pieces = [
      "192.0.2.", "::", "/24", ",", "\t", "ES", "\"", "\n", "\r", "9", "-", "é", "network", "#",
      "255",
    ]
    var text = ""
    for _ in 0..<200 { text += pieces.randomElement(using: &random) ?? "" }
    do {
      let table = try CountryTable(parsing: [CountryFile(name: "x", bytes: Array(text.utf8))])
      #expect(!table.isEmpty)
    } catch {
      #expect(!error.description.isEmpty)
    }
  }
}
