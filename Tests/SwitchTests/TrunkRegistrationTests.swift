import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Carriers that do not have our registration, or not as we ask for it.
@Suite struct TrunkRegistrationTests {
  /// The first carrier wants a registration.
  private func registering(
    probe: Int, over transport: String = "udp"
  ) throws -> (
    bench: Bench, phone: UserAgent, carrier: UserAgent
  ) {
    var town = Town()
    town.document.trunks[0].address = "sip:192.0.2.50:5060;transport=\(transport)"
    town.document.trunks[0].probeSeconds = probe
    town.document.trunks[0].registration = RegistrationEntry(
      credentials: TrunkCredentials(
        username: "martinet", password: SecretText(Secret("carrier secret"))))
    let bench = try Bench(town)
    let (phone, carrier, _) = bench.phoneAndCarriers()
    carrier.manner = .answers(after: .seconds(1))
    return (bench, phone, carrier)
  }

  private func tooBrief(_ minimum: UInt32?) -> ResponseDraft {
    ResponseDraft(423, headers: minimum.map { [HeaderDraft(.minExpires, "\($0)")] } ?? [])
  }

  @Test(
    "RFC 3261 §10.3: a carrier that is content with no Expires is asked again after a pause",
    arguments: [nil, 60, 600, 3_000, 90_000])
  func neverLongEnough(minimum: UInt32?) throws {
    let (bench, _, carrier) = try registering(probe: 0)
    carrier.registrar = { _ in self.tooBrief(minimum) }
    bench.run(for: .seconds(60))
    #expect((1...3).contains(carrier.received(.register).count))
    #expect(bench.state(ofTrunk: "carrier") == "registering")
    #expect(bench.reason(ofTrunk: "carrier") == "the carrier answered 423")
    bench.run(for: .seconds(3_600))
    #expect(carrier.received(.register).count < 20)
    carrier.registrar = nil
    bench.run(for: .seconds(901))
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("A carrier that wants a little more each time is asked once at once, then after a pause")
  func alwaysMore() throws {
    let (bench, _, carrier) = try registering(probe: 0)
    carrier.registrar = { self.tooBrief(($0.expires ?? 0) + 1) }
    bench.run(for: .seconds(60))
    #expect(carrier.received(.register).compactMap(\.expires) == [600, 601, 602, 603])
    bench.run(for: .seconds(3_600))
    #expect(carrier.received(.register).count < 30)
  }

  @Test("A carrier that wants it for longer is given that at once")
  func longer() throws {
    let (bench, _, carrier) = try registering(probe: 0)
    carrier.registrar = { ($0.expires ?? 0) < 1_800 ? self.tooBrief(1_800) : nil }
    bench.run(for: .seconds(2))
    #expect(carrier.received(.register).compactMap(\.expires) == [600, 1_800])
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("While a carrier refuses our registration its answers to OPTIONS do not bring it up")
  func refused() throws {
    let (bench, phone, carrier) = try registering(probe: 30)
    carrier.registrar = { _ in ResponseDraft(403) }
    for _ in 0..<12 {
      bench.run(for: .seconds(300))
      phone.call("976333444")
      bench.run(for: .seconds(2))
      #expect(phone.lastStatus == 200)
      phone.hangUp()
    }
    #expect(carrier.received(.options).count > 100 && carrier.received(.invite).isEmpty)
    #expect(bench.state(ofTrunk: "carrier") == "down")
    #expect(
      bench.reason(ofTrunk: "carrier") == "its registration failed: the carrier answered 403")
    let kinds = { bench.alerts.map(\.kind).filter { $0 == .trunkDown || $0 == .trunkUp } }
    #expect(kinds() == [.trunkDown])
    carrier.registrar = nil
    bench.run(for: .seconds(901))
    #expect(kinds() == [.trunkDown, .trunkUp] && bench.state(ofTrunk: "carrier") == "up")
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).count == 1)
  }

  @Test("A refused registration that is taken out of the settings keeps nothing down")
  func refusedThenUnconfigured() throws {
    let (bench, _, carrier) = try registering(probe: 30)
    carrier.registrar = { _ in ResponseDraft(403) }
    bench.run(for: .seconds(100))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    bench.town.document.trunks[0].registration = nil
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(31))
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("RFC 5626 §4.4: when the connection that it was accepted on ends, it is renewed at once")
  func connectionEnds() throws {
    let (bench, _, carrier) = try registering(probe: 0, over: "tcp")
    carrier.connection = FlowID(7)
    bench.run(for: .seconds(90))
    #expect(carrier.received(.register).count == 1)
    bench.happen(.flowClosed(FlowID(8)))
    bench.run(for: .seconds(1))
    #expect(carrier.received(.register).count == 1)
    carrier.connection = FlowID(9)
    bench.happen(.flowClosed(FlowID(7)))
    bench.run(for: .seconds(1))
    #expect(carrier.received(.register).count == 2)
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("A carrier that closes each connection behind its answer is not asked without end")
  func closesEach() throws {
    let (bench, _, carrier) = try registering(probe: 0, over: "tcp")
    for number in 1...290 {
      carrier.connection = FlowID(UInt64(number))
      bench.run(for: .seconds(1))
      bench.happen(.flowClosed(FlowID(UInt64(number))))
    }
    #expect(carrier.received(.register).count <= 5)
  }

  @Test("A connection that ends soon after the acceptance: it is renewed when a minute is over")
  func connectionEndsEarly() throws {
    let (bench, _, carrier) = try registering(probe: 0, over: "tcp")
    carrier.connection = FlowID(7)
    bench.run(for: .seconds(20))
    bench.happen(.flowClosed(FlowID(7)))
    carrier.connection = FlowID(9)
    bench.run(for: .seconds(20))
    #expect(carrier.received(.register).count == 1)
    bench.run(for: .seconds(30))
    #expect(carrier.received(.register).count == 2)
    bench.run(for: .seconds(200))
    #expect(carrier.received(.register).count == 2)
  }

  @Test(
    "A refresh that fails brings nothing down while the carrier has what it accepted",
    arguments: [500, nil] as [StatusCode?])
  func refreshFails(status: StatusCode?) throws {
    let (bench, phone, carrier) = try registering(probe: 30)
    bench.run(for: .seconds(60))
    carrier.registrar = { _ in status.map { ResponseDraft($0) } }
    carrier.ignoresRegister = status == nil
    bench.run(for: .seconds(500))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(bench.reason(ofTrunk: "carrier")?.contains("its registration was not renewed") == true)
    phone.call("976333444")
    bench.run(for: .seconds(2))
    #expect(carrier.received(.invite).count == 1)
    bench.run(for: .seconds(100))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    carrier.ignoresRegister = false
    carrier.registrar = nil
    bench.run(for: .seconds(70))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(bench.reason(ofTrunk: "carrier") == "")
  }

  @Test("A carrier that was silent and is back may have begun anew: it is registered with at once")
  func backAgain() throws {
    let (bench, _, carrier) = try registering(probe: 30)
    bench.run(for: .seconds(20))
    carrier.mute = true
    bench.run(for: .seconds(200))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    let before = carrier.received(.register).count
    #expect(before == 1)
    carrier.mute = false
    bench.run(for: .seconds(50))
    #expect(bench.state(ofTrunk: "carrier") == "up")
    #expect(carrier.received(.register).count == 2)
  }
}
