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
    let finding = try #require(street.admission.finding(bans()[0], at: street.now))
    #expect(finding.network == IPNetwork(thief.address) && finding.offence == .wrongCredentials)
    #expect(
      finding.users
        == [50, 1_000_000, 1_000_001, 1_000_002, 1_000_003, 1_000_004].map { UserKey($0) })
    #expect(finding.first == street.now.wall + .seconds(-100) && finding.last == street.now.wall)
    #expect(finding.expires == street.now.wall + .seconds(300))

    let guesser = Source("198.51.100.1:5060")
    for number in 1...10 { street.guess(UInt64(number), of: UserKey(1), from: guesser) }
    let single = try #require(bans().first { $0.subject.user != nil })
    #expect(street.admission.finding(single, at: street.now) == nil)

    let ordered = IPNetwork(test: "192.0.2.1")
    _ = try street.admission.order(ordered, until: nil, words: "", at: street.now)
    let order = try #require(street.admission.ban(of: ordered, at: street.now.wall))
    #expect(street.admission.finding(order, at: street.now) == nil)

    let ban = try #require(bans().first { $0.subject.network == finding.network })
    street.admission.spare([IPNetwork(test: "203.0.113.0/30")])
    #expect(street.admission.finding(ban, at: street.now) != nil)
    street.admission.spare([IPNetwork(test: "203.0.113.7")])
    #expect(street.admission.finding(ban, at: street.now) == nil)
  }

  @Test("Our own list goes on where it was, says so much in an hour, and takes back what it said")
  func ownList() throws {
    street.ban(thief)
    let finding = try #require(
      street.admission.finding(street.admission.standing(at: street.now.wall)[0], at: street.now))
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
    #expect(try exchange.hear(removal) == .counts([.unlist(finding.network)]))
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
