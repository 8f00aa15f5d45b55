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

  @Test(
    "A flow on which five users are tried is no friend's any more, whoever proves himself on it")
  func stolenFlow() {
    let street = Street()
    street.welcome(alice, from: phone)
    street.ban(phone)
    #expect(street.passing(1_000, from: phone) == 400, "it is slowed like anybody new there")
    street.welcome(alice, from: phone)
    #expect(street.admit(phone) == .overBudget)
    street.wait(.seconds(2 * 3_600))
    street.welcome(alice, from: phone)
    #expect(street.passing(1_000, from: phone) == 1_000)
  }

  @Test("Even a friend's flow has a budget, one for a whole exchange")
  func friendlyFlood() {
    let street = Street()
    street.welcome(alice, from: phone)
    #expect(street.passing(100_000, from: phone) == 10_000)
  }

  @Test(
    "A flood of datagrams with the office's address takes nothing from its streams, nor from strangers' streams"
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

  @Test("Whom we have asked something is heard while a flood uses up everybody's budget")
  func expected() {
    let street = Street()
    let node = Source("192.0.2.60:5060")
    for host in 0..<250 { _ = street.passing(200, from: Source("10.\(host).1.1:5060")) }
    #expect(street.admit(node) == .overBudget)
    street.admission.expect(node.remote, at: street.now.instant)
    #expect(street.passing(100, from: node) == 100)
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
        banned += street.note(.foreignDomain(UInt64(filler)), from: phone).banned
      }
    }
    #expect(banned.contains(.network(IPNetwork(phone.address))))
  }

  @Test("Unknown users and wrong passwords are judged alike, so that a ban tells nobody who exists")
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

  @Test("A person's order holds for a known phone too, and never for half the world")
  func order() throws {
    let street = Street()
    street.welcome(alice, from: phone)
    _ = try street.admission.order(
      IPNetwork(phone.address), until: nil, words: "", at: street.now)
    #expect(street.admit(phone) == .banned)
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
