import Elements
import Guard
import Testing

@Suite struct FriendTests {
  private let alice = UserKey(1)
  private let phone = Source("203.0.113.7:5060")
  private let neighbour = Source("203.0.113.7:6000")

  @Test("A06: a guesser behind the phone's own address does not lock the phone out")
  func guesserAtHome() {
    let street = Street()
    street.welcome(alice, from: phone)
    for number in 0..<200 { street.guess(UInt64(number), of: alice, from: neighbour) }
    for _ in 0..<10 {
      #expect(street.looksAt(alice, from: phone))
      #expect(street.admit(phone) == .pass)
    }
    // A new port of the same phone waits seconds, not minutes.
    street.wait(.seconds(20))
    #expect(street.looksAt(alice, from: Source("203.0.113.7:7000")))
  }

  @Test("Who guesses on a friend's flow takes nothing from it, and is looked at rarely")
  func stolenFlow() {
    let street = Street()
    street.welcome(alice, from: phone)
    street.ban(phone)
    #expect(street.passing(1_000, from: phone) == 1_000)
    #expect(street.looksAt(alice, from: phone))
    let looks = (0..<1_000).count { street.looksAt(UserKey(2_000 + UInt64($0)), from: phone) }
    #expect(looks == 20)
    street.wait(.seconds(5))
    #expect(street.looksAt(UserKey(9), from: neighbour), "a new phone gets in")
    #expect(!street.looksAt(UserKey(10), from: neighbour))
  }

  @Test(
    "Of users who share a flow each is known on it while he is the latest, and their place stays known"
  )
  func sharedFlow() {
    let street = Street()
    let users = (1...5).map { UserKey($0) }
    // Two days, each every five minutes.
    for _ in 0..<600 {
      for user in users {
        street.welcome(user, from: phone)
        street.wait(.seconds(60))
      }
    }
    #expect(street.admission.explain(phone.address, at: street.now).hasPhones)
    for user in users {
      street.welcome(user, from: phone)
      for number in 0..<200 { street.guess(UInt64(number), of: user, from: neighbour) }
      for _ in 0..<10 {
        #expect(street.looksAt(user, from: phone))
        #expect(street.admit(phone) == .pass)
      }
    }
  }

  @Test("A08: who has an account and a whole network makes 64 places known within a day, no more")
  func manyPlaces() throws {
    let street = Street()
    let places = (0..<80).map { Source("[2001:db8:0:\(String($0, radix: 16))::1]:5060") }
    let written = places.flatMap { street.welcome(alice, from: $0) }
    #expect(written.count == 64)
    #expect(street.looksAt(alice, from: places[79]), "his flow is known all the same")
    let sieve = street.admission.sieve(
      shares: ByFamily(both: 0), dice: 1, at: street.now.instant)
    #expect(places.count { sieve.knows($0.address) } == 64)
    #expect(street.welcome(UserKey(2), from: places[79]).count == 1, "another's are his own")
    street.wait(.seconds(86_401))
    #expect(street.welcome(alice, from: places[78]).count == 1)
  }

  @Test(
    "How long a place is known follows the settings in force, also for what is known, and over a restart"
  )
  func memory() {
    let street = Street()
    street.welcome(alice, from: phone)
    func isKnown() -> Bool {
      street.admission.explain(phone.address, at: street.now).hasPhones
    }
    var settings = GuardSettings()
    settings.friendship = .seconds(3 * 86_400)
    street.admission.adopt(settings)
    street.wait(.seconds(86_000))
    #expect(isKnown())
    street.wait(.seconds(86_000))
    let changes = street.admission.checkpoint()
    #expect(isKnown())
    settings.friendship = .seconds(3_600)
    street.admission.adopt(settings)
    #expect(!isKnown())
    // A restart hears of it behind its journal.
    street.admission = Admission()
    for change in changes { street.admission.replay(change) }
    street.admission.recover(at: street.now)
    #expect(!isKnown())
    settings.friendship = .seconds(3 * 86_400)
    street.admission.adopt(settings)
    #expect(isKnown())
  }

  @Test("A08: a friend's flow has a budget of its own, one for a whole exchange")
  func friendlyFlood() {
    let street = Street()
    street.welcome(alice, from: phone)
    #expect(street.passing(100_000, from: phone) == 10_000)
  }

  @Test(
    "A08: a flood of datagrams with the office's address takes nothing from its streams, nor from strangers' streams"
  )
  func spoofedOffice() {
    let street = Street()
    street.welcome(alice, from: phone)
    #expect(street.passing(100_000, from: neighbour) == 4_000)
    #expect(street.admit(Source("203.0.113.7:7000", isStream: true)) == .pass)
    for host in 0..<250 { _ = street.passing(200, from: Source("10.\(host).1.1:5060")) }
    #expect(street.admit(Source("198.51.100.77:5060")) == .overBudget)
    #expect(street.admit(Source("198.51.100.77:5060", isStream: true)) == .pass)
  }

  @Test("A friend's stream is known by its number, which no datagram and no newcomer can claim")
  func stream() {
    let street = Street()
    let stream = Source("203.0.113.7:50123", isStream: true)
    let forged = Source("203.0.113.7:50123")
    street.welcome(alice, from: stream)
    #expect(street.passing(100_000, from: forged) == 4_000, "no more than anybody there")
    #expect(street.passing(100_000, from: stream) == 10_000)
    #expect(!street.admission.trusts(forged, at: street.now))
    #expect(street.admission.trusts(stream, at: street.now))
    street.admission.ended(FlowID(50_123))
    #expect(!street.admission.trusts(stream, at: street.now))
  }

