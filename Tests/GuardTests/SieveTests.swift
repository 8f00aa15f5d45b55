import Elements
import Guard
import Testing

@Suite struct SieveTests {
  private static let friends = ["198.51.100.7", "198.51.100.8", "203.0.113.200", "2001:db8:7:8::1"]
  private static let carriers = ["192.0.2.64/26", "2001:db8:ffff::/48", "192.0.2.9"]

  /// Who is known: phones, and carriers with whole networks.
  private func street(friends: [String] = friends) throws -> Street {
    let street = Street()
    for (number, address) in friends.enumerated() {
      let address = try #require(IPAddress(address))
      street.welcome(
        UserKey(UInt64(number)), from: Source(Endpoint(address, 5060), connection: nil))
    }
    street.admission.spare(try Self.carriers.map { try #require(IPNetwork($0)) })
    street.admission.expect(
      Endpoint(try #require(IPAddress("203.0.113.77")), 5060), at: street.now.instant)
    return street
  }

  private func sieve(
    _ street: Street, share: UInt32 = 0, dice: UInt64 = 0x1234_5678_9ABC_DEF1
  ) -> Sieve {
    street.admission.sieve(shares: ByFamily(both: share), dice: dice, at: street.now.instant)
  }

  /// Addresses near to those that are known, and made-up ones.
  private func addresses() -> [IPAddress] {
    var dice = SplitMix(seed: 7)
    let near = [
      "198.51.100.6", "198.51.100.7", "198.51.100.8", "192.0.2.63", "192.0.2.64", "192.0.2.127",
      "192.0.2.128", "192.0.2.9", "203.0.113.77", "2001:db8:7:8::1", "2001:db8:7:8:ffff::2",
      "2001:db8:7:9::1", "2001:db8:ffff::", "2001:db8:ffff:ffff::1", "2001:db8:fffe:ffff::1",
    ].compactMap { IPAddress($0) }
    let made = (0..<4_000).flatMap { _ in
      [
        IPAddress(v4: UInt32(truncatingIfNeeded: dice.next())),
        IPAddress(high: dice.next() | 1 << 61, low: dice.next()),
      ]
    }
    return near + made
  }

  @Test("A08: friends, carriers and whom we expect pass, strangers do not")
  func knows() throws {
    let sieve = try sieve(street())
    for address in [
      "198.51.100.7", "203.0.113.200", "2001:db8:7:8:ffff::2", "192.0.2.9", "192.0.2.127",
      "2001:db8:ffff:ffff::1", "203.0.113.77",
    ] { #expect(sieve.knows(try #require(IPAddress(address))), "\(address)") }
    let strangers = addresses().dropFirst(15)
    #expect(strangers.count { sieve.knows($0) } < strangers.count / 500)
  }

  @Test(
    "The kernel's program says the same, for each address of both families",
    arguments: [3, 100, 700, 3_900])
  func program(phones: Int) throws {
    let many = crowd(phones) + Self.friends
    let sieve = try sieve(street(friends: many), dice: UInt64(phones) &* 0x9E37_79B9_7F4A_7C15)
    let programs = [true, false].reduce(into: [:]) { $0[$1] = sieve.program(isV4: $1) }
    for address in addresses() + crowd(phones).compactMap({ IPAddress($0) }) {
      let program = try #require(programs[address.isV4])
      let passes = PacketMachine(from: address, random: 0).run(program)
      #expect(passes == sieve.knows(address), "\(address)")
    }
  }

  @Test("Of strangers the share passes, and no more")
  func share() throws {
    let program = try #require(try sieve(street(), share: 1_000).program(isV4: true))
    let stranger = try #require(IPAddress("8.8.8.8"))
    #expect(PacketMachine(from: stranger, random: 999).run(program))
    #expect(!PacketMachine(from: stranger, random: 1_000).run(program))
  }

  /// Half of them IPv4, half IPv6.
  private func crowd(_ count: Int) -> [String] {
    (0..<count / 2).flatMap {
      ["200.64.\($0 >> 8).\($0 & 255)", "2001:db8:1:\(String($0, radix: 16))::1"]
    }
  }

  @Test(
    "As long as the kernel takes them one by one, no stranger passes for a friend, of either family"
  )
  func exact() throws {
    let sieve = try sieve(street(friends: crowd(1_500)))
    #expect(addresses().dropFirst(15).count { sieve.knows($0) } == 0)
  }

  @Test("Two bits of an IPv6 address turned together do not lead to a friend")
  func mixed() throws {
    let friend = IPAddress(high: 0x2001_0DB8_0007_0008, low: 1)
    var hits = 0
    for dice in 0..<200 as Range<UInt64> {
      let sieve = try sieve(street(friends: crowd(3_000) + ["\(friend)"]), dice: dice)
      for bit in 20..<32 as Range<UInt64> {
        hits +=
          sieve.knows(IPAddress(high: friend.high ^ (1 << bit | 1 << (bit + 32)), low: 1)) ? 1 : 0
      }
    }
    // As many as of any addresses: one in ten shares a bit with somebody.
    #expect(hits < 2_400 / 6)
  }

  @Test("However many are known, the kernel takes the program, or there is none")
  func bounded() throws {
    let full = try street(friends: crowd(7_900))
    full.admission.spare((0..<56).compactMap { IPNetwork("2001:f\($0)::/47") })
    for isV4 in [true, false] {
      #expect(try #require(sieve(full).program(isV4: isV4)).count <= 2_500)
    }
    let more = try street(friends: crowd(7_900) + (0..<200).map { "100.96.0.\($0)" })
    for isV4 in [true, false] {
      #expect(try #require(sieve(more).program(isV4: isV4)).count <= 2_500)
    }
    let wide = Street()
    wide.admission.spare((0..<65).compactMap { IPNetwork("10.\($0).0.0/16") })
    #expect(sieve(wide).program(isV4: true) == nil)
    #expect(sieve(wide).program(isV4: false) != nil, "the other family is none the worse")
  }

  @Test("A family that has no siege passes whole")
  func ofOneFamily() throws {
    let street = try street()
    let sieve = street.admission.sieve(
      shares: ByFamily(v4: nil, v6: 0), dice: 7, at: street.now.instant)
    #expect(sieve.program(isV4: true) == [])
    #expect(sieve.knows(try #require(IPAddress("8.8.8.8"))))
    #expect(!sieve.knows(try #require(IPAddress("2001:db8:9::1"))))
  }

  @Test("However many places one tenant has, the others' are told to the kernel")
  func tenants() throws {
    let street = Street()
    // Stolen passwords of one tenant, as many as it takes, before and after an honest one's phones.
    func thieves(_ range: Range<Int>) {
      for number in range {
        let address = IPAddress(v4: 0x6440_0000 + UInt32(number))
        street.welcome(
          UserKey(UInt64(1_000 + number / 60)), of: TenantID(1),
          from: Source(Endpoint(address, 5060), connection: nil))
      }
    }
    thieves(0..<3_000)
    let phones = (0..<200).map { IPAddress(v4: 0xC633_6400 + UInt32($0)) }
    for (number, phone) in phones.enumerated() {
      street.welcome(
        UserKey(UInt64(number)), of: TenantID(2),
        from: Source(Endpoint(phone, 5060), connection: nil))
    }
    street.wait(.seconds(60))
    thieves(3_000..<9_000)
    let sieve = sieve(street)
    #expect(sieve.program(isV4: true) != nil)
    #expect(phones.allSatisfy(sieve.knows))
    let strangers = (0..<4_000).map { IPAddress(v4: 0x0800_0000 + UInt32($0) * 977) }
    #expect(strangers.count(where: sieve.knows) < strangers.count * 3 / 10)
  }
}

@Suite struct SiegeTests {
  /// The share of strangers after each second, with so many turned away in each.
  private func shares(_ rates: [UInt64]) -> [Double?] {
    var siege = Siege(GuardSettings())
    var (count, now) = (UInt64(5), Instant.start)
    siege.look(turnedAway: count, dropped: count, at: now)
    return rates.map { rate in
      (count, now) = (count + rate / 2, now + Siege.interval)
      siege.look(turnedAway: count, dropped: count, at: now)
      return siege.share.map { Double($0) / 4_294_967_296 }
    }
  }

  @Test("A flood is thinned to twice the budget of all strangers, and its pauses are not trusted")
  func thins() {
    let found = shares([4_000, 96_000, 796_000, 5_000])
    #expect(found[0] == nil)
    #expect(abs((found[1] ?? 1) - 0.08) < 0.001)
    #expect(abs((found[2] ?? 1) - 0.01) < 0.001)
    #expect(found[3] == found[2])
    let pulses = shares([100_000, 0, 100_000, 0, 100_000])
    #expect(pulses.allSatisfy { $0 == pulses[0] })
  }

  @Test(
    "What we turn away in time is no siege: one source that its own budget stops thins out nobody")
  func keepsUp() {
    var siege = Siege(GuardSettings())
    siege.look(turnedAway: 0, dropped: 0, at: .start)
    siege.look(turnedAway: 100_000, dropped: 20, at: .start + Siege.interval)
    #expect(siege.share == nil)
    siege.look(turnedAway: 200_000, dropped: 220, at: .start + Siege.interval + Siege.interval)
    #expect(siege.share != nil)
  }

  @Test("It is over after ten calm seconds, not in its pauses")
  func ends() {
    let calm = [UInt64](repeating: 0, count: 9)
    #expect(shares([100_000] + calm).last != .some(nil))
    #expect(shares([100_000] + calm + [2_000] + calm).last != .some(nil))
    #expect(shares([100_000] + calm + [0]).last == .some(nil))
  }
}

/// The classic BPF machine as far as a sieve uses it (Linux, Documentation/networking/filter.rst), for one datagram.
struct PacketMachine {
  private let words: [UInt32: UInt32]

  init(from address: IPAddress, random: UInt32) {
    var words = [UInt32(bitPattern: -0x1000 + 56): random]
    let header = UInt32(bitPattern: -0x10_0000)
    let halves = [address.high, address.low]
    let parts =
      address.v4.map { [$0] } ?? halves.flatMap { [$0 >> 32, $0 & 0xFFFF_FFFF] }.map(UInt32.init)
    for (place, word) in parts.enumerated() {
      words[header &+ (address.isV4 ? 12 : 8) &+ UInt32(4 * place)] = word
    }
    self.words = words
  }

  /// Whether the datagram passes; a jump behind the end, an unknown step or a load from elsewhere drops it.
  func run(_ program: [SieveStep]) -> Bool {
    var (a, x, kept, place) = (UInt32(0), UInt32(0), [UInt32: UInt32](), 0)
    while place < program.count {
      let step = program[place]
      place += 1
      var jumps: Bool?
      switch step.code {
      case 0x20:
        guard let word = words[step.value] else { return false }
        a = word
      case 0x00: a = step.value
      case 0x02: kept[step.value] = a
      case 0x60:
        guard let word = kept[step.value] else { return false }
        a = word
      case 0x07: x = a
      case 0x54: a &= step.value
      case 0x24: a = a &* step.value
      case 0x74: a >>= step.value
      case 0x7C: a >>= x
      case 0xAC: a ^= x
      case 0x05: place += Int(step.value)
      case 0x15: jumps = a == step.value
      case 0x35: jumps = a >= step.value
      case 0x45: jumps = a & step.value != 0
      case 0x06: return step.value != 0
      case _: return false
      }
      if let jumps { place += Int(jumps ? step.yes : step.no) }
    }
    return false
  }
}
