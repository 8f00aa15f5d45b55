import Elements
import Guard
import Net
import SIP
import Testing

@Suite("A12: who may hold a connection") struct ConnectionQuotaTests {
  private let now = Instant.start + .seconds(1)

  private func limits(_ change: (inout StreamLimits) -> Void) -> StreamLimits {
    var limits = StreamLimits()
    change(&limits)
    return limits
  }

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  /// Two addresses that are one source: IPv4, the same as IPv6 writes it, 64 bits of IPv6.
  private static let sources = [
    ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"),
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
  ]

  @Test(
    "strangers of one address have a share of its connections; who is proven makes room",
    arguments: sources)
  func address(_ one: String, _ same: String) throws {
    var quota = ConnectionQuota(
      limits { ($0.strangersPerAddress, $0.connectionsPerAddress) = (2, 3) })
    func connect(_ number: UInt64) throws -> ConnectionQuota.Verdict {
      quota.admit(
        FlowID(number), from: try address(number % 2 == 0 ? one : same), in: .unknown, at: now)
    }
    #expect(try connect(1) == .admitted(inPlaceOf: nil))
    #expect(try connect(2) == .admitted(inPlaceOf: nil))
    #expect(try connect(3) == .refused)
    quota.trust(FlowID(1))
    #expect(try connect(4) == .admitted(inPlaceOf: nil))
    quota.trust(FlowID(2))
    #expect(try connect(5) == .refused)
    quota.end(FlowID(1))
    #expect(try connect(6) == .admitted(inPlaceOf: nil))
  }

