import Elements
import Guard
import Testing

@Suite struct BudgetTests {
  @Test("A08: a source gets its burst and then its rate")
  func source() {
    let street = Street()
    let source = Source("203.0.113.7:5060")
    #expect(street.passing(1_000, from: source) == 200)
    street.wait(.seconds(1))
    #expect(street.passing(1_000, from: source) == 50)
    // Another port is no other source.
    #expect(street.passing(10, from: Source("203.0.113.7:5061")) == 0)
    street.wait(.seconds(3_600))
    #expect(street.passing(1_000, from: source) == 200)
  }

  @Test("A06: an office that switches on 200 phones at once is heard at once")
  func powerUp() {
    let street = Street()
    street.welcome(UserKey(1), from: Source("198.51.100.1:20000"))
    let passed = (0..<200).map { street.passing(4, from: Source("198.51.100.1:\(30_000 + $0)")) }
    #expect(passed.allSatisfy { $0 == 4 })
  }

  @Test("A08: a flood from random sources is cut to the budget of all, in bounded memory")
  func randomSources() {
    let street = Street()
    var dice = SplitMix(seed: 42)
    let friend = Source("198.51.100.1:20000")
    street.welcome(UserKey(1), from: friend)
    var passed = 0
    for _ in 0..<100_000 {
      let source = Source(
        Endpoint(IPAddress(v4: UInt32.random(in: .min ... .max, using: &dice)), 5060),
        connection: nil)
      if street.admit(source) == .pass { passed += 1 }
      street.wait(.microseconds(10))
    }
    #expect(passed <= 8_000 + 4_000 + 1)
    #expect(street.passing(100, from: friend) == 100)
    #expect(
      street.passing(1_000, from: Source("198.51.100.1:7")) == 1_000, "a new phone of the office")
  }

  @Test("A10: an account that begins a thousand calls a second is held to its rate")
  func calls() {
    let street = Street()
    var taken = 0
    for _ in 0..<10_000 {
      if street.mayCall(AccountID(7)) { taken += 1 }
      street.wait(.milliseconds(1))
    }
    #expect(taken <= 200 + 10 * 20)
    #expect(street.mayCall(AccountID(8)))
  }

  @Test("A08: a table forgets after two lives, and never grows beyond two generations")
  func generations() {
    var table = Generations<Int, Int>(life: .seconds(10), limit: 100)
    let start = Instant.start + .seconds(1)
    table.update(1, initial: 5, at: start) { $0 += 1 }
    #expect(table.value(of: 1, at: start + .seconds(9)) == 6)
    #expect(table.value(of: 1, at: start + .seconds(21)) == nil)
    for key in 0..<10_000 { table.update(key, initial: 0, at: start + .seconds(25)) { _ in } }
    #expect(table.count <= 200)
    #expect(table.value(of: 9_999, at: start + .seconds(25)) == 0)
  }

  @Test("What is changed in passing lasts no longer for it")
  func touched() {
    var table = Generations<Int, Int>(life: .seconds(10), limit: 100)
    let start = Instant.start + .seconds(1)
    func touch(_ key: Int, after seconds: Int64) -> Int? {
      table.touch(key, at: start + .seconds(seconds)) {
        $0 += 1
        return $0
      }
    }
    table.update(1, initial: 5, at: start) { _ in }
    #expect(touch(1, after: 9) == 6)
    table.update(2, initial: 0, at: start + .seconds(12)) { _ in }
    // It is of the old generation now.
    #expect(touch(1, after: 13) == 7)
    #expect(touch(1, after: 23) == nil)
    #expect(touch(3, after: 13) == nil)
  }

  @Test("Bans are bounded: the ones that end soonest make room")
  func boundedBans() {
    var settings = GuardSettings()
    settings.bans = 64
    let street = Street(settings)
    for host in 0..<1_000 { street.ban(Source("10.\(host / 200).\(host % 200).1:5060")) }
    #expect(street.admission.standing(at: street.now.wall).count <= 64)
    #expect(street.admit(Source("10.4.199.1:5060")) == .banned)
  }
}
