import Elements
import Guard
import Testing

/// What one tenant's phones, or stolen passwords, can do to what the guard knows of another's.
@Suite struct TenantTests {
  private let honest = TenantID(1)
  private let troubled = TenantID(2)
  private let alice = UserKey(1)
  private let phone = Source("198.51.100.7:5060")

  /// A street with little room: what fits is found out soon.
  private func street() -> Street {
    var settings = GuardSettings()
    (settings.friends, settings.flowsOfTenant, settings.placesOfTenant) = (400, 100, 100)
    settings.sources = 200
    return Street(settings)
  }

  private func place(_ number: Int, port: UInt16 = 5060) -> Source {
    Source(Endpoint(IPAddress(v4: 0x6440_0000 + UInt32(number)), port), connection: nil)
  }

  private func isKnown(_ source: Source, _ street: Street) -> Bool {
    street.admission.explain(source.address, at: street.now).hasPhones
  }

  /// A friend has a budget of thousands, a stranger one of 200.
  private func isFriend(_ source: Source, _ street: Street) -> Bool {
    street.passing(300, from: source) == 300
  }

  @Test("A08: however many phones of one tenant come from however many places, another's are known")
  func places() {
    let street = street()
    street.welcome(alice, of: honest, from: phone)
    for number in 0..<5_000 {
      street.welcome(
        UserKey(UInt64(100 + number / 30)), of: troubled, from: place(number))
    }
    #expect(isKnown(phone, street))
    #expect(isFriend(phone, street))
    #expect(isKnown(place(99), street) && !isKnown(place(4_999), street))
    let other = Source("198.51.100.8:5060")
    #expect(street.welcome(UserKey(2), of: honest, from: other).count == 1, "a new one, too")
    #expect(isKnown(other, street))
  }

  @Test("A08: a tenant at its bounds keeps what it has, and has room again as time goes by")
  func bounds() {
    let street = street()
    for number in 0..<500 {
      street.welcome(UserKey(UInt64(100 + number)), of: troubled, from: place(number))
    }
    #expect((0..<500).count { isKnown(place($0), street) } == 200, "two shares, where it is alone")
    #expect(street.welcome(alice, of: honest, from: phone).count == 1)
    street.wait(.seconds(80_000))
    #expect(isKnown(place(0), street))
    street.wait(.seconds(10_000))
    #expect(street.welcome(UserKey(999), of: troubled, from: place(600)).count == 1)
    #expect(isKnown(place(600), street))
  }

  @Test("One password on thousands of ports has as many flows as phones need, the latest")
  func flowsOfUser() {
    let street = street()
    street.welcome(alice, of: honest, from: phone)
    let colleague = Source("198.51.100.9:5060")
    street.welcome(UserKey(2), of: troubled, from: colleague)
    for port in 0..<5_000 {
      street.welcome(UserKey(3), of: troubled, from: place(1, port: UInt16(10_000 + port)))
    }
    #expect(isFriend(phone, street))
    #expect(isFriend(colleague, street), "nor does it harm its own tenant")
    let flows = (0..<5_000).filter { port in
      let source = place(1, port: UInt16(10_000 + port))
      return street.admission.trusts(source, at: street.now)
    }
    #expect(flows == Array(4_968..<5_000))
  }

  @Test("A flow that somebody else has by now does not end with its old user's others")
  func handedOver() {
    let street = street()
    street.welcome(UserKey(3), of: troubled, from: phone)
    street.welcome(alice, of: honest, from: phone)
    for port in 0..<40 {
      street.welcome(UserKey(3), of: troubled, from: place(1, port: UInt16(10_000 + port)))
    }
    #expect(isFriend(phone, street))
  }

  @Test("Streams that come and go take up none of their tenant's share")
  func streams() {
    let street = street()
    for number in 1...1_000 as ClosedRange<UInt64> {
      let stream = Source(phone.remote, connection: FlowID(number))
      street.welcome(UserKey(number % 50), of: troubled, from: stream)
      #expect(street.admission.trusts(stream, at: street.now))
      street.admission.ended(FlowID(number))
    }
  }

  @Test("What was known before a restart is its tenant's as soon as that speaks")
  func restart() {
    let street = street()
    let changes = (0..<150).map { GuardChange.known(place($0).address.unit, street.now.wall) }
    for change in changes { street.admission.replay(change) }
    street.admission.recover(at: street.now)
    #expect((0..<150).allSatisfy { isKnown(place($0), street) })
    for number in 0..<300 {
      street.welcome(UserKey(UInt64(100 + number)), of: troubled, from: place(number))
    }
    #expect((0..<300).count { isKnown(place($0), street) } == 200)
  }

  @Test("Who guesses without an end where nobody is banned hides no guesses elsewhere")
  func spared() {
    let street = street()
    let office = Source("192.0.2.1:5060")
    street.admission.spare([IPNetwork(office.address)])
    let thief = Source("203.0.113.7:5060")
    for guess in 0..<9 as Range<UInt64> { street.guess(guess, of: alice, from: thief) }
    for user in 0..<2_000 as Range<UInt64> {
      street.guess(1, of: UserKey(9_000 + user), from: office)
    }
    #expect(
      street.guess(9, of: alice, from: thief).banned == [.user(alice, from: thief.address.unit)])
  }

  @Test("A flood of strangers over one family takes nothing from those of the other")
  func families() {
    let street = Street()
    for number in 0..<100_000 { _ = street.admit(place(number)) }
    #expect(street.admit(place(200_000)) == .overBudget)
    #expect(street.admit(Source("[2001:db8::1]:5060")) == .pass)
    #expect(street.admission.turnedAway.v4 > 0 && street.admission.turnedAway.v6 == 0)
  }
}

extension IPAddress {
  /// The neighbourhood of an IPv4 address.
  fileprivate var unit: IPNetwork { IPNetwork(self) }
}
