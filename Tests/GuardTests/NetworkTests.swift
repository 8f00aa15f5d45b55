import Elements
import Guard
import Testing

@Suite struct NetworkTests {
  @Test("An IPv4-mapped address is the IPv4 address")
  func mapped() {
    let street = Street()
    street.ban(Source("203.0.113.7:5060"))
    #expect(street.admit(Source("[::ffff:203.0.113.7]:5060")) == .banned)
  }

  /// Property: a table of networks holds the addresses that lie in one of them, whatever came and went.
  @Test(arguments: UInt64(1)...5)
  func table(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var table = NetworkTable<Int>()
    var networks: Set<IPNetwork> = []
    func address() -> IPAddress {
      let number = UInt32.random(in: 0..<512, using: &random)
      let low = UInt64(number) << 40 | 7
      return Bool.random(using: &random)
        ? IPAddress(v4: 0x0A00_0000 | number << 7) : IPAddress(high: 0x2001_0DB8 << 32, low: low)
    }
    for step in 0..<3_000 {
      let place = address()
      let lengths = place.isV4 ? [32, 24] : [128, 64, 96]
      let network = IPNetwork(place, length: lengths.randomElement(using: &random) ?? 32)
      // Full at first, nearly empty at last.
      let isAdded = Int.random(in: 0..<3_000, using: &random) > step
      table[network] = isAdded ? step : nil
      if isAdded { networks.insert(network) } else { networks.remove(network) }
      let asked = address()
      #expect(table.holds(asked) == networks.contains { $0.contains(asked) })
      #expect(table.count == networks.count)
    }
  }

  @Test("A05: IPv6 is judged by 64 bits: another address of the same customer does not help")
  func sixtyFour() {
    let street = Street()
    for user in 0..<5 {
      street.note(
        .wrongCredentials(UserKey(UInt64(user)), response: 0),
        from: Source("[2001:db8:1:2::\(user + 1)]:5060"))
    }
    #expect(street.admit(Source("[2001:db8:1:2:ffff::9]:5060")) == .banned)
    #expect(street.admit(Source("[2001:db8:1:3::1]:5060")) == .pass)
  }

  @Test("A05: many banned networks of one site ban the site: 64 to 56 to 48 bits")
  func site() {
    let street = Street()
    for network in 0..<7 { street.ban(Source("[2001:db8:1:\(network)::1]:5060")) }
    #expect(street.admit(Source("[2001:db8:1:77::1]:5060")) == .pass)
    street.ban(Source("[2001:db8:1:7::1]:5060"))
    #expect(street.admit(Source("[2001:db8:1:77::1]:5060")) == .banned)
    #expect(street.admit(Source("[2001:db8:1:177::1]:5060")) == .pass)
  }

  @Test("Sixteen banned neighbours ban 24 bits of IPv4, but not who has phones there")
  func neighbours() {
    let street = Street()
    let phone = Source("203.0.113.200:5060")
    street.welcome(UserKey(9), from: phone)
    for host in 1...16 { street.ban(Source("203.0.113.\(host):5060")) }
    #expect(street.admit(Source("203.0.113.99:5060")) == .banned)
    #expect(street.admit(Source("203.0.114.99:5060")) == .pass)
    #expect(street.admit(phone) == .pass)
    #expect(street.passing(1_000, from: Source("203.0.113.200:7777")) == 1_000)
  }

  @Test("A06: what is banned or done where phones are known bans none of the neighbours")
  func officesNextDoor() {
    let street = Street()
    let other = Source("203.0.113.99:5060")
    for host in 1...19 {
      street.welcome(UserKey(UInt64(host)), from: Source("203.0.113.\(host):5060"))
      street.ban(Source("203.0.113.\(host):61000"))
    }
    #expect(street.admission.standingCount(at: street.now.wall) == 19)
    #expect(street.admit(other) == .pass)
    // 200 phones with old passwords.
    for user in 0..<200 {
      street.guess(0, of: UserKey(UInt64(500 + user)), from: Source("203.0.113.1:\(7_000 + user)"))
    }
    #expect(street.admit(other) == .pass)
    for host in 101...115 { street.ban(Source("203.0.113.\(host):5060")) }
    #expect(street.admit(other) == .pass)
    street.ban(Source("203.0.113.116:5060"))
    #expect(street.admit(other) == .banned, "strangers count as ever")
  }