  @Test(
    "a neighbourhood of strangers is bounded, also one that has many networks of 64 bits",
    arguments: [("203.0.113.", "203.0.114.1"), ("2001:db8:1:%::1", "2001:db8:2::1")])
  func neighbours(_ pattern: String, elsewhere: String) throws {
    var quota = ConnectionQuota(limits { $0.strangersNearby = 10 })
    for number in 0..<12 {
      let text =
        pattern.contains("%") ? pattern.replacing("%", with: "\(number)") : "\(pattern)\(number)"
      let verdict = quota.admit(
        FlowID(UInt64(number)), from: try address(text), in: .unknown, at: now)
      #expect(verdict == (number < 10 ? .admitted(inPlaceOf: nil) : .refused))
    }
    let other = try address(elsewhere)
    #expect(
      quota.admit(FlowID(99), from: other, in: .unknown, at: now) == .admitted(inPlaceOf: nil))
  }

  @Test(
    "A12: strangers keep no phone away from where phones are known, nor a carrier, however many they are",
    arguments: [ConnectionQuota.Place.acquainted, .spared])
  func known(place: ConnectionQuota.Place) throws {
    var quota = ConnectionQuota(
      limits {
        ($0.strangersNearby, $0.strangersPerAddress, $0.connectionsPerAddress) = (4, 2, 3)
        $0.arrivals = Rate(perSecond: 1, burst: 2)
      })
    for number: UInt64 in 1...4 {
      _ = quota.admit(
        FlowID(number), from: try address("203.0.113.\(number)"), in: .unknown, at: now)
    }
    let home = try address("203.0.113.9")
    func connect(_ number: UInt64) -> ConnectionQuota.Verdict {
      quota.admit(FlowID(number), from: home, in: place, at: now)
    }
    #expect(connect(5) == .admitted(inPlaceOf: nil), "beside a crowd")
    #expect(connect(6) == .admitted(inPlaceOf: nil))
    #expect(connect(7) == .admitted(inPlaceOf: FlowID(5)), "and behind strangers of its own")
    quota.trust(FlowID(6))
    #expect(connect(8) == .admitted(inPlaceOf: nil))
    #expect(connect(9) == .admitted(inPlaceOf: FlowID(7)), "who is proven stays")
    for number: UInt64 in [8, 9] { quota.trust(FlowID(number)) }
    #expect(connect(10) == .refused, "all are in use")
  }

  @Test("where strangers have used up their share, the first of them makes room, no friend")
  func displaced() throws {
    var quota = ConnectionQuota(limits { ($0.strangers, $0.connections) = (3, 5) })
    for number in 1...3 {
      _ = quota.admit(
        FlowID(UInt64(number)), from: try address("203.0.\(number).1"), in: .unknown, at: now)
    }
    quota.trust(FlowID(1))
    #expect(
      quota.admit(FlowID(4), from: try address("203.0.4.1"), in: .unknown, at: now)
        == .admitted(inPlaceOf: nil))
    #expect(
      quota.admit(FlowID(5), from: try address("203.0.5.1"), in: .unknown, at: now)
        == .admitted(inPlaceOf: FlowID(2)))
    for number: UInt64 in 3...5 { quota.trust(FlowID(number)) }
    #expect(
      quota.admit(FlowID(6), from: try address("203.0.6.1"), in: .unknown, at: now)
        == .admitted(inPlaceOf: nil))
    #expect(
      quota.admit(FlowID(7), from: try address("203.0.7.1"), in: .unknown, at: now)
        == .admitted(inPlaceOf: FlowID(6)), "all are in use")
    quota.trust(FlowID(7))
    #expect(
      quota.admit(FlowID(8), from: try address("203.0.8.1"), in: .unknown, at: now) == .refused)
  }

  @Test(
    "a source begins so many connections at once, then so many a second", arguments: sources)
  func rate(_ one: String, _ same: String) throws {
    var quota = ConnectionQuota(limits { $0.arrivals = Rate(perSecond: 1, burst: 2) })
    let source = try address(one)
    for number: UInt64 in 1...3 {
      let verdict = quota.admit(
        FlowID(number), from: number == 2 ? try address(same) : source, in: .unknown, at: now)
      #expect(verdict == (number < 3 ? .admitted(inPlaceOf: nil) : .refused))
      quota.end(FlowID(number))
    }
    #expect(
      quota.admit(FlowID(4), from: source, in: .unknown, at: now + .seconds(1))
        == .admitted(inPlaceOf: nil))
  }

  @Test("who comes and goes leaves nothing behind, and who proves himself neither")
  func bounded() throws {
    var quota = ConnectionQuota(limits { $0.arrivals = Rate(perSecond: 1_000, burst: 100_000) })
    let source = try address("203.0.113.9")
    for number: UInt64 in 1...10_000 {
      _ = quota.admit(FlowID(number), from: source, in: .unknown, at: now)
      if number % 2 == 0 { quota.trust(FlowID(number)) }
      quota.end(FlowID(number))
    }
    #expect(quota.arrivalsRemembered == 0)
  }

  @Test("the connections of a network are found, whatever its length")
  func networks() throws {
    var quota = ConnectionQuota(StreamLimits())
    let addresses = ["203.0.113.9", "203.0.113.10", "203.0.114.9", "2001:db8::1", "2001:db8::2"]
    for (number, text) in addresses.enumerated() {
      _ = quota.admit(FlowID(UInt64(number)), from: try address(text), in: .unknown, at: now)
    }
    func found(_ network: String) throws -> [FlowID] {
      quota.connections(from: try #require(IPNetwork(network)))
    }
    #expect(try found("203.0.113.9") == [FlowID(0)])
    #expect(try found("203.0.113.0/24") == [FlowID(0), FlowID(1)])
    #expect(try found("203.0.0.0/16") == [FlowID(0), FlowID(1), FlowID(2)])
    #expect(try found("2001:db8::2") == [FlowID(4)])
    #expect(try found("2001:db8::/32") == [FlowID(3), FlowID(4)])
    #expect(try found("::/0") == [FlowID(3), FlowID(4)])
    quota.end(FlowID(0))
    #expect(try found("203.0.113.9").isEmpty)
  }
}
