import Directory
import Elements
import Guard
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Strangers at the edge, with real messages (docs/guard.md, A01 to A12).
@Suite struct EdgeTests {
  private static let thiefAddress = "203.0.113.9"
  /// IPv4, the same as IPv6 writes it, and IPv6.
  private static let families = [thiefAddress, "[::ffff:203.0.113.9]", "[2001:db8:9::9]"]

  /// Registers with so many different passwords.
  private func guess(
    _ bench: Bench, _ user: String, passwords: Int, port: Int = 6_000,
    from address: String = Self.thiefAddress
  ) -> UserAgent {
    let thief = UserAgent(bench, user: user, address: "\(address):\(port)")
    for number in 0..<passwords {
      thief.password = "guess \(number)"
      thief.register()
    }
    return thief
  }

  private func bans(_ bench: Bench) -> [BanSubject] {
    guard case .bans(let bans)? = bench.ask(.bans(.list)) else { return [] }
    return bans.map(\.subject)
  }

  private var network: IPNetwork { network(of: Self.thiefAddress) }

  /// What is judged of an address as it stands in a URI.
  private func network(of address: String) -> IPNetwork {
    Neighbourhood(of: Endpoint("\(address):1")?.address ?? .v4Any).network
  }

  @Test(
    "A03: after ten wrong passwords even the right one is wrong from there; the phone's own address is not touched",
    arguments: families)
  func guessing(from address: String) throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    let thief = guess(bench, "101", passwords: 11, from: address)
    #expect(bans(bench).map(\.network) == [network(of: address)])
    #expect(bans(bench).allSatisfy { $0.user != nil })
    thief.password = Town.password
    thief.register()
    #expect(thief.lastStatus == 401, "its one look a minute is used up")
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 200)
    bench.run(for: .seconds(61))
    thief.register()
    #expect(thief.lastStatus == 200, "the owner himself, who has found his password")
    #expect(bans(bench).isEmpty)
  }

  @Test("A08: in a flood the kernel thins out strangers and nobody who is known, until it is over")
  func siege() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    bench.happen(.unheard(ByFamily(v4: 0, v6: 0)))
    #expect(bench.sieve == nil)
    bench.run(for: .seconds(1))
    bench.happen(.unheard(ByFamily(v4: 50_000, v6: 0)))
    let sieve = try #require(bench.sieve)
    #expect(sieve.knows(try #require(IPAddress("198.51.100.7"))))
    #expect(!sieve.knows(try #require(IPAddress(Self.thiefAddress))))
    // Somebody new is known at the next look.
    let other = UserAgent(bench, user: "102", address: "\(Self.thiefAddress):5062")
    other.register()
    bench.run(for: .seconds(1))
    bench.happen(.unheard(ByFamily(v4: 100_000, v6: 0)))
    #expect(try #require(bench.sieve).knows(try #require(IPAddress(Self.thiefAddress))))
    for _ in 0..<10 {
      #expect(bench.sieve != nil)
      bench.run(for: .seconds(1))
      bench.happen(.unheard(ByFamily(v4: 100_000, v6: 0)))
    }
    #expect(bench.sieve == nil)
  }

  @Test(
    "A05: who tries five users that are not there gets no byte any more", arguments: families)
  func unknownUsers(from address: String) throws {
    let bench = try Bench()
    for number in 0..<5 {
      _ = guess(bench, "9\(number)", passwords: 1, port: 6_000 + number, from: address)
    }
    #expect(bans(bench) == [.network(network(of: address))])
    bench.sent.removeAll()
    let again = UserAgent(bench, user: "101", address: "\(address):7000")
    again.register()
    #expect(bench.sent.isEmpty && again.responses.isEmpty)
    bench.run(for: .seconds(301))
    again.register(cseq: 2)
    #expect(again.lastStatus == 200)
  }

  @Test(
    "A07: credentials with a nonce that was never sent there count for nothing",
    arguments: families, [false, true])
  func spoofed(from address: String, hasForeignNonce: Bool) throws {
    let bench = try Bench()
    let remote = try #require(Endpoint("\(address):5060"))
    for number in 0..<100 {
      // Of somebody's own making, or sent to him where he is.
      let nonce =
        hasForeignNonce
        ? try nonceSent(to: "198.51.100.66:5060", bench, number) : "\(number)"
      let credentials = """
        Digest username="9\(number)", realm="\(Town.domain)", nonce="\(nonce)", uri="sip:\(Town.domain)", \
        response="0123456789abcdef0123456789abcdef", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"
        """
      register(bench, "9\(number)", from: remote, number, "Authorization: \(credentials)\r\n")
    }
    #expect(bans(bench).isEmpty)
  }

  /// A REGISTER by datagram, whose sender need not be where it says.
  private func register(
    _ bench: Bench, _ user: String, from remote: Endpoint, _ number: Int, _ headers: String = ""
  ) {
    let text = """
      REGISTER sip:\(Town.domain) SIP/2.0\r
      Via: SIP/2.0/UDP \(remote);branch=z9hG4bK\(number)\r
      From: <sip:\(user)@\(Town.domain)>;tag=1\r
      To: <sip:\(user)@\(Town.domain)>\r
      Call-ID: \(number)\r
      CSeq: 1 REGISTER\r
      \(headers)Content-Length: 0\r
      \r

      """
    let flow = Flow(transport: .udp, local: Bench.switchEndpoint, remote: remote)
    bench.happen(.received(Array(text.utf8), flow))
  }

  private func nonceSent(to address: String, _ bench: Bench, _ number: Int) throws -> String {
    bench.sent.removeAll()
    register(bench, "101", from: try #require(Endpoint(address)), number)
    let answer = try #require(bench.sent.last?.text)
    let behind = try #require(answer.split(separator: "nonce=\"").last)
    return String(behind.prefix { $0 != "\"" })
  }

  @Test(
    "A ban outlives a restart, and so does the friendship of a registered phone",
    arguments: [false, true])
  func restart(fromCheckpoint: Bool) throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "\(Self.thiefAddress):5062")
    phone.register()
    for number in 0..<5 { _ = guess(bench, "9\(number)", passwords: 1, port: 6_000 + number) }
    let before = bans(bench)
    #expect(before == [.network(network)])
    try bench.restart(from: fromCheckpoint ? bench.core.checkpoint() : nil)
    #expect(bans(bench) == before)
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 200)
    guard case .banExplained(let why)? = bench.ask(.bans(.explain(network.address))) else {
      Issue.record("no explanation")
      return
    }
    #expect(
      why.hasPhones && !why.isSpared
        && why.bans.map(\.cause) == [.offences(.wrongCredentials, count: 5)]
    )
  }

  @Test("A21: a nonce ends with the process, which has forgotten what it was used for")
  func nonceOverRestart() throws {
    let configuration = try Bench().core.configuration
    let now = Now(instant: .start + .seconds(1), wall: WallTime(unixMilliseconds: 0))
    let nonces = (0..<2).map { _ in
      var core = SwitchCore(configuration: configuration, dice: .system)
      return core.verifier.challenges(
        realm: Array(Town.domain.utf8), algorithms: [.md5], source: .v4Loopback, isStale: false,
        at: now)
    }
    #expect(nonces[0] != nonces[1], "of the same secret, second and serial number")
  }

  @Test("A user who is closed to a place stays so over a restart, though a phone of his is there")
  func closedOverRestart() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "\(Self.thiefAddress):5062")
    phone.register()
    _ = guess(bench, "101", passwords: 11, port: 6_000)
    #expect(bans(bench).map(\.user).count == 1)
    let before = bans(bench)
    try bench.restart()
    #expect(bans(bench) == before)
    let flow = Flow(
      transport: .udp, local: Bench.switchEndpoint, remote: phone.endpoint)
    #expect(
      bench.core.admission.trusts(Source(flow), at: bench.now), "the phone is a friend at once")
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 200)
  }

  @Test("A04: who moves house while many guess at him is not banned for his right passwords")
  func besiegedAway() throws {
    let bench = try Bench { $0.edge.wrongUsers = 2 }
    for (place, user) in ["101", "102"].enumerated() {
      for number in 0..<25 {
        let thief = UserAgent(bench, user: user, address: "10.\(place).\(number).1:5060")
        thief.password = "guess \(number)"
        thief.register()
      }
    }
    let phones = ["101", "102"].enumerated().map {
      UserAgent(bench, user: $0.element, address: "198.51.100.99:\(5062 + 2 * $0.offset)")
    }
    for phone in phones { phone.register() }
    #expect(phones.map(\.lastStatus) == [401, 401], "their turn has not come")
    #expect(bans(bench).allSatisfy { !$0.network.contains(phones[0].endpoint.address) })
    bench.run(for: .seconds(6))
    for phone in phones { phone.register(cseq: 5) }
    #expect(phones.map(\.lastStatus) == [200, 200])
  }

  @Test("A carrier's address is never banned, whatever comes from it")
  func carrier() throws {
    let bench = try Bench()
    let carrier = "192.0.2.50"
    for number in 0..<20 {
      let stranger = UserAgent(bench, user: "9\(number)", address: "\(carrier):\(7_000 + number)")
      stranger.register()
    }
    #expect(bans(bench).isEmpty)
    let network = try #require(IPNetwork("\(carrier)/24"))
    guard
      case .refused(let words)? = bench.ask(
        .bans(.add(network, lasting: nil, reason: "", by: "anna")))
    else {
      Issue.record("a carrier was banned")
      return
    }
    #expect(words.contains(carrier))
  }

  @Test("A person bans and lifts; both are in the journal")
  func orders() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "\(Self.thiefAddress):5062")
    bench.command(.bans(.add(network, lasting: .seconds(60), reason: "scans", by: "anna")))
    phone.register()
    #expect(phone.responses.isEmpty)
    bench.command(.bans(.lift(network, by: "anna")))
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 200)
    let changes = bench.journal.flatMap(\.entries).compactMap { entry -> GuardChange? in
      if case .guard(let change) = entry { change } else { nil }
    }
    #expect(changes.count == 3, "and the place of the phone")
    #expect(changes.dropFirst().first == .lift(.network(network)))
    guard case .refused? = bench.ask(.bans(.lift(network, by: "anna"))) else {
      Issue.record("lifted twice")
      return
    }
  }

  @Test(
    "A10: an account that begins more calls than its rate gets 503 with Retry-After, and its owner is told once"
  )
  func callFlood() throws {
    let bench = try Bench {
      $0.edge.callsOfAccount = Rate(perSecond: 1, burst: 3)
    }
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    for _ in 0..<10 { phone.call("102") }
    bench.run(for: .seconds(1))
    let busy = phone.responses.filter { $0.status == 503 }
    #expect(busy.count == 7)
    #expect(busy.allSatisfy { $0.text(.retryAfter) == "10" })
    #expect(bench.alerts.filter { $0.kind == .callFlood }.count == 1)
  }

  @Test(
    "A12, A17: a stream that sends what is no message is banned; a datagram is not",
    arguments: families)
  func malformed(from address: String) throws {
    let bench = try Bench()
    let remote = try #require(Endpoint("\(address):5060"))
    let datagrams = Flow(transport: .udp, local: Bench.switchEndpoint, remote: remote)
    for _ in 0..<40 { bench.happen(.received(Array("GET / HTTP/1.1\r\n\r\n".utf8), datagrams)) }
    #expect(bans(bench).isEmpty)
    // Each ends its connection.
    for number in 0..<20 {
      #expect(bans(bench).isEmpty)
      let stream = Flow(
        transport: .tcp, local: Bench.switchEndpoint,
        remote: Endpoint(remote.address, UInt16(5_000 + number)), connection: FlowID(UInt64(number))
      )
      bench.happen(.received(Array("GET / HTTP/1.1\r\n\r\n".utf8), stream))
    }
    #expect(bans(bench) == [.network(network(of: address))])
  }

  @Test("A12: a connection is a stranger's until somebody proves himself there; a carrier's never")
  func strangersConnection() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.connect(from: 43_210, as: FlowID(7))
    phone.password = "wrong"
    phone.register()
    #expect(phone.lastStatus == 401 && bench.trusted.isEmpty)
    phone.password = Town.password
    phone.register(cseq: 2)
    phone.register(cseq: 3)
    #expect(phone.lastStatus == 200 && bench.trusted == [FlowID(7)], "told once")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.connect(from: 43_211, as: FlowID(8))
    let options = RequestDraft(
      .options, target: URI(host: .name(Town.domain)), from: carrier.address("x"),
      to: carrier.address("y"))
    carrier.send(options)
    bench.run(for: .milliseconds(100))
    #expect(bench.trusted == [FlowID(7), FlowID(8)])
    let friend = Source(Endpoint(phone.endpoint.address, 43_210), connection: FlowID(7))
    #expect(bench.core.admission.trusts(friend, at: bench.now))
    for connection in bench.trusted { bench.happen(.flowClosed(connection)) }
    #expect(bench.core.trusted.isEmpty)
    #expect(!bench.core.admission.trusts(friend, at: bench.now))
  }

  @Test("Guesses at an address that is never banned are told once a day, and as what they are")
  func guessesWhereSpared() throws {
    var town = Town()
    town.document.platform.neverBan = ["203.0.113.9"]
    let bench = try Bench(town)
    let phone = UserAgent(bench, user: "101", address: "203.0.113.9:5062")
    func told(_ kind: Alert.Kind) -> Int { bench.alerts.count { $0.kind == kind } }
    func guess(_ count: Int) {
      for number in 0..<count {
        phone.password = "guess \(number)"
        phone.register()
      }
    }
    guess(9)
    #expect(told(.passwordGuessedWhereSpared) == 0)
    guess(20)
    #expect(told(.passwordGuessedWhereSpared) == 1 && told(.passwordGuessed) == 0)
    bench.run(for: .seconds(86_400))
    guess(20)
    #expect(told(.passwordGuessedWhereSpared) == 2)
  }

  @Test("A04: a user who is guessed at from everywhere is told of once; his phone stays")
  func distributed() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    phone.register()
    for number in 0..<60 {
      let thief = UserAgent(bench, user: "101", address: "10.9.\(number).1:5060")
      thief.password = "guess \(number)"
      thief.register()
    }
    #expect(bench.alerts.filter { $0.kind == .passwordGuessed }.count == 1)
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 200)
    #expect(bans(bench).isEmpty, "one guess is nobody's offence")
  }

  @Test("A10: an emergency call is never above the rate")
  func emergency() throws {
    let bench = try Bench { $0.edge.callsOfAccount = Rate(every: .seconds(3_600), burst: 1) }
    let phone = UserAgent(bench, user: "101", address: "198.51.100.7:5062")
    let carrier = UserAgent(bench, user: "", address: "192.0.2.50:5060", domain: "carrier.example")
    carrier.manner = .answers(after: .seconds(1))
    phone.register()
    phone.call("102")
    phone.call("102")
    bench.run(for: .seconds(1))
    #expect(phone.lastStatus == 503)
    phone.call("112")
    bench.run(for: .seconds(3))
    #expect(phone.lastStatus == 200)
  }

  @Test(
    "A ban is handed down only when the carriers are known, and taken back when its address becomes one"
  )
  func bars() throws {
    let bench = try Bench()
    let network = try #require(IPNetwork("192.0.2.50"))
    var bars: [String] {
      bench.publications.compactMap {
        switch $0 {
        case .bar(let network, _): "bar \(network)"
        case .unbar(let network): "unbar \(network)"
        case .reply, .log, .drained, .found, .absolved, .spared: nil
        }
      }
    }
    var town = bench.town
    town.document.trunks[0].address = "sip:192.0.2.77:5060;transport=udp"
    bench.town = town
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(1))
    bench.command(.bans(.add(network, lasting: nil, reason: "", by: "anna")))
    #expect(bars == ["bar \(network)"])
    bench.publications.removeAll()
    town.document.trunks[0].sources = ["192.0.2.50"]
    bench.town = town
    try bench.adopt(revision: 3)
    #expect(bars == ["unbar \(network)"])
  }

  @Test(
    "A door that the guard has closed is opened for whom we ask something, and when it is lifted")
  func doors() throws {
    let bench = try Bench()
    var bars: [String] {
      defer { bench.publications.removeAll() }
      return bench.publications.compactMap {
        switch $0 {
        case .bar(let network, _): "bar \(network)"
        case .unbar(let network): "unbar \(network)"
        case .reply, .log, .drained, .found, .absolved, .spared: nil
        }
      }
    }
    for number in 0..<5 { _ = guess(bench, "9\(number)", passwords: 1, port: 6_000 + number) }
    #expect(bars == ["bar \(network)"])
    bench.core.admission.expect(
      Endpoint(network.address, 5060), at: bench.now.instant)
    bench.core.openDoors(to: network.address, at: bench.now)
    bench.command(.bans(.list))
    #expect(bars == ["unbar \(network)"])
    let other = IPNetwork(try #require(IPAddress("203.0.113.77")))
    bench.command(.bans(.add(other, lasting: nil, reason: "", by: "anna")))
    bench.command(.bans(.lift(other, by: "anna")))
    #expect(bars == ["bar \(other)", "unbar \(other)"])
  }

  @Test("The journal gives back each change of the guard as it was")
  func coding() throws {
    let wall = WallTime(unixMilliseconds: 1_790_000_000_000)
    let half = try #require(IPNetwork("2001:db8:1:2::/64"))
    let causes: [Ban.Cause] = [
      .offences(.guesses, count: 10), .persistence(tries: 60), .neighbours(count: 16),
      .order("why"),
    ]
    var changes: [GuardChange] = causes.map {
      .put(Ban(.network(half), $0, since: wall, until: wall + .seconds(300), rung: 2))
    }
    changes.append(
      .put(Ban(.user(UserKey(7), from: network), causes[0], since: wall, until: nil, rung: 0)))
    changes += [.lift(.network(network)), .lift(.user(UserKey(7), from: half)), .known(half, wall)]
    var writer = ByteWriter()
    for change in changes { change.encode(into: &writer) }
    var reader = ByteReader(writer.bytes)
    for change in changes { #expect(try GuardChange(from: &reader) == change) }
    #expect(reader.isAtEnd)
  }
}
