import Elements
import Guard
import Testing

@Suite struct PlainListTests {
  private func parse(_ text: String, _ rules: SharingRules = SharingRules()) throws -> PlainList {
    try PlainList(parsing: Array(text.utf8), rules)
  }

  @Test("Spamhaus DROP, FireHOL netsets and lists of fail2ban are read as they come")
  func forms() throws {
    let drop = """
      ; Spamhaus DROP List 2026/11/27 - (c) 2026 The Spamhaus Project\r
      ; Last-Modified: Fri, 27 Nov 2026 01:00:00 GMT\r
      1.10.16.0/20 ; SBL256894\r
      2.56.192.0/22 ; SBL459831\r

      """
    #expect(try parse(drop).networks.map { "\($0)" } == ["1.10.16.0/20", "2.56.192.0/22"])
    let netset = """
      # firehol_level1
      #
      # Maintainer      : FireHOL
      0.0.0.0/8
      10.0.0.0/8
      45.9.148.0/24
      224.0.0.0/3
      """
    let firehol = try parse(netset)
    #expect(firehol.networks.map { "\($0)" } == ["45.9.148.0/24"])
    #expect(firehol.leftOut.map { "\($0)" } == ["0.0.0.0/8", "10.0.0.0/8", "224.0.0.0/3"])
    let fail2ban = "203.0.113.7\n  203.0.113.9\t\n2001:db8:1::5\n::ffff:203.0.113.7\n\n"
    #expect(
      try parse(fail2ban).networks.map { "\($0)" } == [
        "203.0.113.7", "203.0.113.9", "2001:db8:1::5",
      ])
    #expect(try parse("").networks.isEmpty)
  }

  @Test("A mistake names its line, and nothing is taken")
  func mistakes() {
    for (text, line) in [
      ("203.0.113.7\nexample.org\n", 2), ("203.0.113.7 203.0.113.9", 1),
      ("# fine\n\n1.2.3.4/33", 3),
      ("1.2.3.4-1.2.3.9", 1), ("128.0.0.0/7", 1), ("2400::/12", 1), ("1.2.3", 1), ("<html>", 1),
      ("1.2.3.4\n" + String(repeating: "1", count: 1_001), 2), ("1.2.3.4,5", 1),
    ] {
      let mistake = #expect(throws: PlainList.Mistake.self) { try parse(text) }
      #expect(mistake?.line == line, "\(text)")
    }
  }

  @Test("Bytes that are no text are a mistake of their line")
  func bytes() {
    let mistake = #expect(throws: PlainList.Mistake.self) {
      try PlainList(parsing: [49, 46, 10, 0xFF, 0, 0xC3, 10], SharingRules())
    }
    #expect(mistake?.line == 1)
  }

  @Test("What is never listed is left out, and so many networks are taken")
  func bounds() throws {
    var rules = SharingRules()
    rules.never = [IPNetwork(test: "203.0.113.0/30")]
    rules.imported = 2
    let list = try parse("203.0.113.0/24\n203.0.114.1\n203.0.114.2\n203.0.114.1", rules)
    #expect(list.networks.count == 2 && list.leftOut.map { "\($0)" } == ["203.0.113.0/24"])
    #expect(throws: PlainList.Mistake.self) {
      try parse("203.0.114.1\n203.0.114.2\n203.0.114.3", rules)
    }
  }
}
