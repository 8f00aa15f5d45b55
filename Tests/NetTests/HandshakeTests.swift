import Elements
import Guard
import Net
import Testing

@Suite("A12: how many TLS handshakes others may begin") struct HandshakeTests {
  private let now = Instant.start + .seconds(1)

  private func budget(_ change: (inout HandshakeLimits) -> Void) -> HandshakeBudget {
    var limits = HandshakeLimits()
    // Nothing of the reserve, unless a test is about it.
    limits.few = Rate(perSecond: 1, burst: 1)
    limits.newcomers = Rate(perSecond: 1, burst: 1)
    change(&limits)
    return HandshakeBudget(limits)
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test("all strangers of a family have a budget together, the other family another")
  func families() throws {
    var budget = budget { $0.strangers = Rate(perSecond: 1, burst: 10) }
    let taken = try (0..<20).map { number in
      budget.take(from: try address("203.0.\(number).1"), isKnown: false, at: now)
    }
    #expect(taken.count { $0 } == 11, "one of them a newcomer's")
    let other = budget.take(from: try address("2001:db8::1"), isKnown: false, at: now)
    #expect(other)
    let later = budget.take(
      from: try address("203.0.99.1"), isKnown: false, at: now + .seconds(1))
    #expect(later)
  }

  @Test(
    "one customer of a provider cannot use it up, however many addresses he has",
    arguments: [("203.0.113.", "203.0.114.1"), ("2001:db8:1:", "2001:db8:2::1")])
  func nearby(his: String, other: String) throws {
    var budget = budget {
      $0.strangers = Rate(perSecond: 1, burst: 100)
      $0.nearby = Rate(perSecond: 1, burst: 20)
    }
    let taken = try (1...99).map { number in
      let text = his.contains(":") ? "\(his)\(number)::1" : "\(his)\(number)"
      return budget.take(from: try address(text), isKnown: false, at: now)
    }
    #expect(taken.count { $0 } == 20)
    let neighbour = budget.take(from: try address(other), isKnown: false, at: now)
    #expect(neighbour)
  }

  @Test("ten who begin as many as they may keep nobody out who begins few")
  func newcomers() throws {
    var budget = HandshakeBudget(HandshakeLimits())
    func takes(_ text: String, at now: Instant) throws -> Bool {
      budget.take(from: try address(text), isKnown: false, at: now)
    }
    // A hundred a second each, for a minute; a new phone each second.
    var welcomed = 0
    for second in 0..<60 {
      for step in 0..<100 {
        let now = now + .milliseconds(second * 1_000 + step * 10)
        for attacker in 0..<10 { _ = try takes("198.51.\(attacker).7", at: now) }
        if step == 50, try takes("203.0.\(second).1", at: now) { welcomed += 1 }
      }
    }
    #expect(welcomed == 60)
  }

  @Test("where phones are known there is another budget, which strangers do not use up")
  func known() throws {
    var budget = budget {
      $0.strangers = Rate(perSecond: 1, burst: 1)
      $0.known = Rate(perSecond: 1, burst: 5)
    }
    let phone = try address("203.0.113.1")
    for number in 0..<9 {
      // All of them are too many but the first two.
      _ = budget.take(from: try address("198.51.\(number).1"), isKnown: false, at: now)
    }
    let taken = (0..<9).map { _ in budget.take(from: phone, isKnown: true, at: now) }
    #expect(taken.count { $0 } == 5)
  }

  @Test(
    "a password that makes 64 places known keeps no phone out",
    arguments: ["2001:db8:9:%::1", "198.51.%.1"])
  func stolen(pattern: String) throws {
    var budget = HandshakeBudget(HandshakeLimits())
    let thieves = try (0..<64).map { try address(pattern.replacing("%", with: "\($0)")) }
    var welcomed = 0
    for second in 0..<120 {
      for step in 0..<20 {
        let now = now + .milliseconds(second * 1_000 + step * 50)
        for thief in thieves { _ = budget.take(from: thief, isKnown: true, at: now) }
        let phone = try address(
          thieves[0].isV4 ? "203.0.\(second).1" : "2001:db8:\(second + 10)::1")
        if step == 10, budget.take(from: phone, isKnown: true, at: now) { welcomed += 1 }
      }
    }
    #expect(welcomed == 120)
  }

  @Test(
    "the first bytes say whether a handshake begins",
    arguments: [
      ([], .unfinished), ([22], .unfinished), ([22, 3, 1, 0, 2, 1], .unfinished),
      ([22, 3, 1, 0, 2, 1, 0], .hello), ([22, 3, 1, 0, 2, 1, 0, 9], .hello),
      // What BoringSSL takes before a ClientHello, or in its place.
      ([22, 3, 1, 0, 0], .other), ([21, 3, 1, 0, 2, 1, 90], .other), ([0x80, 46, 1, 3, 1], .other),
      ([22, 3, 1, 0, 2, 2], .other), ([22, 0], .other), ([22, 3, 1, 0x10, 1], .other),
      (Array("OPTIONS".utf8), .other),
    ] as [([UInt8], TLSOpening)])
  func opening(bytes: [UInt8], expected: TLSOpening) {
    #expect(TLSOpening(bytes) == expected)
  }
}
