import Directory
import Elements
import SIP
import SIPSyntax
import Testing

@testable import Switch

@Suite struct RefreshTests {
  /// What a phone says in one REGISTER; mostly what it said before.
  private struct Script {
    var random: SplitMix
    var sequence = 0

    private mutating func pick(_ usual: String, _ others: String...) -> String {
      Int.random(in: 0..<10, using: &random) > 0
        ? usual : others.randomElement(using: &random) ?? ""
    }

    mutating func message() throws -> Message {
      sequence += Int.random(in: 0..<10, using: &random) > 0 ? 1 : -1
      let contact = pick(
        "<sip:101@198.51.100.7:5062>", "<sip:101@198.51.100.7:5063>", "*",
        "<sip:101@198.51.100.7:5062>;expires=0", "<sip:101@198.51.100.7:5062>;expires=120",
        "<sip:101@198.51.100.7:5062>;q=0.5", "sip:101@198.51.100.7:5062", "<tel:101>",
        "<sip:101@198.51.100.7:5062>;+sip.instance=\"<urn:a>\"",
        "<sip:101@198.51.100.7:5062>, <sip:101@198.51.100.7:5063>")
      let lines = [
        "REGISTER sip:office.example SIP/2.0", "Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKa",
        "From: <sip:101@office.example>;tag=f", "To: <sip:101@office.example>",
        "Call-ID: " + pick("a-call-of-some-length@198.51.100.7", "other"),
        "CSeq: \(max(1, sequence)) REGISTER", "Contact: \(contact)",
        pick("Expires: 3600", "Expires: 0", "Expires: 59", "Expires: 90000", "Expires: x", ""),
        pick("User-Agent: A Phone/1.0", "User-Agent: other", "User-Agent: \u{FF}", ""),
        pick("", "Path: <sip:proxy.example;lr>", "Supported: outbound"), "Content-Length: 0",
      ]
      let text = lines.filter { !$0.isEmpty }.joined(separator: "\r\n") + "\r\n\r\n"
      return try MessageParser.parse(Array(text.utf8), framing: .datagram)
    }
  }

  private func state(_ table: BindingTable, at now: Now) -> [String] {
    [
      "\(Array(table.checkpoint()))", "\(table.all(at: now.wall))", "\(table.count)",
      "\(String(describing: table.deadline))", "\(table.expiries.count)",
    ]
  }

  /// Property: the short way of a refresh does what the long way does, or nothing at all.
  @Test(arguments: UInt64(1)...10)
  func sameAsTheLongWay(seed: UInt64) throws {
    var town = Town()
    let directory = try town.rulebook().directory
    let tenant = try #require(directory.tenants.first)
    let user = Array("101".utf8)
    let found = directory.line(tenant.id, user: user.span)
    let line = try #require(found)
    var script = Script(random: SplitMix(seed: seed))
    var now = Now(instant: .start, wall: WallTime(unixMilliseconds: 1_790_000_000_000))
    var table = BindingTable()
    var refreshes = 0
    for _ in 0..<1_000 {
      now = now + .seconds(Int64.random(in: 1...900, using: &script.random))
      _ = table.expire(at: now)
      let message = try script.message()
      let isUsual = Int.random(in: 0..<20, using: &script.random) > 0
      let device = isUsual ? directory.devices[0] : directory.devices[1]
      let port: UInt16 = Int.random(in: 0..<20, using: &script.random) > 0 ? 5062 : 40_000
      // In some worlds its contact names a private address, and in all it is elsewhere now and then.
      let isHome = Int.random(in: 0..<20, using: &script.random) > 0
      let place = isHome == (seed > 5) ? "198.51.100.7" : "203.0.113.9"
      let remote = Endpoint(IPAddress(place) ?? .v4Any, port)
      let flow = Flow(transport: .udp, local: Bench.switchEndpoint, remote: remote)
      var limits = RegistrarLimits()
      limits.contactsPerExtension = Int.random(in: 0..<20, using: &script.random) > 0 ? 10 : 1

      var (short, long) = (table, table)
      let refresh = Refresh(
        device: device, line: line, message: message, flow: flow, limits: limits)
      let granted = refresh.grant(in: &short, at: now)
      var changes: [BindingChange]?
      if let wanted = try? Registration(of: line, by: device.id, in: message, on: flow, limits) {
        changes = try? long.register(wanted, limits: limits, at: now)
      }
      if let granted {
        refreshes += 1
        #expect(granted == changes)
        #expect(state(short, at: now) == state(long, at: now))
      } else {
        #expect(state(short, at: now) == state(table, at: now))
      }
      table = long
    }
    #expect(refreshes > 100)
  }
}