  @Test("A stream ends with the process, whatever its binding says; the place stays known")
  func streamOverRestart() {
    let street = Street()
    let stream = Source("203.0.113.7:50123", isStream: true)
    street.admission.befriend(
      alice, of: TenantID(1), from: stream, since: street.now.wall, at: street.now)
    #expect(!street.admission.trusts(stream, at: street.now))
    street.ban(neighbour)
    #expect(street.admit(neighbour) == .pass)
  }

  @Test("A08: whom we have asked something is heard while a flood uses up everybody's budget")
  func expected() {
    let street = Street()
    let node = Source("192.0.2.60:5060")
    for host in 0..<250 { _ = street.passing(200, from: Source("10.\(host).1.1:5060")) }
    #expect(street.admit(node) == .overBudget)
    street.admission.expect(node.remote, at: street.now.instant)
    #expect(street.passing(100, from: node) == 100)
    // Datagrams under its address take nothing from its streams.
    #expect(street.passing(20_000, from: node) < 20_000)
    #expect(street.passing(100, from: Source("192.0.2.60:40000", isStream: true)) == 100)
    street.wait(.seconds(5 * 3_600))
    street.ban(node)
    #expect(street.admit(node) == .banned)
  }

  @Test("One kind of offence does not drive out another's marks")
  func interleaved() {
    let street = Street()
    var banned: [BanSubject] = []
    for user in 0..<5 {
      banned +=
        street.note(.wrongCredentials(UserKey(UInt64(user)), response: 0), from: phone).banned
      for filler in 0..<19 {
        banned += street.note(.probe(UInt64(filler)), from: phone).banned
      }
    }
    #expect(banned.contains(.network(IPNetwork(phone.address))))
  }

  @Test(
    "A02: unknown users and wrong passwords are judged alike, so that a ban tells nobody who exists"
  )
  func oracle() {
    func bans(_ first: UInt64) -> [[BanSubject]] {
      let street = Street()
      return (0..<5).map { street.guess(0, of: UserKey(first + $0), from: phone).banned }
    }
    #expect(bans(1) == bans(1 << 63))
  }

  @Test(
    "A place stays known over a restart for what is left of its day", arguments: [3_600, 90_000])
  func restart(seconds: Int) {
    let street = Street()
    let changes = street.welcome(alice, from: phone)
    #expect(changes == [.known(IPNetwork(phone.address), street.now.wall)])
    let second = Street()
    for change in street.admission.checkpoint() { second.admission.replay(change) }
    second.now = Now(instant: .start + .seconds(5), wall: street.now.wall + .seconds(seconds))
    second.admission.recover(at: second.now)
    second.ban(neighbour)
    #expect((second.admit(neighbour) == .pass) == (seconds == 3_600))
  }

  @Test("A place in steady use is written down again, so that a restart knows it on any day")
  func steadyUse() {
    let street = Street()
    var changes: [GuardChange] = []
    for _ in 0..<300 {
      changes += street.welcome(alice, from: phone)
      street.wait(.seconds(660))
    }
    #expect((2...12).contains(changes.count), "not each time")
    let second = Street()
    for change in changes { second.admission.replay(change) }
    second.now = street.now
    second.admission.recover(at: second.now)
    second.ban(neighbour)
    #expect(second.admit(neighbour) == .pass)
  }

  @Test("What a binding says of the time before a restart makes a friend, and lifts nothing")
  func befriended() {
    let street = Street()
    let network = IPNetwork(phone.address)
    for number in 0..<10 { street.guess(UInt64(number), of: alice, from: neighbour) }
    #expect(!street.admission.standing(at: street.now.wall).isEmpty)
    street.admission.befriend(
      alice, of: TenantID(1), from: phone, since: street.now.wall + .seconds(-80_000),
      at: street.now)
    #expect(
      street.admission.standing(at: street.now.wall).map(\.subject) == [.user(alice, from: network)]
    )
    #expect(street.looksAt(alice, from: phone))
    street.ban(neighbour)
    #expect(street.admit(neighbour) == .pass)
    street.wait(.seconds(10_000))
    street.ban(neighbour)
    #expect(street.admit(neighbour) == .banned, "a day after it was there, not after the restart")
  }

  @Test("A person's order holds for a known phone too, and never for half the world")
  func order() throws {
    let street = Street()
    street.welcome(alice, from: phone)
    _ = try street.admission.order(
      IPNetwork(phone.address), until: nil, words: "", at: street.now)
    #expect(street.admit(phone) == .banned)
    let other = Source("203.0.113.200:5060")
    street.welcome(UserKey(2), from: other)
    for host in 1...16 { street.ban(Source("203.0.113.\(100 + host):5060")) }
    #expect(street.admit(other) == .pass)
    _ = try street.admission.order(
      IPNetwork(other.address), until: nil, words: "", at: street.now)
    #expect(street.admit(other) == .banned, "also within a network that the guard has banned")
    let wide = try #require(IPNetwork("0.0.0.0/1"))
    #expect(throws: BanOrderError.tooWide(wide)) {
      _ = try street.admission.order(wide, until: nil, words: "", at: street.now)
    }
  }

  @Test("A ban that was made while the clock stood ahead does not outlive the longest step")
  func clockAhead() {
    let street = Street()
    let right = street.now
    street.now.wall = street.now.wall + .seconds(400 * 86_400)
    street.ban(phone)
    #expect(street.admit(phone) == .banned)
    street.now = right
    #expect(street.admit(phone) == .pass)
  }
}
