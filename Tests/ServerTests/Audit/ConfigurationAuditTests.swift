import ConfigurationFiles
import Directory
import Elements
import Server
import Testing

/// What the audit says of configurations: each of them is the office of the manual with one thing changed.
@Suite struct ConfigurationAuditTests {
  private static let now = ServedFolder.now

  private func findings(
    _ yaml: String, registeredUntil: [ExtensionID: WallTime]? = nil
  ) throws -> [AuditFinding] {
    let checked = try read(yaml)
    let all = Dictionary(
      checked.snapshot.extensions.map { ($0.id, Self.now) }, uniquingKeysWith: { $1 })
    return ConfigurationAudit(
      checked.document, checked.snapshot, registeredUntil: registeredUntil ?? all, at: Self.now
    ).findings()
  }

  private func changed(_ text: String, _ other: String) -> String {
    #expect(officeYAML.contains(text))
    return officeYAML.replacing(text, with: other)
  }

  /// The one finding that a change leads to besides those that the office has.
  private func only(_ yaml: String) throws -> AuditFinding? {
    let usual = Set(try findings(officeYAML))
    let found = try findings(yaml).filter { !usual.contains($0) }
    #expect(found.count == 1, "\(found)")
    return found.first
  }

  @Test("The office of the manual has nothing but phones that may be anywhere")
  func well() throws {
    let found = try findings(officeYAML)
    #expect(found.map(\.rule) == [.anywhere])
    #expect(found.first?.text == "Extensions 101, 102 of office may sign in from any address.")
    let closed = changed("currency: EUR\n", "currency: EUR\n    sources: [192.0.2.0/24]\n")
    #expect(try findings(closed).isEmpty)
  }