  @Test(
    "A05: whoever has many neighbourhoods and offends a little from each is banned by the wider network",
    arguments: [("2001:db8:1:%::1", "2001:db8:1:ffff::1"), ("203.0.113.%", "203.0.113.250")])
  func littleFromEach(_ pattern: String, last: String) {
    let street = Street()
    for number in 0..<200 {
      let host = Source(
        Endpoint(IPAddress(pattern.replacing("%", with: "\(number)")) ?? .v4Any, 5060),
        connection: nil)
      street.guess(0, of: UserKey(UInt64(number)), from: host)
      street.wait(.seconds(1))
    }
    let other = Source(Endpoint(IPAddress(last) ?? .v4Any, 5060), connection: nil)
    #expect(street.admit(other) == .banned)
  }

  @Test("A04: one network of IPv6 is one besieger, however many of 64 bits it has")
  func siege() {
    let street = Street()
    let told = (0..<60).flatMap {
      street.guess(UInt64($0), of: UserKey(1), from: Source("[2001:db8:1:\($0)::1]:5060"))
    }
    #expect(told.isEmpty)
    #expect(street.looksAt(UserKey(1), from: Source("[2001:db8:9::1]:5060")))
  }

  @Test("A04: a user who is guessed at often is besieged, from however few networks")
  func fewBesiegers() {
    let street = Street()
    let told = (0..<20).flatMap { place in
      (0..<9).flatMap {
        street.guess($0, of: UserKey(1), from: Source("[2001:db8:1:\(place)::1]:5060"))
      }
    }
    #expect(told == [.besieged(UserKey(1), addresses: 1)])
    let looks = (0..<100).count {
      street.looksAt(UserKey(1), from: Source("[2001:db8:2:\($0)::1]:5060"))
    }
    #expect(looks == 2)
  }

  @Test("A04: nor one every five seconds for an hour, from nineteen addresses by turns")
  func slowBesiegers() {
    let street = Street()
    let told = (0..<720).flatMap { number in
      defer { street.wait(.seconds(5)) }
      return street.guess(
        UInt64(number), of: UserKey(1), from: Source("10.0.\(number % 19).1:5060"))
    }
    #expect(told.contains { if case .besieged = $0 { true } else { false } })
  }

  @Test(
    "A04: a user who is closed to many places is looked at from all of them as rarely as in a siege"
  )
  func closedPlaces() {
    let street = Street()
    let places = (0..<15).map { Source("10.0.\($0).1:5060") }
    for place in places {
      for number in 0..<10 { street.guess(UInt64(number), of: UserKey(1), from: place) }
    }
    #expect(street.admission.standingCount(at: street.now.wall) == 15)
    for _ in 0..<3 {
      #expect(places.count { street.looksAt(UserKey(1), from: $0) } == 2)
      street.wait(.seconds(61))
    }
  }

  @Test("A04: old passwords where a user is known besiege nobody, from however many phones")
  func brokenPhones() {
    let street = Street()
    for place in 0..<9 {
      let home = Source("10.0.\(place).1:5060")
      street.welcome(UserKey(1), from: home)
      for number in 0..<10 {
        let notices = street.guess(UInt64(number), of: UserKey(1), from: home)
        #expect(!notices.contains { if case .besieged = $0 { true } else { false } })
      }
    }
    #expect(street.looksAt(UserKey(1), from: Source("[2001:db8:9::1]:5060")))
  }

  @Test("An order never makes a ban shorter")
  func longer() throws {
    let street = Street()
    let source = Source("203.0.113.9:5060")
    let network = IPNetwork(source.address)
    street.ban(source)
    _ = try street.admission.order(
      network, until: street.now.wall + .seconds(60), words: "", at: street.now)
    street.wait(.seconds(299))
    #expect(street.admit(source) == .banned)
    street.wait(.seconds(1_301))
    street.ban(source)
    street.wait(.seconds(3_599))
    #expect(street.admit(source) == .banned, "nor does it begin the ladder again")
  }

