import Elements
import Guard
import SIP
import SIPSyntax
import Testing

@testable import Switch

/// Who asks about instead of calling, and what the answers tell him (docs/guard.md, A01, A02, A13).
@Suite struct ProbeTests {
  private static let address = "203.0.113.9"

  /// A request without credentials, of a scanner that names nobody.
  private func request(
    _ method: String, _ target: String, _ number: Int, agent: String = "x"
  )
    -> [UInt8]
  {
    let text = """
      \(method) \(target) SIP/2.0\r
      Via: SIP/2.0/UDP \(Self.address);branch=z9hG4bK\(number)\r
      f: <\(target)>;tag=1\r
      t: <\(target)>\r
      i: \(number)\r
      CSeq: 1 \(method)\r
      User-Agent: \(agent)\r
      l: 0\r
      \r

      """
    return Array(text.utf8)
  }

  /// Of a connection of its own, or of one socket.
  private func flow(
    _ number: Int, _ transport: Transport, from address: String = Self.address
  ) -> Flow {
    let isStream = transport.isReliable
    return Flow(
      transport: transport, local: Bench.switchEndpoint,
      remote: Endpoint(IPAddress(address) ?? .v4Any, UInt16(isStream ? 10_000 + number : 5_060)),
      connection: isStream ? FlowID(UInt64(number)) : nil)
  }

  private func isBanned(_ bench: Bench, _ address: String = Self.address) -> Bool {
    bench.core.admission.admit(Source(flow(999, .tcp, from: address)), at: bench.now) == .banned
  }

  @Test(
    "A01: twenty users asked for by TCP, at our address or by OPTIONS, ban; one asked for often does not",
    arguments: ["INVITE", "OPTIONS"], [address, "::ffff:203.0.113.9", "2001:db8:9::9"])
  func scanner(method: String, from address: String) throws {
    let host = method == "INVITE" ? "\(Bench.switchEndpoint.address)" : Town.domain
    func scan(_ transport: Transport, _ user: (Int) -> Int) throws -> Bool {
      let bench = try Bench()
      for number in 0..<20 {
        #expect(!isBanned(bench, address))
        let bytes = request(method, "sip:\(user(number))@\(host)", number)
        bench.happen(.received(bytes, flow(number, transport, from: address)))
      }
      return isBanned(bench, address)
    }
    #expect(try scan(.tcp) { 100 + $0 })
    #expect(try !scan(.tcp) { _ in 100 })
    #expect(try !scan(.udp) { 100 + $0 })
  }

  @Test(
    "A monitor that asks the server alone, and a gateway with one wrong domain, are no scanners")
  func honest() throws {
    let bench = try Bench()
    for number in 0..<30 {
      bench.happen(
        .received(request("OPTIONS", "sip:t\(number).example", number), flow(number, .tcp)))
      bench.happen(
        .received(
          request("INVITE", "sip:\(number)@wrong.example", 100 + number), flow(100 + number, .tcp)))
    }
    #expect(!isBanned(bench))
  }

  @Test("A13: a short datagram gets one challenge, whatever its sender says that he is")
  func reflection() throws {
    func challenges(_ transport: Transport, _ agent: String) throws -> Int {
      let bench = try Bench()
      let bytes = request("REGISTER", "sip:\(Town.domain)", 1, agent: agent)
      bench.happen(.received(bytes, flow(1, transport)))
      #expect(bench.sent.count == 1)
      let answer = bench.sent.first?.text ?? ""
      #expect(answer.hasPrefix("SIP/2.0 401"))
      let lines = answer.split(separator: "\r\n")
      return lines.count { $0.hasPrefix("WWW-Authenticate") }
    }
    #expect(try challenges(.udp, "Linphone/5") == 1)
    #expect(try challenges(.tcp, "Linphone/5") == 2)
    #expect(try challenges(.udp, "Linphone/5 \(String(repeating: "x", count: 400))") == 2)
  }

  @Test(
    "A09, A13: an INVITE without credentials is answered once and leaves nothing, however often it comes"
  )
  func uncredentialed() throws {
    let bench = try Bench()
    for number in 0..<50 {
      bench.happen(.received(request("INVITE", "sip:101@\(Town.domain)", number), flow(1, .udp)))
      #expect(bench.core.load.sip.serverTransactions == 0)
    }
    bench.run(for: .seconds(64))
    #expect(bench.sent.count == 50, "none of them again")
    #expect(bench.sent.allSatisfy { $0.text.hasPrefix("SIP/2.0 401") })
    #expect(bench.loadAtRest().isAtRest && bench.records.isEmpty)
  }

  /// An answer without what differs in any two: what it echoes, nonces, and the letters of tags.
  private func shape(_ answer: String) -> [String] {
    answer.split(separator: "\r\n").map { line in
      let name = line.prefix { $0 != ":" }
      return switch name {
      case "Via", "From", "Call-ID", "CSeq": "\(name)"
      case "To": "To \(line.split(separator: ";tag=").last?.count ?? 0)"
      case _: String(line.replacing(/nonce="[^"]{27}"/, with: "nonce"))
      }
    }
  }

  @Test(
    "A02: unknown, wrong, closed and besieged users get the same answer line by line",
    arguments: [false, true])
  func alike(isCall: Bool) throws {
    func answer(
      _ user: String, _ password: String, before: (Bench) -> Void = { _ in }
    ) throws
      -> [String]
    {
      let bench = try Bench()
      before(bench)
      let stranger = UserAgent(bench, user: user, address: "\(Self.address):5062")
      stranger.password = password
      bench.sent.removeAll()
      if isCall {
        stranger.call("102")
        bench.run(for: .seconds(1))
      } else {
        stranger.register()
      }
      let answers = bench.sent.map(\.text).filter { $0.hasPrefix("SIP/2.0 4") }
      #expect(answers.count == 2)
      return shape(answers.last ?? "")
    }
    func guess(_ bench: Bench, from address: String, _ count: Int) {
      let thief = UserAgent(bench, user: "101", address: address)
      for number in 0..<count {
        thief.password = "guess \(number)"
        thief.register()
      }
    }
    let wrong = try answer("101", "guess")
    #expect(wrong.contains { $0.hasPrefix("WWW-Authenticate") })
    #expect(try answer("999", "guess") == wrong)
    #expect(
      try answer("101", Town.password) { guess($0, from: "\(Self.address):7000", 11) } == wrong,
      "closed")
    let besieged = try answer("101", Town.password) { bench in
      for host in 0..<25 { guess(bench, from: "10.9.\(host).1:5060", 1) }
    }
    #expect(besieged == wrong, "besieged")
  }
}
