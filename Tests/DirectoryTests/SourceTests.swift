import Directory
import Elements
import Numbering
import Testing

/// Where phones and carriers may come from, and whom a change would keep out.
@Suite struct SourceTests {
  private static let countries = """
    192.0.2.0/24,ES
    198.51.100.0/24,FR
    2001:db8::/32,ES

    """

  private func table() throws -> CountryTable {
    try CountryTable(parsing: [CountryFile(name: "c", bytes: Array(Self.countries.utf8))])
  }

  private func compile(_ document: DirectoryDocument) throws -> DirectorySnapshot {
    var document = document
    if document.platform.countries != nil {
      return try DirectoryCompiler.compile(&document, revision: 1, countries: table())
    }
    return try DirectoryCompiler.compile(&document, revision: 1)
  }

  private func admitted(
    _ address: String, as user: String, _ snapshot: DirectorySnapshot
  ) throws
    -> Bool
  {
    let device = try #require(snapshot.devices.first { $0.username == Array(user.utf8) })
    return try snapshot.admits(#require(IPAddress(address)), to: device.sources)
  }

  @Test("A phone's own list takes the place of its tenant's, and countries with it")
  func inheritance() throws {
    var document = officeDocument()
    document.platform.countries = ["c"]
    document.tenants[0].sources = ["203.0.113.0/24"]
    document.tenants[0].sourceCountries = ["es"]
    document.tenants[0].extensions[1].devices[0].sources = ["198.51.100.7"]
    document.tenants[0].devices = [device("base", serving: ["101", "102"])]
    document.tenants[0].devices[0].sourceCountries = ["FR"]
    let snapshot = try compile(document)
    let cases: [(String, [String])] = [
      ("203.0.113.9", ["101"]), ("192.0.2.9", ["101"]), ("2001:db8::9", ["101"]),
      ("198.51.100.7", ["102", "base"]), ("198.51.100.8", ["base"]),
      ("10.0.0.1", []), ("fe80::1", []), ("::1", []), ("::", []),
    ]
    for (address, users) in cases {
      for user in ["101", "102", "base"] {
        #expect(
          try admitted(address, as: user, snapshot) == users.contains(user), "\(user) \(address)")
      }
    }
  }

  @Test(
    "Without a list anywhere is allowed; 0.0.0.0/0 is all of IPv4 and nothing of IPv6, ::/0 the other way"
  )
  func families() throws {
    var document = officeDocument()
    for address in ["203.0.113.9", "2001:db8::1", "::1"] {
      #expect(try admitted(address, as: "101", compile(document)))
    }
    let cases: [(String, v4: Bool, v6: Bool)] = [
      ("0.0.0.0/0", true, false), ("::/0", false, true), ("::ffff:0:0/96", true, false),
      ("::ffff:203.0.113.0/120", true, false), ("::ffff:198.51.100.0/120", false, false),
      ("[::ffff:203.0.113.9]", true, false),
    ]
    for (text, v4, v6) in cases {
      document.tenants[0].sources = [text]
      let snapshot = try compile(document)
      #expect(try admitted("203.0.113.9", as: "101", snapshot) == v4, "\(text)")
      #expect(try admitted("::ffff:203.0.113.9", as: "101", snapshot) == v4, "\(text)")
      #expect(try admitted("2001:db8::1", as: "101", snapshot) == v6, "\(text)")
    }
    document.tenants[0].sources = ["::ffff:203.0.113.0/24"]
    #expect(problems(of: document).count == 1, "24 bits of IPv6's notation are neither family's")
  }

  @Test("A list is bounded")
  func bound() {
    var document = officeDocument()
    document.tenants[0].sources = (0..<1_001).map { "10.\($0 / 256).\($0 % 256).1" }
    #expect(problems(of: document).first?.contains("1000 at most") == true)
    document.tenants[0].sources?.removeLast()
    #expect(problems(of: document).isEmpty)
  }

