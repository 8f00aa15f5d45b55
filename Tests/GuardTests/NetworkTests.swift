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

  @Test("IPv6 is judged by 64 bits: another address of the same customer does not help")
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

  @Test("Many banned networks of one site ban the site: 64 to 56 to 48 bits")
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
    #expect(street.passing(1_000, from: Source("203.0.113.200:7777")) == 400)
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
