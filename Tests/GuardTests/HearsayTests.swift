import Elements
import Guard
import Testing

/// What the door makes of others' word (docs/guard.md, A48), and what is told of ours.
@Suite struct HearsayTests {
  private let thief = Source("203.0.113.7:5060")
  private let street = Street()

  private func list(_ text: String, for duration: Duration = .seconds(300)) -> ListObjection? {
    street.admission.hear(
      .list(Listed(IPNetwork(test: text), until: street.now.wall + duration)), at: street.now)
  }

  @Test("Who is listed gets no byte until it is over or taken back")
  func listed() {
    #expect(list("203.0.113.0/24") == nil)
    #expect(street.admit(thief) == .banned)
    #expect(street.admission.explain(thief.address, at: street.now).isListed)
    street.wait(.seconds(300))
    #expect(street.admit(thief) == .pass)
    #expect(list("203.0.113.7") == nil)
    #expect(street.admit(thief) == .banned)
    _ = street.admission.hear(.unlist(IPNetwork(thief.address)), at: street.now)
    #expect(street.admit(thief) == .pass)
  }

  @Test("A48: a carrier is not banned for what others say, before and after it is known as one")
  func carrier() {
    let network = IPNetwork(test: "203.0.113.0/28")
    street.admission.spare([network])
    #expect(list("203.0.113.7") == .spared(IPNetwork(thief.address), network))
    #expect(list("203.0.113.0/24") == .spared(IPNetwork(test: "203.0.113.0/24"), network))
    #expect(street.admit(thief) == .pass)
    street.admission.spare([])
    #expect(list("203.0.113.7") == nil)
    #expect(street.admit(thief) == .banned)
    street.admission.spare([network])
    #expect(street.admit(thief) == .pass)
    #expect(!street.admission.isBarrable(listed: IPNetwork(thief.address), at: street.now))
  }

  @Test(
    "A48: where phones of ours are known others' word bans nobody: phones go on, who is new is slowed"
  )
  func sharedAddress() {
    let phone = Source("203.0.113.7:40000")
    street.welcome(UserKey(1), from: phone)
    #expect(street.passing(600, from: Source("203.0.113.7:61000")) == 600)
    #expect(list("203.0.113.7") == nil)
    #expect(list("203.0.113.0/24") == nil)
    #expect(!street.admission.isBarrable(listed: IPNetwork(thief.address), at: street.now))
    #expect(street.passing(1_000, from: phone) == 1_000)
    street.wait(.seconds(120))
    #expect(street.passing(1_000, from: Source("203.0.113.7:61000")) == 400)
    #expect(street.admit(Source("203.0.113.8:5060")) == .banned, "its neighbour")
  }