  @Test("Money without an end: by an extension alone, or by all together")
  func unlimited() throws {
    let none = "limits: { spend: { day: none, month: none } }"
    let own =
      "limits: { spend: { day: 10, month: 100 }, international: { hour: 10, day: 30, month: 100 } }"
    let one = try only(changed(own, none))
    #expect(one?.rule == .noLimit)
    #expect(one?.text == "Extension 101 of office has no limit of money of its own.")
    let tenant = "limits: { spend: { hour: 50, day: 200 }, basis: sell }"
    let both = try findings(changed(own, none).replacing(tenant, with: "limits: { basis: sell }"))
    #expect(both.map(\.rule) == [.unlimited, .noTenantLimit, .anywhere])
    #expect(
      both[0].text == "Extension 101 of office may call +44, international for any amount of money."
    )
    // A platform's limit is an end, too; and so is having nowhere to call but at home.
    let platform =
      changed(own, none).replacing(tenant, with: "limits: { basis: sell }")
      + "\nplatform: { limits: { spend: { month: 1000 } } }"
    #expect(try findings(platform).contains { $0.rule == .unlimited } == false)
    let home = changed(own, none).replacing(tenant, with: "limits: { basis: sell }")
      .replacing("international: allow, premium: deny, allow: [\"+44\"], ", with: "")
    #expect(try findings(home).map(\.rule).contains(.unlimited) == false)
  }

  @Test("A tenant of one extension needs no limit of its own")
  func lonely() throws {
    let tenant = "limits: { spend: { hour: 50, day: 200 }, basis: sell }"
    #expect(try only(changed(tenant, "limits: { basis: sell }"))?.rule == .noTenantLimit)
    let alone = changed(tenant, "limits: { basis: sell }")
      .replacing("      - number: \"102\"\n", with: "")
    #expect(try findings(alone).map(\.rule) == [.anywhere])
  }

  @Test(
    "Ten times the safe limits is still taken, more is not",
    arguments: [
      ("spend: { day: 100, month: 1000 }", false), ("spend: { day: 100.000001 }", true),
      ("spend: { month: 1001 }", true), ("spend: { hour: 101 }", true),
      ("international: { hour: 101 }", true), ("international: { day: 301 }", true),
      ("international: { month: 1000 }", false),
    ])
  func highLimits(limits: String, isHigh: Bool) throws {
    let yaml = changed(
      "      - number: \"102\"\n", "      - { number: \"102\", limits: { \(limits) } }\n")
    let found = try findings(yaml).filter { $0.rule == .highLimit }
    #expect(found.count == (isHigh ? 1 : 0))
    if isHigh { #expect(found.first?.text.hasPrefix("Extension 102 of office ") == true) }
  }

  @Test(
    "Numbers that thieves are paid for are named, of the tenant and of single extensions",
    arguments: ["premium", "satellite", "personal", "pager", "invalid"])
  func costly(kind: String) throws {
    let tenant = try only(changed("premium: deny", "\(kind): allow"))
    #expect(tenant?.rule == .costlyOpen)
    #expect(tenant?.place == .tenant("office"))
    #expect(tenant?.text == "office may call \(kind) numbers.")
    let line = try only(
      changed(
        "      - number: \"102\"\n",
        "      - { number: \"102\", destinations: { \(kind): allow } }\n"))
    #expect(line?.text == "Extension 102 of office may call \(kind) numbers.")
  }

  @Test("A prefix of no country is costly, one of a country is not")
  func prefixes() throws {
    let open = try only(
      changed("deny: [\"+882\"]", "deny: [\"+881\"]").replacing("[\"+44\"]", with: "[\"+882\"]"))
    #expect(open?.text == "office may call +882 numbers.")
  }

  @Test("Who cannot call out costs nothing")
  func noTrunk() throws {
    let yaml = changed("trunks: [carrier]", "trunks: []").replacing(
      "premium: deny", with: "premium: allow")
    #expect(try findings(yaml).isEmpty)
  }

  @Test("Carriers known by name, or by a network of strangers")
  func trunks() throws {
    let name = try only(changed("sip:127.0.0.1:5090;transport=udp", "sip:carrier.example"))
    #expect(name?.rule == .trunkByName && name?.place == .trunk("carrier"))
    let registered = changed(
      "\"sip:127.0.0.1:5090;transport=udp\"",
      "\"sip:carrier.example\", register: { username: us, password: Xk3!vB9qKw72 }")
    #expect(try findings(registered).map(\.rule) == [.anywhere])
    for (network, isWide) in [
      ("203.0.112.0/20", false), ("203.0.0.0/19", true), ("10.0.0.0/8", false),
      ("2001:db8::/44", false), ("2001:db8::/43", true), ("::/0", true), ("0.0.0.0/0", true),
      ("fd00::/8", false),
    ] {
      let sources = changed("channels: 1000", "channels: 1000, sources: [\"\(network)\"]")
      #expect(try findings(sources).contains { $0.rule == .trunkWide } == isWide, "\(network)")
      let spared = officeYAML + "\nplatform: { never_ban: [\"\(network)\"] }"
      #expect(try findings(spared).contains { $0.rule == .neverBan } == isWide, "\(network)")
    }
  }

  @Test("A tenant of whom nobody is told, for want of addresses or of a mail server")
  func nobodyTold() throws {
    let silent = try only(changed("    notices: { mail: [\"admin@office.example\"] }\n", ""))
    #expect(silent?.rule == .nobodyTold)
    #expect(silent?.text.contains("neither it nor the platform has notices") == true)
    let mute = try only(
      changed("mail: { server: \"smtp://127.0.0.1:2525\", from: \"martinet@office.example\" }", ""))
    #expect(mute?.text.contains("no mail server") == true)
    let told =
      changed("    notices: { mail: [\"admin@office.example\"] }\n", "")
      + "\nplatform: { notices: { mail: [noc@office.example] } }"
    #expect(try findings(told).map(\.rule) == [.anywhere])
  }

  @Test("Extensions that were not registered for 90 days, and of which something is known")
  func stale() throws {
    let checked = try read(officeYAML)
    let lines = checked.snapshot.extensions
    let limit = ConfigurationAudit.staleDays
    let found = try findings(
      officeYAML,
      registeredUntil: [
        lines[0].id: ServedFolder.daysAgo(limit), lines[1].id: ServedFolder.daysAgo(limit + 1),
      ]
    ).filter { $0.rule == .stale }
    #expect(
      found.map(\.text) == [
        "Extension 102 of office may call out, and was not registered for 90 days."
      ])
  }

  @Test("Secrets for carriers and of webhooks that are short or words")
  func secrets() throws {
    for (password, isWeak) in [("secret", true), ("Carrier2024", true), ("Xk3!vB9qKw72", false)] {
      let yaml = changed(
        "channels: 1000", "channels: 1000, register: { username: us, password: \(password) }")
      let found = try findings(yaml).filter { $0.rule == .trunkPassword }
      #expect(found.count == (isWeak ? 1 : 0), "\(password)")
      #expect(!"\(found)".contains(password))
    }
    for (secret, isWeak) in [("passwordpassword", true), ("k3hs8fj2ls9dk3hf", false)] {
      let yaml = changed(
        "notices: { mail: [\"admin@office.example\"] }",
        "notices: { mail: [a@b.example], webhooks: [{ url: \"https://b.example/\", secret: \(secret) }] }"
      )
      #expect(try findings(yaml).contains { $0.rule == .webhookSecret } == isWeak)
    }
  }

  @Test("Of whom nobody knows when he registered is said so, and not that all is well")
  func unknownUse() throws {
    let lines = try read(officeYAML).snapshot.extensions
    let found = try findings(officeYAML, registeredUntil: [lines[0].id: Self.now])
    #expect(found.filter { $0.rule == .unseenUse }.map(\.place) == [.lines(group("102"))])
  }

  private func group(_ numbers: String...) -> LineGroup {
    LineGroup(tenant: "office", numbers: numbers)
  }

  @Test("A number that forwards abroad, through other lines too, lets everybody call there")
  func forwards() throws {
    let rings = "      - number: \"102\"\n"
    let abroad = "      - { number: \"102\", forwards: { busy: \"+442071234567\" } }\n"
    // 101 rings at the number, and sends on to 102.
    let chained = changed(rings, abroad).replacing(
      "        name: Front desk\n",
      with: "        name: Front desk\n        forwards: { no_answer: \"102\" }\n")
    let found = try only(chained)
    #expect(found?.rule == .forwardsOut && found?.place == .lines(group("102")))
    #expect(
      found?.text
        == "What rings at +34976111222 goes by way of 101 and 102 to +442071234567, which 102 of office pays."
    )
    // Nobody rings 102 from outside; a forward at home costs what calls at home cost; in a circle nothing is found.
    let usual = try findings(officeYAML)
    #expect(try findings(changed(rings, abroad)) == usual)
    let home = changed(
      "        name: Front desk\n",
      "        name: Front desk\n        forwards: { always: \"+34976999888\" }\n")
    #expect(try findings(home) == usual)
    let circle = chained.replacing("+442071234567", with: "101")
    #expect(try findings(circle) == usual)
  }

  @Test("Of a range the extensions that its last digits name are rung")
  func forwardsOfRange() throws {
    let abroad = "      - { number: \"102\", forwards: { always: \"+442071234567\" } }\n"
    func found(_ first: String, _ last: String) throws -> [AuditRule] {
      let yaml = changed("      - number: \"102\"\n", abroad).replacing(
        "{ number: \"+34976111222\", to: [\"101\"] }",
        with: "{ first: \"\(first)\", last: \"\(last)\", last_digits: 3 }")
      return try findings(yaml).map(\.rule).filter { $0 == .forwardsOut }
    }
    #expect(try found("+34976111100", "+34976111199") == [.forwardsOut])
    #expect(try found("+34976111103", "+34976111199") == [])
  }

  @Test("A limit of every carrier is an end as well; of one of two it is none")
  func trunkLimits() throws {
    let own =
      "limits: { spend: { day: 10, month: 100 }, international: { hour: 10, day: 30, month: 100 } }"
    let open = changed(own, "limits: { spend: { day: none, month: none } }").replacing(
      "limits: { spend: { hour: 50, day: 200 }, basis: sell }", with: "limits: { basis: sell }")
    #expect(try findings(open).contains { $0.rule == .unlimited })
    let capped = open.replacing(
      "channels: 1000", with: "channels: 1000, limits: { spend: { day: 50 } }")
    let found = try findings(capped)
    #expect(!found.contains { $0.rule == .unlimited })
    #expect(found.contains { $0.rule == .noLimit })
    let two = capped.replacing("trunks: [carrier]", with: "trunks: [carrier, other]").replacing(
      "  - { name: carrier,",
      with: "  - { name: other, address: \"sip:127.0.0.1:5091\" }\n  - { name: carrier,")
    #expect(try findings(two).contains { $0.rule == .unlimited })
  }

  @Test("A limit of all together that is far above what all need is no help to who has none")
  func looseTenant() throws {
    let own =
      "limits: { spend: { day: 10, month: 100 }, international: { hour: 10, day: 30, month: 100 } }"
    let none = changed(own, "limits: { spend: { day: none, month: none } }")
    let usual = try findings(none)
    let loose = none.replacing("{ hour: 50, day: 200 }", with: "{ hour: 5000 }")
    let found = try findings(loose).filter { !usual.contains($0) }
    #expect(found.map(\.rule) == [.highLimit] && found.first?.place == .tenant("office"))
    // Where each has its own, it is no matter.
    #expect(
      !(try findings(changed("{ hour: 50, day: 200 }", "{ hour: 5000 }")).contains {
        $0.rule == .highLimit
      }))
  }

  @Test("A limit of shorter windows alone is worth what comes together in a month")
  func windows() throws {
    for (limits, isHigh) in [
      ("day: 100, month: none", true), ("hour: 100, day: none, month: none", true),
      ("hour: 1, day: none, month: none", false), ("day: 30, month: none", false),
    ] {
      let yaml = changed(
        "      - number: \"102\"\n",
        "      - { number: \"102\", limits: { spend: { \(limits) } } }\n")
      #expect(try findings(yaml).contains { $0.rule == .highLimit } == isHigh, "\(limits)")
    }
  }

  @Test(
    "A prefix opens what its class closes: it is costly where such numbers lie behind it",
    arguments: [
      ("+44", false), ("+4420", false), ("+449", true), ("+4470", true), ("+34806", true),
      ("+3491", false), ("+1900", true), ("+49900", true),
    ])
  func costlyPrefix(prefix: String, isCostly: Bool) throws {
    let yaml = changed("allow: [\"+44\"]", "allow: [\"\(prefix)\"]")
    #expect(try findings(yaml).contains { $0.rule == .costlyOpen } == isCostly)
  }

  @Test("A list of networks with all of the internet in it is anywhere, too")
  func everywhere() throws {
    for (sources, isAnywhere) in [
      ("[0.0.0.0/0, \"::/0\"]", true), ("[0.0.0.0/1, 128.0.0.0/1]", true), ("[10.0.0.0/8]", false),
      ("[\"2000::/3\"]", true), ("[203.0.113.0/24]", false),
    ] {
      let yaml = changed("currency: EUR\n", "currency: EUR\n    sources: \(sources)\n")
      #expect(try findings(yaml).contains { $0.rule == .anywhere } == isAnywhere, "\(sources)")
    }
  }

  @Test("A carrier that proves its name by a certificate may come from anywhere")
  func provenCarrier() throws {
    let wide = changed(
      "channels: 1000",
      "channels: 1000, sources: [\"0.0.0.0/0\"], client_certificate: carrier.example"
    )
    .replacing("sip:127.0.0.1:5090;transport=udp", with: "sip:carrier.example;transport=tls")
    #expect(try findings(wide).map(\.rule) == [.anywhere])
  }

  @Test("The password for the mail server is looked at as those for carriers are")
  func mail() throws {
    for (password, isWeak) in [
      ("Martinet1", true), ("4815162342", true), ("aaaabbbb", true), ("Xk3!vB9qKw72", false),
    ] {
      let yaml = changed(
        "from: \"martinet@office.example\" }",
        "from: \"martinet@office.example\", username: \"martinet@office.example\", password: \"\(password)\" }"
      )
      let found = try findings(yaml)
      #expect(found.contains { $0.rule == .mailPassword } == isWeak, "\(password)")
      #expect(!"\(found)".contains(password))
    }
  }
}