  @Test("What must make room for a ban is told, before the ban")
  func evicted() {
    var settings = GuardSettings()
    settings.bans = 2
    let street = Street(settings)
    for host in 1...2 {
      street.ban(Source("203.0.\(host).1:5060"))
      street.wait(.seconds(1))
    }
    let last = Source("203.0.3.1:5060")
    for user in 0..<UInt64(4) { street.guess(0, of: UserKey(user), from: last) }
    let changes = street.guess(0, of: UserKey(4), from: last).compactMap { notice -> String? in
      guard case .changed(let change) = notice else { return nil }
      return switch change {
      case .lift(let subject): "lift \(subject)"
      case .put(let ban): "put \(ban.subject)"
      case .known: nil
      }
    }
    #expect(changes == ["lift 203.0.1.1", "put 203.0.3.1"])
  }

  @Test("Where bans make room, how often somebody was banned is kept until all of it has decayed")
  func rungs() {
    var settings = GuardSettings()
    settings.bans = 2
    let street = Street(settings)
    let (twice, once) = (Source("203.0.1.1:5060"), Source("203.0.2.1:5060"))
    street.ban(twice)
    street.wait(.seconds(601))
    street.ban(twice)
    street.ban(once)
    street.wait(.seconds(8 * 86_400))
    street.ban(Source("203.0.3.1:5060"))
    street.wait(.seconds(301))
    street.ban(twice)
    street.wait(.seconds(301))
    #expect(street.admit(twice) == .banned, "an hour, not five minutes")
  }

  @Test("Where nobody is banned the owner of a user who is guessed at is told")
  func sparedGuesses() {
    let street = Street()
    let source = Source("198.51.100.7:5060")
    street.admission.spare([IPNetwork(source.address)])
    let notices = (0..<100).flatMap { street.guess($0, of: UserKey(1), from: source) }
    #expect(notices == Array(repeating: .guessedWhereSpared(UserKey(1)), count: 91))
    #expect(street.looksAt(UserKey(1), from: source))
    let forged = (0..<100).flatMap {
      street.note(
        .wrongCredentials(UserKey(2), response: $0), from: source, isProven: false)
    }
    #expect(forged.isEmpty)
  }

  @Test("A person bans and lifts; what lies within is lifted with it")
  func orders() throws {
    let street = Street()
    street.admission.spare([IPNetwork("198.51.100.7")].compactMap(\.self))
    let wide = try #require(IPNetwork("203.0.113.0/24"))
    street.ban(Source("203.0.113.9:5060"))
    _ = try street.admission.order(wide, until: nil, words: "scans us", at: street.now)
    street.wait(.seconds(40 * 86_400))
    #expect(street.admit(Source("203.0.113.1:5060")) == .banned)
    let explanation = street.admission.explain(Source("203.0.113.1:1").address, at: street.now)
    #expect(explanation.bans.map(\.cause) == [.order("scans us")])
    #expect(street.admission.lift(wide, at: street.now) == [.lift(.network(wide))])
    #expect(street.admit(Source("203.0.113.1:5060")) == .pass)
    let all = try #require(IPNetwork("198.51.100.0/24"))
    #expect(throws: BanOrderError.self) {
      _ = try street.admission.order(all, until: nil, words: "", at: street.now)
    }
  }

  @Test("What a checkpoint says makes the same bans again")
  func checkpoint() throws {
    let street = Street()
    for host in 1...16 { street.ban(Source("203.0.113.\(host):5060")) }
    let second = Street()
    second.now = street.now
    for change in street.admission.checkpoint() { second.admission.replay(change) }
    #expect(
      second.admission.standing(at: second.now.wall)
        == street.admission.standing(at: street.now.wall))
    #expect(second.admit(Source("203.0.113.99:5060")) == .banned)
    // The next ban goes on where the ladder was.
    second.wait(.seconds(301))
    second.ban(Source("203.0.113.1:5060"))
    second.wait(.seconds(301))
    #expect(second.admit(Source("203.0.113.1:5060")) == .banned)
  }
}
