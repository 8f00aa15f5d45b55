import ConfigurationFiles
import Directory
import Elements
import Server
import Testing

/// What the audit says of configurations: each of them is the office of the manual with one thing changed.
@Suite struct ConfigurationAuditTests {
  private static let now = ServedFolder.now

  private func findings(
    _ yaml: String, registeredUntil: [ExtensionID: WallTime] = [:]
  ) throws -> [AuditFinding] {
    let checked = try read(yaml)
    return ConfigurationAudit(
      checked.document, checked.snapshot, registeredUntil: registeredUntil, at: Self.now
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
}