  @Test("A48: who fills the list drives nothing out, neither own bans nor what was there")
  func full() {
    var settings = GuardSettings()
    settings.listed = 10
    street.admission = Admission(settings)
    street.ban(thief)
    for number in 0..<10 { #expect(list("198.51.100.\(number)", for: .seconds(60)) == nil) }
    #expect(list("198.51.100.99") == .full(IPNetwork(test: "198.51.100.99")))
    #expect(street.admit(thief) == .banned)
    #expect(street.admit(Source("198.51.100.3:5060")) == .banned)
    street.wait(.seconds(60))
    #expect(list("198.51.100.99") == nil, "what is over makes room")
  }

  @Test("A48: hearsay is no evidence: it bans no network, and makes no ban longer")
  func noEvidence() {
    for number in 1...30 { #expect(list("203.0.113.\(number)", for: .seconds(60)) == nil) }
    #expect(street.admission.standing(at: street.now.wall).isEmpty)
    #expect(street.admit(Source("203.0.113.99:5060")) == .pass)
    street.wait(.seconds(60))
    street.ban(thief)
    #expect(street.admission.standing(at: street.now.wall).map(\.rung) == [0])
    #expect(street.admission.checkpoint().count == 1)
  }

  @Test(
    "Told are offences of networks where nobody is known; not single users, orders, conclusions")
  func findings() throws {
    func bans() -> [Ban] { street.admission.standing(at: street.now.wall) }
    street.wait(.seconds(900))
    street.guess(0, of: UserKey(50), from: thief)
    street.wait(.seconds(100))
    street.ban(thief)
    let finding = try #require(street.admission.findings(bans()[0], at: street.now).first)
    #expect(finding.network == IPNetwork(thief.address) && finding.offence == .wrongCredentials)
    #expect(
      finding.users
        == [50, 1_000_000, 1_000_001, 1_000_002, 1_000_003, 1_000_004].map { UserKey($0) })
    #expect(finding.first == street.now.wall + .seconds(-100) && finding.last == street.now.wall)
    #expect(finding.expires == street.now.wall + .seconds(300))

    let guesser = Source("198.51.100.1:5060")
    for number in 1...10 { street.guess(UInt64(number), of: UserKey(1), from: guesser) }
    let single = try #require(bans().first { $0.subject.user != nil })
    #expect(street.admission.findings(single, at: street.now).isEmpty)

    let ordered = IPNetwork(test: "192.0.2.1")
    _ = try street.admission.order(ordered, until: nil, words: "", at: street.now)
    let order = try #require(street.admission.ban(of: ordered, at: street.now.wall))
    #expect(street.admission.findings(order, at: street.now).isEmpty)

    let ban = try #require(bans().first { $0.subject.network == finding.network })
    street.admission.spare([IPNetwork(test: "203.0.113.0/30")])
    #expect(!street.admission.findings(ban, at: street.now).isEmpty)
    street.admission.spare([IPNetwork(test: "203.0.113.7")])
    #expect(street.admission.findings(ban, at: street.now).isEmpty)
  }

  @Test("Of a wide network that is told of which there is enough, whatever came last")
  func wideFindings() throws {
    let wide = IPNetwork(test: "203.0.113.0/24")
    /// A hundred offences from as many addresses, and a broken message from the last of them.
    func offend(_ user: (Int) -> UserKey) throws -> [Finding] {
      street.admission = Admission(GuardSettings())
      for number in 1...100 {
        street.guess(1, of: user(number), from: Source("203.0.113.\(number):5060"))
      }
      street.note(.malformed(1), from: Source("203.0.113.101:5060"))
      let ban = try #require(street.admission.ban(of: wide, at: street.now.wall))
      #expect(ban.cause == .offences(.malformed, count: 100))
      return street.admission.findings(ban, at: street.now)
    }
    let search = try offend { UserKey(UInt64($0)) }
    #expect(search.map(\.offence) == [.wrongCredentials])
    #expect(search.map(\.score) == [100] && search.map(\.users.count) == [100])
    // One user from everywhere is no search, and one broken message no flood of them.
    #expect(try offend { _ in UserKey(7) }.isEmpty)
  }

  @Test("Whether somebody is known in a network that others list costs no look at all places")
  func cost() throws {
    var settings = GuardSettings()
    settings.friends = 50_000
    street.admission = Admission(settings)
    for number in 0..<20_000 {
      let address = IPAddress(v4: 0xCB00_0000 + UInt32(number) << 4)
      street.welcome(
        UserKey(UInt64(number)), from: Source(Endpoint(address, 5060), connection: nil))
    }
    let took = ContinuousClock().measure {
      for number in 0..<2_000 {
        let network = IPNetwork(IPAddress(v4: 0xC600_0000 + UInt32(number) << 8), length: 24)
        #expect(street.admission.isBarrable(listed: network, at: street.now))
      }
    }
    print("2,000 listed networks beside 20,000 known places took \(took)")
    #expect(took < .seconds(3))
  }

  @Test(
    "Nothing is barred where somebody is known or asked, however wide it is",
    arguments: [
      (
        "203.0.113.7",
        ["203.0.113.7", "203.0.113.0/24", "203.0.112.0/23", "203.0.0.0/16", "203.0.0.0/8"]
      ),
      (
        "2001:db8:1:203::7",
        [
          "2001:db8:1:203::9", "2001:db8:1:203::/64", "2001:db8:1:200::/56", "2001:db8:1::/48",
          "2001:db8::/33", "2001:db8::/32", "2001:d00::/24",
        ]
      ),
    ])
  func near(_ text: String, _ networks: [String]) throws {
    let address = try #require(IPAddress(text))
    let strange =
      address.isV4 ? ["203.0.114.0/24", "198.0.0.0/8"] : ["2001:db8:2::/48", "2002::/16"]
    func barrable(_ networks: [String]) -> [String] {
      networks.filter { street.admission.isBarrable(listed: IPNetwork(test: $0), at: street.now) }
    }
    #expect(barrable(networks) == networks)
    street.welcome(UserKey(1), from: Source(Endpoint(address, 5060), connection: nil))
    #expect(barrable(networks + strange) == strange)
    street.wait(.seconds(86_401))
    #expect(barrable(networks) == networks, "a day later")
    street.admission.expect(Endpoint(address, 5060), at: street.now.instant)
    let expecting = address.isV4 ? networks : networks.filter { $0 != "2001:db8:1:203::9" }
    #expect(barrable(expecting + strange) == strange)
  }

  @Test("A48: a full list is looked through only where something of it is over")
  func fullCost() {
    var settings = GuardSettings()
    settings.listed = 20_000
    street.admission = Admission(settings)
    func change(_ number: UInt32) -> ListChange {
      .list(
        Listed(
          IPNetwork(IPAddress(v4: 0xCB00_0000 + number)), until: street.now.wall + .seconds(300)))
    }
    for number in 0..<UInt32(20_000) {
      _ = street.admission.hear(change(number), at: street.now)
    }
    let took = ContinuousClock().measure {
      for number in 0..<UInt32(1_000) {
        #expect(street.admission.hear(change(1 << 20 + number), at: street.now) != nil)
      }
    }
    print("1,000 listings for a full list took \(took)")
    #expect(took < .seconds(2))
    street.wait(.seconds(300))
    #expect(street.admission.hear(change(1 << 21), at: street.now) == nil)
  }

  @Test("Where a carrier's addresses change, what overlaps them is looked at again, and no more")
  func sparing() throws {
    let all = street.admission.spare([IPNetwork(test: "192.0.2.1")])
    #expect(all.map(\.bits) == [96, 0])
    for text in ["203.0.113.7", "203.0.113.0/24", "203.0.113.0/25", "198.51.100.0/24"] {
      #expect(list(text) == nil)
    }
    #expect(street.admission.listed(overlapping: all).count == 4)
    let changed = street.admission.spare(["192.0.2.1", "203.0.113.7"].map { IPNetwork(test: $0) })
    #expect(changed == [IPNetwork(test: "203.0.113.7")])
    #expect(
      street.admission.listed(overlapping: changed).map { "\($0)" }
        == ["203.0.113.0/24", "203.0.113.0/25", "203.0.113.7"])
    #expect(
      street.admission.listed(overlapping: [IPNetwork(test: "203.0.113.0/26")]).map { "\($0)" }
        == ["203.0.113.0/24", "203.0.113.0/25", "203.0.113.7"])
    #expect(
      street.admission.spare(["192.0.2.1", "203.0.113.7"].map { IPNetwork(test: $0) }).isEmpty)
    #expect(street.admission.spare([IPNetwork(test: "192.0.2.1")]) == changed)
  }

  @Test("Our own list goes on where it was, says so much in an hour, and takes back what it said")
  func ownList() throws {
    street.ban(thief)
    let finding = try #require(
      street.admission.findings(street.admission.standing(at: street.now.wall)[0], at: street.now)
        .first)
    let reader = Operator(1)
    var own = OwnList(reader.key, after: 0, .zero)
    let exchange = Exchange([(reader, .node)])
    exchange.now = street.now
    let rules = SharingRules()
    let told = own.entry(for: finding, digest: .zero, rules, at: street.now)
    let entry = try #require(told)
    own.wrote(entry, digest: Operator.digest(entry))
    _ = try exchange.hear(entry)
    #expect(exchange.isBanned(finding.network))
    #expect(
      own.listed(overlapping: IPNetwork(test: "203.0.113.0/24"), at: street.now.wall)
        == [finding.network])
    let removal = own.removal(of: finding.network, at: street.now.wall)
    own.wrote(removal, digest: Operator.digest(removal))
    #expect(try exchange.hear(removal).changes == [.unlist(finding.network)])
    #expect(own.listed(overlapping: finding.network, at: street.now.wall).isEmpty)

    var again = OwnList(reader.key, after: own.last, Operator.digest(removal))
    var entries = 0
    for _ in 0..<2_000
    where again.entry(for: finding, digest: .zero, rules, at: street.now) != nil {
      entries += 1
    }
    #expect(entries == 1_000)
    var strict = rules
    strict.never = [finding.network]
    let kept = own.entry(for: finding, digest: .zero, strict, at: street.now)
    #expect(kept == nil)
  }
}
