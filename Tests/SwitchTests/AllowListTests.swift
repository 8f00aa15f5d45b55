import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// A right password from where its phone may not be: a stolen one (docs/guard.md, A49).
@Suite struct AllowListTests {
  private static let office = "198.51.100.0/24"
  private static let inside = "198.51.100.7:5062"
  private static let outside = [
    "203.0.113.9:5062", "[::ffff:203.0.113.9]:5062", "[2001:db8::9]:5062",
  ]

  /// Whose list keeps the thief out.
  enum List: CaseIterable {
    case tenant, phone, countries

    func town() throws -> Town {
      var town = Town()
      switch self {
      case .tenant: town.document.tenants[0].sources = [AllowListTests.office]
      case .phone: town.office("101") { $0.devices[0].sources = [AllowListTests.office] }
      case .countries:
        let rows = "198.51.100.0/24,ES\n203.0.113.0/24,FR\n"
        town.countries = try CountryTable(
          parsing: [CountryFile(name: "c", bytes: Array(rows.utf8))])
        town.document.tenants[0].sourceCountries = ["ES"]
      }
      return town
    }
  }

  private static let methods: [Method] = [
    .register, .invite, .message, .subscribe, .refer, .publish, .notify, .options, .info, .bye,
  ]

  /// Sends a request in which the password stands, again and again, and gives all that came back.
  private func answers(
    to method: Method, _ password: String, from address: String, _ town: Town, tries: Int = 14,
    copies: Int = 1, wrongURI: Bool = false, naming name: String = "101"
  ) throws -> (answers: [String], bench: Bench) {
    let bench = try Bench(town)
    let thief = UserAgent(bench, user: "101", address: address)
    bench.sent.removeAll()
    bench.copies = copies
    thief.password = wrongURI ? nil : password
    for number in 0..<tries {
      let target = URI(user: method == .register ? nil : "102", host: .name(Town.domain))
      var draft = RequestDraft(
        method, target: target, from: thief.address(name), to: thief.address(name))
      draft.callID = Array("\(method)-\(number)".utf8)
      if method == .invite { draft.body = .sdp(Array(Bench.sdp.utf8)) }
      thief.send(draft)
      bench.run(for: .milliseconds(100))
      guard wrongURI, let challenge = thief.responses.last, challenge.status == 401 else {
        continue
      }
      let account = DigestAccount(
        user: "101", realm: Town.domain, password: Secret(password))
      var dice = Dice.seeded(SplitMix(seed: UInt64(number)))
      let other = URI(user: "999", host: .name(Town.domain))
      let header = try #require(
        account.answer(challenge, method: method, uri: other, dice: &dice))
      thief.send(draft.repeated(after: challenge, adding: [header]))
      bench.run(for: .milliseconds(100))
    }
    return (bench.sent.map(\.text), bench)
  }

  @Test(
    "A49, E1: it is answered like a wrong one, byte for byte, whatever is sent and whosever list it is, bans included",
    arguments: List.allCases, outside)
  func likeAWrongOne(_ list: List, from address: String) throws {
    let town = try list.town()
    for method in Self.methods {
      let right = try answers(to: method, Town.password, from: address, town)
      let wrong = try answers(to: method, "a wrong one", from: address, town)
      #expect(right.answers == wrong.answers, "\(method)")
      #expect(!right.answers.isEmpty && !right.answers.contains { $0.hasPrefix("SIP/2.0 403") })
      #expect(right.bench.records.isEmpty && right.bench.core.bindings.count == 0)
      #expect(
        right.bench.ask(.bans(.list)).map { "\($0)" }
          == wrong.bench.ask(.bans(.list)).map { "\($0)" })
      let told = right.bench.alerts.filter { $0.kind == .passwordElsewhere }
      let isAsked = ![.publish, .options, .info, .bye].contains(method)
      #expect(told.count == (isAsked ? 1 : 0), "\(method)")
      #expect(!wrong.bench.alerts.contains { $0.kind == .passwordElsewhere })
    }
  }

  @Test("Nor do a nonce that was used, or a digest over another address, tell right from wrong")
  func usedAndMismatched() throws {
    let town = try List.tenant.town()
    for method in [Method.register, .invite, .message] {
      for (copies, wrongURI) in [(2, false), (1, true), (2, true)] {
        let right = try answers(
          to: method, Town.password, from: Self.outside[0], town, tries: 4, copies: copies,
          wrongURI: wrongURI)
        let wrong = try answers(
          to: method, "a wrong one", from: Self.outside[0], town, tries: 4, copies: copies,
          wrongURI: wrongURI)
        #expect(right.answers == wrong.answers, "\(method) \(copies) \(wrongURI)")
        #expect(right.bench.alerts.count == 1)
      }
    }
  }

  @Test("A24, A28: nor does it whom a request names, be it a colleague, nobody or a number")
  func named() throws {
    let town = try List.tenant.town()
    for method in [Method.register, .invite, .message] {
      for name in ["102", "999", "anonymous", "+34976111222"] {
        let right = try answers(
          to: method, Town.password, from: Self.outside[0], town, tries: 2, naming: name)
        let wrong = try answers(
          to: method, "a wrong one", from: Self.outside[0], town, tries: 2, naming: name)
        #expect(right.answers == wrong.answers && !right.answers.isEmpty, "\(method) \(name)")
        #expect(!right.answers.contains { $0.hasPrefix("SIP/2.0 403") })
        #expect(right.bench.core.bindings.count == 0 && right.bench.records.isEmpty)
      }
    }
  }

  @Test(
    "From where it may be the phone registers and calls, and nobody is told",
    arguments: List.allCases)
  func inside(_ list: List) throws {
    let bench = try Bench(list.town())
    for address in [Self.inside, "[::ffff:198.51.100.9]:5062"] {
      let phone = UserAgent(bench, user: "101", address: address)
      phone.register()
      #expect(phone.lastStatus == 200)
      phone.call("102")
      bench.run(for: .milliseconds(200))
      #expect(phone.lastStatus == 480, "nobody is registered there")
    }
    #expect(bench.alerts.isEmpty)
  }

  @Test("A49: its owner is told once a day for each network, of four at most, with what to look at")
  func told() throws {
    let bench = try Bench(List.countries.town())
    func elsewhere() -> [Alert] { bench.alerts.filter { $0.kind == .passwordElsewhere } }
    for _ in 0..<3 { UserAgent(bench, user: "101", address: Self.outside[0]).register() }
    #expect(elsewhere().count == 1)
    let alert = try #require(elsewhere().first)
    #expect(alert.severity == .critical && alert.tenant == TenantID(1))
    #expect(
      alert.facts.map { "\($0.name): \($0.value)" } == [
        "user: 101", "from: 203.0.113.9", "located in: FR", "tried: REGISTER",
        "allowed: ES (office)",
      ])
    UserAgent(bench, user: "101", address: "203.0.113.77:5062").register()
    #expect(elsewhere().count == 1, "the same network")
    for number in 0..<9 {
      UserAgent(bench, user: "101", address: "192.0.\(number).9:5062").register()
    }
    #expect(elsewhere().count == 4)
    UserAgent(bench, user: "102", address: Self.outside[0]).register()
    #expect(elsewhere().count == 5)
    bench.run(for: .seconds(86_400))
    UserAgent(bench, user: "101", address: Self.outside[0]).register()
    #expect(elsewhere().count == 6)
    #expect(Set(elsewhere().map(\.key)).count == 6)
  }

  @Test("Where the files lack a family its owner is told that this is why")
  func family() throws {
    let bench = try Bench(List.countries.town())
    UserAgent(bench, user: "101", address: "[2001:db8:1::9]:5062").register()
    let alert = try #require(bench.alerts.first { $0.kind == .passwordElsewhere })
    #expect(
      alert.facts.contains(Alert.Fact("located in", "no country: the files have no IPv6 addresses"))
    )
  }

  @Test(
    "A list that is narrowed ends the registrations it keeps out, over a restart, and no others")
  func narrowed() throws {
    let bench = try Bench()
    let near = UserAgent(bench, user: "101", address: Self.inside)
    let far = UserAgent(bench, user: "101", address: Self.outside[0])
    let other = UserAgent(bench, user: "102", address: "203.0.113.9:7000")
    for phone in [near, far, other] { phone.register() }
    #expect(bench.core.bindings.count == 3)
    bench.town.office("101") { $0.devices[0].sources = [Self.office] }
    try bench.adopt(revision: 2)
    bench.run(for: .milliseconds(10))
    #expect(
      bench.core.bindings.all(at: bench.now.wall).map(\.flow.remote) == [
        near.endpoint, other.endpoint,
      ])
    try bench.restart()
    #expect(
      bench.core.bindings.all(at: bench.now.wall).map(\.flow.remote) == [
        near.endpoint, other.endpoint,
      ])
    near.manner = .rings
    far.manner = .rings
    other.call("101")
    bench.run(for: .seconds(1))
    #expect(near.received(.invite).count == 1 && far.received(.invite).isEmpty)
  }

  @Test(
    "Each registration knows whose password it was: another phone's list is not its own, nor over a restart"
  )
  func whichPhone() throws {
    var town = Town()
    town.office("101") { line in
      var mobile = line.devices[0]
      mobile.username = "mobile"
      let hash = { (algorithm: DigestAlgorithm) in
        Secret(
          DigestSecrets.hash(
            user: Array("mobile".utf8), realm: Array(Town.domain.utf8),
            password: Secret(Town.password), algorithm: algorithm))
      }
      mobile.hashes = CredentialHashes(
        md5: hash(.md5), sha256: hash(.sha256), sha512256: hash(.sha512Half))
      line.devices.append(mobile)
    }
    let bench = try Bench(town)
    let mobile = UserAgent(bench, user: "mobile", address: Self.outside[0])
    let desk = UserAgent(bench, user: "101", address: Self.inside)
    mobile.register(to: "101")
    desk.register()
    #expect(mobile.lastStatus == 200 && bench.core.bindings.count == 2)
    bench.town.office("101") { $0.devices[0].sources = [Self.office] }
    try bench.restart()
    #expect(bench.core.bindings.count == 2, "the mobile may be anywhere")
    let phones = bench.core.attendance(at: bench.now.wall).compactMap { presence in
      if case .phone(_, let device?) = presence.who { device } else { nil }
    }
    #expect(Set(phones).count == 2)
    bench.town.office("101") { $0.devices.removeLast() }
    try bench.adopt(revision: 12)
    #expect(bench.core.bindings.all(at: bench.now.wall).map(\.flow.remote) == [desk.endpoint])
  }

  @Test("Before a replay has ended those are there, too, whose connections are gone")
  func connected() throws {
    let remote = try #require(Endpoint(Self.outside[0]))
    func binding(_ connection: FlowID?) -> Binding {
      let flow = Flow(
        transport: connection == nil ? .udp : .tls, local: Bench.switchEndpoint, remote: remote,
        connection: connection)
      return Binding(
        extension: ExtensionID(1), key: .contact("sip:101@203.0.113.9"), tenant: TenantID(1),
        contact: "sip:101@203.0.113.9", flow: flow, path: [], callID: "a", sequence: 1,
        expiresAt: WallTime(unixMilliseconds: 2_000), preference: 1000, userAgent: "",
        registeredAt: WallTime(unixMilliseconds: 1_000), device: nil)
    }
    let wall = WallTime(unixMilliseconds: 1_500)
    var table = BindingTable()
    table.replay(.put(binding(FlowID(7))))
    #expect(table.attendance(at: wall) == [binding(FlowID(7))] && table.all(at: wall).isEmpty)
    #expect(table.attendance(at: WallTime(unixMilliseconds: 2_000)).isEmpty)
    table.replay(.put(binding(nil)))
    #expect(table.attendance(at: wall) == [binding(nil)], "the same phone, by datagrams now")
    table.replay(.put(binding(FlowID(8))))
    table.replay(.removed(ExtensionID(1), .contact("sip:101@203.0.113.9")))
    #expect(table.attendance(at: wall).isEmpty)
    table.replay(.put(binding(FlowID(9))))
    table.recovered(at: Now(instant: Instant(nanoseconds: 0), wall: wall))
    #expect(table.attendance(at: wall).isEmpty, "a server that runs knows who is there")
  }

  @Test(
    "A binding as it was written before its phone was known is read, and may be any phone of its extension"
  )
  func olderJournal() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: Self.outside[0])
    phone.register()
    var binding = try #require(bench.core.bindings.all(at: bench.now.wall).first)
    var writer = ByteWriter()
    BindingChange.put(binding).encode(into: &writer)
    // The device stands at the end: a mark and eight bytes.
    var older = Array(writer.bytes.dropLast(9))
    older[0] = 1
    var reader = ByteReader(older)
    let change = try BindingChange(from: &reader)
    #expect(reader.isAtEnd)
    binding.device = nil
    #expect(change == .put(binding))
    bench.core.bindings.replay(change)
    try bench.adopt(revision: 2)
    #expect(bench.core.bindings.count == 1)
    bench.town.document.tenants[0].sources = [Self.office]
    try bench.adopt(revision: 3)
    #expect(bench.core.bindings.count == 0)
  }

  @Test("A file of countries that puts a phone elsewhere ends its registration")
  func moved() throws {
    let bench = try Bench(List.countries.town())
    let phone = UserAgent(bench, user: "101", address: Self.inside)
    phone.register()
    #expect(bench.core.bindings.count == 1)
    bench.town.countries = try CountryTable(
      parsing: [CountryFile(name: "c", bytes: Array("198.51.100.0/24,FR\n10.0.0.0/8,ES\n".utf8))])
    try bench.adopt(revision: 2)
    #expect(bench.core.bindings.count == 0)
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 401)
  }

  @Test("A30: a right password within a call counts from where its phone may be only")
  func withinACall() throws {
    let bench = try Bench(List.tenant.town())
    let (caller, callee) = bench.twoPhonesTalking()
    let dialog = try #require(caller.dialog)
    for (address, isInside) in [(Self.outside[0], false), ("198.51.100.99:7000", true)] {
      let moved = try #require(Endpoint(address))
      (caller.source, bench.agents[moved]) = (moved, caller)
      caller.send(in: dialog, RequestDraft(.info))
      bench.run(for: .seconds(1))
      let challenge = try #require(caller.responses.last)
      #expect(challenge.status == 401, "\(address)")
      let account = DigestAccount(
        user: "101", realm: Town.domain, password: Secret(Town.password))
      var dice = Dice.seeded(SplitMix(seed: 5))
      let header = try #require(
        account.answer(challenge, method: .info, uri: URI(host: .name(Town.domain)), dice: &dice))
      caller.send(in: dialog, RequestDraft(.info, headers: [header]))
      bench.run(for: .seconds(1))
      #expect(callee.received(.info).count == (isInside ? 1 : 0), "\(address)")
      #expect(caller.lastStatus == (isInside ? 200 : 401), "\(address)")
    }
    #expect(bench.alerts.count == 1 && bench.core.calls.count == 1)
  }

  @Test(
    "A carrier calls from its own list only, not even from where it is called, and is called all the same"
  )
  func carrier() throws {
    var town = Town()
    town.document.trunks[0].sources = ["203.0.113.0/28"]
    let bench = try Bench(town)
    let desk = UserAgent(bench, user: "101", address: Self.inside)
    desk.manner = .rings
    desk.register()
    func call(from address: String) -> UInt16? {
      let carrier = UserAgent(bench, user: "", address: address, domain: "carrier.example")
      carrier.password = nil
      let host = Host.address(Bench.switchEndpoint.address)
      carrier.call(
        Town.ddi, from: NameAddress(uri: URI(user: "+34600111222", host: .name("carrier.example"))),
        target: URI(user: Town.ddi, host: host))
      bench.run(for: .seconds(1))
      return carrier.lastStatus
    }
    #expect(call(from: "203.0.113.7:5060") == 180)
    #expect(call(from: "192.0.2.50:5060") == 403)
    #expect(call(from: "203.0.113.16:5060") == 403)
    #expect(desk.received(.invite).count == 1)
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .milliseconds(100))
    desk.call("976333444")
    bench.run(for: .seconds(2))
    #expect(desk.statuses().last == 200)
    guard case .attendance(let present)? = bench.ask(.attendance) else {
      Issue.record("no attendance")
      return
    }
    let carriers = present.compactMap { presence in
      if case .carrier(let trunk) = presence.who { "\(trunk) \(presence.address)" } else { nil }
    }
    // Where both trunks are called, and where a call of the first has come from.
    #expect(carriers == ["1 192.0.2.50", "2 192.0.2.51", "1 203.0.113.7"])
    #expect(present.count == 4)
  }
}
