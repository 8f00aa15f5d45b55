import Elements
import Guard
import Testing

/// Every ban and every budget of sources, for IPv4, for IPv4 as IPv6 writes it (RFC 4291 §2.5.5.2), and for IPv6.
@Suite struct FamilyTests {
  /// A source that changes its address as far as it can without being another source.
  enum Family: CaseIterable {
    case v4, mapped, v6

    /// The n-th address of the attacker: all of them are one source.
    func attacker(_ number: Int, isStream: Bool = false) -> Source {
      switch self {
      case .v4: Source("203.0.113.7:\(6_000 + number)", isStream: isStream)
      case .mapped:
        Source(
          "\(number % 2 == 0 ? "[::ffff:203.0.113.7]" : "203.0.113.7"):\(6_000 + number)",
          isStream: isStream)
      case .v6:
        Source(
          "[2001:db8:1:2::\(String(number + 1, radix: 16))]:\(6_000 + number)", isStream: isStream)
      }
    }

    /// Another source near it.
    func neighbour(_ number: Int) -> Source {
      switch self {
      case .v4: Source("203.0.113.\(8 + number):5060")
      case .mapped: Source("[::ffff:203.0.113.\(8 + number)]:5060")
      case .v6: Source("[2001:db8:1:\(String(256 + number, radix: 16))::1]:5060")
      }
    }

    /// One of many that have nothing to do with each other.
    func elsewhere(_ number: Int) -> Source {
      switch self {
      case .v4: Source("10.\(number / 250).\(number % 250).1:5060")
      case .mapped: Source("[::ffff:10.\(number / 250).\(number % 250).1]:5060")
      case .v6: Source("[2001:db8:\(String(4_096 + number, radix: 16))::1]:5060")
      }
    }
  }

  private let alice = UserKey(1)
  private let street = Street()

  @Test(
    "A05: five users that are not there ban a source, with whichever of its addresses it tries them",
    arguments: Family.allCases)
  func users(_ family: Family) {
    for user in 1...4 {
      #expect(street.guess(0, of: UserKey(UInt64(user)), from: family.attacker(user)).isEmpty)
    }
    #expect(street.guess(0, of: UserKey(5), from: family.attacker(5)).banned.count == 1)
    for number in 0..<10 { #expect(street.admit(family.attacker(number)) == .banned) }
    #expect(street.admit(family.attacker(10, isStream: true)) == .banned)
    #expect(street.admit(family.neighbour(0)) == .pass)
  }

  @Test(
    "A01, A12: twenty probes, or pieces of noise, on connections ban a source",
    arguments: Family.allCases, [false, true])
  func connections(_ family: Family, isNoise: Bool) {
    for number in 0..<20 {
      #expect(street.admit(family.attacker(number)) == .pass)
      let mark = UInt64(number)
      street.note(
        isNoise ? .malformed(mark) : .probe(mark), from: family.attacker(number, isStream: true),
        isProven: false)
    }
    #expect(street.admit(family.attacker(99)) == .banned)
    #expect(street.admit(family.neighbour(0)) == .pass)
  }

  @Test(
    "A03: ten wrong passwords close a user to a source, and going on bans it whole",
    arguments: Family.allCases)
  func passwords(_ family: Family) {
    for number in 0..<10 {
      _ = street.guess(UInt64(number), of: alice, from: family.attacker(number))
    }
    #expect(street.looksAt(alice, from: family.attacker(11)), "its one look a minute")
    for number in 12..<20 { #expect(!street.looksAt(alice, from: family.attacker(number))) }
    #expect(street.looksAt(alice, from: family.neighbour(0)))
    #expect(street.admit(family.attacker(20)) == .pass)
    for number in 20..<100 {
      _ = street.guess(UInt64(number), of: alice, from: family.attacker(number))
    }
    #expect(street.admit(family.attacker(100)) == .banned)
  }

  @Test(
    "A04: one guess each from everywhere tells the owner, and strangers are rarely looked at",
    arguments: Family.allCases)
  func everywhere(_ family: Family) {
    street.welcome(alice, from: family.attacker(0))
    let told = (0..<60).reduce(0) {
      $0 + street.guess(UInt64($1), of: alice, from: family.elsewhere($1)).count
    }
    #expect(told == 1)
    #expect((100..<120).count { street.looksAt(alice, from: family.elsewhere($0)) } == 2)
    let isLookedAt = (0..<10).allSatisfy { street.looksAt(alice, from: family.attacker($0)) }
    #expect(isLookedAt, "where his phone is")
  }

  @Test(
    "A06: where a phone is known nobody is banned, and who is new there is slowed",
    arguments: Family.allCases)
  func office(_ family: Family) {
    let phone = family.attacker(0)
    street.welcome(alice, from: phone)
    for user in 0..<5 { street.guess(0, of: UserKey(UInt64(100 + user)), from: family.attacker(1)) }
    #expect(street.passing(1_000, from: phone) == 1_000)
    #expect(street.passing(1_000, from: family.attacker(3)) == 400)
    #expect(street.admit(family.attacker(5)) == .overBudget, "the same place")
  }

  @Test("A07: what is not proven bans no source", arguments: Family.allCases)
  func unproven(_ family: Family) {
    for number in 0..<1_000 {
      let notices = street.note(
        .wrongCredentials(UserKey(UInt64(number)), response: 0), from: family.attacker(number),
        isProven: false)
      #expect(notices.isEmpty)
    }
    #expect(street.admit(family.attacker(0)) == .pass)
  }

  @Test("A08: a source has one budget for all of its addresses", arguments: Family.allCases)
  func source(_ family: Family) {
    let passed = (0..<1_000).count { street.admit(family.attacker($0)) == .pass }
    #expect(passed == 200)
    #expect(street.admit(family.neighbour(0)) == .pass)
  }

  @Test("A08: neighbours have one budget together", arguments: Family.allCases)
  func neighbours(_ family: Family) {
    let passed = (0..<100).reduce(0) { $0 + street.passing(100, from: family.neighbour($1)) }
    #expect(passed == 2_000)
    #expect(street.passing(100, from: family.elsewhere(0)) == 100)
  }

  @Test("A08: all strangers have one budget, and a friend his own", arguments: Family.allCases)
  func everybody(_ family: Family) {
    let phone = family.attacker(0)
    street.welcome(alice, from: phone)
    let passed = (0..<20_000).count { street.admit(family.elsewhere($0 % 1_000)) == .pass }
    #expect(passed == 8_000)
    #expect(street.passing(100, from: phone) == 100)
    #expect(street.passing(100, from: family.attacker(2)) == 100, "a new phone beside it")
  }

  @Test("A48: others' word and a person's order are about a source", arguments: Family.allCases)
  func listed(_ family: Family) throws {
    let network = Neighbourhood(of: family.attacker(0).address).network
    let until = street.now.wall + .seconds(300)
    #expect(street.admission.hear(.list(Listed(network, until: until)), at: street.now) == nil)
    #expect(street.admit(family.attacker(7)) == .banned)
    #expect(street.admit(family.neighbour(0)) == .pass)
    #expect(street.admission.unlist(network, at: street.now.wall) == [network])
    #expect(street.admit(family.attacker(7)) == .pass)
    street.welcome(alice, from: family.attacker(0))
    _ = try street.admission.order(network, until: nil, words: "", at: street.now)
    #expect(street.admit(family.attacker(7)) == .banned)
    #expect(street.admit(family.attacker(0)) == .banned)
  }
}
