import Directory
import Elements
import Testing

@testable import Switch

/// Phones that come back after a restart to an office where others guess passwords.
@Suite struct ReturnTests {
  private static let office = "198.51.100.1"

  /// Somebody behind the office's address tries so many users, in less than five seconds.
  private func guess(_ bench: Bench, users: Range<Int>) {
    for number in users {
      let thief = UserAgent(bench, user: "9\(number)", address: "\(Self.office):\(6_000 + number)")
      thief.password = "guess"
      thief.register()
    }
  }

  /// A new process that reads its journal, and has its configuration after that.
  private func restart(_ bench: Bench) throws {
    var revived = SwitchCore(configuration: bench.core.configuration, dice: .system)
    for batch in bench.journal { try revived.replay(batch) }
    bench.core = revived
    bench.recover()
    try bench.adopt(revision: 9)
  }

  @Test(
    "A06: a phone that was there by a connection is let in on another one, whoever guesses beside it"
  )
  func stream() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "\(Self.office):5062")
    phone.connect(from: 43_210, as: FlowID(7))
    phone.register()
    guess(bench, users: 0..<5)
    try restart(bench)
    guess(bench, users: 10..<40)
    let newcomer = UserAgent(bench, user: "102", address: "\(Self.office):5064")
    newcomer.register()
    #expect(newcomer.lastStatus == 401, "no turn is left for who is new there")
    phone.connect(from: 43_211, as: FlowID(8))
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 200)
    #expect(bench.core.bindings.takeDeparted().isEmpty, "and nothing of it is kept")
  }

  @Test("A06: so is one that has refreshed the same registration for days, from another port")
  func faithful() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "\(Self.office):5062")
    for number in 1...100 {
      phone.register(callID: "same", cseq: UInt32(number))
      bench.run(for: .seconds(1_800))
    }
    #expect(phone.lastStatus == 200)
    guess(bench, users: 0..<5)
    try restart(bench)
    guess(bench, users: 10..<40)
    let port = UserAgent(bench, user: "101", address: "\(Self.office):7777")
    port.register()
    #expect(port.lastStatus == 200)
  }

  @Test("A phone that may not be there any more makes no friend of its place")
  func dismissed() throws {
    let bench = try Bench()
    let phone = UserAgent(bench, user: "101", address: "\(Self.office):5062")
    phone.connect(from: 43_210, as: FlowID(7))
    phone.register()
    guess(bench, users: 0..<5)
    let town = bench.town
    bench.town.office("101") { $0.devices[0].sources = ["192.0.2.0/24"] }
    try restart(bench)
    bench.town = town
    try bench.adopt(revision: 10)
    guess(bench, users: 10..<40)
    phone.connect(from: 43_211, as: FlowID(8))
    phone.register(cseq: 2)
    #expect(phone.lastStatus == 401, "he is new there")
  }
}
