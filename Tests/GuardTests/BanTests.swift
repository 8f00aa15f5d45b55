import Elements
import Guard
import Testing

@Suite struct BanTests {
  @Test("Other steps hold from the next ban on; what holds lasts as long as was said")
  func steps() {
    let street = Street()
    let (source, other) = (Source("203.0.113.7:5060"), Source("203.0.113.8:5060"))
    street.ban(source)
    var settings = GuardSettings()
    settings.ladder = [.seconds(60)]
    street.admission.adopt(settings)
    street.ban(other)
    street.wait(.seconds(61))
    #expect(street.admit(source) == .banned && street.admit(other) == .pass)
    street.wait(.seconds(240))
    #expect(street.admit(source) == .pass)
    street.ban(source)
    street.wait(.seconds(61))
    #expect(street.admit(source) == .pass, "the last step is that of all that follow")
  }

  private let stranger = Source("203.0.113.7:5060")
  private let alice = UserKey(1)

  @Test("A05: trying five users that are not there bans the address for five minutes")
  func unknownUsers() {
    let street = Street()
    for user in 1...4 {
      #expect(
        street.note(.wrongCredentials(UserKey(UInt64(100 + user)), response: 0), from: stranger)
          .isEmpty)
    }
    // The same again is no news.
    #expect(street.note(.wrongCredentials(UserKey(101), response: 0), from: stranger).isEmpty)
    let notices = street.note(.wrongCredentials(UserKey(105), response: 0), from: stranger)
    #expect(notices.banned == [.network(IPNetwork(stranger.address))])
    #expect(street.admit(Source("203.0.113.7:9999")) == .banned)
    street.wait(.seconds(299))
    #expect(street.admit(stranger) == .banned)
    street.wait(.seconds(1))
    #expect(street.admit(stranger) == .pass)
  }

  @Test("Offences more than ten minutes apart do not add up")
  func window() {
    let street = Street()
    for user in 0..<20 {
      #expect(
        street.note(.wrongCredentials(UserKey(UInt64(100 + user)), response: 0), from: stranger)
          .isEmpty)
      street.wait(.seconds(151))
    }
  }

  @Test("A07: what is not proven counts for nothing: a spoofed source bans nobody")
  func spoofed() {
    let street = Street()
    for user in 0..<1_000 {
      let notices = street.note(
        .wrongCredentials(UserKey(UInt64(user)), response: 0), from: stranger, isProven: false)
      #expect(notices.isEmpty)
    }
    #expect(street.admit(stranger) == .pass)
  }

  @Test("The handshake of a stream is proof by itself")
  func stream() {
    let street = Street()
    let stream = Source("203.0.113.7:50123", isStream: true)
    for user in 0..<5 {
      street.note(
        .wrongCredentials(UserKey(UInt64(user)), response: 0), from: stream, isProven: false)
    }
    #expect(street.admit(stream) == .banned)
  }

  @Test("A03: the tenth wrong password closes the user to that address, and to no other")
  func guessing() {
    let street = Street()
    for number in 1...9 {
      #expect(street.guess(UInt64(number), of: alice, from: stranger).isEmpty)
    }
    #expect(street.guess(9, of: alice, from: stranger).isEmpty, "the same again")
    let notices = street.guess(10, of: alice, from: stranger)
    #expect(notices.banned == [.user(alice, from: IPNetwork(stranger.address))])
    #expect(street.looksAt(alice, from: stranger), "one look a minute is left")
    #expect(!street.looksAt(alice, from: stranger))
    #expect(street.looksAt(alice, from: Source("198.51.100.9:5060")), "its real phone")
    #expect(street.looksAt(UserKey(2), from: stranger), "its neighbour's phone")
    #expect(street.admit(stranger) == .pass, "the narrowest that explains it")
  }

  @Test("A03: who goes on guessing faster than a phone asks is banned whole")
  func persistence() {
    let street = Street()
    var banned: [BanSubject] = []
    for number in 1...200 {
      banned += street.guess(UInt64(number), of: alice, from: stranger).banned
      street.wait(.milliseconds(100))
    }
    #expect(banned.last == .network(IPNetwork(stranger.address)))
    #expect(street.admit(stranger) == .banned)
  }

  @Test("A06: a phone with an old password, every five seconds for a day, is never banned whole")
  func brokenPhone() {
    let street = Street()
    var looked = 0
    for attempt in 0..<17_280 {
      if street.looksAt(alice, from: stranger) { looked += 1 }
      let banned = street.guess(UInt64(attempt), of: alice, from: stranger).banned
      #expect(!banned.contains(.network(IPNetwork(stranger.address))))
      street.wait(.seconds(5))
    }
    #expect(street.admit(stranger) == .pass)
    #expect(looked < 1_600, "one guess a minute, not twelve")
    // Its password is mended: within a minute it is in, and the ban is gone.
    street.wait(.seconds(60))
    #expect(street.looksAt(alice, from: stranger))
    let network = IPNetwork(stranger.address)
    #expect(street.welcome(alice, from: stranger).contains(.lift(.user(alice, from: network))))
    #expect(street.looksAt(alice, from: stranger))
    #expect(street.looksAt(alice, from: stranger))
  }

  @Test("A06: where phones are registered nobody is banned whole; who is new is slowed")
  func office() {
    let street = Street()
    let phones = (0..<200).map { Source("198.51.100.1:\(20_000 + $0)") }
    for (number, phone) in phones.enumerated() {
      street.welcome(UserKey(UInt64(5_000 + number)), from: phone)
    }
    let intruder = Source("198.51.100.1:61000")
    street.ban(intruder)
    let areHeard = phones.allSatisfy { street.admit($0) == .pass }
    #expect(areHeard)
    #expect(street.passing(1_000, from: intruder) == 400)
    #expect(street.admit(intruder) == .overBudget)
    let areHeardOften = phones.allSatisfy { street.passing(100, from: $0) == 100 }
    #expect(areHeardOften)
  }

  @Test("A06: guests who misbehave at an office again and again do not shut it out after a weekend")
  func weekend() {
    let street = Street()
    let phones = (0..<200).map { Source("198.51.100.1:\(20_000 + $0)") }
    let intruder = Source("198.51.100.1:61000")
    for seconds in [300, 3_600, 86_400, 0] {
      for (number, phone) in phones.enumerated() {
        street.welcome(UserKey(UInt64(5_000 + number)), from: phone)
      }
      street.ban(intruder)
      let ban = street.admission.ban(of: IPNetwork(intruder.address), at: street.now.wall)
      #expect(ban?.until == street.now.wall + .seconds(300) && ban?.rung == 0)
      street.wait(.seconds(seconds + 1_300))
    }
    street.wait(.seconds(64 * 3_600))
    let areHeard = phones.allSatisfy { street.admit($0) == .pass }
    #expect(areHeard)
  }

  @Test("A06: how often somebody was banned before phones came there is not forgotten for them")
  func formerScanner() {
    let street = Street()
    for _ in 0..<2 {
      street.ban(stranger)
      street.wait(.seconds(5_000))
    }
    street.welcome(alice, from: stranger)
    street.ban(stranger)
    #expect(street.admission.standing(at: street.now.wall).map(\.rung) == [1])
    street.wait(.seconds(90_000))
    street.ban(stranger)
    #expect(street.admission.standing(at: street.now.wall).map(\.rung) == [2])
  }

  @Test("A known phone's protection of its address ends a day after its last registration")
  func friendshipEnds() {
    let street = Street()
    street.welcome(alice, from: stranger)
    street.wait(.seconds(86_401))
    street.ban(stranger)
    #expect(street.admit(Source("203.0.113.7:61000")) == .banned)
  }

  @Test("Each ban is longer than the last: 5 minutes, an hour, a day, a week, and it decays")
  func ladder() {
    let street = Street()
    for seconds in [300, 3_600, 86_400, 604_800, 604_800] {
      street.ban(stranger)
      street.wait(.seconds(seconds - 1))
      #expect(street.admit(stranger) == .banned)
      street.wait(.seconds(1))
      #expect(street.admit(stranger) == .pass)
      street.wait(.seconds(1_300))
    }
    // Five weeks of peace.
    street.wait(.seconds(5 * 604_800))
    street.ban(stranger)
    street.wait(.seconds(300))
    #expect(street.admit(stranger) == .pass)
  }

  @Test(
    "A04: a thousand addresses, one guess each: strangers are slowed, the phone's own address is not"
  )
  func distributed() {
    let street = Street()
    let phone = Source("198.51.100.9:5060")
    street.welcome(alice, from: phone)
    var told = 0
    var looked = 0
    for number in 0..<1_000 {
      let source = Source("10.\(number / 250).\(number % 250).1:5060")
      if street.looksAt(alice, from: source) { looked += 1 }
      told += street.guess(UInt64(number), of: alice, from: source).count
      street.wait(.milliseconds(10))
    }
    #expect(told == 1, "its owner is told once")
    #expect(looked < 30)
    #expect(street.looksAt(alice, from: phone))
    let ports = (6_000..<6_010).map { Source("198.51.100.9:\($0)") }
    #expect(
      ports.allSatisfy { street.looksAt(alice, from: $0) }, "started anew, as often as it likes")
    #expect(street.looksAt(UserKey(2), from: Source("10.0.1.1:5060")))
  }

  @Test("A carrier is never banned, nor asked to wait")
  func spared() {
    let street = Street()
    street.admission.spare(
      [IPNetwork(stranger.address), IPNetwork("192.0.2.0/24")].compactMap(\.self))
    street.ban(stranger)
    #expect(street.passing(10_000, from: stranger) == 10_000)
    #expect(street.passing(10_000, from: Source("192.0.2.99:5060")) == 10_000)
  }
}
