import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct RegistrarTests {
  private func phone(_ bench: Bench, _ user: String = "101") -> UserAgent {
    UserAgent(bench, user: user, address: "198.51.100.7:5062")
  }

  private func registrations(_ bench: Bench) -> [RegistrationSummary] {
    guard case .registrations(let list)? = bench.ask(.registrations(nil)) else { return [] }
    return list
  }

  @Test("RFC 3261 §10.3: a challenged phone registers, and 200 lists its binding")
  func registers() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register()
    #expect(phone.lastStatus == 200)
    let contact = try #require(phone.responses.last?.text(.contact))
    #expect(contact.hasPrefix("<sip:101@198.51.100.7:5062>;expires=3600"))
    #expect(phone.responses.last?.has(.date) == true)
    #expect(registrations(bench).map(\.remote) == [phone.endpoint])
  }

  @Test("A copy of a REGISTER gets a fresh challenge, changes nothing and leaves nothing")
  func copies() throws {
    let bench = try Bench()
    let phone = phone(bench)
    bench.copies = 2
    phone.register()
    #expect(phone.lastStatus == 200)
    #expect(registrations(bench).map(\.remote) == [phone.endpoint])
    let challenges = bench.sent.map(\.text).filter { $0.hasPrefix("SIP/2.0 401") }
    #expect(challenges.filter { $0.contains("stale=true") }.count == 1)
    let changes = bench.entries.filter { if case .binding = $0 { true } else { false } }
    #expect(changes.count == 1)
    #expect(bench.core.sip.isAtRest)
  }

  @Test("A wrong password and an unknown user are answered alike (A02)")
  func wrongPassword() throws {
    let bench = try Bench()
    let thief = UserAgent(bench, user: "101", address: "203.0.113.9:5062")
    thief.password = "guess"
    thief.register()
    let nobody = UserAgent(bench, user: "999", address: "203.0.113.9:5063")
    nobody.register()
    #expect(thief.responses.map { $0.status?.number } == [401, 401])
    #expect(nobody.responses.map { $0.status?.number } == [401, 401])
    #expect(thief.responses.last?.text(.server) == nil)
  }

  @Test("With one tenant our own address stands for its domain; with two it names nobody")
  func byAddress() throws {
    var town = Town()
    let host = "\(Bench.switchEndpoint.address)"
    let strange = UserAgent(
      try Bench(town), user: "101", address: "198.51.100.7:5062", domain: host)
    strange.register()
    #expect(strange.lastStatus == 403)
    town.document.tenants.removeLast()
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062", domain: host)
    phone.realm = Town.domain
    phone.register()
    #expect(phone.lastStatus == 200)
    phone.call("102")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 480, "102 is known and has no phone")
  }

  @Test("A domain may be an address, and one that is not ours: that of the NAT before us")
  func byAddressOfNAT() throws {
    var town = Town()
    let domain = "203.0.113.80"
    let lines = ["101", "102", "103", "104"].map { town.line($0, domain) }
    (town.document.tenants[0].domain, town.document.tenants[0].extensions) = (domain, lines)
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062", domain: domain)
    phone.register()
    #expect(phone.lastStatus == 200)
    phone.call("102")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 480, "102 is known and has no phone")
  }

  @Test("A28: nobody registers another user's address, with contacts, wildcard or expires 0")
  func hijack() throws {
    let bench = try Bench()
    let owner = phone(bench)
    owner.register()
    let thief = UserAgent(bench, user: "102", address: "203.0.113.9:5062")
    thief.register(to: "101")
    #expect(thief.lastStatus == 403)
    thief.register(expires: 0, contact: "*", to: "101")
    #expect(thief.lastStatus == 403)
    thief.register(expires: 0, contact: owner.contact(), to: "101")
    #expect(thief.lastStatus == 403)
    #expect(registrations(bench).map(\.remote) == [owner.endpoint])
  }

  @Test("A28: nor the same user of another tenant, or of a domain that is nobody's")
  func foreignDomain() throws {
    let bench = try Bench()
    let thief = phone(bench)
    for domain in [Town.otherDomain, "elsewhere.example"] {
      var draft = RequestDraft(
        .register, target: URI(host: .name(Town.domain)), from: thief.address("101"),
        to: NameAddress(uri: URI(user: "101", host: .name(domain))))
      draft.contact = .exactly(Array(thief.contact().utf8))
      thief.send(draft)
      bench.run(for: .milliseconds(100))
      #expect(thief.lastStatus == 403, "\(domain)")
    }
    #expect(registrations(bench).isEmpty)
  }

  @Test(
    "RFC 3261 §10.2.2: expires 0 removes one binding, the wildcard all, and it needs Expires: 0")
  func removal() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register()
    phone.register(contact: "<sip:101@198.51.100.7:5070>")
    #expect(registrations(bench).count == 2)
    phone.register(expires: 0)
    #expect(registrations(bench).map(\.contact) == ["sip:101@198.51.100.7:5070"])
    phone.register(expires: 60, contact: "*")
    #expect(phone.lastStatus == 400)
    phone.register(expires: 0, contact: "*")
    #expect(phone.lastStatus == 200)
    #expect(registrations(bench).isEmpty)
  }

  @Test(
    "RFC 5626 §6: a phone that gives its instance once and once not is one phone, and rings once")
  func sameContact() throws {
    let bench = try Bench()
    let phone = phone(bench)
    let caller = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    let instance = ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1"
    for (index, parameters) in ["", instance, ""].enumerated() {
      phone.register(contact: phone.contact(parameters))
      #expect(registrations(bench).count == 1, "\(index)")
      caller.call("101")
      bench.run(for: .seconds(1))
      #expect(phone.received(.invite).count == index + 1)
      caller.cancel()
      bench.run(for: .seconds(1))
    }
    phone.register(contact: phone.contact(instance))
    // Another phone behind another router may have the same private address.
    let twin = instance.replacing("E128", with: "E129")
    phone.register(contact: phone.contact(twin))
    #expect(registrations(bench).count == 2)
    phone.register(expires: 0)
    #expect(registrations(bench).isEmpty)
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try revived.replay(batch) }
    #expect(revived.bindings.count == 0)
  }

  @Test(
    "Phones in two houses may have the same private address: both ring, each keeps its calls",
    arguments: ["", ";+sip.instance=\"<urn:uuid:1>\""])
  func samePrivateAddress(instance: String) throws {
    let bench = try Bench()
    let contact = "<sip:101@192.168.1.20:5060>"
    let phones = ["198.51.100.7:5062", "203.0.113.9:5062"].map {
      UserAgent(bench, user: "101", address: $0)
    }
    phones[0].manner = .answers(after: .seconds(1))
    phones[1].manner = .rings
    phones[0].register(expires: 120, contact: contact + instance, callID: "home")
    phones[1].register(contact: contact, callID: "work")
    #expect(registrations(bench).count == 2)
    let caller = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    caller.call("101")
    bench.run(for: .seconds(3))
    #expect(phones.map { $0.received(.invite).count } == [1, 1])
    #expect(caller.lastStatus == 200)
    phones[1].register(contact: contact, callID: "work", cseq: 10)
    #expect(phones[1].lastStatus == 200)
    // Each is told of its own, or it would come back when the other has to.
    let told = phones.map { $0.responses.last { $0.cseq.method == .register } }
    #expect(told.map { $0?.lines(.contact).count } == [1, 1])
    caller.hangUp()
    bench.run(for: .seconds(1))
    #expect(bench.requests("BYE", to: phones[0].endpoint).count == 1)
    // One whose house has got another address is still the same.
    let moved = UserAgent(bench, user: "101", address: "203.0.113.77:5062")
    moved.register(contact: contact, callID: "work", cseq: 20)
    #expect(Set(registrations(bench).map(\.remote)) == [phones[0].endpoint, moved.endpoint])
    moved.register(expires: 0, contact: contact, callID: "work", cseq: 30)
    #expect(registrations(bench).map(\.remote) == [phones[0].endpoint])
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try revived.replay(batch) }
    #expect(revived.bindings.all(at: bench.now.wall).map(\.flow.remote) == [phones[0].endpoint])
  }

  @Test(
    "RFC 3261 §10.3: too short is 423 with Min-Expires, too long is cut, nothing is the default")
  func expiry() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register(expires: 10)
    #expect(phone.lastStatus == 423)
    #expect(phone.responses.last?.text(.minExpires) == "60")
    phone.register(expires: 1_000_000)
    #expect(phone.responses.last?.text(.contact)?.hasSuffix(";expires=7200") == true)
    phone.register(expires: nil)
    #expect(phone.responses.last?.text(.contact)?.hasSuffix(";expires=3600") == true)
    bench.run(for: .seconds(3601))
    #expect(registrations(bench).isEmpty)
  }

  @Test("RFC 3261 §10.2.3: without Contact the bindings are listed and nothing changes")
  func query() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register()
    phone.register(expires: nil, contact: "")
    #expect(phone.lastStatus == 200)
    #expect(phone.responses.last?.text(.contact)?.contains("198.51.100.7:5062") == true)
    #expect(registrations(bench).count == 1)
  }

  @Test("RFC 3261 §10.3 step 7: an older CSeq of the same Call-ID changes nothing")
  func outOfOrder() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register(callID: "one", cseq: 50)
    phone.register(expires: 0, callID: "one", cseq: 20)
    #expect(phone.lastStatus == 400)
    #expect(registrations(bench).count == 1)
  }

  @Test("A29: more contacts than an extension may have are refused whole")
  func stuffing() throws {
    let bench = try Bench()
    let phone = phone(bench)
    let many = (0..<50).map { "<sip:101@198.51.100.7:\(6000 + $0)>" }.joined(separator: ", ")
    phone.register(contact: many)
    #expect(phone.lastStatus == 403)
    phone.register(contact: "<tel:+34976111222>")
    #expect(phone.lastStatus == 400)
    let long = String(repeating: "1", count: 600)
    phone.register(contact: "<sip:\(long)@198.51.100.7>")
    #expect(phone.lastStatus == 400)
    #expect(registrations(bench).isEmpty)
    for number in 0..<12 {
      phone.register(contact: "<sip:101@198.51.100.7:\(6000 + number)>")
      #expect(phone.lastStatus == (number < 10 ? 200 : 403), "one after the other")
    }
    #expect(registrations(bench).count == 10)
  }

  @Test("RFC 5626 §6: the same instance and reg-id replace the binding, another reg-id adds one")
  func outbound() throws {
    let bench = try Bench()
    let phone = phone(bench)
    let instance = ";+sip.instance=\"<urn:uuid:1>\""
    let supported = [HeaderDraft(.supported, "path, outbound")]
    phone.register(contact: phone.contact(instance + ";reg-id=1"), headers: supported)
    #expect(phone.responses.last?.require.contains("outbound") == true)
    phone.register(
      contact: "<sip:101@198.51.100.7:5999>\(instance);reg-id=1", headers: supported)
    #expect(registrations(bench).map(\.contact) == ["sip:101@198.51.100.7:5999"])
    phone.register(contact: phone.contact(instance + ";reg-id=2"), headers: supported)
    #expect(registrations(bench).count == 2)
  }

  @Test("RFC 3261 §10.3: the 200 has the preference of each contact that gave one")
  func preferences() throws {
    let bench = try Bench()
    let phone = phone(bench)
    for (given, told) in [
      (";q=0.5", ";q=0.500"), (";q=0.05", ";q=0.050"), (";q=0", ";q=0.000"), ("", ""),
    ] {
      phone.register(contact: phone.contact(given))
      let contact = try #require(phone.responses.last?.text(.contact))
      #expect(contact.hasSuffix(";expires=3600" + told))
    }
  }

  @Test("RFC 5626 §4.4.2: a keep-alive of a registered flow is answered, that of a stranger is not")
  func keepAlive() throws {
    let bench = try Bench()
    let phone = phone(bench)
    let request: [UInt8] = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + (1...12).map { $0 }
    phone.say(request)
    #expect(bench.sent.isEmpty)
    phone.register()
    bench.sent = []
    phone.say(request)
    #expect(bench.sent.map(\.to) == [phone.endpoint])
    let stranger = UserAgent(bench, user: "101", address: "198.51.100.7:5063")
    bench.sent = []
    stranger.say(request)
    #expect(bench.sent.isEmpty)
  }

  @Test("A phone that says who it is and is started anew is one phone, whatever its port")
  func startedAnew() throws {
    let bench = try Bench()
    let instance = ";+sip.instance=\"<urn:uuid:1>\""
    var last = phone(bench)
    for port in 6000..<6015 {
      last = UserAgent(bench, user: "101", address: "198.51.100.7:\(port)")
      last.register(contact: last.contact(instance))
      #expect(last.lastStatus == 200)
      let contact = try #require(last.responses.last?.text(.contact))
      #expect(contact.hasSuffix(";expires=3600;+sip.instance=\"<urn:uuid:1>\""))
    }
    #expect(registrations(bench).map(\.remote) == [last.endpoint])
    // Numbered flows take the place of the one without a number, and it theirs.
    for number in 1...2 {
      last.register(contact: last.contact("\(instance);reg-id=\(number)"))
      #expect(registrations(bench).count == number)
    }
    last.register(contact: last.contact(instance))
    #expect(registrations(bench).count == 1)
  }

  @Test("RFC 5626 §7: a phone with two flows is asked over one of them")
  func twoFlows() throws {
    let bench = try Bench()
    let flows = [5062, 5072].map {
      UserAgent(bench, user: "101", address: "198.51.100.7:\($0)")
    }
    for (index, flow) in flows.enumerated() {
      flow.register(contact: flow.contact(";+sip.instance=\"<urn:uuid:1>\";reg-id=\(index + 1)"))
    }
    let other = UserAgent(bench, user: "101", address: "198.51.100.9:5062")
    other.register(contact: other.contact(";+sip.instance=\"<urn:uuid:2>\";reg-id=1"))
    let caller = UserAgent(bench, user: "102", address: "198.51.100.8:5064")
    caller.call("101")
    bench.run(for: .seconds(1))
    #expect(flows.map { $0.received(.invite).count }.reduce(0, +) == 1)
    #expect(other.received(.invite).count == 1)
    caller.cancel()
    bench.run(for: .seconds(1))
    // Whose flow is dead at one end is asked over its other one.
    for flow in flows { flow.manner = .refuses(430, []) }
    other.manner = .refuses(486, [])
    caller.call("101")
    bench.run(for: .seconds(1))
    #expect(flows.map { $0.received(.invite).count }.sorted() == [1, 2])
    #expect(caller.lastStatus == 486)
  }

  @Test("RFC 3327 §5.3: Path comes back in the 200 and leads the calls")
  func path() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register(headers: [
      HeaderDraft(.path, "<sip:edge.example;lr>"), HeaderDraft(.supported, "path"),
    ])
    #expect(phone.responses.last?.text(.path) == "<sip:edge.example;lr>")
    let caller = UserAgent(bench, user: "102", address: "198.51.100.8:5062")
    caller.call("101")
    bench.run(for: .seconds(1))
    #expect(phone.received(.invite).first?.text(.route) == "<sip:edge.example;lr>")
  }

  @Test("Bindings are back after a restart, those over connections and removed ones are not")
  func restart() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.register()
    let other = UserAgent(bench, user: "102", address: "198.51.100.8:5062")
    other.register()
    other.register(expires: 0)
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try revived.replay(batch) }
    var effects: [SwitchEffect] = []
    revived.recover(at: bench.now, into: &effects)
    bench.core = revived
    try bench.adopt(revision: 2)
    #expect(registrations(bench).map(\.remote) == [phone.endpoint])
    let caller = UserAgent(bench, user: "103", address: "198.51.100.9:5062")
    caller.call("101")
    bench.run(for: .seconds(1))
    #expect(phone.received(.invite).count == 1)
  }

  @Test("Refreshes are written seldom, and what is written never ends before the binding")
  func coalescing() throws {
    let bench = try Bench()
    let phone = phone(bench)
    var written: Int {
      bench.entries.count { if case .binding = $0 { true } else { false } }
    }
    let before = written
    for _ in 0..<40 {
      phone.register(expires: 60)
      bench.run(for: .seconds(30))
      let last = bench.entries.compactMap { entry -> Binding? in
        if case .binding(.put(let binding)) = entry { binding } else { nil }
      }.last
      let live = try #require(registrations(bench).first)
      #expect(try #require(last).expiresAt >= live.expiresAt)
    }
    #expect((2...40).contains(written - before))
  }

  @Test("A phone's connection takes its bindings with it")
  func connectionClosed() {
    var table = BindingTable()
    let now = Now(instant: .start, wall: WallTime(unixMilliseconds: 1_000_000))
    let flow = Flow(
      transport: .tcp, local: Bench.switchEndpoint, remote: Bench.switchEndpoint,
      connection: FlowID(4))
    let binding = Binding(
      extension: ExtensionID(1), key: .contact("sip:a@b"), tenant: TenantID(1), contact: "sip:a@b",
      flow: flow, path: [], callID: "c", sequence: 1, expiresAt: now.wall + .seconds(60),
      preference: 1000, userAgent: "", registeredAt: now.wall)
    let line = table.place(for: ExtensionID(1))
    #expect(table.put(binding, in: line, granted: .seconds(60), at: now) != nil)
    #expect(table.closed(FlowID(4)) == [.removed(ExtensionID(1), .contact("sip:a@b"))])
    #expect(table.bindings(of: ExtensionID(1), at: now.wall).isEmpty)
  }

  @Test("A phone that refreshes waits for its expiry once, and runs out at the last one")
  func refreshedExpiry() {
    var table = BindingTable()
    let start = Now(instant: .start, wall: WallTime(unixMilliseconds: 1_000_000))
    func put(_ granted: Duration, at now: Now) {
      let binding = Binding(
        extension: ExtensionID(1), key: .contact("sip:a@b"), tenant: TenantID(1),
        contact: "sip:a@b",
        flow: Flow(transport: .udp, local: Bench.switchEndpoint, remote: Bench.switchEndpoint),
        path: [], callID: "c", sequence: 1, expiresAt: now.wall + granted, preference: 1000,
        userAgent: "", registeredAt: now.wall)
      let line = table.place(for: ExtensionID(1))
      _ = table.put(binding, in: line, granted: granted, at: now)
    }
    for second in Int64(0)..<100 { put(.seconds(60), at: start + .seconds(second)) }
    #expect(table.expiries.count == 1)
    #expect(table.deadline == start.instant + .seconds(60))
    // Looked at, and put back for what the last refresh asked for.
    #expect(table.expire(at: start + .seconds(100)).isEmpty)
    #expect(table.deadline == start.instant + .seconds(159))
    // A shorter one overtakes it; the longer one that it left behind does nothing.
    put(.seconds(10), at: start + .seconds(100))
    #expect(table.deadline == start.instant + .seconds(110))
    put(.seconds(60), at: start + .seconds(105))
    #expect(table.expire(at: start + .seconds(164)).isEmpty)
    #expect(
      table.expire(at: start + .seconds(165)) == [.removed(ExtensionID(1), .contact("sip:a@b"))])
    #expect(table.expire(at: start + .seconds(1_000)).isEmpty && table.expiries.count == 0)
    #expect(table.count == 0 && table.deadline == nil)
  }

  @Test("OPTIONS is answered with what we can, and tells neither name nor version (A01)")
  func options() throws {
    let bench = try Bench()
    let phone = phone(bench)
    phone.send(
      RequestDraft(
        .options, target: URI(host: .name(Town.domain)), from: phone.address("101"),
        to: phone.address("101")))
    bench.run(for: .seconds(1))
    let answer = try #require(phone.responses.last)
    #expect(answer.status == 200)
    #expect(answer.allow.contains("invite"))
    #expect(!answer.has(.server) && !answer.has(.userAgent))
  }
}