  @Test("Countries need a file, exist in it, and are none where there is none")
  func mistakes() throws {
    var document = officeDocument()
    document.tenants[0].sourceCountries = ["ES"]
    #expect(
      problems(of: document) == [
        """
        tenants → office → source_countries: nothing here says which country an address is in: name a file that does \
        with "countries" of "platform", or list networks in "sources"
        """
      ])
    document.platform.countries = ["c"]
    document.tenants[0].extensions[0].devices[0].sourceCountries = ["UK", "001", "ZZ", "Spain"]
    let countries = try table()
    let error = #expect(throws: DirectoryProblems.self) {
      try DirectoryCompiler.compile(&document, revision: 1, countries: countries)
    }
    let place = "tenants → office → extensions → 101 → devices → 101 → source_countries"
    #expect(
      error?.problems.map(\.description) == [
        "\(place) → no. 1: no address is in UK, as far as the files of platform.countries say; Great Britain is GB",
        "\(place) → no. 2: \"001\" is not a country; write its two letters of ISO 3166, such as ES",
        """
        \(place) → no. 3: ZZ is no country: addresses that are in none, such as those of your own networks, come in \
        by "sources"
        """,
        "\(place) → no. 4: \"Spain\" is not a country; write its two letters of ISO 3166, such as ES",
      ])
    // A server that starts goes on with what is in force, whatever the file says by then.
    document.tenants[0].extensions[0].devices[0].sourceCountries = ["GB"]
    _ = try DirectoryCompiler.compile(&document, revision: 1, countries: countries, isInForce: true)
  }

  // MARK: - Whom a change would keep out

  private static let since = WallTime(unixMilliseconds: 1_790_000_000_000)

  private func presence(
    _ snapshot: DirectorySnapshot, _ number: String, at address: String, knowing user: String? = nil
  ) throws -> Presence {
    let line = try #require(snapshot.extensions.first { $0.digits.description == number })
    let device = snapshot.devices.first { $0.username == Array((user ?? "").utf8) }
    return try Presence(
      .phone(line.id, device?.id), at: #require(IPAddress(address)), since: Self.since)
  }

  private func rules(
    _ before: DirectoryDocument, _ number: String, at address: String, as user: String? = nil,
    _ change: (inout DirectoryDocument) -> Void
  ) throws -> [String] {
    var (old, new) = (before, before)
    let first = try DirectoryCompiler.compile(&old, revision: 1, countries: table())
    new.identities = old.identities
    change(&new)
    let second = try DirectoryCompiler.compile(&new, revision: 2, countries: table())
    let present = try presence(first, number, at: address, knowing: user)
    let found = second.lockOuts(of: [present], after: first)
    #expect(found.allSatisfy { $0.presence == present })
    return found.map(\.rule)
  }

  @Test(
    "Each way to keep a registered phone out is found, by whatever notation",
    arguments: [
      "192.0.2.0/24", "::ffff:192.0.2.0/120", "::/0", "2001:db8::/32", "::ffff:c000:200/120",
    ])
  func lockOut(network: String) throws {
    let shown = try #require(IPNetwork(network))
    for address in ["203.0.113.9", "::ffff:203.0.113.9"] {
      #expect(
        try rules(officeDocument(), "101", at: address) { $0.tenants[0].sources = [network] } == [
          "sources of tenant office: \(shown)"
        ])
      #expect(
        try rules(officeDocument(), "101", at: address, as: "101") {
          $0.tenants[0].extensions[0].devices[0].sources = [network]
        } == ["sources of extension 101: \(shown)"])
    }
  }

  @Test("Whoever may stay is not named, in whatever notation the list has him")
  func stays() throws {
    for network in [
      "203.0.113.0/24", "::ffff:203.0.113.0/120", "[::ffff:203.0.113.9]", "0.0.0.0/0",
    ] {
      for address in ["203.0.113.9", "::ffff:203.0.113.9"] {
        #expect(
          try rules(officeDocument(), "101", at: address) { $0.tenants[0].sources = [network] }
            == [], "\(network) \(address)")
      }
    }
  }

  @Test("Countries lock out, too, and so does a file that puts an address elsewhere")
  func countries() throws {
    var before = officeDocument()
    before.platform.countries = ["c"]
    #expect(
      try rules(before, "101", at: "198.51.100.7") { $0.tenants[0].sourceCountries = ["ES"] } == [
        "sources of tenant office: ES; the address is in FR"
      ])
    #expect(
      try rules(before, "101", at: "10.0.0.7") { $0.tenants[0].sourceCountries = ["ES"] } == [
        "sources of tenant office: ES; the address is in no known country"
      ])
    before.tenants[0].sourceCountries = ["FR"]
    let first = try DirectoryCompiler.compile(&before, revision: 1, countries: table())
    let moved = try CountryTable(
      parsing: [CountryFile(name: "c", bytes: Array("198.51.0.0/16,ES\n".utf8))])
    let second = try DirectoryCompiler.compile(
      &before, revision: 2, countries: moved, isInForce: true)
    let present = try presence(first, "101", at: "198.51.100.7")
    #expect(
      second.lockOuts(of: [present], after: first).map(\.rule) == [
        "sources of tenant office: FR; the address is in ES"
      ])
  }

  @Test("Only the phone that registered counts; where that is not known, any that it may have been")
  func whichPhone() throws {
    var before = officeDocument()
    before.tenants[0].extensions[0].devices.append(device("mobile"))
    func narrow(_ document: inout DirectoryDocument) {
      document.tenants[0].extensions[0].devices[0].sources = ["10.0.0.0/8"]
    }
    let address = "203.0.113.9"
    #expect(try rules(before, "101", at: address, as: "101", narrow).count == 1)
    #expect(try rules(before, "101", at: address, as: "mobile", narrow) == [])
    #expect(try rules(before, "101", at: address, narrow) == [])
    #expect(try rules(before, "102", at: address, narrow) == [])
    // Who takes a phone out has written it down.
    #expect(
      try rules(before, "101", at: address, as: "mobile") {
        $0.tenants[0].extensions[0].devices.removeLast()
        $0.tenants[0].sources = ["10.0.0.0/8"]
      } == [])
    #expect(
      try rules(before, "101", at: address) {
        $0.tenants[0].extensions.removeFirst(1); $0.tenants[0].numbers = []
      } == [])
    // Who was kept out before is not locked out by this change.
    before.tenants[0].sources = ["10.0.0.0/8"]
    #expect(try rules(before, "101", at: address) { $0.tenants[0].sources = ["10.0.0.0/9"] } == [])
  }

  @Test(
    "A carrier whose calls come from elsewhere is named; a list of its own is all it may come from")
  func carriers() throws {
    var before = officeDocument()
    let first = try DirectoryCompiler.compile(&before, revision: 1)
    let trunk = try #require(first.trunks.first)
    let there = try #require(IPAddress("127.0.0.1"))
    #expect(trunk.admits(there))
    let present = Presence(.carrier(trunk.id), at: there, since: Self.since)
    for (sources, rules) in [
      (["192.0.2.0/24"], ["sources of trunk carrier: 192.0.2.0/24"]),
      (["::/0"], ["sources of trunk carrier: ::/0"]), (["::ffff:127.0.0.0/104"], []), ([], []),
    ] {
      var after = before
      after.trunks[0].sources = sources
      let second = try DirectoryCompiler.compile(&after, revision: 2)
      #expect(second.lockOuts(of: [present], after: first).map(\.rule) == rules)
      // Who moves a trunk means to.
      after.trunks[0].address = "sip:192.0.2.9:5090"
      let moved = try DirectoryCompiler.compile(&after, revision: 3)
      #expect(moved.lockOuts(of: [present], after: first) == [])
    }
  }

  @Test("A long list is shown by its beginning")
  func longList() throws {
    let networks = (0..<20).map { "10.0.\($0).0/24" }
    let rules = try rules(officeDocument(), "101", at: "203.0.113.9") {
      $0.tenants[0].sources = networks
    }
    #expect(
      rules == [
        "sources of tenant office: " + networks.prefix(8).joined(separator: ", ") + " and 12 more"
      ])
  }
}
