import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Carriers that do not have our registration, or not as we ask for it.
@Suite struct TrunkRegistrationTests {
  private func tooBrief(_ minimum: UInt32?) -> ResponseDraft {
    ResponseDraft(423, headers: minimum.map { [HeaderDraft(.minExpires, "\($0)")] } ?? [])
  }

  @Test(
    "RFC 3261 §10.3: a carrier that is content with no Expires is asked again after a pause",
    arguments: [nil, 60, 600, 3_000, 90_000])
  func neverLongEnough(minimum: UInt32?) throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0)
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
    let (bench, _, carrier) = try Bench.registering(probe: 0)
    carrier.registrar = { self.tooBrief(($0.expires ?? 0) + 1) }
    bench.run(for: .seconds(60))
    #expect(carrier.received(.register).compactMap(\.expires) == [600, 601, 602, 603])
    bench.run(for: .seconds(3_600))
    #expect(carrier.received(.register).count < 30)
  }

  @Test("A carrier that wants it for longer is given that at once")
  func longer() throws {
    let (bench, _, carrier) = try Bench.registering(probe: 0)
    carrier.registrar = { ($0.expires ?? 0) < 1_800 ? self.tooBrief(1_800) : nil }
    bench.run(for: .seconds(2))
    #expect(carrier.received(.register).compactMap(\.expires) == [600, 1_800])
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }

  @Test("While a carrier refuses our registration its answers to OPTIONS do not bring it up")
  func refused() throws {
    let (bench, phone, carrier) = try Bench.registering(probe: 30)
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
    let (bench, _, carrier) = try Bench.registering(probe: 30)
    carrier.registrar = { _ in ResponseDraft(403) }
    bench.run(for: .seconds(100))
    #expect(bench.state(ofTrunk: "carrier") == "down")
    bench.town.document.trunks[0].registration = nil
    try bench.adopt(revision: 2)
    bench.run(for: .seconds(31))
    #expect(bench.state(ofTrunk: "carrier") == "up")
  }
}
